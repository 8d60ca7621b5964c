package pgparse

import (
	"slices"
	"strings"
)

// walkIf walks the branches of an IF. If it returns when a relation is missing, the later statements need the relation.
func (w *blockWalk) walkIf(f map[string]any, line int, loop bool) {
	needs, needsAt := w.needs, w.needsAt
	condition := parseExpr(exprText(f["cond"]))
	w.requireRelations(w.neededRelations(condition, false), line)
	if f["else_body"] == nil && f["elsif_list"] == nil {
		w.walkGuarded(f["then_body"], exprText(f["cond"]), line, loop)
	} else {
		w.walkBranch(f["then_body"], line, loop)
	}
	w.needs, w.needsAt = needs, needsAt
	w.walkBranches(f, line, loop, "elsif_list", "else_body")
	if f["else_body"] == nil && f["elsif_list"] == nil && returnsOnly(f["then_body"]) {
		w.requireRelations(w.neededRelations(condition, true), line)
	}
}

// walkGuarded walks the only branch of an IF.
func (w *blockWalk) walkGuarded(body any, condition string, line int, loop bool) {
	guard, unguarded, before := w.guard, w.unguarded, len(w.block.Statements)
	switch {
	case len(guard)+len(condition) > maxGuard:
		w.unguarded = true
	case guard != "":
		w.guard = guard + " AND (" + condition + ")"
	default:
		w.guard = "(" + condition + ")"
	}
	w.walkOptional(body, line, loop)
	if !w.unguarded && len(w.block.Statements) > before {
		w.block.Conditions = append(w.block.Conditions, condition)
	}
	w.guard, w.unguarded = guard, unguarded
}

// maxGuard limits the text of a guard, in bytes.
const maxGuard = 10_000

// requireRelations marks the later statements as dependent on some relations.
func (w *blockWalk) requireRelations(relations []string, line int) {
	if len(relations) > 0 {
		w.needs, w.needsAt = strings.TrimPrefix(w.needs+"\n"+strings.Join(relations, "\n"), "\n"), line
	}
}

// returnsOnly reports whether statements end in RETURN and do nothing else but print.
func returnsOnly(body any) bool {
	list, _ := body.([]any)
	for i, e := range list {
		last := jsonPart(e, "PLpgSQL_stmt_return") != nil
		if last != (i == len(list)-1) || !last && jsonPart(e, "PLpgSQL_stmt_raise") == nil {
			return false
		}
	}
	return len(list) > 0
}

// neededRelations returns the relations that must exist for a condition to be true or, if negated, to be false. It
// recognises to_regclass('x') IS NOT NULL and EXISTS (SELECT … FROM pg_class WHERE relname = 'x').
func (w *blockWalk) neededRelations(n *Node, negated bool) (out []string) {
	switch x := Unwrap(n).(type) {
	case *BoolExpr:
		conjunction := BoolExprType_AND_EXPR
		if negated {
			conjunction = BoolExprType_OR_EXPR
		}
		switch x.Boolop {
		case conjunction:
			for _, arg := range x.Args {
				out = append(out, w.neededRelations(arg, negated)...)
			}
		case BoolExprType_NOT_EXPR:
			return w.neededRelations(x.Args[0], !negated)
		}
	case *NullTest:
		if (x.Nulltesttype == NullTestType_IS_NULL) == negated {
			return w.relationInRegclass(x.Arg)
		}
	case *SubLink:
		q := x.Subselect.GetSelectStmt()
		switch {
		case x.SubLinkType == SubLinkType_EXPR_SUBLINK && len(q.GetTargetList()) == 1 && len(q.GetFromClause()) == 0:
			return w.neededRelations(q.TargetList[0].GetResTarget().GetVal(), negated) // (SELECT to_regclass('x') IS NOT NULL)
		case x.SubLinkType == SubLinkType_EXISTS_SUBLINK && !negated:
			return w.relationsInCatalogQuery(q)
		}
	}
	return out
}

// relationInRegclass returns the relation that a call of to_regclass looks up.
func (w *blockWalk) relationInRegclass(n *Node) []string {
	n = StripCasts(n)
	f := n.GetFuncCall()
	if f == nil || LastText(f.Funcname) != "to_regclass" || len(f.Args) != 1 {
		return nil
	}
	if name, _, ok := w.evalNode(f.Args[0]); ok {
		return []string{name}
	}
	return nil
}

// nameColumns maps a table of the server's catalog to its column with the name of a relation.
var nameColumns = map[string]string{
	"pg_tables": "tablename", "pg_class": "relname", "tables": "table_name", "columns": "table_name",
}

// relationsInCatalogQuery returns the relation whose existence a query of the server's catalog tests.
func (w *blockWalk) relationsInCatalogQuery(q *SelectStmt) []string {
	if len(q.GetFromClause()) != 1 || q.GetWhereClause() == nil {
		return nil
	}
	from := q.FromClause[0].GetRangeVar()
	column := nameColumns[from.GetRelname()]
	if column == "" || strings.HasPrefix(column, "table_") != (from.GetSchemaname() == "information_schema") {
		return nil
	}
	conditions := []*Node{q.WhereClause}
	if conjunction := q.WhereClause.GetBoolExpr(); conjunction != nil && conjunction.Boolop == BoolExprType_AND_EXPR {
		conditions = conjunction.Args
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
