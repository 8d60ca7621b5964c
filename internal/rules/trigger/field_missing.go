package trigger

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// FieldMissing flags a trigger whose function names a field of NEW or OLD that
// is no column of its table. That a column goes is column-drop's.
// https://www.postgresql.org/docs/current/plpgsql-trigger.html
var FieldMissing = &rule.Rule{
	ID:       "trigger-field-missing",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a trigger whose function names a column that the table does not have fails each write",
	Harm: "CREATE TRIGGER does not look into the function: it succeeds, and so does the migration. " +
		"Then each statement that fires the trigger fails with 'record \"new\" has no field', also in the deployed code, " +
		"and on a table without rows nobody notices until the first one comes. This happens with functions that many tables share, such as one that sets updated_at.",
	Instead: "Add the column first, or leave the trigger away.",
	Manual:  []string{"https://www.postgresql.org/docs/current/plpgsql-trigger.html"},
	Gather:  gatherTriggersLackingFields,
	Release: checkFieldMissing,
}

// gatherTriggersLackingFields keeps the triggers that a migration creates or changes, and triggers whose
// function it replaces, if their tables lack a column afterwards.
func gatherTriggersLackingFields(p *rule.Pass, m *rule.Migration) {
	gatherTriggers(p, m, mayLackFields)
}

// mayLackFields reports whether the function of a trigger has words that may be fields
// of NEW or OLD, and that are no columns of the table.
func mayLackFields(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) bool {
	if r.Inferred || r.Partial {
		return false
	}
	fn := analysis.RowFunction(c, t)
	return fn != nil && slices.ContainsFunc(fn.RowWords(), func(name string) bool { return r.Column(name) == nil })
}

// checkFieldMissing judges the triggers at the end of the release, because a later migration
// may add the column.
func checkFieldMissing(p *rule.Pass, release *rule.Release) {
	judgeKeptTriggers(p, release, judgeMissingField)
}

// judgeMissingField judges one trigger of a table.
func judgeMissingField(p *rule.Pass, c *catalog.Catalog, stmt *rule.Stmt, r *catalog.Relation, t *catalog.Trigger) {
	if !mayLackFields(c, r, t) {
		return
	}
	fn := analysis.RowFunction(c, t)
	body := catalog.ReadBody(fn)
	var uses []analysis.FunctionUse
	var names []string
	for _, f := range body.ListRecordFields() {
		if f.Caught || f.Maybe && body.ByTable() || r.Column(f.Name) != nil || catalog.IsSystemColumn(f.Name) || !hasRecord(t, f.Record) {
			continue
		}
		if !slices.Contains(names, f.Name) {
			uses, names = append(uses, analysis.RowUse(fn, r, t, f)), append(names, f.Name)
		}
	}
	if len(uses) == 0 {
		return
	}
	worst := uses[0]
	for _, u := range uses {
		if worst.Maybe && !u.Maybe {
			worst = u
		}
	}
	missingColumns := prose.EnumerateNames(names)
	severity := onward.Error
	if worst.Maybe || !c.Complete && c.Unmodelled != nil {
		severity = onward.Warning // not every write comes there; what was not seen may have added it
	}
	p.Report(stmt, rule.Report{
		Fact:     "trigger " + t.Name + " calls " + fn.Signature() + " for " + r.Name.String() + ", which has no column " + missingColumns,
		Harm:     worst.DescribeBreak(),
		Instead:  "add " + missingColumns + " first, or leave the trigger away:\n" + recipe.AddColumn(r.Name, names[0], "…") + ";",
		Severity: severity,
		Evidence: []onward.Evidence{worst.Evidence()},
	})
}

// hasRecord reports whether a trigger is fired by what has the record: an INSERT has
// no OLD, a DELETE no NEW.
func hasRecord(t *catalog.Trigger, record string) bool {
	if record == "new" {
		return strings.Contains(t.Events, "insert") || strings.Contains(t.Events, "update")
	}
	return strings.Contains(t.Events, "delete") || strings.Contains(t.Events, "update")
}
