package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fault is a place in the code ("plan.go:12:3") and, in words, its change while the fault is planted.
type fault struct{ place, words string }

// helpers is the file that every package gets: it asks the environment which fault is planted.
const helpers = `

import (
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
)

var plantedMutant, reachedMutants = func() (int, *os.File) {
	n, err := strconv.Atoi(os.Getenv("ONWARD_MUTANT"))
	if err != nil {
		n = -1
	}
	if name := os.Getenv("ONWARD_MUTANTS_REACHED"); name != "" {
		if f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
			return n, f
		}
	}
	return n, nil
}()

var reachedOnce [mutants]atomic.Bool

func isMutant(n int) bool {
	if reachedMutants != nil && !reachedOnce[n].Load() && reachedOnce[n].CompareAndSwap(false, true) {
		fmt.Fprintln(reachedMutants, n)
	}
	return n == plantedMutant
}

func flipMutant[B ~bool](n int, b B) B {
	if isMutant(n) {
		return !b
	}
	return b
}
`

// plantFaults writes the package's files with all faults, and the overlay that makes the compiler take them.
func plantFaults(dir, work string) (faults []fault, overlay string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, "", err
	}
	replace, name := map[string]string{}, ""
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return nil, "", err
		}
		p := planter{set: token.NewFileSet(), first: len(faults)}
		file, err := parser.ParseFile(p.set, path, src, parser.ParseComments)
		if err != nil {
			return nil, "", err
		}
		name = file.Name.Name
		if ast.IsGenerated(file) {
			continue
		}
		ast.Inspect(file, p.visitNode)
		faults = append(faults, p.faults...)
		if err := writeOverlayFile(replace, path, filepath.Join(work, filepath.Base(path)), p.insertEdits(src)); err != nil {
			return nil, "", err
		}
	}
	const added = "mutants_planted.go"
	text := fmt.Sprintf("package %s%s\nconst mutants = %d\n", name, helpers, len(faults))
	if err := writeOverlayFile(replace, filepath.Join(dir, added), filepath.Join(work, added), []byte(text)); err != nil {
		return nil, "", err
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, "", err
	}
	overlay = filepath.Join(work, "overlay.json")
	return faults, overlay, os.WriteFile(overlay, list, 0o600)
}

func writeOverlayFile(replace map[string]string, original, copied string, text []byte) error {
	path, err := filepath.Abs(original)
	if err != nil {
		return err
	}
	replace[path] = copied
	return os.WriteFile(copied, text, 0o600)
}

// planter collects the faults of a file, and the texts that plant them.
type planter struct {
	set    *token.FileSet
	first  int
	faults []fault
	edits  []edit
}

// edit is a text that is inserted. At one place, ends of inner nodes come before those of outer ones, and beginnings of outer nodes before those of
// inner ones.
type edit struct {
	offset, rank int
	text         string
}

func (p *planter) visitNode(node ast.Node) bool {
	switch n := node.(type) {
	case *ast.IfStmt:
		p.flipCondition(n.Cond, "the condition is the opposite")
	case *ast.BinaryExpr:
		if n.Op == token.LAND || n.Op == token.LOR {
			p.flipCondition(n.X, "the left side of "+n.Op.String()+" is the opposite")
			p.flipCondition(n.Y, "the right side of "+n.Op.String()+" is the opposite")
		}
	case *ast.ReturnStmt:
		for _, result := range n.Results {
			if id, ok := result.(*ast.Ident); ok && (id.Name == "true" || id.Name == "false") {
				p.flipCondition(result, "returns the opposite of "+id.Name)
			}
		}
	case *ast.BlockStmt:
		p.dropStatements(n.List)
	case *ast.CaseClause:
		p.dropStatements(n.Body)
	}
	return true
}

func (p *planter) flipCondition(e ast.Expr, words string) {
	number := p.addFault(e.Pos(), words)
	p.insertAround(e, fmt.Sprintf("flipMutant(%d, (", number), "))", number)
}

func (p *planter) dropStatements(list []ast.Stmt) {
	for _, statement := range list {
		words := "the call is left out"
		switch s := statement.(type) {
		case *ast.ExprStmt:
			if call, ok := s.X.(*ast.CallExpr); ok {
				if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
					continue
				}
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				continue
			}
			words = "the assignment is left out"
		case *ast.IncDecStmt:
			words = "the " + s.Tok.String() + " is left out"
		case *ast.BranchStmt:
			if s.Tok != token.CONTINUE {
				continue
			}
			words = "the continue is left out"
		default:
			continue
		}
		number := p.addFault(statement.Pos(), words)
		p.insertAround(statement, fmt.Sprintf("if !isMutant(%d) { ", number), " }", number)
	}
}

func (p *planter) addFault(pos token.Pos, words string) int {
	p.faults = append(p.faults, fault{p.set.Position(pos).String(), words})
	return p.first + len(p.faults) - 1
}

func (p *planter) insertAround(n ast.Node, before, after string, number int) {
	p.edits = append(p.edits, edit{p.set.Position(n.Pos()).Offset, number, before}, edit{p.set.Position(n.End()).Offset, -number, after})
}

func (p *planter) insertEdits(src []byte) []byte {
	slices.SortFunc(p.edits, func(a, b edit) int {
		if a.offset != b.offset {
			return a.offset - b.offset
		}
		return a.rank - b.rank
	})
	var out strings.Builder
	last := 0
	for _, e := range p.edits {
		out.Write(src[last:e.offset])
		out.WriteString(e.text)
		last = e.offset
	}
	out.Write(src[last:])
	return []byte(out.String())
}
