package goose

import (
	"go/ast"
	goparser "go/parser"
	"go/token"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// A migration in Go that gives literals to Exec, one after the other, is SQL in another
// wrapping. What it does else, its loops and what it puts together, is not read.

// wayUp is what is read of such a program.
type wayUp struct {
	parts []script.Part
	// whole says that it does nothing but what parts do.
	whole bool
}

// readGo reads the up migration of a program that registers itself with goose.
func readGo(text string) wayUp {
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
					g.define(v.Names, v.Values)
				}
			}
		}
	}
	body := g.up(file)
	if body == nil {
		return wayUp{}
	}
	g.whole = true
	g.read(body.List)
	return g.wayUp
}

type program struct {
	wayUp
	text   string
	offset func(token.Pos) int
	values map[string]ast.Expr // of constants and variables
	funcs  map[string]*ast.FuncDecl
}

func (g *program) define(names []*ast.Ident, values []ast.Expr) {
	for i, n := range names {
		if len(values) == len(names) {
			g.values[n.Name] = values[i]
		}
	}
}

// up is the body of the function that is registered for the up migration: the first one among
// the arguments.
func (g *program) up(file *ast.File) *ast.BlockStmt {
	var body *ast.BlockStmt
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || body != nil {
			return body == nil
		}
		if on, name := selected(call); on != "goose" || !strings.HasPrefix(name, "Add") {
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

// selected splits a call of tx.ExecContext into both names; on is "" where something
// else than a name stands in front.
func selected(call *ast.CallExpr) (on, name string) {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	if x, ok := s.X.(*ast.Ident); ok {
		on = x.Name
	}
	return on, s.Sel.Name
}

// read takes statements in their order. An if around an Exec is that for its error.
func (g *program) read(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.AssignStmt:
			var names []*ast.Ident
			for _, l := range s.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					names = append(names, id)
				}
			}
			g.define(names, s.Rhs)
			g.calls(s)
		case *ast.IfStmt:
			if s.Init != nil {
				g.read([]ast.Stmt{s.Init})
			}
			g.calls(s.Cond)
			g.otherwise(s.Body)
			if s.Else != nil {
				g.otherwise(s.Else)
			}
		case *ast.RangeStmt:
			g.each(s)
		case *ast.ExprStmt, *ast.ReturnStmt, *ast.DeclStmt:
			g.calls(s)
		default:
			g.otherwise(s)
		}
	}
}

// each reads a loop over the texts of a list.
func (g *program) each(s *ast.RangeStmt) {
	list, ok := g.value(s.X).(*ast.CompositeLit)
	item, named := s.Value.(*ast.Ident)
	if !ok || !named {
		g.otherwise(s)
		return
	}
	for _, text := range list.Elts {
		g.values[item.Name] = text
		g.read(s.Body.List)
	}
}

func (g *program) value(e ast.Expr) ast.Expr {
	if id, ok := e.(*ast.Ident); ok {
		return g.values[id.Name]
	}
	return e
}

// otherwise is code that does not simply come next: what it sends may not be sent.
func (g *program) otherwise(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && !harmless(call) {
			g.whole = false
		}
		return true
	})
}

// calls takes the calls of a statement or an expression.
func (g *program) calls(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			g.otherwise(n.Body)
			return false
		case *ast.CallExpr:
			if harmless(n) {
				return true
			}
			_, name := selected(n)
			at := map[string]int{"Exec": 0, "ExecContext": 1, "MustExec": 0, "MustExecContext": 1}
			if i, ok := at[name]; !ok || len(n.Args) <= i || !g.send(n.Args[i]) {
				g.whole = false
			}
			return false
		}
		return true
	})
}

// harmless reports whether a call has nothing to do with the database.
func harmless(call *ast.CallExpr) bool {
	switch on, name := selected(call); on {
	case "fmt", "errors", "log", "slog":
		return true
	case "":
		id, ok := call.Fun.(*ast.Ident)
		return name == "" && ok && (id.Name == "panic" || id.Name == "len" || id.Name == "string")
	}
	return false
}

// send takes the text that Exec is given, if it is a literal.
func (g *program) send(e ast.Expr) bool {
	lit, ok := g.value(e).(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING || lit.Value[0] == '"' && strings.Contains(lit.Value, `\`) {
		return false
	}
	from := g.offset(lit.Pos()) + 1
	p := adapter.Part(g.text, from, from+len(lit.Value)-2)
	if p.SQL == "" {
		return true
	}
	p.Message = true
	if lit.Value[0] == '"' {
		// It has no room for another line.
		p.Line = 1 + strings.Count(g.text[:p.Start], "\n")
		p.Column = p.Start - strings.LastIndexByte(g.text[:p.Start], '\n')
		p.EndLine, p.EndColumn, p.Start = p.Line, p.Column+len(p.SQL), -1
	}
	g.parts = append(g.parts, p)
	return true
}
