package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
)

// tableAfterMigration is a table as the migration leaves it.
func tableAfterMigration(t *rule.Tx, d *rule.Delta) *catalog.Relation {
	return cmp.Or(t.Migration.After().Relation(d.After.OID), d.After)
}

// describeUnsetSetting says, in a sentence, which setting the policies of a table read and that the deployed code
// does not name: without it, no policy lets a row through. It returns "" if a policy may
// do so, or if no code was seen.
func describeUnsetSetting(p *rule.Pass, t *rule.Tx, d *rule.Delta) string {
	var asked []string
	for _, policy := range tableAfterMigration(t, d).Policies {
		if !policy.Permissive {
			continue
		}
		name := findSetting(policy.Using)
		if name == "" && policy.Command == "insert" {
			name = findSetting(policy.Check)
		}
		if name == "" {
			return ""
		}
		if !slices.Contains(asked, name) {
			asked = append(asked, name)
		}
	}
	for _, name := range asked {
		if u := p.Code.FindSettings(name); !u.Known || u.Used || isSettingInFunctionBody(t, name) {
			return ""
		}
	}
	if len(asked) == 0 {
		return ""
	}
	return "the policies ask for the setting " + prose.EnumerateNames(asked) + ", which it sets nowhere"
}

// isSettingInFunctionBody reports whether a function's body has the name of a setting, which must be in lower case, anywhere in
// its text: the code may call the function to set it.
func isSettingInFunctionBody(t *rule.Tx, setting string) bool {
	found := false
	t.Migration.After().EachFunction(func(f *catalog.Function) bool {
		found = strings.Contains(strings.ToLower(f.Body), setting)
		return !found
	})
	return found
}

// findSetting returns the setting that a condition reads by current_setting, if the condition
// holds for no row while that is unset. It returns "" for any other condition, and for
// settings that a proxy sets.
func findSetting(condition *pgparse.Node) string {
	if conjunction := condition.GetBoolExpr(); conjunction.GetBoolop() == pgparse.BoolExprType_AND_EXPR {
		for _, n := range conjunction.GetArgs() {
			if name := findSetting(n); name != "" {
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
			if n := x.GetFuncname(); pgparse.LastText(n) == "current_setting" && len(x.GetArgs()) > 0 {
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
