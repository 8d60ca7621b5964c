package catalog

import (
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// IsCheckRefuted reports whether a CHECK is certainly false for a row, so that the server
// refuses the row. constants returns the constant that the statement writes to a column,
// or the column's default; false if it is no constant. A CHECK that is null is met.
func (c *Catalog) IsCheckRefuted(t *Relation, check *pgparse.Node, constants func(*Column) (*pgparse.Node, bool)) bool {
	return c.NewConditionRow(func(ref *pgparse.ColumnRef) predicate.Value {
		col := t.Column(clipName(pgparse.LastText(ref.GetFields())))
		if col == nil || col.Inferred || col.Generated != "" || col.Identity != "" {
			return predicate.Value{}
		}
		n, ok := constants(col)
		if !ok {
			return predicate.Value{}
		}
		return c.StoredValue(col, n)
	}).Evaluate(check) == predicate.False
}

// NewConditionRow returns a row for which conditions can be evaluated. column returns the value of a column.
func (c *Catalog) NewConditionRow(column func(*pgparse.ColumnRef) predicate.Value) *predicate.Row {
	return &predicate.Row{
		Column:   column,
		Cast:     func(t *pgparse.TypeName, v predicate.Value) predicate.Value { return c.convertValue(c.TypeOf(t), v) },
		Replaced: func(name string) bool { return len(c.Functions("", name)) > 0 },
	}
}

// StoredValue returns the value that a column stores for a constant; nil is NULL.
func (c *Catalog) StoredValue(col *Column, n *pgparse.Node) predicate.Value {
	if n == nil || predicate.IsNull(n) {
		return predicate.Value{Kind: predicate.Null}
	}
	if cast := n.GetTypeCast(); cast != nil {
		if t := c.TypeOf(cast.GetTypeName()); t.OID != col.Type.OID || t.Name != col.Type.Name && t.Name.Name != "text" || t.Array > 0 || len(t.Mods) > 0 {
			return predicate.Value{}
		}
		n = cast.GetArg()
	}
	v, ok := predicate.LiteralValue(n)
	if !ok {
		return predicate.Value{}
	}
	if v = c.convertValue(col.Type, v); v.Kind != predicate.Text || col.Collation == "" {
		return v
	}
	return predicate.Value{} // what is equal in it is not known
}

// convertValue is a value as one of a type; unknown where the server may round, cut or
// refuse it.
func (c *Catalog) convertValue(t Type, v predicate.Value) predicate.Value {
	if v.Kind == predicate.Null {
		return v
	}
	if t.Array > 0 {
		return predicate.Value{}
	}
	if t.OID != 0 {
		if u := c.Type(t.OID); u != nil && u.Kind == Enum && v.Kind == predicate.Text {
			return v
		}
		return predicate.Value{}
	}
	if t.Name.Schema != "pg_catalog" {
		return predicate.Value{}
	}
	switch name := t.Name.Name; name {
	case "text", "varchar":
		if v.Kind == predicate.Number && v.Number.IsInt() {
			v = predicate.TextOf(v.Number.Num().String())
		}
		if v.Kind == predicate.Text && (len(t.Mods) == 0 || len(t.Mods) == 1 && utf8.RuneCountInString(v.Text) <= int(t.Mods[0])) {
			return v
		}
	case "int2", "int4", "int8", "numeric", "float8":
		if v.Kind == predicate.Text {
			v = predicate.ParseDecimal(strings.Trim(v.Text, space))
		}
		if v.Kind == predicate.Number && (v.Number.IsInt() || name == "numeric" && len(t.Mods) == 0) {
			return v
		}
	case "bool":
		if v.Kind == predicate.Truth {
			return v
		}
		if v.Kind == predicate.Text {
			return predicate.ParseBoolean(v.Text)
		}
	}
	return predicate.Value{}
}
