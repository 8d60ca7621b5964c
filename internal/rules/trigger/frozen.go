package trigger

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// freezing is a body that raises first of all where a column changes.
var freezing = lazyregexp.New(`(?is)^\s*(?:<<\w+>>\s*)?(?:declare\b(?:[^']|'[^']*')*?)?\bbegin\s+if\s+\(?\s*(?:old|new)\s*\.\s*"?(\w+)"?\s+(?:is\s+distinct\s+from|<>|!=)\s+(?:old|new)\s*\.\s*"?(\w+)"?\s*\)?\s*then\s+raise\s+(?:exception\b|'|sqlstate\b|using\b)`)

// findFrozenColumns are the columns that a trigger lets nobody change: "*" is any of them.
// skips says that it throws the change away without an error.
// https://www.postgresql.org/docs/current/sql-createtrigger.html
func findFrozenColumns(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) (columns []string, skips bool) {
	fn := analysis.TriggerFunction(c, t)
	if fn == nil || !t.Row || !t.IsFor("update") {
		return nil, false
	}
	body := comments.ReplaceAllString(fn.Body, " ")
	raises := analysis.MentionsWord(strings.ToLower(body), "raise")
	if m := freezing.FindStringSubmatch(body); raises && t.When == nil && m != nil && strings.EqualFold(m[1], m[2]) {
		if name := strings.ToLower(m[1]); len(t.Columns) == 0 || slices.Contains(r.ColumnNames(t.Columns), name) {
			return []string{name}, false
		}
		return nil, false
	}
	if skips = discardsRow(fn, t); !skips && !(raises && raising.MatchString(body)) {
		return nil, false
	}
	updateOf := r.ColumnNames(t.Columns)
	if t.When == nil {
		return updateOf, skips
	}
	changed := listComparedColumns(t.When)
	if len(updateOf) > 0 && !slices.Contains(changed, "*") {
		changed = slices.DeleteFunc(changed, func(name string) bool { return !slices.Contains(updateOf, name) })
	}
	return changed, skips
}

// listComparedColumns returns the columns of a condition that holds if any of them changes: OLD.a IS
// DISTINCT FROM NEW.a OR …. It returns none if the condition contains anything else.
func listComparedColumns(condition *pgparse.Node) []string {
	switch m := pgparse.Unwrap(condition).(type) {
	case *pgparse.BoolExpr:
		if m.GetBoolop() != pgparse.BoolExprType_OR_EXPR {
			return nil
		}
		var out []string
		for _, n := range m.GetArgs() {
			out = append(out, listComparedColumns(n)...)
		}
		return out
	case *pgparse.A_Expr:
		op := pgparse.LastText(m.GetName())
		if m.GetKind() != pgparse.A_Expr_Kind_AEXPR_DISTINCT && (m.GetKind() != pgparse.A_Expr_Kind_AEXPR_OP || op != "<>") {
			return nil
		}
		name, left := parseFieldRef(m.GetLexpr())
		other, right := parseFieldRef(m.GetRexpr())
		switch {
		case left == "" || right == "" || left == right || name != other:
		case name == "": // OLD.*
			return []string{"*"}
		default:
			return []string{name}
		}
	}
	return nil
}

// reportRefusedChanges tells of a trigger that lets nobody change a column which the
// deployed code sets.
func reportRefusedChanges(p *rule.Pass, stmt *rule.Stmt, old, r *catalog.Relation, t *catalog.Trigger, columns []string, skips bool) {
	u := p.Code.FindUses(old.Name, "")
	for _, name := range columns {
		var done []onward.Evidence
		changeTarget := "of " + name + " in " + r.Name.String()
		if name == "*" {
			done, changeTarget = u.WriteEvidence("update"), "in "+r.Name.String()
		} else if c := r.Column(name); c != nil {
			oldColumn := old.Attr(c.Attnum)
			if oldColumn == nil {
				continue // the deployed code does not know it
			}
			done = u.SetEvidence(oldColumn.Name, "update")
		}
		if done == nil {
			continue
		}
		report := rule.Report{
			Fact:     "trigger " + t.Name + " refuses each change " + changeTarget,
			Harm:     "the deployed code makes them" + analysis.Usage{Evidence: done}.FirstPlace() + ", and fails: " + t.Function.String() + "() raises an exception",
			Instead:  "create it a release later, when no code that sets it runs any more",
			Evidence: done,
		}
		if skips {
			report.Fact = "trigger " + t.Name + " throws away each row with a change " + changeTarget
			report.Harm = "the deployed code makes them" + analysis.Usage{Evidence: done}.FirstPlace() + ": " + t.Function.String() +
				"() returns NULL, its UPDATE does nothing, without an error"
		}
		p.Report(stmt, report)
		return
	}
}
