package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
)

// judgeSuccessorKeys judges the unique indexes of a table whose name another has at
// commit. Of code that was read, only what names their columns counts: a mapper
// that never says ON CONFLICT on this table is no reason to keep them.
func judgeSuccessorKeys(p *rule.Pass, t *rule.Tx, d *rule.Delta) {
	now := t.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name)
	if now == nil || now.Inferred || now.Partial || !now.Kind.IsTable() || !d.Before.Kind.IsTable() || d.Before.Inferred {
		return
	}
	for _, oid := range d.Before.Indexes {
		idx := t.Before.Relation(oid)
		if idx == nil || !idx.Index.Unique || !idx.Index.Valid || p.IsNew(oid) || isColumnGone(d.Before, now, idx) || hasOtherArbiter(t.After, d.Before, now, idx) {
			continue
		}
		if con := d.Before.Constraint(idx.Index.Constraint); con != nil && con.Deferrable {
			continue
		}
		x := unservedArbiter{
			Delta: d, idx: idx, several: hasConditionalIndex(t.Before, d.Before, idx),
			fact:    "another table takes the name " + d.Before.Name.String() + ", and has no unique index like " + idx.Name.Name,
			instead: "give the new table a unique index on the same columns; if it cannot have one, release code without this ON CONFLICT first",
		}
		if u := x.findUpsertUse(p); u.Used || !p.Code.FindUpserts(p.DeployedName(d)).Known {
			x.reportArbiter(p)
		}
	}
}

// cased is the expression that is written in one way.
var cased = lazyregexp.New(`^(?:lower|upper)\(\w+\)$`)

// listCarriedIndexes returns the unique indexes that a renamed column takes away from its name,
// which another column has now.
func listCarriedIndexes(t *rule.Tx, d *rule.Delta) []unservedArbiter {
	if now := d.After.Column(d.Old.Name); now == nil || !d.Before.Kind.IsTable() || analysis.IsSetByTrigger(t.Before, d.Before, d.Old.Name) {
		return nil // no name is left, or the name of a column that a trigger kept for the exchange
	}
	var out []unservedArbiter
	for _, oid := range d.Before.Indexes {
		idx := t.Before.Relation(oid)
		if idx == nil || !idx.Index.Unique || t.After.Relation(oid) == nil ||
			!slices.ContainsFunc(idx.Index.Keys, func(k catalog.IndexKey) bool { return slices.Contains(k.Columns, d.Old.Attnum) }) {
			continue
		}
		if con := d.Before.Constraint(idx.Index.Constraint); con != nil && con.Deferrable {
			continue
		}
		out = append(out, unservedArbiter{
			Delta: d,
			idx:   idx,
			fact:  "unique index " + idx.Name.Name + " of " + d.After.Name.String() + " goes with column " + d.Old.Name + " to the name " + d.New.Name,
		})
	}
	return out
}

// isColumnGone reports whether a column of an index went away by its name too: that is
// another finding.
func isColumnGone(oldTable, now, idx *catalog.Relation) bool {
	return slices.ContainsFunc(idx.Index.Keys, func(k catalog.IndexKey) bool {
		return slices.ContainsFunc(k.Columns, func(a int16) bool {
			c := oldTable.Attr(a)
			return c == nil || now.Column(c.Name) == nil
		})
	})
}

// hasOtherArbiter reports whether another index of a table serves ON CONFLICT in the
// place of one that it had: one on columns of the same names.
func hasOtherArbiter(after *catalog.Catalog, oldTable, now, old *catalog.Relation) bool {
	return slices.ContainsFunc(now.Indexes, func(oid catalog.OID) bool {
		idx := after.Relation(oid)
		if idx == nil || !idx.Index.Unique || !idx.Index.Valid || len(idx.Index.Keys) != len(old.Index.Keys) ||
			idx.Index.Predicate != nil && !catalog.SameExpr(idx.Index.Predicate, old.Index.Predicate) {
			return false
		}
		if con := now.Constraint(idx.Index.Constraint); con != nil && con.Deferrable {
			return false
		}
		return !slices.ContainsFunc(old.Index.Keys, func(k catalog.IndexKey) bool {
			return !slices.ContainsFunc(idx.Index.Keys, func(o catalog.IndexKey) bool {
				if k.Column == 0 || o.Column == 0 {
					return k.Column == o.Column && catalog.SameExpr(k.Expr, o.Expr)
				}
				a, b := oldTable.Attr(k.Column), now.Attr(o.Column)
				return a != nil && b != nil && a.Name == b.Name
			})
		})
	})
}
