package usage

import (
	"bytes"
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// Programs assemble SQL from parts that are not side by side: by += and, in Go, by Sprintf.

const (
	// maxAppended bounds how many parts are appended to a string, and maxApart how many other strings may be between.
	maxAppended = 16
	maxApart    = 60
	// maxFill bounds the text that an argument of Sprintf inserts.
	maxFill = 2000
)

// appendLater returns a query with the strings that the program appends to its variable afterwards: q += "…". It returns
// the query alone if the result is no SQL, for example because only one of two branches runs.
func (r *reader) appendLater(s *sqlText, from, to int) *sqlText {
	name := r.heldBy(r.lits[from])
	if name == "" || len(s.text) > maxSQL {
		return s
	}
	var parts []literal
	at := r.lits[to].end
	for i := to + 1; i < len(r.lits) && i < to+maxApart && len(parts) < maxAppended; i++ {
		l := r.lits[i]
		if l.open < at {
			continue
		}
		code := r.text[at:l.open]
		if bytes.Contains(code, []byte("\nfunc ")) || bytes.Contains(code, []byte("\ndef ")) || r.heldBy(l) == name {
			break
		}
		before := bytes.TrimRight(code, " \t\r\n(fr`$")
		if before, found := bytes.CutSuffix(before, []byte("+=")); found && bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte(name)) {
			parts = append(parts, l)
		}
		at = l.end
	}
	if len(parts) == 0 {
		return s
	}
	whole := &sqlText{text: slices.Clone(s.text), segs: slices.Clone(s.segs), holes: slices.Clone(s.holes), quote: s.quote, fills: s.fills}
	for _, l := range parts {
		whole.addString(r.text, l, r.d)
	}
	if list := whole.parseStatements(); len(list) == 0 || firstFailure(list) >= 0 {
		return s
	}
	return whole
}

// formatArguments returns the texts that calls such as Sprintf insert, by the offset of their verb in the file: strings
// and constants of the file.
func (r *reader) formatArguments() map[int]string {
	hasFormat := func(l literal) bool {
		text := r.text[l.from:l.to]
		return bytes.IndexByte(text, '%') >= 0 && beginsLikeSQL(text)
	}
	if !slices.ContainsFunc(r.lits, hasFormat) {
		return nil
	}
	fills := map[int]string{}
	tree := r.parseGo()
	for _, decl := range tree.decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && strings.HasSuffix(calleeName(call), "f") {
				r.fillVerbs(tree, call, fills)
			}
			return true
		})
	}
	return fills
}

// calleeName returns the last name of a called function.
func calleeName(call *ast.CallExpr) string {
	name := goTypeName(call.Fun)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// fillVerbs records the texts of one call. Verbs with a number are not read.
func (r *reader) fillVerbs(tree *goSyntax, call *ast.CallExpr, fills map[int]string) {
	for k, arg := range call.Args {
		format, ok := arg.(*ast.BasicLit)
		if !ok || format.Kind != token.STRING {
			continue
		}
		from, next := tree.offsetOf(format.Pos()), k+1
		text := r.text[from:min(from+len(format.Value), len(r.text))]
		for i := 0; i < len(text); i++ {
			if text[i] != '%' {
				continue
			}
			if i+1 < len(text) && text[i+1] == '%' {
				i++
				continue
			}
			n, _ := readPercent(text[i:])
			if n != 2 || next >= len(call.Args) {
				return
			}
			if value := r.argumentText(call.Args[next]); value != "" {
				fills[from+i] = value
			}
			next++
		}
		return
	}
}

// argumentText returns the text of an argument: a string, or a constant of the file; "" if it is not known.
func (r *reader) argumentText(arg ast.Expr) string {
	if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		text, _ := strconv.Unquote(lit.Value)
		return clipFill(text)
	}
	name, ok := arg.(*ast.Ident)
	if !ok {
		return ""
	}
	var text strings.Builder
	for _, i := range r.constOf(name.Name) {
		l := r.lits[i]
		if bytes.IndexByte(r.text[l.from:l.to], '%') >= 0 || l.escapes && bytes.IndexByte(r.text[l.from:l.to], '\\') >= 0 {
			return ""
		}
		text.Write(r.text[l.from:l.to])
	}
	return clipFill(text.String())
}

func clipFill(text string) string {
	if len(text) > maxFill {
		return ""
	}
	return text
}
