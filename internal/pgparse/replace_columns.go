package pgparse

import (
	"slices"
	"strings"
)

// RewriteColumns replaces the columns that an expression names by other texts: a > 1 becomes new.a > 1. The expression's
// locations refer to sql; span is its place there. instead returns the text for a column, or "" to keep it.
func RewriteColumns(expr *Node, sql string, span Span, instead func(column string) string) (string, bool) {
	var edits []TextEdit
	ok := true
	Walk(expr, func(msg any) bool {
		ref, isColumn := msg.(*ColumnRef)
		if !isColumn {
			return true
		}
		start := int(ref.Location)
		if start < span.Start || start >= span.End || len(ref.Fields) == 0 {
			ok = false
			return true
		}
		column := LastText(ref.Fields)
		if text := instead(column); text != "" {
			edits = append(edits, TextEdit{start, NameEnd(sql, start), text})
		}
		return true
	})
	text, fits := ApplyEdits(sql, span, edits)
	return text, ok && fits
}

// TextEdit replaces a piece of a text.
type TextEdit struct {
	At, End int
	Text    string
}

// ApplyEdits returns a span of a text with edits. ok is false if edits overlap or leave the span.
func ApplyEdits(sql string, span Span, edits []TextEdit) (out string, ok bool) {
	slices.SortFunc(edits, func(a, b TextEdit) int { return a.At - b.At })
	var b strings.Builder
	pos := span.Start
	for _, e := range edits {
		if e.At < pos || e.End > span.End {
			return "", false
		}
		b.WriteString(sql[pos:e.At] + e.Text)
		pos = e.End
	}
	b.WriteString(sql[pos:span.End])
	return b.String(), true
}

// ReplaceColumns replaces the columns that an expression names by other texts; "" keeps a column.
func ReplaceColumns(text string, instead func(column string) string) (string, bool) {
	const before = "SELECT "
	expression := ParseExpression(text)
	if expression == nil {
		return "", false
	}
	return RewriteColumns(expression, before+text, Span{Start: len(before), End: len(before + text)}, instead)
}
