package catalog

import "github.com/onward-sql/onward/internal/pgparse"

// OuterColumn finds, in the condition of an UPDATE or DELETE of target, an IN whose
// sub-query selects a column that its own table lacks but target has. The server uses
// target's column. An example is DELETE FROM users WHERE id IN (SELECT id FROM bans), if bans has no id.
// negated says that it is NOT IN. column is "" if there is none, or if that is not certain.
func (c *Catalog) OuterColumn(write any, target *Relation) (column string, inner *Relation, negated bool) {
	var where *pgparse.Node
	var otherTables []*pgparse.Node
	switch x := write.(type) {
	case *pgparse.UpdateStmt:
		where, otherTables = x.GetWhereClause(), x.GetFromClause()
	case *pgparse.DeleteStmt:
		where, otherTables = x.GetWhereClause(), x.GetUsingClause()
	}
	if where == nil || len(otherTables) > 0 || target == nil {
		return "", nil, false
	}
	k := &checker{c: c}
	negatedLinks := map[*pgparse.SubLink]bool{}
	pgparse.Walk(where, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.BoolExpr:
			if x.GetBoolop() == pgparse.BoolExprType_NOT_EXPR {
				negatedLinks[x.GetArgs()[0].GetSubLink()] = true
			}
		case *pgparse.SubLink:
			q := x.GetSubselect().GetSelectStmt()
			if name, t := k.findBorrowedColumn(x, q, target); name != "" && column == "" {
				column, inner, negated = name, t, negatedLinks[x]
			}
			return false
		}
		return column == ""
	})
	return column, inner, negated
}

// findBorrowedColumn returns the column that IN (SELECT column FROM t) takes from the outer
// table, and t.
func (k *checker) findBorrowedColumn(x *pgparse.SubLink, q *pgparse.SelectStmt, target *Relation) (string, *Relation) {
	if x.GetSubLinkType() != pgparse.SubLinkType_ANY_SUBLINK || q.GetLarg() != nil || q.GetWithClause() != nil ||
		len(q.GetTargetList()) != 1 || len(q.GetFromClause()) != 1 {
		return "", nil
	}
	rv := q.GetFromClause()[0].GetRangeVar()
	fields := q.GetTargetList()[0].GetResTarget().GetVal().GetColumnRef().GetFields()
	if rv == nil || len(fields) != 1 || rv.GetAlias().GetColnames() != nil {
		return "", nil
	}
	name := clipName(pgparse.StringText(fields[0]))
	t := k.resolveRelation(rv)
	if name == "" || target.Column(name) == nil || target.Column(name).Inferred || !k.isColumnAbsent(t, name) {
		return "", nil
	}
	return name, t
}
