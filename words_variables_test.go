package onward_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"slices"
	"strings"
	"testing"
)

// particles are words that name nothing: a variable says what it holds. Words that are also ordinary in Go (got, all, next, until) are left out.
var particles = strings.Fields(`at of is by own was on told it one ones so as had has its others same that this these those them they there here
	where when what which who whom whose how why then than with without within behind beside beyond above below under over into onto upon off
	through against among also again still yet already once twice did does do be been am are were can could may might must shall should will would
	given taken said made meant named stood held kept gone begun much many such alike about else self itself ours mine theirs us our their far
	near away apart together later earlier`)

// countParticles returns the share of variables, parameters and results whose name is a particle, in percent.
func countParticles(t *testing.T) float64 {
	t.Helper()
	all, odd := 0, 0
	count := func(names ...*ast.Ident) {
		for _, name := range names {
			if name.Name == "_" {
				continue
			}
			all++
			if slices.Contains(particles, name.Name) {
				odd++
			}
		}
	}
	countFields := func(list *ast.FieldList) {
		if list != nil {
			for _, f := range list.List {
				count(f.Names...)
			}
		}
	}
	countDefined := func(define token.Token, list ...ast.Expr) {
		for _, e := range list {
			if name, ok := e.(*ast.Ident); ok && define == token.DEFINE {
				count(name)
			}
		}
	}
	for file, data := range written(t) {
		tree, err := parser.ParseFile(token.NewFileSet(), file, data, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				countFields(n.Recv)
			case *ast.FuncType:
				countFields(n.Params)
				countFields(n.Results)
			case *ast.AssignStmt:
				countDefined(n.Tok, n.Lhs...)
			case *ast.RangeStmt:
				countDefined(n.Tok, n.Key, n.Value)
			case *ast.ValueSpec:
				count(n.Names...)
			}
			return true
		})
	}
	return math.Ceil(10000*float64(odd)/float64(max(all, 1))) / 100
}
