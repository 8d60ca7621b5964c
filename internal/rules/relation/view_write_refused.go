package relation

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ViewWriteRefused flags a view that can no longer be written to.
// https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
var ViewWriteRefused = &rule.Rule{
	ID:       "view-write-refused",
	Category: onward.Compatibility,
	Severity: onward.Error,
	Summary:  "a view that could be written to is read-only once this commits, or a column of it is",
	Harm: "A view of one table takes INSERT, UPDATE and DELETE by itself, any other one through INSTEAD OF triggers or rules. " +
		"With DISTINCT, GROUP BY, a join, UNION, LIMIT, WITH or an aggregate in its query, or without the trigger, the server refuses them: " +
		"\"cannot insert into view\". A column that becomes an expression is read-only alone: INSERTs and UPDATEs that name it fail. " +
		"DROP VIEW takes the triggers along, CREATE OR REPLACE VIEW keeps them.",
	Instead: "Give the view INSTEAD OF triggers in the same transaction, or give the new query a view of its own.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS",
		"https://www.postgresql.org/docs/current/sql-createtrigger.html",
	},
	Commit: checkWriteRefused,
}

func checkWriteRefused(p *rule.Pass, t *rule.Tx) {
	var reportedViews []catalog.OID
	for i := range t.Deltas {
		d := &t.Deltas[i]
		before, after := d.Before, findSuccessor(t, d)
		if after == nil || before == nil || before.Kind != catalog.View || !after.Kind.IsView() || !p.IsDeployed(d) ||
			before.Inferred || after.Inferred || slices.Contains(reportedViews, before.OID) {
			continue
		}
		if len(after.Rules) > 0 {
			continue // a rule may do what the write asks for: its action is not judged here
		}
		reason := t.After.ReadOnly(after)
		if reason == "" {
			if reportComputedColumn(p, t, d, after) {
				reportedViews = append(reportedViews, before.OID)
			}
			continue
		}
		lost := listUncoveredEvents(after, before.InsteadOf())
		hadTriggersOrRules := len(lost) > 0 || len(before.Rules) > 0
		if !hadTriggersOrRules {
			if !t.Before.IsUpdatable(before) {
				continue
			}
			lost = listUncoveredEvents(after, []string{"insert", "update", "delete"})
		}
		u := p.UsesTable(d)
		written, severity := u.WriteEvidence("insert", "update", "delete"), onward.Off // Off: the rule's own severity
		switch {
		case written != nil:
		case !hadTriggersOrRules:
			continue // most views are there to be read
		case u.IsIdle():
			severity = onward.Warning
		}
		if len(lost) == 0 && len(before.Rules) == 0 {
			continue
		}
		reportedViews = append(reportedViews, before.OID)
		p.Report(findSuccessorStatement(t, d, after), rule.Report{
			Fact: "view " + before.Name.String() + " can no longer be written to: " + reason,
			Harm: "what the deployed code writes to it fails: cannot insert into view \"" + before.Name.Name +
				"\" (or update, or delete from)",
			Instead:  "give the view INSTEAD OF triggers in the same transaction, or give the new query a view of its own",
			Severity: severity,
			Evidence: written,
		})
	}
}

// findSuccessor returns what a view is after a change that can make it read-only: itself, or for a dropped view
// the one that was created under its name; nil for other changes.
func findSuccessor(t *rule.Tx, d *rule.Delta) *catalog.Relation {
	switch d.Kind {
	case catalog.RelationDropped:
		if d.Before.Kind.IsView() &&
			analysis.DropsByName(d.By.Node, d.Before.Name, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW) {
			return t.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name)
		}
		return d.After
	case catalog.ViewReplaced, catalog.TriggerDropped, catalog.TriggerChanged, catalog.RuleDropped:
		return d.After
	}
	return nil
}

// reportComputedColumn reports a column of a view that has become an expression, if
// the deployed code writes to it. It returns false if there is none.
func reportComputedColumn(p *rule.Pass, t *rule.Tx, d *rule.Delta, after *catalog.Relation) bool {
	column, done := findNewlyComputed(p, t, d, after)
	if column == "" {
		return false
	}
	p.Report(findSuccessorStatement(t, d, after), rule.Report{
		Fact: "column " + column + " of view " + d.Before.Name.String() + " can no longer be written: it is an expression now",
		Harm: "what the deployed code writes to it fails" + analysis.Usage{Evidence: done}.FirstPlace() + ": cannot insert into column \"" + column +
			"\" of view \"" + d.Before.Name.Name + "\" (or update it)",
		Instead:  "give the expression a new column after the old ones, or the view INSTEAD OF triggers in the same transaction",
		Evidence: done,
	})
	return true
}

// findNewlyComputed returns a column of a view that was plain and is an expression now, and
// where the deployed code writes it; "" if there is none.
func findNewlyComputed(p *rule.Pass, t *rule.Tx, d *rule.Delta, after *catalog.Relation) (string, []onward.Evidence) {
	before := d.Before
	if !t.Before.IsUpdatable(before) || !t.After.IsUpdatable(after) {
		return "", nil
	}
	events := listUncoveredEvents(after, []string{"insert", "update"})
	for _, c := range before.Columns {
		if !t.Before.IsPlainColumn(before, c.Name) || after.Column(c.Name) == nil || !t.After.IsComputed(after, c.Name) {
			continue
		}
		if done := p.UsesTable(d).SetEvidence(c.Name, events...); done != nil {
			return c.Name, done
		}
	}
	return "", nil
}

// findSuccessorStatement returns the statement that makes the successor of a view that is dropped.
func findSuccessorStatement(t *rule.Tx, d *rule.Delta, after *catalog.Relation) *rule.Stmt {
	if c := t.FindChange(catalog.RelationCreated, func(o *rule.Delta) bool { return o.OID == after.OID }); c != nil && c.By != nil {
		return c.By
	}
	return d.By
}

// listUncoveredEvents returns those events for which a view has no INSTEAD OF trigger.
func listUncoveredEvents(after *catalog.Relation, events []string) []string {
	have := after.InsteadOf()
	return slices.DeleteFunc(slices.Clone(events), func(e string) bool { return slices.Contains(have, e) })
}
