package data

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// replacement is a constant that takes the place of another.
type replacement struct{ old, now string }

// listReplacements returns the constants of a column that an assignment replaces: UPDATE … SET
// c = 'b' WHERE c = 'a', and SET c = CASE c WHEN 'a' THEN 'b' END.
func listReplacements(target *pgparse.ResTarget, where *pgparse.Node) []replacement {
	var out []replacement
	add := func(old []string, to *pgparse.Node) {
		now := constantText(to)
		for _, o := range old {
			if now != "" {
				out = append(out, replacement{o, now})
			}
		}
	}
	add(listEqualConstants(where, target.GetName()), target.GetVal())
	choice := target.GetVal().GetCaseExpr()
	for _, n := range choice.GetArgs() {
		when := n.GetCaseWhen()
		if !isColumn(choice.GetArg(), target.GetName()) {
			add(listEqualConstants(when.GetExpr(), target.GetName()), when.GetResult())
		} else if old := constantText(when.GetExpr()); old != "" {
			add([]string{old}, when.GetResult())
		}
	}
	return out
}

// isDistinctiveValue reports whether a text, where code has it, is likely to be the value: not
// "true" or "0", which everything is compared with, and no prose, which is shown.
func isDistinctiveValue(value string) bool {
	return !vague.MatchString(value) && len(strings.Fields(value)) < 3
}

var vague = lazyregexp.New(`^(?i:\W*|[\d.,]+|true|false|yes|no|on|off|null|none|t|f|y|n|id|name|default)$`)

// listEqualConstants returns the constants one of which a column has by a condition.
func listEqualConstants(where *pgparse.Node, column string) []string {
	var out []string
	for _, n := range predicate.ListConjuncts(where) {
		x := n.GetAExpr()
		if len(out) > 0 || !isColumn(x.GetLexpr(), column) || len(x.GetName()) != 1 || x.GetName()[0].GetString_().GetSval() != "=" {
			continue
		}
		switch x.GetKind() {
		case pgparse.A_Expr_Kind_AEXPR_OP:
			out = append(out, constantText(x.GetRexpr()))
		case pgparse.A_Expr_Kind_AEXPR_IN:
			for _, n := range x.GetRexpr().GetList().GetItems() {
				out = append(out, constantText(n))
			}
		}
	}
	return out
}

// isColumn reports whether an expression is a column of the table that is written,
// with a cast or without.
func isColumn(n *pgparse.Node, column string) bool {
	fields := pgparse.StripCasts(n).GetColumnRef().GetFields()
	return len(fields) > 0 && pgparse.LastText(fields) == column
}

// constantText is a constant text, with a cast or without; "" for anything else.
func constantText(n *pgparse.Node) string {
	return pgparse.StripCasts(n).GetAConst().GetSval().GetSval()
}
