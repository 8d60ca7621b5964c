// Package sentqueries reads the queries that a server got, for tests: onward's own must find nothing by the search_path of whoever owns
// the database.
package sentqueries

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Unqualified lists what a statement leaves to the path of the session that
// sends it: names of relations, functions, types and collations, and operators,
// also those that the grammar writes itself, as for IN, LIKE and CASE x WHEN.
// Statements in DO blocks count; bodies of functions that bring a path do not.
func Unqualified(sql string) []string {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return []string{err.Error()}
	}
	var q looseNames
	for i := range f.Stmts {
		if s := &f.Stmts[i]; s.Err != nil {
			q.addName("cannot be parsed: " + s.Err.Error())
		} else {
			q.readStatement(s.Node)
		}
	}
	return q.list
}

type looseNames struct{ list []string }

func (q *looseNames) addName(name string) {
	if !slices.Contains(q.list, name) {
		q.list = append(q.list, name)
	}
}

func (q *looseNames) readStatement(n *pgparse.Node) {
	var cteNames []string
	pgparse.Walk(n, func(msg any) bool {
		if c, ok := msg.(*pgparse.CommonTableExpr); ok {
			cteNames = append(cteNames, c.GetCtename())
		}
		return true
	})
	if x := n.GetDoStmt(); x != nil {
		q.readBlock(x)
	}
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.CreateFunctionStmt:
			return q.readFunction(x)
		case *pgparse.RangeVar:
			if x.GetSchemaname() == "" && !slices.Contains(cteNames, x.GetRelname()) {
				q.addName("relation " + x.GetRelname())
			}
		case *pgparse.FuncCall:
			if names := pgparse.StringTexts(x.GetFuncname()); len(names) == 1 {
				q.addName("function " + names[0])
			}
		case *pgparse.TypeName:
			if names := pgparse.StringTexts(x.GetNames()); len(names) == 1 && !x.GetPctType() {
				q.addName("type " + names[0])
			}
		case *pgparse.CollateClause:
			if names := pgparse.StringTexts(x.GetCollname()); len(names) == 1 {
				q.addName("collation " + names[0])
			}
		case *pgparse.A_Expr:
			if names := pgparse.StringTexts(x.GetName()); len(names) == 1 {
				q.addName("operator " + names[0] + " " + strings.TrimPrefix(x.GetKind().String(), "AEXPR_"))
			}
		case *pgparse.SubLink:
			if x.GetTestexpr() != nil && len(x.GetOperName()) < 2 {
				q.addName("operator of IN or ANY (SELECT …)")
			}
		case *pgparse.CaseExpr:
			if x.GetArg() != nil {
				q.addName("operator = of CASE … WHEN")
			}
		case *pgparse.SortBy:
			if len(x.GetUseOp()) == 1 {
				q.addName("operator of ORDER BY … USING")
			}
		case *pgparse.JoinExpr:
			if len(x.GetUsingClause()) > 0 || x.GetIsNatural() {
				q.addName("operator = of JOIN … USING")
			}
		}
		return true
	})
}

// readBlock reads what a DO block runs and computes.
func (q *looseNames) readBlock(x *pgparse.DoStmt) {
	body := pgparse.ReadBody(blockText(x))
	for _, p := range body.Parts {
		q.addNames(Unqualified(p.SQL))
	}
	for name, t := range body.Variables {
		if !strings.Contains(t, ".") {
			q.addName("type of the variable " + name)
		}
	}
}

// blockText returns the body of a DO block.
func blockText(x *pgparse.DoStmt) string {
	for _, arg := range x.GetArgs() {
		if d := arg.GetDefElem(); d.GetDefname() == "as" {
			return pgparse.StringText(d.GetArg())
		}
	}
	return ""
}

func (q *looseNames) addNames(list []string) {
	for _, x := range list {
		q.addName(x)
	}
}

// readFunction reads no function that brings its path.
func (q *looseNames) readFunction(x *pgparse.CreateFunctionStmt) bool {
	for _, o := range x.GetOptions() {
		if d := o.GetDefElem(); d.GetDefname() == "set" && d.GetArg().GetVariableSetStmt().GetName() == "search_path" {
			return false
		}
	}
	q.addName(fmt.Sprintf("the path of function %s", pgparse.LastText(x.GetFuncname())))
	return true
}
