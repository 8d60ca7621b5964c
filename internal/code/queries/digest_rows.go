package queries

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/query"
)

// recordCopiedRows records the relation whose columns an INSERT without a list copies unchanged:
// INSERT INTO archive SELECT * FROM orders, or the same with DELETE … RETURNING *.
func (d *digest) recordCopiedRows(n *pgparse.Node) {
	s := n.GetInsertStmt()
	if len(s.GetCols()) > 0 || !isOnlyStar(s.GetSelectStmt().GetSelectStmt().GetTargetList()) {
		return
	}
	l := query.BindStatement(n, query.NoRelations{})
	if l.Query == nil || len(l.Query.Sources) != 1 {
		return
	}
	from := l.Query.Sources[0]
	if from.CTE != nil && from.CTE.Query != nil {
		deleted, ok := from.CTE.Query.Node.(*pgparse.DeleteStmt)
		if !ok || !isOnlyStar(deleted.GetReturningClause().GetExprs()) {
			return
		}
		from = from.CTE.Query.Target
	}
	sourceIndex, known := d.at[from.Range]
	targetIndex, written := d.at[s.GetRelation()]
	if from.Range == nil || !known || !written || sourceIndex < 0 {
		return
	}
	for i := range d.q.Writes {
		if w := &d.q.Writes[i]; w.Relation == targetIndex && w.How == facts.Inserts {
			w.From = sourceIndex + 1
		}
	}
}

// isOnlyStar reports whether a list is only *.
func isOnlyStar(list []*pgparse.Node) bool {
	if len(list) != 1 {
		return false
	}
	fields := list[0].GetResTarget().GetVal().GetColumnRef().GetFields()
	return len(fields) == 1 && fields[0].GetAStar() != nil
}

// comparisonCalls are the names of mappers and query builders for DISTINCT, UNION and GROUP BY.
var comparisonCalls = lexer.NewWords("distinct", "distinctOn", "Distinct", "DistinctOn", "union", "groupBy", "group_by")

// RecordRowComparisons records the calls of mappers that may compare whole rows.
func RecordRowComparisons(r *source.File) {
	if r.Language == nil {
		return
	}
	comparisonCalls.Each(r.Text, func(from int, word string) bool {
		if isCall(r, from, from+len(word)) && !r.IsInString(from) && !lexer.IsInSpans(r.Comments, from) {
			r.Facts.Compares = append(r.Facts.Compares, r.LineAt(from))
		}
		return true
	})
	r.Facts.Compares = slices.Compact(r.Facts.Compares)
}

// isCall reports whether a word is a method, a function or a named argument: .distinct,
// union(a, b), distinct: true.
func isCall(r *source.File, from, to int) bool {
	before, rest := byte('\n'), r.Text[to:]
	if from > 0 {
		before = r.Text[from-1]
	}
	switch {
	case lexer.NameByte[before] || len(rest) == 0 || lexer.NameByte[rest[0]]:
		return false
	case before == '.':
		return !bytes.HasSuffix(r.Text[:from], []byte("_.")) // lodash's function works on a list
	}
	return rest[0] == '(' || rest[0] == ':' && secondByte(rest) != '='
}

// picksOf returns how a statement picks the rows of its only relation: the same row each time, as WHERE id = 1
// and LIMIT 1 do, or some rows.
func picksOf(n *pgparse.Node) facts.Picks {
	switch x := pgparse.Unwrap(n).(type) {
	case *pgparse.SelectStmt:
		if len(x.GetFromClause()) == 1 && x.WhereClause == nil && len(x.GetGroupClause()) == 0 && isFirstRow(x) {
			return facts.PicksFixed
		}
		return classifyRowChoice(x.WhereClause)
	case *pgparse.UpdateStmt:
		return classifyRowChoice(x.WhereClause)
	case *pgparse.DeleteStmt:
		if classifyRowChoice(x.WhereClause) != facts.PicksFixed {
			return facts.PicksSome
		}
		return facts.PicksFixed
	}
	return facts.PicksUnknown
}

// isFirstRow reports whether a query returns one row, and does not ask for the last one.
func isFirstRow(q *pgparse.SelectStmt) bool {
	if q.GetLimitCount().GetAConst().GetIval().GetIval() != 1 {
		return false
	}
	return !slices.ContainsFunc(q.GetSortClause(), func(n *pgparse.Node) bool {
		return n.GetSortBy().GetSortbyDir() == pgparse.SortByDir_SORTBY_DESC
	})
}

// classifyRowChoice returns how a condition picks rows. Tests for NULL do not pick one.
func classifyRowChoice(where *pgparse.Node) facts.Picks {
	if where == nil {
		return facts.PicksUnknown
	}
	for _, n := range predicate.ListConjuncts(where) {
		e := n.GetAExpr()
		if e == nil || e.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP || pgparse.LastText(e.GetName()) != "=" || e.GetLexpr().GetColumnRef() == nil {
			continue
		}
		if c := e.GetRexpr().GetAConst(); c != nil && !c.GetIsnull() && c.GetSval() == nil {
			return facts.PicksFixed // a number or a boolean, as keys of such tables have
		}
	}
	compares := false
	pgparse.Walk(where, func(msg any) bool {
		switch msg.(type) {
		case *pgparse.A_Expr, *pgparse.SubLink, *pgparse.FuncCall:
			compares = true
		}
		return !compares
	})
	if compares {
		return facts.PicksSome
	}
	return facts.PicksUnknown
}

// readsFullTable reports whether a query returns every row of one relation: it has no condition and no limit, and it
// calls no function, because that may be an aggregate.
func readsFullTable(s *pgparse.SelectStmt) bool {
	if s == nil || len(s.GetFromClause()) != 1 || s.GetFromClause()[0].GetRangeVar() == nil || s.GetWhereClause() != nil || s.GetLimitCount() != nil ||
		s.GetHavingClause() != nil || len(s.GetGroupClause())+len(s.GetDistinctClause()) > 0 || s.GetLarg() != nil || s.GetWithClause() != nil {
		return false
	}
	calls := false
	for _, target := range s.GetTargetList() {
		pgparse.Walk(target, func(msg any) bool {
			switch msg.(type) {
			case *pgparse.FuncCall, *pgparse.SubLink:
				calls = true
			}
			return !calls
		})
	}
	return !calls
}
