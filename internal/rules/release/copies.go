package release

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// copied is an UPDATE that fills a new column of an existing table from deployed
// columns of the same table.
type copied struct {
	by    *rule.Stmt
	table *catalog.Relation
	// column is the new one, from the old ones.
	column string
	from   []string
	tx     int // of the statement
	// alone: nobody else writes the table until the transaction commits.
	alone bool
}

func (c *copied) reads(column string) bool { return slices.Contains(c.from, column) }

// copies keeps the backfills of new columns from old ones in a migration.
func copies(p *rule.Pass, m *rule.Migration) {
	r := p.Release
	for _, s := range m.Statements {
		for _, w := range p.Writes(s) {
			u, ok := w.Node.(*pgparse.UpdateStmt)
			if !ok || w.Table.OID == 0 || !p.InUse(w.Table) {
				continue
			}
			for _, n := range u.TargetList {
				target := n.GetResTarget()
				if !fresh(r, w.Table, target.GetName()) {
					continue
				}
				c := copied{by: s, table: w.Table, column: target.GetName(), tx: s.Tx.Index, alone: alone(s, w.Table)}
				c.from = sources(r, w.Table, u.Relation, target.GetVal())
				if len(c.from) > 0 && !chosen(w.Table, target.GetVal(), c.from) {
					p.Keep(c)
				}
			}
		}
	}
}

// alone reports whether an earlier statement of a transaction keeps the writers of a table
// out until it commits.
func alone(s *rule.Stmt, t *catalog.Relation) bool {
	return s.Locked(&effect.Effect{OID: t.OID, Name: t.Name}, func(h *rule.Held) bool { return h.Lock >= onward.ShareRowExclusiveLock }) != nil
}

// chosen reports whether a CASE tells single rows apart by the table's key, and
// gives each a value: nothing that a later row could have.
func chosen(t *catalog.Relation, expr *pgparse.Node, from []string) bool {
	if expr.GetCaseExpr() == nil {
		return false
	}
	for _, c := range t.Constraints {
		if c.Kind != catalog.PrimaryKey {
			continue
		}
		return !slices.ContainsFunc(from, func(name string) bool {
			attr := t.Column(name)
			return attr == nil || !slices.Contains(c.Columns, attr.Attnum)
		})
	}
	return false
}

// fresh reports whether the release added a column.
func fresh(r *rule.Release, t *catalog.Relation, column string) bool {
	attr := t.Column(column)
	if attr == nil || attr.Inferred {
		return false
	}
	deployed := r.Deployed.Relation(t.OID)
	return deployed == nil || deployed.Attr(attr.Attnum) == nil
}

// sources are the deployed columns of a table that an expression reads.
func sources(r *rule.Release, t *catalog.Relation, rv *pgparse.RangeVar, expr *pgparse.Node) []string {
	var out []string
	alias := or(rv.GetAlias().GetAliasname(), rv.GetRelname())
	pgparse.Walk(expr, func(msg any) bool {
		if _, ok := msg.(*pgparse.SubLink); ok {
			return false
		}
		ref, ok := msg.(*pgparse.ColumnRef)
		if !ok || len(ref.Fields) == 0 {
			return true
		}
		if len(ref.Fields) > 1 && ref.Fields[len(ref.Fields)-2].GetString_().GetSval() != alias {
			return true // of another table
		}
		name := pgparse.Last(ref.Fields)
		attr := t.Column(name)
		known := attr != nil && !fresh(r, t, name)
		if attr == nil && (t.Inferred || t.Partial) && name != "" && len(ref.Fields) == 1 {
			known = true // a column of a table that was never seen created
		}
		if known && !slices.Contains(out, name) {
			out = append(out, name)
		}
		return true
	})
	return out
}
