package constraint

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// keptCopy is a new table with all rows of a deployed one.
type keptCopy struct {
	source, new catalog.OID
	columns     map[int16]int16 // of the new table, by the deployed columns whose values they have
}

// keepCopy remembers a table that a statement copies: foreign keys may refer to the copy later.
func keepCopy(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	switch x := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.InsertStmt:
		if now, _ := s.Before.Resolve(x.GetRelation()); p.IsNew(now.OID) {
			keepFilledTable(p, s, now, pgparse.TargetNames(x.GetCols()), x.GetSelectStmt().GetSelectStmt())
		}
	case *pgparse.CreateTableAsStmt:
		if now, _ := s.After.Resolve(x.GetInto().GetRel()); p.IsNew(now.OID) && !x.GetInto().GetSkipData() {
			keepFilledTable(p, s, now, pgparse.StringTexts(x.GetInto().GetColNames()), x.GetQuery().GetSelectStmt())
		}
	}
}

// keepFilledTable remembers a new table that a query without a condition fills from one deployed table.
func keepFilledTable(p *rule.Pass, s *rule.Stmt, now *catalog.Relation, names []string, q *pgparse.SelectStmt) {
	from := q.GetFromClause()
	if len(from) != 1 || from[0].GetRangeVar() == nil || q.GetWhereClause() != nil || q.GetLimitCount() != nil || q.GetLimitOffset() != nil ||
		len(q.GetGroupClause()) > 0 || q.GetHavingClause() != nil || len(q.GetDistinctClause()) > 0 {
		return
	}
	source, known := s.Before.Resolve(from[0].GetRangeVar())
	if !known || !p.InUse(source) {
		return
	}
	var values []*catalog.Column // of the source, by the place in the list; nil for another expression
	for _, n := range q.GetTargetList() {
		ref := n.GetResTarget().GetVal().GetColumnRef()
		if pgparse.EndsInStar(ref) {
			values = append(values, source.Columns...)
			continue
		}
		values = append(values, source.Column(pgparse.LastText(ref.GetFields())))
	}
	x := keptCopy{source: source.OID, new: now.OID, columns: map[int16]int16{}}
	for i, from := range values {
		var to *catalog.Column
		if len(names) > 0 && i < len(names) {
			to = now.Column(names[i])
		} else if len(names) == 0 && i < len(now.Columns) {
			to = now.Columns[i]
		}
		if from != nil && to != nil {
			x.columns[from.Attnum] = to.Attnum
		}
	}
	p.KeepValue(x)
}

// isTargetCopied reports whether a table has the rows of a deployed one, under the keys to which a foreign key referred.
func (b *addedBinding) isTargetCopied(old, c *catalog.Constraint) bool {
	return slices.ContainsFunc(rule.KeptValues[keptCopy](b.p), func(x keptCopy) bool {
		return x.source == old.Ref && x.new == c.Ref && len(old.RefColumns) == len(c.RefColumns) &&
			!slices.ContainsFunc(old.RefColumns, func(a int16) bool { return x.columns[a] != c.RefColumns[slices.Index(old.RefColumns, a)] })
	})
}

// describeCopy says what deployed code meets if a foreign key refers to a copy of the table from now on: rows that are added after the copy.
func (b *addedBinding) describeCopy(oldTarget, now *catalog.Relation, r *rule.Report) {
	old, ref := oldTarget.Name.String(), now.Name.String()
	uses := b.p.Code.FindUses(oldTarget.Name, "")
	source := b.t.After.Relation(oldTarget.OID)
	switch {
	case source != nil && analysis.MayCarryRows(b.t.After, source, now):
		r.Severity = onward.Info
		r.Harm = "the deployed code writes keys of " + old + " there, and fails if a trigger of " + old + " has not written the row to " + ref
	case uses.IsIdle() || uses.IsReadOnly():
		r.Severity = onward.Info
		r.Harm = ref + " has the rows that " + old + " had: INSERTs and UPDATEs that point at a later row of " + old + " fail"
	default:
		r.Harm = "rows that the deployed code adds to " + old + " after the copy are not in " + ref + ": its writes that point at them fail"
	}
}
