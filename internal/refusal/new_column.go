package refusal

import "github.com/onward-sql/onward/internal/pgparse"

// NewColumn is what a column definition asks for, read once.
type NewColumn struct {
	Def             *pgparse.ColumnDef
	Serial, NotNull bool // Serial: it takes numbers from a sequence of its own
	// Identity is "a" for GENERATED ALWAYS AS IDENTITY, "d" for BY DEFAULT; Generated is "stored" or "virtual".
	Identity, Generated string
	// Default is also the expression of a generated column.
	Default *pgparse.Node
	// Sequence are the options of an identity's sequence.
	Sequence []*pgparse.Node
	// Checks has nil for those that are NOT ENFORCED.
	Keys, Checks, ForeignKeys []*pgparse.Constraint
	// NotEnforced are the foreign keys that are NOT ENFORCED.
	NotEnforced []*pgparse.Constraint
	// enforcement: a constraint says whether it is ENFORCED.
	enforcement bool
}

// ReadColumn reads a column definition.
func ReadColumn(def *pgparse.ColumnDef) NewColumn {
	n := NewColumn{Def: def, Serial: isSerial(def.GetTypeName()), Default: def.GetRawDefault()}
	n.NotNull = n.Serial || def.GetIsNotNull()
	var last *pgparse.Constraint
	for _, c := range def.GetConstraints() {
		con := c.GetConstraint()
		switch con.GetContype() {
		case pgparse.ConstrType_CONSTR_NOTNULL:
			n.NotNull = true
		case pgparse.ConstrType_CONSTR_DEFAULT:
			n.Default = con.GetRawExpr()
		case pgparse.ConstrType_CONSTR_IDENTITY:
			n.Identity, n.Sequence, n.NotNull = con.GetGeneratedWhen(), con.GetOptions(), true
		case pgparse.ConstrType_CONSTR_GENERATED:
			n.Generated = "stored"
			if con.GetGeneratedKind() == "v" {
				n.Generated = "virtual"
			}
			n.Default = con.GetRawExpr()
		case pgparse.ConstrType_CONSTR_CHECK:
			n.Checks = append(n.Checks, con)
			last = con
		case pgparse.ConstrType_CONSTR_PRIMARY:
			n.NotNull = true
			n.Keys = append(n.Keys, con)
		case pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
			n.Keys = append(n.Keys, con)
		case pgparse.ConstrType_CONSTR_FOREIGN:
			n.ForeignKeys = append(n.ForeignKeys, con)
			last = con
		case pgparse.ConstrType_CONSTR_ATTR_ENFORCED:
			n.enforcement = true
		case pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED:
			n.enforcement = true
			n.markUnenforced(last)
		}
	}
	return n
}

// markUnenforced notes that a constraint is NOT ENFORCED.
func (n *NewColumn) markUnenforced(last *pgparse.Constraint) {
	if k := len(n.Checks); k > 0 && n.Checks[k-1] == last {
		n.Checks[k-1] = nil
	}
	if k := len(n.ForeignKeys); k > 0 && n.ForeignKeys[k-1] == last {
		n.NotEnforced = append(n.NotEnforced, last)
	}
}

// isSerial reports whether a type is one that makes a sequence.
func isSerial(t *pgparse.TypeName) bool {
	if len(t.GetNames()) != 1 {
		return false
	}
	switch pgparse.StringText(t.GetNames()[0]) {
	case "serial", "serial4", "bigserial", "serial8", "smallserial", "serial2":
		return true
	}
	return false
}

// StringNames returns the texts of a list of names.
func StringNames(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = pgparse.StringText(k)
	}
	return out
}
