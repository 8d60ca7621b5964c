package goose

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// A migration in Go may pass string literals to Exec, one after the other: that is SQL in
// another form. Its other code, most loops, and strings that it puts together are not read.

// wayUp is the part of such a program that is read.
type wayUp struct {
	parts []script.Part
	// whole is set if the program does nothing besides parts.
	whole bool
}

// readGoMigration reads the up migration of a program that registers itself with goose.
func readGoMigration(text string) wayUp {
	files := token.NewFileSet()
	file, err := goparser.ParseFile(files, "", text, goparser.SkipObjectResolution)
	if err != nil {
		return wayUp{}
	}
	g := &program{text: text, offset: func(p token.Pos) int { return files.Position(p).Offset }, values: map[string]ast.Expr{}, funcs: map[string]*ast.FuncDecl{}}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil {
				g.funcs[d.Name.Name] = d
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok {
					g.defineNames(v.Names, v.Values)
				}
			}
		}
	}
	body := g.upFunction(file)
	if body == nil {
		return wayUp{}
	}
	g.whole = true
	g.readStatements(body.List)
	return g.wayUp
}

type program struct {
	wayUp
	text   string
	offset func(token.Pos) int
	values map[string]ast.Expr // of constants and variables
	funcs  map[string]*ast.FuncDecl
}

func (g *program) defineNames(names []*ast.Ident, values []ast.Expr) {
	for i, n := range names {
		if len(values) == len(names) {
			g.values[n.Name] = values[i]
		}
	}
}

// upFunction returns the body of the function that is registered for the up migration: the first
// function among the arguments.
func (g *program) upFunction(file *ast.File) *ast.BlockStmt {
	var body *ast.BlockStmt
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || body != nil {
			return body == nil
		}
		if receiver, name := splitCall(call); receiver != "goose" || !strings.HasPrefix(name, "Add") {
			return true
		}
		for _, a := range call.Args {
			switch a := a.(type) {
			case *ast.FuncLit:
				body = a.Body
			case *ast.Ident:
				if f := g.funcs[a.Name]; f != nil {
					body = f.Body
				}
			}
			if body != nil {
				return false
			}
		}
		return true
	})
	return body
}

// splitCall splits a call of tx.ExecContext into both names; receiver is "" if the receiver is not a
// plain name.
func splitCall(call *ast.CallExpr) (receiver, name string) {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		receiver = x.Name
	}
	return receiver, s.Sel.Name
}

// readStatements reads statements in their order. An if around an Exec is a check of its error.
func (g *program) readStatements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			var names []*ast.Ident
			for _, l := range s.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					names = append(names, id)
				}
			}
			g.defineNames(names, s.Rhs)
			g.readCalls(s)
		case *ast.IfStmt:
			if s.Init != nil {
				g.readStatements([]ast.Stmt{s.Init})
			}
			g.readCalls(s.Cond)
			g.readConditional(s.Body)
			if s.Else != nil {
				g.readConditional(s.Else)
			}
		case *ast.RangeStmt:
			g.readLoop(s)
		case *ast.ExprStmt, *ast.ReturnStmt, *ast.DeclStmt:
			g.readCalls(s)
		default:
			g.readConditional(s)
		}
	}
}

// readLoop reads a loop over the texts of a list.
func (g *program) readLoop(s *ast.RangeStmt) {
	list, ok := g.resolveValue(s.X).(*ast.CompositeLit)
	item, isIdent := s.Value.(*ast.Ident)
	if !ok || !isIdent {
		g.readConditional(s)
		return
	}
	for _, text := range list.Elts {
		g.values[item.Name] = text
		g.readStatements(s.Body.List)
	}
}

func (g *program) resolveValue(e ast.Expr) ast.Expr {
	if id, ok := e.(*ast.Ident); ok {
		return g.values[id.Name]
	}
	return e
}

// readConditional handles code that does not always run next: the SQL in it may not be sent.
func (g *program) readConditional(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && !isHarmless(call) {
			g.whole = false
		}
		return true
	})
}

// readCalls reads the calls in a statement or an expression.
func (g *program) readCalls(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			g.readConditional(n.Body)
			return false
		case *ast.CallExpr:
			if isHarmless(n) {
				return true
			}
			_, name := splitCall(n)
			argumentIndex := map[string]int{"Exec": 0, "ExecContext": 1, "MustExec": 0, "MustExecContext": 1}
			if i, ok := argumentIndex[name]; !ok || len(n.Args) <= i || !g.recordText(n.Args[i]) {
				g.whole = false
			}
			return false
		}
		return true
	})
}

// isHarmless reports whether a call has nothing to do with the database.
func isHarmless(call *ast.CallExpr) bool {
	switch receiver, name := splitCall(call); receiver {
	case "fmt", "errors", "log", "slog":
		return true
	case "":
		id, ok := call.Fun.(*ast.Ident)
		return name == "" && ok && (id.Name == "panic" || id.Name == "len" || id.Name == "string")
	}
	return false
}

// recordText records the text that Exec gets, if it is a literal.
func (g *program) recordText(e ast.Expr) bool {
	lit, ok := g.resolveValue(e).(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING || lit.Value[0] == '"' && strings.Contains(lit.Value, `\`) {
		return false
	}
	from := g.offset(lit.Pos()) + 1
	p := adapter.TrimmedPart(g.text, from, from+len(lit.Value)-2)
	if p.SQL == "" {
		return true
	}
	p.Message = true
	p.Line = 1 + strings.Count(g.text[:from], "\n")
	if lit.Value[0] == '"' {
		// A literal in double quotes has no room for another line: the part has a position and no offset.
		p.Column = p.Start - strings.LastIndexByte(g.text[:p.Start], '\n')
		p.EndLine, p.EndColumn, p.Start = p.Line, p.Column+len(p.SQL), -1
	}
	g.parts = append(g.parts, p)
	return true
}
