package trigger

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
)

// gatherTriggers keeps the triggers for which look finds something to judge at the end of
// the release.
func gatherTriggers(p *rule.Pass, m *rule.Migration, look func(*catalog.Catalog, *catalog.Relation, *catalog.Trigger) bool) {
	for _, t := range m.Txs {
		keep := func(stmt *rule.Stmt, table catalog.OID, trigger *catalog.Trigger) {
			if r := m.After().Relation(table); stmt != nil && r != nil && look(t.After, r, trigger) {
				p.KeepValue(rule.MadeObject{By: stmt, Table: table, ID: trigger.ID})
			}
		}
		for i := range t.Deltas {
			switch d := &t.Deltas[i]; d.Kind {
			case catalog.TriggerCreated, catalog.TriggerChanged:
				keep(d.By, d.OID, d.NewTrigger)
			case catalog.RelationCreated:
				for _, trigger := range d.After.Triggers {
					keep(findCreatingStatement(t, d, trigger), d.OID, trigger)
				}
			case catalog.FunctionCreated, catalog.FunctionReplaced:
				for _, r := range t.After.CalledBy(d.NewFunction.Name.Name) {
					oldTable := t.Before.Relation(r.OID) // one that is new here has a delta of its own
					for _, trigger := range r.Triggers {
						if trigger.Function == d.NewFunction.Name && oldTable != nil &&
							slices.ContainsFunc(oldTable.Triggers, func(o *catalog.Trigger) bool { return o.ID == trigger.ID }) {
							keep(d.By, r.OID, trigger)
						}
					}
				}
			}
		}
	}
}

// findCreatingStatement is the statement of a transaction that makes a trigger of a table which
// is new in it.
func findCreatingStatement(t *rule.Tx, d *rule.Delta, trigger *catalog.Trigger) *rule.Stmt {
	all := rule.BuildOnce(&t.Notes, func() triggers {
		out := triggers{}
		for _, s := range t.Statements {
			for i := range s.Deltas {
				if x := &s.Deltas[i]; x.NewTrigger != nil && s.Node.GetCreateTrigStmt() != nil {
					key := triggerName{x.OID, x.NewTrigger.Name}
					if out[key] == nil {
						out[key] = s
					}
				}
			}
		}
		return out
	})
	if s := all[triggerName{d.OID, trigger.Name}]; s != nil {
		return s
	}
	// A trigger of a partition comes with its parent's.
	for _, s := range rule.StatementsOf[*pgparse.Node_CreateTrigStmt](t.Migration) {
		if r := s.After.Relation(d.OID); s.Tx == t && r != nil && r.Trigger(trigger.Name) != nil {
			return s
		}
	}
	return d.By
}

// triggers are the first statements of a transaction that make triggers.
type triggers map[triggerName]*rule.Stmt

// triggerName is the trigger of a name on a table.
type triggerName struct {
	table catalog.OID
	name  string
}

// judgeKeptTriggers judges the triggers that were kept and that are there at the end.
func judgeKeptTriggers(p *rule.Pass, release *rule.Release, judge func(*rule.Pass, *catalog.Catalog, *rule.Stmt, *catalog.Relation, *catalog.Trigger)) {
	last := map[catalog.OID]rule.MadeObject{}
	var order []catalog.OID
	for _, keptTrigger := range rule.KeptValues[rule.MadeObject](p) {
		if _, ok := last[keptTrigger.ID]; !ok {
			order = append(order, keptTrigger.ID)
		}
		last[keptTrigger.ID] = keptTrigger
	}
	for _, id := range order {
		keptTrigger := last[id]
		r := release.Head.Relation(keptTrigger.Table)
		if r == nil {
			continue
		}
		if i := slices.IndexFunc(r.Triggers, func(t *catalog.Trigger) bool { return t.ID == id }); i >= 0 {
			judge(p, release.Head, keptTrigger.By, r, r.Triggers[i])
		}
	}
}
