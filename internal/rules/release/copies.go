package release

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// columnCopy is an UPDATE that fills a new column of an existing table from deployed
// columns of the same table.
type columnCopy struct {
	by    *rule.Stmt
	table *catalog.Relation
	// column is the new one, from the old ones.
	column string
	from   []string
	tx     int // of the statement
	// alone: nobody else writes the table until the transaction commits.
	alone bool
}

func (c *columnCopy) readsColumn(column string) bool { return slices.Contains(c.from, column) }

// requirement is a column that every INSERT has to name from a commit on, unless something fills it.
type requirement struct {
	table  catalog.OID
	column string
}

// keepRequirements keeps the columns that a migration makes required while the deployed code runs.
func keepRequirements(p *rule.Pass, m *rule.Migration) {
	for _, t := range m.Txs {
		for d := range p.DeployedChanges(t) {
			var columns []string
			switch {
			case d.Kind == catalog.ColumnAdded || d.Kind == catalog.ColumnSetNotNull || d.Kind == catalog.ColumnDefaultChanged:
				columns = append(columns, d.New.Name)
			case d.Kind == catalog.ConstraintAdded && d.NewConstraint.Kind == catalog.Check:
				for _, a := range d.NewConstraint.Columns {
					if c := d.After.Attr(a); c != nil && predicate.ProvesNotNull(d.NewConstraint.Expr, c.Name) {
						columns = append(columns, c.Name)
					}
				}
			}
			for _, name := range columns {
				if c := d.After.Column(name); c != nil && c.Default == nil && (c.NotNull || d.NewConstraint != nil) {
					p.KeepValue(requirement{d.OID, name})
				}
			}
		}
	}
}

// keepCopies keeps the backfills of new columns from old ones in a migration.
func keepCopies(p *rule.Pass, m *rule.Migration) {
	r := p.Release
	for _, s := range m.Statements {
		for _, w := range p.ListWrites(s) {
			u, ok := w.Node.(*pgparse.UpdateStmt)
			if !ok || w.Table.OID == 0 || !p.InUse(w.Table) {
				continue
			}
			for _, n := range u.TargetList {
				target := n.GetResTarget()
				if !isNewColumn(r, w.Table, target.GetName()) {
					continue
				}
				c := columnCopy{by: s, table: w.Table, column: target.GetName(), tx: s.Tx.Index, alone: isTableLocked(s, w.Table)}
				c.from = sourceColumns(r, w.Table, u.Relation, target.GetVal())
				if len(c.from) > 0 && !isChosenByKey(w.Table, target.GetVal(), c.from) {
					p.KeepValue(c)
				}
			}
		}
	}
}

// isTableLocked reports whether an earlier statement of a transaction keeps the writers of a table
// out until it commits.
func isTableLocked(s *rule.Stmt, t *catalog.Relation) bool {
	return s.FindHeldLock(&effect.Effect{OID: t.OID, Name: t.Name}, func(h *rule.Held) bool { return h.Lock >= onward.ShareRowExclusiveLock }) != nil
}

// isChosenByKey reports whether a CASE tells single rows apart by the table's key, and
// gives each a value: nothing that a later row could have.
func isChosenByKey(t *catalog.Relation, expr *pgparse.Node, from []string) bool {
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

// isNewColumn reports whether the release added a column.
func isNewColumn(r *rule.Release, t *catalog.Relation, column string) bool {
	attr := t.Column(column)
	if attr == nil || attr.Inferred {
		return false
	}
	deployed := r.Deployed.Relation(t.OID)
	return deployed == nil || deployed.Attr(attr.Attnum) == nil
}

// sourceColumns are the deployed columns of a table that an expression reads.
func sourceColumns(r *rule.Release, t *catalog.Relation, rv *pgparse.RangeVar, expr *pgparse.Node) []string {
	var out []string
	alias := cmp.Or(rv.GetAlias().GetAliasname(), rv.GetRelname())
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
		name := pgparse.LastText(ref.Fields)
		attr := t.Column(name)
		known := attr != nil && !isNewColumn(r, t, name)
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
