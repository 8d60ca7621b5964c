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
	Commit: writeRefused,
}

func writeRefused(p *rule.Pass, t *rule.Tx) {
	var told []catalog.OID
	for i := range t.Deltas {
		d := &t.Deltas[i]
		now := d.After
		switch d.Kind {
		case catalog.RelationDropped:
			if d.Before.Kind.IsView() && analysis.DropsByName(d.By.Node, d.Before.Name, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW) {
				now = t.After.Lookup(d.Before.Name.Schema, d.Before.Name.Name)
			}
		case catalog.ViewReplaced, catalog.TriggerDropped, catalog.TriggerChanged, catalog.RuleDropped:
		default:
			continue
		}
		was := d.Before
		if now == nil || was == nil || was.Kind != catalog.View || !now.Kind.IsView() || !p.IsDeployed(d) || was.Inferred || now.Inferred ||
			slices.Contains(told, was.OID) {
			continue
		}
		why := t.After.ReadOnly(now)
		if why == "" && len(now.Rules) == 0 {
			if columnRefused(p, t, d, now) {
				told = append(told, was.OID)
			}
			continue
		}
		if why == "" || len(now.Rules) > 0 {
			continue
		}
		lost := eventsWithout(now, was.InsteadOf())
		own := len(lost) > 0 || len(was.Rules) > 0
		if !own {
			if !t.Before.IsUpdatable(was) {
				continue
			}
			lost = eventsWithout(now, []string{"insert", "update", "delete"})
		}
		u := p.UsesTable(d)
		written, severity := u.WriteEvidence("insert", "update", "delete"), onward.Off
		switch {
		case written != nil:
		case !own:
			continue // most views are there to be read
		case u.IsIdle():
			severity = onward.Warning
		}
		if len(lost) == 0 && len(was.Rules) == 0 {
			continue
		}
		told = append(told, was.OID)
		p.Report(findMakingStatement(t, d, now), rule.Report{
			Fact:     "view " + was.Name.String() + " can no longer be written to: " + why,
			Harm:     "what the deployed code writes to it fails: cannot insert into view \"" + was.Name.Name + "\" (or update, or delete from)",
			Instead:  "give the view INSTEAD OF triggers in the same transaction, or give the new query a view of its own",
			Severity: severity,
			Evidence: written,
		})
	}
}

// columnRefused reports a column of a view that has become an expression, where
// the deployed code writes to it.
func columnRefused(p *rule.Pass, t *rule.Tx, d *rule.Delta, now *catalog.Relation) bool {
	column, done := findComputed(p, t, d, now)
	if column == "" {
		return false
	}
	p.Report(findMakingStatement(t, d, now), rule.Report{
		Fact: "column " + column + " of view " + d.Before.Name.String() + " can no longer be written: it is an expression now",
		Harm: "what the deployed code writes to it fails" + analysis.Usage{Evidence: done}.FirstPlace() + ": cannot insert into column \"" + column +
			"\" of view \"" + d.Before.Name.Name + "\" (or update it)",
		Instead:  "give the expression a new column after the old ones, or the view INSTEAD OF triggers in the same transaction",
		Evidence: done,
	})
	return true
}

// findComputed is a column of a view that was plain and is an expression now, and
// where the deployed code writes it; "" when there is none.
func findComputed(p *rule.Pass, t *rule.Tx, d *rule.Delta, now *catalog.Relation) (string, []onward.Evidence) {
	was := d.Before
	if !t.Before.IsUpdatable(was) || !t.After.IsUpdatable(now) {
		return "", nil
	}
	events := eventsWithout(now, []string{"insert", "update"})
	for _, c := range was.Columns {
		if !t.Before.IsPlainColumn(was, c.Name) || now.Column(c.Name) == nil || !t.After.IsComputed(now, c.Name) {
			continue
		}
		if done := p.UsesTable(d).SetEvidence(c.Name, events...); done != nil {
			return c.Name, done
		}
	}
	return "", nil
}

// findMakingStatement is the statement that makes the successor of a view that is dropped.
func findMakingStatement(t *rule.Tx, d *rule.Delta, now *catalog.Relation) *rule.Stmt {
	if c := t.FindChange(catalog.RelationCreated, func(o *rule.Delta) bool { return o.OID == now.OID }); c != nil && c.By != nil {
		return c.By
	}
	return d.By
}

// eventsWithout are the events that a view has no trigger for.
func eventsWithout(now *catalog.Relation, events []string) []string {
	have := now.InsteadOf()
	return slices.DeleteFunc(slices.Clone(events), func(e string) bool { return slices.Contains(have, e) })
}
