package golang

import (
	"bytes"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/code/source"
)

// FindFormatArguments returns the texts that calls such as Sprintf insert, by the offset of their verb in the file. For
// Sprintf("SELECT id FROM %s", "users") it is "users", at the offset of %s. Texts are strings and constants of the file.
func FindFormatArguments(r *source.File) map[int]string {
	hasFormat := func(l lexer.String) bool {
		text := r.Text[l.From:l.To]
		return bytes.IndexByte(text, '%') >= 0 && queries.BeginsLikeSQL(text)
	}
	if !slices.ContainsFunc(r.Strings, hasFormat) {
		return nil
	}
	fills := map[int]string{}
	tree := parseFile(r)
	for _, decl := range tree.decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && strings.HasSuffix(calleeName(call), "f") {
				fillVerbs(r, tree, call, fills)
			}
			return true
		})
	}
	return fills
}

// calleeName returns the last name of a called function.
func calleeName(call *ast.CallExpr) string {
	name := typeName(call.Fun)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// fillVerbs records the texts of one call. Verbs with a number are not read.
func fillVerbs(r *source.File, tree *syntax, call *ast.CallExpr, fills map[int]string) {
	for k, arg := range call.Args {
		format, ok := arg.(*ast.BasicLit)
		if !ok || format.Kind != token.STRING {
			continue
		}
		from, next := tree.offsetOf(format.Pos()), k+1
		text := r.Text[from:min(from+len(format.Value), len(r.Text))]
		for i := 0; i < len(text); i++ {
			if text[i] != '%' {
				continue
			}
			if i+1 < len(text) && text[i+1] == '%' {
				i++
				continue
			}
			n, _ := queries.ReadPercent(text[i:])
			if n != 2 || next >= len(call.Args) {
				return
			}
			if value := readArgument(r, call.Args[next]); value != "" {
				fills[from+i] = value
			}
			next++
		}
		return
	}
}

// maxFill bounds the text that an argument inserts.
const maxFill = 2000

// readArgument returns the text of an argument: a string, or a constant of the file; "" if it is not known.
func readArgument(r *source.File, arg ast.Expr) string {
	if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, _ := strconv.Unquote(lit.Value)
		return dropLongFill(text)
	}
	name, ok := arg.(*ast.Ident)
	if !ok {
		return ""
	}
	var text strings.Builder
	for _, i := range r.FindConstant(name.Name) {
		l := r.Strings[i]
		if bytes.IndexByte(r.Text[l.From:l.To], '%') >= 0 || l.Escapes && bytes.IndexByte(r.Text[l.From:l.To], '\\') >= 0 {
			return ""
		}
		text.Write(r.Text[l.From:l.To])
	}
	return dropLongFill(text.String())
}

func dropLongFill(text string) string {
	if len(text) > maxFill {
		return ""
	}
	return text
}
