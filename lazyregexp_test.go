package onward_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"
)

// TestPatterns compiles each pattern of [lazyregexp], which otherwise fails at its first use. Those with a part that is no literal run
// in their package's tests.
func TestPatterns(t *testing.T) {
	t.Parallel()
	literals, others := 0, 0
	for file, data := range written(t) {
		if !bytes.Contains(data, []byte("lazyregexp.New(")) {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, data, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "New" || !isNamed(f.X, "lazyregexp") {
				return true
			}
			pattern, ok := joinLiterals(call.Args[0])
			if !ok {
				others++
				return true
			}
			literals++
			if _, err := regexp.Compile(pattern); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			return true
		})
	}
	if literals < 900 || others > 120 {
		t.Errorf("%d patterns are literals, and %d are not: want 900 or more, and at most 120", literals, others)
	}
}

func isNamed(e ast.Expr, name string) bool {
	x, ok := e.(*ast.Ident)
	return ok && x.Name == name
}

// joinLiterals returns the text of a literal, or of several that are added.
func joinLiterals(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		left, isLeft := joinLiterals(e.X)
		right, isRight := joinLiterals(e.Y)
		return left + right, isLeft && isRight
	}
	return "", false
}
