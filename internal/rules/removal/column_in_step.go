package removal

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// mayHoldSameValues reports whether the column that takes another's name may hold what that
// one held: something keeps both equal, or copied it.
func mayHoldSameValues(p *rule.Pass, t *rule.Tx, d *rule.Delta) bool {
	now := d.After.Column(d.Old.Name)
	successorBefore := d.Before.Attr(now.Attnum)
	if successorBefore == nil { // the transaction added it
		return slices.ContainsFunc(t.Statements, func(s *rule.Stmt) bool { return updatesColumn(p, s, d.OID, now.Attnum) })
	}
	deployed := p.Release.Deployed.Relation(d.OID)
	if deployed == nil || deployed.Attr(now.Attnum) == nil {
		return p.KeepsValues(t, d) // an earlier transaction of the release added it
	}
	if now.GeneratedExpr != nil || successorBefore.GeneratedExpr != nil {
		return true
	}
	for _, g := range slices.Concat(deployed.Triggers, d.Before.Triggers) {
		if g.Row && (analysis.MaySetColumn(p.Release.Deployed, g, successorBefore.Name) || analysis.MaySetColumn(p.Release.Deployed, g, d.Old.Name)) {
			return true
		}
	}
	u := p.UsesColumn(d, successorBefore)
	return !u.Known || u.Used // the code may write both
}

// updatesColumn reports whether a statement writes a column of all rows.
func updatesColumn(p *rule.Pass, s *rule.Stmt, table catalog.OID, attnum int16) bool {
	for _, w := range p.ListWrites(s) {
		u, ok := w.Node.(*pgparse.UpdateStmt)
		if !ok || w.Table.OID != table {
			continue
		}
		for _, n := range u.TargetList {
			if c := w.Table.Column(n.GetResTarget().GetName()); c != nil && c.Attnum == attnum {
				return true
			}
		}
	}
	return false
}
