package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// NamedSequence returns the sequence that an argument of setval() or nextval() names, also by pg_get_serial_sequence(), which may
// find none. It returns false if the text does not tell.
func NamedSequence(c *catalog.Catalog, n *pgparse.Node) (seq *catalog.Relation, known bool) {
	text := func(n *pgparse.Node) string { return pgparse.StripCasts(n).GetAConst().GetSval().GetSval() }
	f := pgparse.StripCasts(n).GetFuncCall()
	if f == nil {
		seq = c.Lookup(query.SplitName(text(n)))
		return seq, seq != nil
	}
	if len(f.Args) != 2 || pgparse.LastText(f.Funcname) != "pg_get_serial_sequence" {
		return nil, false
	}
	t := c.Lookup(query.SplitName(text(f.Args[0])))
	if t == nil || t.Column(text(f.Args[1])) == nil {
		return nil, false
	}
	return c.SerialSequence(t, t.Column(text(f.Args[1])).Attnum), !t.Inferred && !t.Partial
}

var mentionsSetting = lazyregexp.New(`(?i)\bsetval\s*\(|\brestart\b`)

// ListSetSequences lists the sequences that a statement sets; 0 is one that the text does not tell. next is the schema afterwards. A block lists none:
// its statements do.
func ListSetSequences(c, next *catalog.Catalog, node *pgparse.Node, sql string) (out []catalog.OID) {
	if !mentionsSetting.MatchString(sql) || node.GetDoStmt() != nil {
		return nil
	}
	add := func(seq *catalog.Relation, known bool) {
		if !known {
			seq = &catalog.Relation{}
		}
		if seq != nil {
			out = append(out, seq.OID)
		}
	}
	switch x := pgparse.Unwrap(node).(type) {
	case *pgparse.AlterSeqStmt:
		seq := c.Lookup(pgparse.RangeName(x.Sequence))
		add(seq, seq != nil)
	case *pgparse.AlterTableStmt:
		t, _ := next.Resolve(x.Relation)
		for _, cmd := range x.Cmds {
			if column := t.Column(cmd.GetAlterTableCmd().Name); column != nil && cmd.GetAlterTableCmd().Subtype == pgparse.AlterTableType_AT_SetIdentity {
				add(next.Relation(column.Sequence), true)
			}
		}
	default:
		found := false
		pgparse.Walk(node, func(m any) bool {
			if f, ok := m.(*pgparse.FuncCall); ok && len(f.Args) > 0 && pgparse.LastText(f.Funcname) == "setval" {
				add(NamedSequence(c, f.Args[0]))
				found = true
			}
			return true
		})
		if !found {
			add(nil, false)
		}
	}
	return out
}

// CanHold reports whether a column's type holds all values of another one: bigint holds int, and numeric(10, 2) does not hold
// numeric(12, 2). It is true if one of the types is unknown.
func CanHold(column, values catalog.Type) bool {
	if !column.IsKnown() || !values.IsKnown() || column.String() == values.String() {
		return true
	}
	if column.Array != values.Array {
		return false
	}
	switch values.Name.Name {
	case "varchar", "bpchar":
		return column.String() == "text" || column.String() == "varchar" || column.Name == values.Name && hasWiderModifiers(column, values)
	case "numeric":
		return column.Name == values.Name && (len(column.Mods) == 0 || hasWiderModifiers(column, values))
	case "int4":
		return column.String() == "bigint"
	case "int2":
		return column.String() == "bigint" || column.String() == "integer"
	}
	return false
}

// hasWiderModifiers reports whether a type has the modifiers of another one, the first of which may be larger. The first modifier of numeric may grow
// together with its scale only if as many digits stay before the point.
func hasWiderModifiers(column, values catalog.Type) bool {
	switch {
	case len(column.Mods) == 0 || len(column.Mods) != len(values.Mods):
		return false
	case len(column.Mods) == 1:
		return column.Mods[0] >= values.Mods[0]
	}
	return column.Mods[1] >= values.Mods[1] && column.Mods[0]-column.Mods[1] >= values.Mods[0]-values.Mods[1]
}
