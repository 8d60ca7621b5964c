package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// write describes how a statement writes its target, before rules (CREATE RULE) and views rewrite it.
type write struct {
	event string // "insert", "update", "delete"; "merge", "copy"
	where *pgparse.Node
	// columns are the columns that an INSERT lists or an UPDATE sets, as far as it names
	// them.
	columns []string
	// given are the columns for which an INSERT has values; nil: not known.
	given map[int16]bool
	// inherits: the target's children are written, too.
	inherits bool
}

// lockTarget locks the relations that a statement writes, after rules and views have
// rewritten it, and returns the tables that it writes itself. runs is false if nothing is
// left of the statement: DO INSTEAD NOTHING.
// https://www.postgresql.org/docs/current/rules-update.html
func (r *run) lockTarget(rv *pgparse.RangeVar, w write) (tables []*catalog.Relation, runs bool) {
	rel := r.findTable(rv)
	if rel == nil || rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence {
		return nil, true
	}
	w.inherits = rv.GetInh() && w.event != "insert"
	return r.lockRewritten(rel, w, "")
}

func (r *run) lockRewritten(rel *catalog.Relation, w write, reason string) (tables []*catalog.Relation, runs bool) {
	r.lockWithReason(rel, rx, reason)
	if r.depth > maxDepth {
		return nil, true
	}
	r.depth++
	defer func() { r.depth-- }()
	f := r.fireRules(rel, w)
	switch {
	case f.instead && f.reads:
		mode := rx
		if rel.Kind == catalog.View {
			mode = as
		}
		r.scanReplacedTarget(rel, mode, w)
		return nil, true
	case f.instead:
		return nil, f.products > 0
	case rel.Kind != catalog.View || rel.View == nil:
		return r.lockReadTables(rel, rx, w.inherits, reason, &[]catalog.OID{}), true
	}
	return r.writeThroughView(rel, w), true
}

// writeThroughView carries out a statement that writes to a view and that no rule replaced.
func (r *run) writeThroughView(view *catalog.Relation, w write) []*catalog.Relation {
	if refusal.HasInsteadTrigger(view, w.event) {
		if w.event != "insert" {
			r.scanReplacedTarget(view, as, w)
		}
		r.lockInsteadTriggers(view, w.event)
		return nil
	}
	reason := "read by the view " + view.Name.String()
	base := r.C.BaseOfView(view)
	if base == nil {
		return r.lockReadTables(view, rx, true, "", &[]catalog.OID{})
	}
	for _, other := range r.C.RelationsByOID(view.View.Reads) {
		if other != base {
			for _, t := range r.lockReadTables(other, as, true, reason, &[]catalog.OID{view.OID}) {
				if w.event != "insert" {
					r.markRowScan(t, w.where)
				}
			}
		}
	}
	w.columns, w.given, w.inherits = r.C.BaseColumns(view, w.columns), nil, w.event != "insert"
	tables, _ := r.lockRewritten(base, w, reason)
	return tables
}

// scanReplacedTarget reads the rows of a target, for a rule or trigger that replaces the write.
func (r *run) scanReplacedTarget(rel *catalog.Relation, mode onward.Lock, w write) {
	if rel.Kind == catalog.View && rel.View != nil {
		seen := []catalog.OID{rel.OID}
		for _, other := range r.C.RelationsByOID(rel.View.Reads) {
			for _, t := range r.lockReadTables(other, mode, true, "read by the view "+rel.Name.String(), &seen) {
				r.markRowScan(t, w.where)
			}
		}
		return
	}
	for _, t := range r.lockReadTables(rel, mode, w.inherits, "", &[]catalog.OID{}) {
		r.markRowScan(t, w.where)
	}
}

// firedRules is the result of applying the rules of a relation to a statement.
type firedRules struct {
	instead  bool // the statement itself does not run
	products int  // statements that the rules add
	reads    bool // one of them reads the rows that the statement names
}

func (r *run) fireRules(rel *catalog.Relation, w write) firedRules {
	var f firedRules
	ruleEvent := refusal.RuleEvent{On: rel.OID, Event: w.event}
	for _, u := range rel.Rules {
		if u.Event != w.event || u.Disabled {
			continue
		}
		f.instead = f.instead || u.Instead && u.Where == nil
		f.products += len(u.Actions)
		if len(u.Actions) > 0 && contains(r.firing, ruleEvent) {
			return f // the server refuses it
		}
		r.firing = append(r.firing, ruleEvent)
		r.lockRuleActions(rel, u, w, &f)
		r.firing = r.firing[:len(r.firing)-1]
	}
	return f
}

// lockRuleActions locks the relations used by the actions of a rule. Their names were resolved
// when the rule was created.
func (r *run) lockRuleActions(rel *catalog.Relation, u *catalog.Rule, w write, f *firedRules) {
	mark, outer := len(r.Effects), r.bound
	r.bound = u.Reads
	r.lockExpr(u.Where)
	f.reads = f.reads || len(u.Actions) > 0 && w.event != "insert" && w.where != nil
	fields := rowFields(append([]*pgparse.Node{u.Where}, u.Actions...))
	for _, field := range fields {
		if field.record == "old" || w.event == "update" && !contains(w.columns, field.name) {
			f.reads = f.reads || len(u.Actions) > 0
		}
		// A column that the statement omits has its default in NEW.
		if c := rel.Column(field.name); c != nil && w.event == "insert" && w.given != nil && !w.given[c.Attnum] {
			r.lockColumnDefault(c)
		}
	}
	for _, action := range u.Actions {
		r.lockQuery(pgparse.Unwrap(action))
	}
	r.bound = outer
	for i := mark; i < len(r.Effects); i++ {
		if e := &r.Effects[i]; e.Why == "" {
			e.Why = "the rule " + u.Name + " on " + rel.Name.String() + " names it"
		}
	}
}

// rowField is a column of the row that a rule is about.
type rowField struct{ record, name string }

// rowFields returns the columns of NEW and OLD that expressions name.
func rowFields(exprs []*pgparse.Node) []rowField {
	var out []rowField
	for _, n := range exprs {
		pgparse.Walk(n, func(m any) bool {
			if ref, ok := m.(*pgparse.ColumnRef); ok {
				if f := ref.GetFields(); isRow(ref) {
					out = append(out, rowField{pgparse.StringText(f[0]), pgparse.StringText(f[1])})
				}
			}
			return true
		})
	}
	return out
}

// isRow reports whether a reference is to a field of NEW or OLD.
func isRow(ref *pgparse.ColumnRef) bool {
	f := ref.GetFields()
	return len(f) == 2 && (pgparse.StringText(f[0]) == "new" || pgparse.StringText(f[0]) == "old")
}

// lockInsteadTriggers locks the relations that the functions of a view's triggers certainly use for
// a row. It ignores conditional statements, and how much the functions read.
func (r *run) lockInsteadTriggers(view *catalog.Relation, event string) {
	ruleEvent := refusal.RuleEvent{On: view.OID, Event: event}
	if contains(r.firing, ruleEvent) || r.namedOnly {
		return
	}
	r.firing = append(r.firing, ruleEvent)
	defer func() { r.firing = r.firing[:len(r.firing)-1] }()
	for _, t := range view.Triggers {
		if t.Timing != "instead of" || !t.Enabled || !t.IsFor(event) || t.When != nil {
			continue
		}
		list := r.C.Functions(t.Function.Schema, t.Function.Name)
		index := slices.IndexFunc(list, func(fn *catalog.Function) bool { return len(fn.Args) == 0 })
		if index < 0 {
			continue
		}
		mark := len(r.Effects)
		r.lockWithoutWork(func() {
			for _, n := range catalog.ReadBody(list[index]).ListCertainStatements() {
				r.lockQuery(n)
			}
		})
		for i := mark; i < len(r.Effects); i++ {
			if e := &r.Effects[i]; e.Why == "" {
				e.Why = "the trigger " + t.Name + " of " + view.Name.String() + " names it"
			}
		}
	}
}

// lockWithoutWork records the locks that f takes, but not the work under them.
func (r *run) lockWithoutWork(f func()) {
	before := slices.Clone(r.Effects)
	f()
	for i := range r.Effects {
		e := &r.Effects[i]
		e.Scans, e.Rows = i < len(before) && before[i].Scans, i < len(before) && before[i].Rows
	}
}
