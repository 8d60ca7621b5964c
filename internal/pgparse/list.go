package pgparse

import "unicode/utf8"

// MaxName is how many bytes of an identifier the server keeps.
const MaxName = 63

// Clip truncates an identifier as the server does: to 63 bytes, at a character.
func Clip(s string) string { return ClipTo(s, MaxName) }

// ClipTo truncates an identifier to n bytes, at a character.
func ClipTo(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Text is the text of a string node; "" for any other.
func Text(n *Node) string { return n.GetString_().GetSval() }

// Texts are the texts of a list of string nodes.
func Texts(list []*Node) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = Text(n)
	}
	return out
}

// Last is the text of the last string node: a name without its schema.
func Last(list []*Node) string {
	if len(list) == 0 {
		return ""
	}
	return Text(list[len(list)-1])
}

// SchemaAndName splits a possibly qualified name, clipped; a third part, the
// database, is dropped.
func SchemaAndName(list []*Node) (schema, name string) {
	if len(list) >= 2 {
		schema = Clip(Text(list[len(list)-2]))
	}
	return schema, Clip(Last(list))
}

// Items are the members of a list node, or the node itself.
func Items(n *Node) []*Node {
	if l := n.GetList(); l != nil {
		return l.GetItems()
	}
	if n == nil {
		return nil
	}
	return []*Node{n}
}

// RangeName is the schema ("" when none is written) and name of a relation.
func RangeName(rv *RangeVar) (schema, name string) {
	if rv.GetRelpersistence() == "t" {
		return "pg_temp", Clip(rv.GetRelname())
	}
	return Clip(rv.GetSchemaname()), Clip(rv.GetRelname())
}

// EndsInStar reports whether a reference stands for all columns: *, t.*.
func EndsInStar(ref *ColumnRef) bool {
	fields := ref.GetFields()
	return len(fields) > 0 && fields[len(fields)-1].GetAStar() != nil
}

// Expands reports whether an expression may stand for several columns: *, t.*,
// (x).*.
func Expands(n *Node) bool {
	if ref := n.GetColumnRef(); ref != nil {
		return EndsInStar(ref)
	}
	list := n.GetAIndirection().GetIndirection()
	return len(list) > 0 && list[len(list)-1].GetAStar() != nil
}
