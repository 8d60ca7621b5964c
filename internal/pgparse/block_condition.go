package pgparse

import (
	"slices"
	"strings"
)

// walkIf walks the branches of an IF.
func (w *blockWalk) walkIf(f map[string]any, line int, loop bool) {
	needs, at := w.needs, w.needsAt
	if more := w.neededRelations(parseExpr(exprText(f["cond"]))); len(more) > 0 {
		w.needs, w.needsAt = strings.TrimPrefix(needs+"\n"+strings.Join(more, "\n"), "\n"), line
	}
	w.walkBranch(f["then_body"], line, loop)
	w.needs, w.needsAt = needs, at
	w.walkBranches(f, line, loop, "elsif_list", "else_body")
}

// neededRelations returns the relations without which a condition is not true: to_regclass('x') IS NOT NULL, or EXISTS
// of a query for the name in the server's catalogs.
func (w *blockWalk) neededRelations(n *Node) (out []string) {
	switch x := Unwrap(n).(type) {
	case *BoolExpr:
		if x.Boolop == BoolExprType_AND_EXPR {
			for _, arg := range x.Args {
				out = append(out, w.neededRelations(arg)...)
			}
		}
	case *NullTest:
		for x.Arg.GetTypeCast() != nil {
			x = &NullTest{Arg: x.Arg.GetTypeCast().GetArg(), Nulltesttype: x.Nulltesttype}
		}
		f := x.Arg.GetFuncCall()
		if x.Nulltesttype != NullTestType_IS_NOT_NULL || f == nil || LastText(f.Funcname) != "to_regclass" || len(f.Args) != 1 {
			return nil
		}
		if name, _, ok := w.evalNode(f.Args[0]); ok {
			return []string{name}
		}
	case *SubLink:
		q := x.Subselect.GetSelectStmt()
		switch x.SubLinkType {
		case SubLinkType_EXPR_SUBLINK: // (SELECT to_regclass('x') IS NOT NULL)
			if len(q.GetTargetList()) == 1 && len(q.GetFromClause()) == 0 {
				return w.neededRelations(q.TargetList[0].GetResTarget().GetVal())
			}
		case SubLinkType_EXISTS_SUBLINK:
			return w.namedRelations(q)
		}
	}
	return out
}

// relationNames are the columns of the server's catalogs with the name of a relation, by the relation.
var relationNames = map[string]string{
	"pg_tables": "tablename", "pg_class": "relname", "tables": "table_name", "columns": "table_name",
}

// namedRelations returns the relation that a query for it in the server's catalogs names.
func (w *blockWalk) namedRelations(q *SelectStmt) []string {
	if len(q.GetFromClause()) != 1 || q.GetWhereClause() == nil {
		return nil
	}
	from := q.FromClause[0].GetRangeVar()
	column := relationNames[from.GetRelname()]
	if column == "" || strings.HasPrefix(column, "table_") != (from.GetSchemaname() == "information_schema") {
		return nil
	}
	conditions := []*Node{q.WhereClause}
	if and := q.WhereClause.GetBoolExpr(); and != nil && and.Boolop == BoolExprType_AND_EXPR {
		conditions = and.Args
	}
	for _, n := range conditions {
		e := n.GetAExpr()
		if e == nil || e.Kind != A_Expr_Kind_AEXPR_OP || LastText(e.Name) != "=" {
			continue
		}
		fields := e.Lexpr.GetColumnRef().GetFields()
		if len(fields) == 0 || fields[len(fields)-1].GetString_().GetSval() != column {
			continue
		}
		if name, _, ok := w.evalNode(e.Rexpr); ok && !slices.Contains([]string{"", "pg_class"}, name) {
			return []string{QuoteIdent(name)}
		}
	}
	return nil
}
