package policy

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// last is a table as the migration leaves it.
func last(t *rule.Tx, d *rule.Delta) *catalog.Relation {
	list := t.Migration.Statements
	if r := list[len(list)-1].After.Relation(d.After.OID); r != nil {
		return r
	}
	return d.After
}

// unset says which setting the policies of a table ask for that the deployed
// code does not name: no policy lets a row through where it is not set. "" where
// one may, or no code was seen.
func unset(p *rule.Pass, t *rule.Tx, d *rule.Delta) string {
	var asked []string
	for _, policy := range last(t, d).Policies {
		if !policy.Permissive {
			continue
		}
		name := setting(policy.Using)
		if name == "" && policy.Command == "insert" {
			name = setting(policy.Check)
		}
		if name == "" {
			return ""
		}
		if !slices.Contains(asked, name) {
			asked = append(asked, name)
		}
	}
	for _, name := range asked {
		if u := p.Code.Sets(name); !u.Known || u.Used || named(t, name) {
			return ""
		}
	}
	if len(asked) == 0 {
		return ""
	}
	return "the policies ask for the setting " + advice.Enumerate(asked) + ", which it sets nowhere"
}

// named reports whether a function of the schema names a setting: the code may
// call it.
func named(t *rule.Tx, name string) bool {
	found := false
	list := t.Migration.Statements
	list[len(list)-1].After.EachFunction(func(f *catalog.Function) bool {
		found = strings.Contains(strings.ToLower(f.Body), name)
		return !found
	})
	return found
}

// setting is what a condition asks current_setting for, where it holds for no
// row when that is not set; "" for any other condition, and for what a proxy in
// front of the database sets.
func setting(condition *pgparse.Node) string {
	if and := condition.GetBoolExpr(); and.GetBoolop() == pgparse.BoolExprType_AND_EXPR {
		for _, n := range and.GetArgs() {
			if name := setting(n); name != "" {
				return name
			}
		}
		return ""
	}
	found, open := "", false
	pgparse.Walk(condition, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.BoolExpr, *pgparse.NullTest, *pgparse.CoalesceExpr, *pgparse.CaseExpr, *pgparse.BooleanTest, *pgparse.SubLink:
			open = true
		case *pgparse.A_Expr:
			open = open || x.Kind == pgparse.A_Expr_Kind_AEXPR_DISTINCT || x.Kind == pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT
		case *pgparse.FuncCall:
			if n := x.GetFuncname(); pgparse.Last(n) == "current_setting" && len(x.GetArgs()) > 0 {
				found, _ = pgparse.ConstantString(x.GetArgs()[0])
			}
		}
		return !open
	})
	if open || strings.HasPrefix(found, "request.") || strings.HasPrefix(found, "jwt.") || strings.HasPrefix(found, "hasura.") {
		return ""
	}
	return strings.ToLower(found)
}
