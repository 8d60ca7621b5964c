package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ColumnsIn lists the columns that an expression names, without their table,
// in the order of their appearance, each once.
func ColumnsIn(expr *pgparse.Node) []string {
	if expr == nil {
		return nil
	}
	var out []string
	pgparse.Walk(expr, func(msg any) bool {
		if ref, ok := msg.(*pgparse.ColumnRef); ok {
			if name := pgparse.LastText(ref.GetFields()); name != "" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		return true
	})
	return out
}

// SameExpr reports whether two expressions are the same text except for white
// space, comments and brackets. nil equals only nil.
func SameExpr(a, b *pgparse.Node) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil {
		return false
	}
	return pgparse.Equal(a, b)
}

// renameInExpressions replaces the name of a renamed column in the expressions of
// its relation: checks, generated columns, index keys and index predicates.
func (f *fold) renameInExpressions(r *Relation, attnum int16, from, to string) {
	for _, c := range r.Constraints {
		if c.Expr != nil && slices.Contains(c.Columns, attnum) {
			e := r.editConstraint(c.ID)
			e.Expr, e.ExprText = renameColumnInExpr(c.Expr, from, to), renameIdentifierInText(c.ExprText, from, to)
		}
	}
	for _, c := range r.Columns {
		if c.GeneratedExpr != nil && slices.Contains(c.GeneratedFrom, attnum) {
			e := r.editColumn(c.Attnum)
			e.copyRare().GeneratedExpr, e.DefaultText = renameColumnInExpr(c.GeneratedExpr, from, to), renameIdentifierInText(c.DefaultText, from, to)
		}
	}
	for _, oid := range r.Indexes {
		idx := f.Relation(oid)
		if idx == nil || !slices.ContainsFunc(idx.Index.Keys, func(k IndexKey) bool { return k.Expr != nil && slices.Contains(k.Columns, attnum) }) &&
			!slices.Contains(idx.Index.PredicateColumns, attnum) {
			continue
		}
		idx = f.editRelation(oid)
		info := *idx.Index
		info.Keys = slices.Clone(info.Keys)
		for i, k := range info.Keys {
			if k.Expr != nil && slices.Contains(k.Columns, attnum) {
				info.Keys[i].Expr, info.Keys[i].ExprText = renameColumnInExpr(k.Expr, from, to), renameIdentifierInText(k.ExprText, from, to)
			}
		}
		if info.Predicate != nil {
			info.Predicate, info.PredicateText = renameColumnInExpr(info.Predicate, from, to), renameIdentifierInText(info.PredicateText, from, to)
		}
		idx.Index = &info
	}
}

// renameColumnInExpr returns an expression with one column called otherwise.
func renameColumnInExpr(expr *pgparse.Node, from, to string) *pgparse.Node {
	next := pgparse.CloneTree(expr)
	if next == nil {
		return expr
	}
	pgparse.Walk(next, func(msg any) bool {
		if ref, ok := msg.(*pgparse.ColumnRef); ok {
			if n := len(ref.GetFields()); n > 0 && pgparse.StringText(ref.GetFields()[n-1]) == from {
				ref.GetFields()[n-1].GetString_().Sval = to
			}
		}
		return true
	})
	return next
}

// renameIdentifierInText replaces an identifier, be it quoted or not, outside of texts and comments.
func renameIdentifierInText(text, from, to string) string {
	var out []byte
	to = pgparse.QuoteIdent(to)
	for i := 0; i < len(text); {
		if text[i] == '"' {
			word := text[i:max(pgparse.NextLexeme(text, i).End, i+1)]
			i += len(word)
			if len(word) > 2 && strings.ReplaceAll(word[1:len(word)-1], `""`, `"`) == from {
				word = to
			}
			out = append(out, word...)
			continue
		}
		if n := skipQuoted(text, i); n > i {
			out = append(out, text[i:n]...)
			i = n
			continue
		}
		if !isWordByte(text[i]) {
			out = append(out, text[i])
			i++
			continue
		}
		j := i
		for j < len(text) && isWordByte(text[j]) {
			j++
		}
		if word := text[i:j]; strings.ToLower(word) == from && (j >= len(text) || text[j] != '(') {
			out = append(out, to...)
		} else {
			out = append(out, word...)
		}
		i = j
	}
	return string(out)
}
