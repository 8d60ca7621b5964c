package trigger

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
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
	Preset:   onward.Recommended,
	Summary:  "a trigger whose function names a column that the table does not have fails each write",
	Harm:     "CREATE TRIGGER does not look into the function: it succeeds, and so does the migration. Then each statement that fires the trigger fails with 'record \"new\" has no field', that of the deployed code too, and on a table without rows nobody notices until the first one comes. Functions that many tables share, as those that set updated_at, are put on one table too many.",
	Instead:  "Add the column first, or leave the trigger away.",
	Manual:   []string{"https://www.postgresql.org/docs/current/plpgsql-trigger.html"},
	Gather:   gatherFields,
	Release:  fieldMissing,
}

// gatherFields keeps the triggers that a migration makes or changes, and those
// whose function it replaces, as far as their tables lack a column behind it.
func gatherFields(p *rule.Pass, m *rule.Migration) { gatherTriggers(p, m, lacks) }

// gatherTriggers keeps those of which a first look says that there is something
// to judge at the end of the release.
func gatherTriggers(p *rule.Pass, m *rule.Migration, look func(*catalog.Catalog, *catalog.Relation, *catalog.Trigger) bool) {
	for _, t := range m.Txs {
		keep := func(by *rule.Stmt, table catalog.OID, trigger *catalog.Trigger) {
			if r := m.Txs[len(m.Txs)-1].After.Relation(table); by != nil && r != nil && look(t.After, r, trigger) {
				p.Keep(rule.Made{By: by, Table: table, ID: trigger.ID})
			}
		}
		for i := range t.Deltas {
			switch d := &t.Deltas[i]; d.Kind {
			case catalog.TriggerCreated, catalog.TriggerChanged:
				keep(d.By, d.OID, d.NewTrigger)
			case catalog.RelationCreated:
				for _, trigger := range d.After.Triggers {
					keep(maker(t, d, trigger), d.OID, trigger)
				}
			case catalog.FunctionCreated, catalog.FunctionReplaced:
				for _, r := range t.After.CalledBy(d.NewFunction.Name.Name) {
					was := t.Before.Relation(r.OID) // one that is new here has a delta of its own
					for _, trigger := range r.Triggers {
						if trigger.Function == d.NewFunction.Name && was != nil && slices.ContainsFunc(was.Triggers, func(o *catalog.Trigger) bool { return o.ID == trigger.ID }) {
							keep(d.By, r.OID, trigger)
						}
					}
				}
			}
		}
	}
}

// lacks reports whether the function of a trigger has words that may be fields
// of NEW or OLD, and that are no columns of the table.
func lacks(c *catalog.Catalog, r *catalog.Relation, t *catalog.Trigger) bool {
	if r.Inferred || r.Partial {
		return false
	}
	fn := analysis.RowFunction(c, t)
	return fn != nil && slices.ContainsFunc(fn.RowWords(), func(name string) bool { return r.Column(name) == nil })
}

// maker is the statement of a transaction that makes a trigger of a table which
// is new in it.
func maker(t *rule.Tx, d *rule.Delta, trigger *catalog.Trigger) *rule.Stmt {
	all := rule.Once(&t.Notes, func() triggers {
		out := triggers{}
		for _, s := range t.Statements {
			for i := range s.Deltas {
				if x := &s.Deltas[i]; x.NewTrigger != nil && s.Node.GetCreateTrigStmt() != nil {
					at := named{x.OID, x.NewTrigger.Name}
					if out[at] == nil {
						out[at] = s
					}
				}
			}
		}
		return out
	})
	if s := all[named{d.OID, trigger.Name}]; s != nil {
		return s
	}
	// A trigger of a partition comes with its parent's.
	for _, s := range rule.Of[*pgparse.Node_CreateTrigStmt](t.Migration) {
		if r := s.After.Relation(d.OID); s.Tx == t && r != nil && r.Trigger(trigger.Name) != nil {
			return s
		}
	}
	return d.By
}

// triggers are the first statements of a transaction that make triggers.
type triggers map[named]*rule.Stmt

// named is the trigger of a name on a table.
type named struct {
	table catalog.OID
	name  string
}

// fieldMissing looks at what the release leaves behind: a later migration may
// add the column.
func fieldMissing(p *rule.Pass, release *rule.Release) { eachKept(p, release, missingField) }

// eachKept gives the triggers that were kept and that are there at the end.
func eachKept(p *rule.Pass, release *rule.Release, judge func(*rule.Pass, *catalog.Catalog, *rule.Stmt, *catalog.Relation, *catalog.Trigger)) {
	last := map[catalog.OID]rule.Made{}
	var order []catalog.OID
	for _, made := range rule.Kept[rule.Made](p) {
		if _, ok := last[made.ID]; !ok {
			order = append(order, made.ID)
		}
		last[made.ID] = made
	}
	for _, id := range order {
		made := last[id]
		r := release.Head.Relation(made.Table)
		if r == nil {
			continue
		}
		if i := slices.IndexFunc(r.Triggers, func(t *catalog.Trigger) bool { return t.ID == id }); i >= 0 {
			judge(p, release.Head, made.By, r, r.Triggers[i])
		}
	}
}

// missingField judges one trigger of a table.
func missingField(p *rule.Pass, c *catalog.Catalog, by *rule.Stmt, r *catalog.Relation, t *catalog.Trigger) {
	if !lacks(c, r, t) {
		return
	}
	fn := analysis.RowFunction(c, t)
	body := catalog.ReadBody(fn)
	var uses []analysis.FunctionUse
	var names []string
	for _, f := range body.Fields() {
		if f.Caught || f.Maybe && body.ByTable() || r.Column(f.Name) != nil || slices.Contains(system, f.Name) || !has(t, f.Record) {
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
	what := advice.Enumerate(names)
	severity := onward.Error
	if worst.Maybe || !c.Complete && c.Unmodelled != nil {
		severity = onward.Warning // not every write comes there; what was not seen may have added it
	}
	p.Report(by, rule.Report{
		Fact:     "trigger " + t.Name + " calls " + fn.Signature() + " for " + r.Name.String() + ", which has no column " + what,
		Harm:     worst.Breaks(),
		Instead:  "add " + what + " first, or leave the trigger away:\nALTER TABLE " + analysis.Table(r.Name) + " ADD COLUMN " + pgparse.QuoteIdent(names[0]) + " …;",
		Severity: severity,
		Evidence: []onward.Evidence{worst.Evidence()},
	})
}

// has reports whether a trigger is fired by what has the record: an INSERT has
// no OLD, a DELETE no NEW.
func has(t *catalog.Trigger, record string) bool {
	if record == "new" {
		return strings.Contains(t.Events, "insert") || strings.Contains(t.Events, "update")
	}
	return strings.Contains(t.Events, "delete") || strings.Contains(t.Events, "update")
}

// system are the columns that every table has.
var system = []string{"ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"}
