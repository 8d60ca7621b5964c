package catalog

import (
	"strings"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// Refuted reports whether a CHECK is surely false for a row, so that the server
// refuses it: constants gives what the statement writes to a column, or the
// column's default; false where that is no constant. A CHECK that is null is met.
func (c *Catalog) Refuted(t *Relation, check *pgparse.Node, constants func(*Column) (*pgparse.Node, bool)) bool {
	return c.Row(func(ref *pgparse.ColumnRef) predicate.Value {
		col := t.Column(clip(pgparse.Last(ref.GetFields())))
		if col == nil || col.Inferred || col.Generated != "" || col.Identity != "" {
			return predicate.Value{}
		}
		n, ok := constants(col)
		if !ok {
			return predicate.Value{}
		}
		return c.Holds(col, n)
	}).Outcomes(check) == predicate.False
}

// Row is a row for conditions to be worked out for, with what column gives.
func (c *Catalog) Row(column func(*pgparse.ColumnRef) predicate.Value) *predicate.Row {
	return &predicate.Row{
		Column:   column,
		Cast:     func(t *pgparse.TypeName, v predicate.Value) predicate.Value { return c.as(c.TypeOf(t), v) },
		Replaced: func(name string) bool { return len(c.Functions("", name)) > 0 },
	}
}

// Holds is what a column holds that is given a constant; nil is NULL.
func (c *Catalog) Holds(col *Column, n *pgparse.Node) predicate.Value {
	if n == nil || predicate.IsNull(n) {
		return predicate.Value{Kind: predicate.Null}
	}
	if cast := n.GetTypeCast(); cast != nil {
		if t := c.TypeOf(cast.GetTypeName()); t.OID != col.Type.OID || t.Name != col.Type.Name && t.Name.Name != "text" || t.Array > 0 || len(t.Mods) > 0 {
			return predicate.Value{}
		}
		n = cast.GetArg()
	}
	v, ok := predicate.Literal(n)
	if !ok {
		return predicate.Value{}
	}
	if v = c.as(col.Type, v); v.Kind != predicate.Text || col.Collation == "" {
		return v
	}
	return predicate.Value{} // what is equal in it is not known
}

// as is a value as one of a type; unknown where the server may round, cut or
// refuse it.
func (c *Catalog) as(t Type, v predicate.Value) predicate.Value {
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
			v = predicate.Decimal(strings.Trim(v.Text, space))
		}
		if v.Kind == predicate.Number && (v.Number.IsInt() || name == "numeric" && len(t.Mods) == 0) {
			return v
		}
	case "bool":
		if v.Kind == predicate.Truth {
			return v
		}
		if v.Kind == predicate.Text {
			return predicate.Boolean(v.Text)
		}
	}
	return predicate.Value{}
}
