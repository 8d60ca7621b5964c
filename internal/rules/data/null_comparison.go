package data

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// NullComparison flags a write whose condition compares with NULL.
// https://www.postgresql.org/docs/current/functions-comparison.html
var NullComparison = &rule.Rule{
	ID:       "data-null-comparison",
	Category: onward.Data,
	Severity: onward.Warning,
	Summary:  "a condition compares with NULL, which is never true, so no row is written",
	Harm: "x = NULL is NULL for every x, NULL itself included. The UPDATE that should fill the column finds no row, and a statement that relies on it, " +
		"such as a later SET NOT NULL, fails on the rows that are still NULL: on the production database, not on an empty one.",
	Instead:   "Write IS NULL or IS NOT NULL.",
	Manual:    []string{"https://www.postgresql.org/docs/current/functions-comparison.html"},
	Kinds:     rule.Data,
	Statement: checkNullComparison,
}

func checkNullComparison(p *rule.Pass, s *rule.Stmt) {
	for _, w := range p.ListWrites(s) {
		test, instead := findNullComparison(splitWrite(w.Node).where)
		if test == "" {
			continue
		}
		p.Report(s, rule.Report{
			Fact:    w.Verb + " asks for " + test + ", which no row fulfills",
			Harm:    "a comparison with NULL is never true: the rows that are meant stay as they are",
			Instead: "write " + instead,
			Cause:   "and so do %d other statements",
		})
		return
	}
}

// findNullComparison returns the first of the conditions of a WHERE, all of which must hold,
// that compares with the constant NULL, and what it was to be.
func findNullComparison(where *pgparse.Node) (test, instead string) {
	for _, n := range predicate.ListConjuncts(where) {
		x := n.GetAExpr()
		if x.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP || len(x.GetName()) != 1 || !x.GetRexpr().GetAConst().GetIsnull() || x.GetLexpr().GetColumnRef() == nil {
			continue
		}
		fields := x.GetLexpr().GetColumnRef().GetFields()
		column := pgparse.QuoteIdent(pgparse.LastText(fields))
		switch x.GetName()[0].GetString_().GetSval() {
		case "=":
			return column + " = NULL", column + " IS NULL"
		case "<>":
			return column + " <> NULL", column + " IS NOT NULL"
		}
	}
	return "", ""
}
