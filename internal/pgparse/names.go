package pgparse

import "unicode/utf8"

// MaxName is the number of bytes of an identifier that the server keeps.
const MaxName = 63

// ClipName truncates an identifier as the server does: to 63 bytes, without splitting a
// character.
func ClipName(s string) string { return ClipTo(s, MaxName) }

// ClipTo truncates an identifier to n bytes, without splitting a character.
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

// StringText returns the text of a string node; "" for any other.
func StringText(n *Node) string { return n.GetString_().GetSval() }

// StringTexts returns the texts of a list of string nodes.
func StringTexts(list []*Node) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = StringText(n)
	}
	return out
}

// TargetNames returns the names of the columns that a statement writes.
func TargetNames(targets []*Node) []string {
	var out []string
	for _, n := range targets {
		out = append(out, n.GetResTarget().GetName())
	}
	return out
}

// LastText returns the text of the last string node: a name without its schema.
func LastText(list []*Node) string {
	if len(list) == 0 {
		return ""
	}
	return StringText(list[len(list)-1])
}

// SchemaAndName splits a possibly qualified name and clips both parts. It ignores a third
// part, the database.
func SchemaAndName(list []*Node) (schema, name string) {
	if len(list) >= 2 {
		schema = ClipName(StringText(list[len(list)-2]))
	}
	return schema, ClipName(LastText(list))
}

// ListItems returns the members of a list node, or the node itself.
func ListItems(n *Node) []*Node {
	if l := n.GetList(); l != nil {
		return l.GetItems()
	}
	if n == nil {
		return nil
	}
	return []*Node{n}
}

// RangeName returns the schema and name of a relation; the schema is "" if not written.
func RangeName(rv *RangeVar) (schema, name string) {
	if rv.GetRelpersistence() == "t" {
		return "pg_temp", ClipName(rv.GetRelname())
	}
	return ClipName(rv.GetSchemaname()), ClipName(rv.GetRelname())
}

// EndsInStar reports whether a reference means all columns: *, t.*.
func EndsInStar(ref *ColumnRef) bool {
	fields := ref.GetFields()
	return len(fields) > 0 && fields[len(fields)-1].GetAStar() != nil
}

// IsExpanding reports whether an expression may expand to several columns: *, t.*, (x).*.
func IsExpanding(n *Node) bool {
	if ref := n.GetColumnRef(); ref != nil {
		return EndsInStar(ref)
	}
	list := n.GetAIndirection().GetIndirection()
	return len(list) > 0 && list[len(list)-1].GetAStar() != nil
}
