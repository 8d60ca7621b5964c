package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// mayReference refuses a foreign key that the server refuses whatever the rows
// are.
func (a *alter) mayReference(ref *catalog.Relation, con *pgparse.Constraint, columns []string) bool {
	between := mayPoint(a.rel.Persistence, ref)
	switch {
	case ref.Inferred:
		return true
	case !ref.Kind.IsTable():
		a.Refuse(refuse.ForeignKeyTable, ref.Name.Name)
	case between != nil && !a.rel.Inferred:
		a.Deny(between)
	case a.deferrableKey(ref, con):
		a.Refuse(refuse.ForeignKeyDeferrable, ref.Name.Name)
	case !a.comparable(ref, con, columns, a.typeNow):
		a.Deny(a.notImplemented(a.rel.Name, con, columns))
	default:
		return true
	}
	return false
}

// mayPoint is what the server has against a foreign key to a table that is
// sooner gone than the one that has it; nil when it takes it.
func mayPoint(from catalog.Persistence, ref *catalog.Relation) *refuse.Refusal {
	switch to := ref.Persistence; {
	case ref.Inferred:
	case from == catalog.Permanent && to != catalog.Permanent:
		return refuse.ForeignKeyPermanent.Of()
	case from == catalog.Unlogged && to == catalog.Temporary:
		return refuse.ForeignKeyUnlogged.Of()
	case from == catalog.Temporary && to != catalog.Temporary:
		return refuse.ForeignKeyOfTemporary.Of()
	}
	return nil
}

// deferrableKey reports whether the only key that a foreign key can point to is
// checked at commit.
func (r *run) deferrableKey(ref *catalog.Relation, con *pgparse.Constraint) bool {
	found := false
	for _, key := range ref.Constraints {
		var names []string
		for _, n := range key.Columns {
			if col := ref.Attr(n); col != nil {
				names = append(names, col.Name)
			}
		}
		targets := keys(con.GetPkAttrs())
		if key.Kind != catalog.PrimaryKey && (key.Kind != catalog.Unique || len(targets) == 0) || len(targets) > 0 && !sameSet(names, targets) {
			continue
		}
		if !key.Deferrable {
			return false
		}
		found = true
	}
	for _, i := range r.C.IndexesOf(ref) {
		if found && i.Index != nil && i.Index.Unique && i.Index.Constraint == "" && len(i.Index.Keys) == len(con.GetPkAttrs()) {
			return false // it may do
		}
	}
	return found
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !contains(b, x) {
			return false
		}
	}
	return true
}

// comparable reports whether there is an operator for each pair of columns of
// a foreign key, as far as their types are known.
func (r *run) comparable(ref *catalog.Relation, con *pgparse.Constraint, columns []string, types answer.ColumnType) bool {
	targets := keys(con.GetPkAttrs())
	if len(targets) == 0 {
		for _, c := range ref.Constraints {
			if c.Kind == catalog.PrimaryKey {
				for _, n := range c.Columns {
					if col := ref.Attr(n); col != nil {
						targets = append(targets, col.Name)
					}
				}
			}
		}
	}
	if len(targets) != len(columns) {
		return true
	}
	for i, name := range columns {
		target := ref.Column(targets[i])
		if target == nil || target.Inferred {
			continue
		}
		if from := types(name); from.Known() && target.Type.Known() && !r.equates(from, target.Type) {
			return false
		}
	}
	return true
}

// notImplemented is the refusal of a foreign key between types that
// cannot be compared.
func (r *run) notImplemented(table catalog.Name, con *pgparse.Constraint, columns []string) *refuse.Refusal {
	name := con.GetConname()
	if name == "" {
		name = r.freeName(table, joined(columns), "fkey")
	}
	return refuse.ForeignKeyTypes.Of(name)
}

// families are the types that one family of B-tree operators compares with one
// another.
var families = [][]string{
	{"int2", "int4", "int8"}, {"float4", "float8"}, {"text", "varchar", "bpchar", "name", "citext"},
	{"date", "timestamp", "timestamptz"}, {"bit", "varbit"}, {"inet", "cidr"},
}

// equates reports whether a referencing type can be compared with a referenced
// one: the same, of one family, or cast to it without asking.
func (r *run) equates(from, to catalog.Type) bool {
	from, to = r.Base(from), r.Base(to)
	if answer.Same(from, to) {
		return true
	}
	if from.OID != 0 || to.OID != 0 || from.Array > 0 || to.Array > 0 ||
		from.Name.Schema != "pg_catalog" || to.Name.Schema != "pg_catalog" {
		// Extensions define operators; an enum has none but its own.
		own := func(t catalog.Type) bool {
			u := r.C.Type(t.OID)
			return t.Array == 0 && u != nil && !u.Inferred && u.Kind == catalog.Enum
		}
		return !own(from) && !own(to)
	}
	for _, f := range families {
		if contains(f, from.Name.Name) && contains(f, to.Name.Name) {
			return true
		}
	}
	c := cast(from.Name.Name, to.Name.Name)
	return operators(from) == operators(to) || c != "" && c[0] == 'i' || r.UserCasts()
}
