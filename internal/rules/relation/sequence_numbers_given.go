package relation

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// recordInsertedNumbers looks at the values that an INSERT has for a column with a sequence of
// its own.
func recordInsertedNumbers(p *rule.Pass, s *rule.Stmt, x *pgparse.InsertStmt) {
	t := s.Before.Lookup(x.GetRelation().GetSchemaname(), x.GetRelation().GetRelname())
	if t == nil || !t.Kind.IsTable() || t.Persistence == catalog.Temporary {
		return
	}
	targetColumns := insertTargets(t, x)
	for _, col := range t.Columns {
		if !takesOwnSequence(col) || p.IsNew(t.OID) && !p.IsNew(col.Sequence) || !s.Before.UniqueAlone(t, col.Attnum) {
			continue
		}
		position := slices.Index(targetColumns, col)
		if position < 0 || x.GetOverride() == pgparse.OverridingKind_OVERRIDING_USER_VALUE {
			p.KeepValue(defaultedInsert{s, t.OID})
			continue
		}
		n := numberedInsert{by: s, table: t.OID, column: col.Attnum}
		if q := x.GetSelectStmt().GetSelectStmt(); len(q.GetValuesLists()) > 0 {
			var high int32
			if n.what, high = describeNumbers(q, position, col.Name); high > far && !p.IsNew(t.OID) {
				continue
			}
		} else if isColumnCopied(q, position) {
			n.what = "values of " + col.Name + " that a query gives"
		}
		if n.what != "" {
			p.KeepValue(n)
		}
	}
}

// describeNumbers returns the numbers that VALUES have for a column: "id 1 to 3"; "" when a
// sequence could not give them. high is the greatest.
func describeNumbers(q *pgparse.SelectStmt, position int, name string) (description string, high int32) {
	var low int32
	for _, row := range q.GetValuesLists() {
		items := row.GetList().GetItems()
		if position >= len(items) || items[position].GetAConst().GetIval() == nil {
			continue
		}
		if v := items[position].GetAConst().GetIval().GetIval(); v > 0 {
			if low == 0 || v < low {
				low = v
			}
			high = max(high, v)
		}
	}
	switch {
	case low == 0:
		return "", 0
	case low == high:
		return fmt.Sprintf("%s %d", name, low), high
	}
	return fmt.Sprintf("%s %d to %d", name, low, high), high
}

// takesOwnSequence reports whether a column takes its default from the sequence that it
// owns.
func takesOwnSequence(c *catalog.Column) bool {
	if c.TakesNumber() {
		return true
	}
	f := c.Default.GetFuncCall().GetFuncname()
	return c.Sequence != 0 && len(f) > 0 && pgparse.LastText(f) == "nextval"
}

// insertTargets are the columns that an INSERT has values for, in order; nil for one
// that is not known.
func insertTargets(t *catalog.Relation, x *pgparse.InsertStmt) []*catalog.Column {
	if len(x.GetCols()) == 0 {
		return t.Columns
	}
	out := make([]*catalog.Column, len(x.GetCols()))
	for i, n := range x.GetCols() {
		out[i] = t.Column(n.GetResTarget().GetName())
	}
	return out
}

// isColumnCopied reports whether a query gives the column what another column holds.
func isColumnCopied(q *pgparse.SelectStmt, i int) bool {
	for q.GetLarg() != nil {
		q = q.GetLarg()
	}
	if i >= len(q.GetTargetList()) || len(q.GetFromClause()) == 0 {
		return false
	}
	col := q.GetTargetList()[i].GetResTarget().GetVal().GetColumnRef()
	return col != nil && col.GetFields()[len(col.GetFields())-1].GetAStar() == nil
}
