package rule

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"
)

// exports limits the number of functions, methods of exported types, types, variables and
// constants that this package exports. It is the contract of rules and engine, and
// authors of rules read all of it. Reasoning that several rules share belongs in
// internal/analysis, and shared phrases in internal/advice.
const exports = 124

// TestContractIsSmall counts the exports of the package.
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

// exported lists the names that a declaration exports.
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

// receiver returns the type name of a method's receiver.
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
