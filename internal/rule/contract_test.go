package rule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// exports is how many functions, methods of exported types, types, variables and
// constants this package may export: it is the contract of rules and their engine, and
// whoever writes a rule reads it whole. What several rules reason with has its home in
// internal/analysis, words that several say in internal/advice.
const exports = 110

// TestContractIsSmall counts what the package exports.
func TestContractIsSmall(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			names = append(names, exported(d)...)
		}
	}
	if len(names) > exports {
		t.Errorf("%d exported names, at most %d: %s", len(names), exports, strings.Join(names, " "))
	}
	if len(names) < exports-20 {
		t.Errorf("%d exported names: lower the limit of %d", len(names), exports)
	}
}

// exported lists what a declaration exports.
func exported(d ast.Decl) []string {
	var names []string
	add := func(owner string, id *ast.Ident) {
		if id.IsExported() {
			names = append(names, owner+id.Name)
		}
	}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			add("", d.Name)
		} else if owner := receiver(d.Recv.List[0].Type); ast.IsExported(owner) {
			add(owner+".", d.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				add("", s.Name)
			case *ast.ValueSpec:
				for _, id := range s.Names {
					add("", id)
				}
			}
		}
	}
	return names
}

// receiver is the name of the type of a method.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}
