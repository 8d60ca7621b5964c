package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
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
		name := findSetting(t.After, policy.Using)
		if name == "" && policy.Command == "insert" {
			name = findSetting(t.After, policy.Check)
		}
		if name == "" {
			return ""
		}
		if !slices.Contains(asked, name) {
			asked = append(asked, name)
		}
	}
	for _, name := range asked {
		if u := p.Code.FindSettings(name); !u.Known || u.Used || isSetByFunction(t, name) {
			return ""
		}
	}
	if len(asked) == 0 {
		return ""
	}
	return "the policies ask for the setting " + prose.EnumerateNames(asked) + ", which it sets nowhere"
}

// isSetByFunction reports whether a function may set a setting, which must be in lower case: its body has the name, and a word
// that sets something. The code may call the function.
func isSetByFunction(t *rule.Tx, setting string) bool {
	found := false
	t.Migration.After().EachFunction(func(f *catalog.Function) bool {
		body := strings.ToLower(f.Body)
		found = strings.Contains(body, setting) && strings.Contains(strings.ReplaceAll(body, "current_setting", ""), "set")
		return !found
	})
	return found
}

// isSetByCode reports whether the deployed code names a setting, or may call a function that sets it.
func isSetByCode(p *rule.Pass, t *rule.Tx, setting string) bool {
	return p.Code.FindSettings(setting).Used || isSetByFunction(t, setting)
}

// findSetting returns the first setting of listSettings; "" for none.
func findSetting(c *catalog.Catalog, condition *pgparse.Node) string {
	if list := listSettings(c, condition); len(list) > 0 {
		return list[0]
	}
	return ""
}

// listSettings returns the settings that a condition reads by current_setting, itself or in a function of one statement, if
// the condition holds for no row while one of them is unset. Settings that a proxy sets are left out.
func listSettings(c *catalog.Catalog, condition *pgparse.Node) []string {
	var out []string
	for _, n := range predicate.ListConjuncts(condition) {
		list, open := readSettings(c, n)
		if s := n.GetSubLink(); s.GetSubLinkType() == pgparse.SubLinkType_EXISTS_SUBLINK || s.GetSubLinkType() == pgparse.SubLinkType_ANY_SUBLINK {
			list, open = listSettings(c, s.GetSubselect().GetSelectStmt().GetWhereClause()), false
		}
		if !open {
			out = append(out, list...)
		}
	}
	return out
}

// readSettings returns the settings without which an expression is NULL. open says that it may have a value without them.
func readSettings(c *catalog.Catalog, n *pgparse.Node) (list []string, open bool) {
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.BoolExpr, *pgparse.NullTest, *pgparse.CoalesceExpr, *pgparse.CaseExpr, *pgparse.BooleanTest:
			open = true
		case *pgparse.SubLink:
			// A subquery without tables is its expression: planners compute it once for all rows.
			q := x.GetSubselect().GetSelectStmt()
			open = open || x.GetSubLinkType() != pgparse.SubLinkType_EXPR_SUBLINK || len(q.GetFromClause()) > 0 || q.GetWhereClause() != nil
		case *pgparse.A_Expr:
			open = open || x.Kind == pgparse.A_Expr_Kind_AEXPR_DISTINCT || x.Kind == pgparse.A_Expr_Kind_AEXPR_NOT_DISTINCT
		case *pgparse.FuncCall:
			if name := settingOfCall(c, x); name != "" && !strings.HasPrefix(name, "request.") && !strings.HasPrefix(name, "jwt.") && !strings.HasPrefix(name, "hasura.") {
				list = append(list, name)
			}
		}
		return !open
	})
	return list, open
}

// settingOfCall returns the setting that a call of current_setting reads, or one of a function whose only statement does.
func settingOfCall(c *catalog.Catalog, call *pgparse.FuncCall) string {
	schema, name := pgparse.SchemaAndName(call.GetFuncname())
	if name == "current_setting" && len(call.GetArgs()) > 0 {
		setting, _ := pgparse.ConstantString(call.GetArgs()[0])
		return strings.ToLower(setting)
	}
	if c == nil {
		return ""
	}
	if list := c.Functions(schema, name); len(list) == 1 {
		return settingOfFunction(list[0])
	}
	return ""
}

// settingOfFunction returns the setting without which a function of one statement returns NULL. A function that it calls is not followed.
func settingOfFunction(fn *catalog.Function) string {
	body := catalog.ReadBody(fn).ListCertainStatements()
	if len(body) != 1 {
		return ""
	}
	q := body[0].GetSelectStmt()
	if len(q.GetTargetList()) != 1 || len(q.GetFromClause()) > 0 {
		return ""
	}
	if names, open := readSettings(nil, q.GetTargetList()[0].GetResTarget().GetVal()); !open && len(names) > 0 {
		return names[0]
	}
	return ""
}

// describeOtherRequest says which setting, or which value of an expression such as current_user, the successors of a policy ask for
// in a condition, and the old one does not; "" if one of them does not, or asks for a setting that the deployed code sets.
func describeOtherRequest(p *rule.Pass, t *rule.Tx, old *catalog.Policy, next []*catalog.Policy, condition func(*catalog.Policy) *pgparse.Node) string {
	text, before := "", listSettings(t.Before, condition(old))
	for _, n := range next {
		settings := slices.DeleteFunc(listSettings(t.After, condition(n)), func(s string) bool { return slices.Contains(before, s) || isSetByCode(p, t, s) })
		if len(settings) == 0 {
			if text = describeOtherValue(condition(old), condition(n)); text == "" {
				return ""
			}
			continue
		}
		if text = "the setting " + settings[0]; len(before) > 0 {
			text += ", and no longer for " + prose.EnumerateNames(before)
		}
	}
	return text
}

// describeOtherValue says which values of an expression without columns a condition asks for, if the old one asks for other ones.
func describeOtherValue(old, now *pgparse.Node) string {
	for _, n := range predicate.ListConjuncts(now) {
		expr, values := readValues(n)
		for _, o := range predicate.ListConjuncts(old) {
			oldExpr, oldValues := readValues(o)
			if expr != nil && pgparse.Equal(expr, oldExpr) && !slices.ContainsFunc(oldValues, func(v string) bool { return slices.Contains(values, v) }) {
				return prose.EnumerateNames(values) + ", and no longer for " + prose.EnumerateNames(oldValues)
			}
		}
	}
	return ""
}

// readValues reads a condition on the session: an expression without columns has one of the values. It returns nil for others.
func readValues(n *pgparse.Node) (expr *pgparse.Node, values []string) {
	expr, list := n.GetAExpr().GetLexpr(), []*pgparse.Node{n.GetAExpr().GetRexpr()}
	if items := list[0].GetList().GetItems(); items != nil {
		list = items
	}
	if call := n.GetFuncCall(); pgparse.LastText(call.GetFuncname()) == "pg_has_role" && len(call.GetArgs()) > 1 {
		expr, list = call.GetFuncname()[0], call.GetArgs()[len(call.GetArgs())-2:][:1]
	} else if pgparse.LastText(n.GetAExpr().GetName()) != "=" || pgparse.Contains(expr, func(*pgparse.ColumnRef) bool { return true }) {
		return nil, nil
	}
	for _, v := range list {
		text, known := predicate.LiteralText(pgparse.StripCasts(v))
		if !known {
			return nil, nil
		}
		values = append(values, text)
	}
	return expr, values
}
