package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// rewriteColumns replaces the columns that an expression names by other texts. The expression's
// locations refer to sql; span is its place there.
func rewriteColumns(expr *pgparse.Node, sql string, span pgparse.Span, instead func(column string) string) (string, bool) {
	var edits []textEdit
	ok := true
	pgparse.Walk(expr, func(msg any) bool {
		ref, is := msg.(*pgparse.ColumnRef)
		if !is {
			return true
		}
		at := int(ref.Location)
		if at < span.Start || at >= span.End || len(ref.Fields) == 0 {
			ok = false
			return true
		}
		column := pgparse.LastText(ref.Fields)
		if text := instead(column); text != "" {
			edits = append(edits, textEdit{at, pgparse.NameEnd(sql, at), text})
		}
		return true
	})
	text, fits := applyEdits(sql, span, edits)
	return text, ok && fits
}

// textEdit replaces a piece of a text.
type textEdit struct {
	at, end int
	text    string
}

// applyEdits returns a span of a text with edits. ok is false if edits overlap or leave the span.
func applyEdits(sql string, span pgparse.Span, edits []textEdit) (out string, ok bool) {
	slices.SortFunc(edits, func(a, b textEdit) int { return a.at - b.at })
	var b strings.Builder
	at := span.Start
	for _, e := range edits {
		if e.at < at || e.end > span.End {
			return "", false
		}
		b.WriteString(sql[at:e.at] + e.text)
		at = e.end
	}
	b.WriteString(sql[at:span.End])
	return b.String(), true
}

// replaceColumn replaces one column in a condition by another one.
func replaceColumn(text, column, instead string) (string, bool) {
	return replaceColumns(text, func(name string) string {
		if name == column {
			return quoteIdent(instead)
		}
		return ""
	})
}

// replaceColumns replaces the columns that an expression names by other texts; "" keeps a column.
func replaceColumns(text string, instead func(column string) string) (string, bool) {
	const before = "SELECT "
	expression := pgparse.ParseExpression(text)
	if expression == nil {
		return "", false
	}
	return rewriteColumns(expression, before+text, pgparse.Span{Start: len(before), End: len(before + text)}, instead)
}
