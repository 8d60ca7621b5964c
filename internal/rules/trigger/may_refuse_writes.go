package trigger

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// MayRefuseWrites flags a trigger that raises an exception for some rows of the deployed code.
// https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html
var MayRefuseWrites = &rule.Rule{
	ID:       "trigger-may-refuse-writes",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "a trigger raises an exception under a condition, for the deployed code's rows too",
	Harm:     "The trigger is on from the commit. It refuses rows of the deployed code that meet the condition, as a new CHECK does.",
	Instead: "Release code that keeps to the condition first, and create the trigger a release later. " +
		"onward record --values and onward verify --replay try the rows that the deployed code's tests write.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/plpgsql-errors-and-messages.html",
		"https://www.postgresql.org/docs/current/sql-createtrigger.html",
	},
	Gather: func(p *rule.Pass, m *rule.Migration) {
		gatherTriggers(p, m, func(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) bool {
			old := p.Release.Deployed.Relation(r.OID)
			return old != nil && (raisesSometimes(c, r, t) || len(listFrozenColumns(c, old, r, t)) > 0) && !wasRaising(p.Release.Deployed, old, t)
		})
	},
	Release: func(p *rule.Pass, r *rule.Release) { judgeKeptTriggers(p, r, judgeConditionalRefusal) },
}

var (
	literals = lazyregexp.New(`'(?:[^']|'')*'`)
	raises   = lazyregexp.New(`(?i)\braise\s+('|\w+)`)
	handlers = lazyregexp.New(`(?i)\bexception\s+when\b`)
)

// levels are the levels of RAISE that refuse nothing.
var levels = []string{"debug", "log", "info", "notice", "warning"}

// countRaises counts the statements of a PL/pgSQL body that raise an exception; 0 if a handler may catch it.
func countRaises(body string) (n int) {
	text := literals.ReplaceAllString(comments.ReplaceAllString(body, " "), "''")
	if handlers.MatchString(text) {
		return 0
	}
	for _, m := range raises.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(levels, strings.ToLower(m[1])) {
			n++
		}
	}
	return n
}

// raisesSometimes reports whether a trigger raises an exception for some rows. RefusesWrites judges a trigger that raises for each row, for each change
// of a column, or if one column is NULL.
func raisesSometimes(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) bool {
	fn := analysis.TriggerFunction(c, t)
	if fn == nil || fn.Language != "plpgsql" || alwaysRaises(c, t) {
		return false
	}
	n := countRaises(fn.Body)
	if n != 1 {
		return n > 1
	}
	body := comments.ReplaceAllString(fn.Body, " ")
	if columns, _ := findFrozenColumns(c, r, t); len(columns) > 0 || demanding.MatchString(body) || freezing.MatchString(body) {
		return false
	}
	return t.When == nil || findNullColumn(t.When) == ""
}

// wasRaising reports whether the deployed trigger raises an exception already. Conditions are not compared.
func wasRaising(deployed *catalog.Catalog, old *catalog.Relation, t *catalog.Trigger) bool {
	i := slices.IndexFunc(old.Triggers, func(oldTrigger *catalog.Trigger) bool { return oldTrigger.ID == t.ID || oldTrigger.Name == t.Name })
	if i < 0 {
		return false
	}
	fn := analysis.TriggerFunction(deployed, old.Triggers[i])
	return fn == nil || countRaises(fn.Body) > 0
}

func judgeConditionalRefusal(p *rule.Pass, c *catalog.Catalog, stmt *rule.Stmt, r *catalog.Relation, t *catalog.Trigger) {
	old := p.Release.Deployed.Relation(r.OID)
	if old == nil {
		return
	}
	if setting, unset := findGuardSetting(c, t); setting != "" && (unset == predicate.True || !unset.MayBe(predicate.True)) &&
		isSettingNeverSet(p, c, t, setting) {
		return // trigger-refuses-writes has it, or it raises nothing
	}
	if !raisesSometimes(c, r, t) {
		reportMapperRefusals(p, c, stmt, old, r, t)
		return
	}
	u := p.Code.FindUses(old.Name, "")
	severity, evidence := onward.Warning, u.WriteEvidence(strings.Split(t.Events, " or ")...)
	switch {
	case evidence != nil:
	case !strings.Contains(t.Events, "insert"):
		if evidence = mapperEvidence(u); evidence == nil || !t.IsFor("update") {
			return // nothing says that the code changes rows
		}
	default:
		severity, evidence = min(severity, u.DropSeverity()), u.Evidence
	}
	safeIf := ""
	if severity == onward.Warning {
		safeIf = "trigger " + t.Name + " accepts what the deployed code writes to " + r.Name.String()
	}
	p.Report(stmt, rule.Report{
		SafeIf:   safeIf,
		Fact:     "trigger " + t.Name + " refuses some " + strings.ToUpper(t.Events) + " on " + r.Name.String(),
		Harm:     "the deployed code's fail if " + t.Function.String() + "() raises an exception for a row",
		Instead:  "release code that keeps to the condition first, and create the trigger a release later",
		Severity: severity,
		Evidence: evidence,
	})
}

// listFrozenColumns are the columns that a trigger lets nobody change, as the deployed code calls them. A mapper sends keys, and changes none.
func listFrozenColumns(c *catalog.Catalog, old, r *catalog.Relation, t *catalog.Trigger) (names []string) {
	columns, skips := findFrozenColumns(c, r, t)
	if skips {
		return nil
	}
	for _, name := range columns {
		if column := r.Column(name); column != nil {
			if oldColumn := old.Attr(column.Attnum); oldColumn != nil && !old.IsInPrimaryKey(oldColumn.Attnum) {
				names = append(names, oldColumn.Name)
			}
		}
	}
	return names
}

// mapperEvidence returns the declarations by which a mapper of the deployed code knows a table or a column. It may change them although no
// query shows that: an object gets a value, and is saved.
func mapperEvidence(u analysis.Usage) []onward.Evidence {
	if u.Used && (u.Sure || u.Does.Has(facts.Maps)) {
		return u.Evidence
	}
	return nil
}

// reportMapperRefusals flags a trigger that lets nobody change a column which a mapper of the deployed code has. If a query sets it,
// RefusesWrites flags the trigger.
func reportMapperRefusals(p *rule.Pass, c *catalog.Catalog, stmt *rule.Stmt, old, r *catalog.Relation, t *catalog.Trigger) {
	u := p.Code.FindUses(old.Name, "")
	if mapperEvidence(u) == nil {
		return
	}
	names := listFrozenColumns(c, old, r, t)
	if slices.ContainsFunc(names, func(name string) bool { return u.SetEvidence(name, "update") != nil }) {
		return
	}
	for _, name := range names {
		column := p.Code.FindUses(old.Name, name)
		if !column.Used {
			continue
		}
		p.Report(stmt, rule.Report{
			Fact:     "trigger " + t.Name + " refuses each change of " + name + " in " + r.Name.String(),
			Harm:     "the deployed code's fail, if it makes any: " + t.Function.String() + "() raises an exception",
			Instead:  "create it a release later, when no code that sets it runs any more",
			SafeIf:   "the deployed code never changes " + name + " of " + r.Name.String(),
			Evidence: column.Evidence,
		})
		return
	}
}
