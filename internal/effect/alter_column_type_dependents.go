package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/refusal"
)

// rebuildDependents records that the server rebuilds the objects that depend on a column: indexes,
// checks, foreign keys in both directions. change is nil for SET EXPRESSION.
func (a *alterState) rebuildDependents(t *tableWork, rel *catalog.Relation, col *catalog.Column, change *typeChange) {
	// Other subcommands may want a rewrite as well: whether an index is kept is
	// only decided when nothing is rewritten.
	for _, index := range a.C.IndexesOf(rel) {
		if a.isDropped(index.OID) || !index.Index.UsesColumn(col.Attnum) {
			continue
		}
		e := a.lockWithReason(index, accessExclusive, "index on "+col.Name)
		if index.Kind == catalog.Index && change != nil && !a.canReuseIndex(index.Index, col, change) {
			e.RebuildsIndex = true
			te := a.effectOn(rel)
			te.RebuildsIndex, te.Scans = true, true
		}
	}
	for _, con := range rel.Constraints {
		switch con.Kind {
		case catalog.Check:
			if con.Valid && con.Enforced && (contains(con.Columns, col.Attnum) || refusal.MentionsColumn(con.Expr, col.Name)) {
				t.wantScan("the constraint " + con.Name + " is checked again")
			}
		case catalog.ForeignKey:
			if !contains(con.Columns, col.Attnum) {
				continue
			}
			key := retypedKey{work: t, name: con.Name, compares: a.changesComparison(change)}
			if ref := a.C.Relation(con.Ref); ref != nil && ref != rel {
				key.others = a.C.ListTree(ref, ref.Kind == catalog.PartitionedTable)
				for _, target := range key.others {
					a.lockWithReason(target, sre, referenceReason(con.Name, "")) // for the new one
				}
				a.dropForeignKey(con, true)
			}
			if con.Valid {
				a.retyped = append(a.retyped, key)
			}
		}
	}
	for _, ref := range a.C.ListReferences(rel, true) {
		if !a.referencesColumn(ref.Con, rel, col) {
			continue
		}
		a.lockWithReason(ref.From, accessExclusive, "its foreign key "+ref.Con.Name+" is made anew")
		if ref.Con.Valid {
			a.retyped = append(a.retyped, retypedKey{t, ref.Con.Name, a.changesComparison(change), []*catalog.Relation{ref.From}})
		}
	}
}

// canReuseIndex reports whether an index survives the change of a column's type: the
// same operator classes and collations, and no expression or condition, which
// the server does not compare (CheckIndexCompatible).
func (a *alterState) canReuseIndex(i *catalog.IndexInfo, col *catalog.Column, change *typeChange) bool {
	if i.Parent != 0 { // made anew with its partitioned index, which has no file to pass on
		return false
	}
	if !i.Valid || i.Predicate != nil || i.PredicateText != "" || change.unknown {
		return false
	}
	for _, k := range i.Keys {
		if k.Column == 0 {
			return false
		}
		if k.Column != col.Attnum {
			continue
		}
		from, to := a.BaseType(change.from), a.BaseType(change.to)
		if i.Method == "gin" && (from.Array > 0 || to.Array > 0) {
			return false // it holds elements, not what the column holds
		}
		if isPolymorphic(a.C, from) || isPolymorphic(a.C, to) {
			if !refusal.SameType(from, to) {
				return false
			}
		} else if k.Opclass == "" && refusal.OperatorFamily(from) != refusal.OperatorFamily(to) {
			return false
		}
		if k.Collation == "" && change.fromCollation != change.toCollation {
			return false
		}
	}
	return true
}

// isPolymorphic reports whether a type's default operator class is the common one for all
// enums, arrays, ranges or records.
func isPolymorphic(c *catalog.Catalog, t catalog.Type) bool {
	if t.Array > 0 || strings.HasSuffix(t.Name.Name, "range") && t.Name.Schema == "pg_catalog" {
		return true
	}
	u := c.Type(t.OID)
	return t.OID != 0 && u != nil && u.Kind != catalog.Base
}

// changesComparison reports whether the two sides of a foreign key are compared in another way.
func (a *alterState) changesComparison(change *typeChange) bool {
	return change == nil || change.unknown ||
		refusal.OperatorFamily(a.BaseType(change.from)) != refusal.OperatorFamily(a.BaseType(change.to)) || change.fromCollation != change.toCollation
}

// referencesColumn reports whether a foreign key references a column.
func (a *alterState) referencesColumn(fk *catalog.Constraint, rel *catalog.Relation, col *catalog.Column) bool {
	target := a.C.Relation(fk.Ref)
	if target == nil {
		return false
	}
	for _, n := range fk.RefColumns {
		if c := target.Attr(n); c != nil && c.Name == col.Name {
			return true
		}
	}
	if len(fk.RefColumns) == 0 { // the primary key
		return refusal.InPrimaryKey(rel, col)
	}
	return false
}
