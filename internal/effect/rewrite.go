package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// write is what a statement wants of the relation that it names as its target.
type write struct {
	event string // "insert", "update", "delete"; "merge", "copy"
	where *pgparse.Node
	// columns are those that an INSERT gives or an UPDATE sets, as far as it
	// names them.
	columns []string
	// given tells which columns an INSERT has values for; nil: not known.
	given map[int16]bool
	// inherits: what inherits from the target is written to as well.
	inherits bool
	// returning and arbiter: the statement has a RETURNING, an ON CONFLICT.
	returning, arbiter bool
}

// firing is a rule or trigger at work.
type firing struct {
	on    catalog.OID
	event string
}

// target locks what a statement writes to, after rules and views have rewritten
// it, and gives the tables that it writes to itself. runs is false when nothing
// is left of it: DO INSTEAD NOTHING.
// https://www.postgresql.org/docs/current/rules-update.html
func (r *run) target(rv *pgparse.RangeVar, w write) (tables []*catalog.Relation, runs bool) {
	rel := r.table(rv)
	if rel == nil {
		return nil, true
	}
	if rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence {
		r.Refuse(refuse.NotChangeable, rel.Kind.String(), rel.Name.Name)
		return nil, true
	}
	w.inherits = rv.GetInh() && w.event != "insert"
	return r.rewritten(rel, w, "")
}

func (r *run) rewritten(rel *catalog.Relation, w write, why string) (tables []*catalog.Relation, runs bool) {
	r.lockFor(rel, rx, why)
	if r.depth > maxDepth {
		return nil, true
	}
	r.depth++
	defer func() { r.depth-- }()
	f := r.fire(rel, w)
	switch {
	case f.instead && f.reads:
		mode := rx
		if rel.Kind == catalog.View {
			mode = as
		}
		r.readsRows(rel, mode, w)
		return nil, true
	case f.instead:
		return nil, f.products > 0
	case rel.Kind != catalog.View || rel.View == nil:
		return r.readRelation(rel, rx, w.inherits, why, &[]catalog.OID{}), true
	}
	return r.throughView(rel, w, f.conditional), true
}

// throughView is a statement that writes to a view and that no rule replaced.
func (r *run) throughView(view *catalog.Relation, w write, conditional bool) []*catalog.Relation {
	if contains(view.InsteadOf(), w.event) || w.event == "merge" && len(view.InsteadOf()) > 0 {
		if w.event != "insert" {
			r.readsRows(view, as, w)
		}
		r.insteadOf(view, w.event)
		return nil
	}
	if r.C.Complete || r.C.Unmodelled == nil {
		if conditional || r.C.ReadOnly(view) != "" {
			r.Refuse(refuse.ViewNotWritten, cannotWrite[w.event], view.Name.Name)
			return nil
		}
		for _, name := range w.columns {
			if r.C.Computed(view, name) {
				r.Refuse(refuse.ViewColumnNotSet, cannotSet[w.event], name, view.Name.Name)
				return nil
			}
		}
	}
	why := "read by the view " + view.Name.String()
	base := r.C.Base(view)
	if base == nil {
		return r.readRelation(view, rx, true, "", &[]catalog.OID{})
	}
	for _, other := range r.C.Rels(view.View.Reads) {
		if other != base {
			for _, t := range r.readRelation(other, as, true, why, &[]catalog.OID{view.OID}) {
				if w.event != "insert" {
					r.scanFor(t, w.where)
				}
			}
		}
	}
	w.columns, w.given, w.inherits = r.C.BaseColumns(view, w.columns), nil, w.event != "insert"
	tables, _ := r.rewritten(base, w, why)
	return tables
}

var (
	cannotWrite = map[string]string{"insert": "cannot insert into", "update": "cannot update", "delete": "cannot delete from", "merge": "cannot merge into"}
	cannotSet   = map[string]string{"insert": "cannot insert into", "update": "cannot update", "delete": "cannot update", "merge": "cannot merge into"}
)

// readsRows reads the rows of a target that something else is done with.
func (r *run) readsRows(rel *catalog.Relation, mode onward.Lock, w write) {
	if rel.Kind == catalog.View && rel.View != nil {
		seen := []catalog.OID{rel.OID}
		for _, other := range r.C.Rels(rel.View.Reads) {
			for _, t := range r.readRelation(other, mode, true, "read by the view "+rel.Name.String(), &seen) {
				r.scanFor(t, w.where)
			}
		}
		return
	}
	for _, t := range r.readRelation(rel, mode, w.inherits, "", &[]catalog.OID{}) {
		r.scanFor(t, w.where)
	}
}

// fired is what the rules of a relation made of a statement.
type fired struct {
	instead     bool // the statement itself does not run
	conditional bool // it runs for some rows only
	products    int  // statements that the rules add
	reads       bool // one of them reads the rows that the statement names
	returning   bool // one of them gives what RETURNING asks for
}

func (r *run) fire(rel *catalog.Relation, w write) fired {
	var f fired
	updates := false
	this := firing{rel.OID, w.event}
	for _, u := range rel.Rules {
		updates = updates || u.Event == "update"
		if u.Event != w.event || u.Disabled {
			continue
		}
		f.instead = f.instead || u.Instead && u.Where == nil
		f.conditional = f.conditional || u.Instead && u.Where != nil
		f.products += len(u.Actions)
		if len(u.Actions) > 0 && contains(r.firing, this) {
			r.Refuse(refuse.RuleRecursion, rel.Name.Name)
			return f
		}
		r.firing = append(r.firing, this)
		r.carryOut(rel, u, w, &f)
		r.firing = r.firing[:len(r.firing)-1]
	}
	switch {
	case len(rel.Rules) == 0:
	case w.returning && (f.instead || f.conditional) && !f.returning:
		r.Refuse(refuse.RuleReturning, map[string]string{"insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}[w.event], rel.Name.Name)
	case w.arbiter && (f.products > 0 || updates):
		r.Refuse(refuse.RuleConflict)
	case !r.within:
	case f.instead && f.products == 0:
		r.Refuse(refuse.RuleNothing)
	case f.conditional && f.products > 0:
		r.Refuse(refuse.RuleConditional)
	case !f.instead && f.products > 0:
		r.Refuse(refuse.RuleAlso)
	case f.products > 1:
		r.Refuse(refuse.RuleMany)
	}
	return f
}

// carryOut locks what the actions of a rule do. Their names mean what they
// meant when the rule was made.
func (r *run) carryOut(rel *catalog.Relation, u *catalog.Rule, w write, f *fired) {
	mark, outer, within := len(r.Effects), r.bound, r.within
	r.bound, r.within = u.Reads, false
	r.expr(u.Where)
	f.reads = f.reads || len(u.Actions) > 0 && w.event != "insert" && w.where != nil
	fields := rowFields(append([]*pgparse.Node{u.Where}, u.Actions...))
	for _, field := range fields {
		if field.record == "old" || w.event == "update" && !contains(w.columns, field.name) {
			f.reads = f.reads || len(u.Actions) > 0
		}
		// What the statement leaves out, NEW has from the default.
		if c := rel.Column(field.name); c != nil && w.event == "insert" && w.given != nil && !w.given[c.Attnum] {
			r.defaultOf(c)
		}
	}
	for _, action := range u.Actions {
		msg := pgparse.Unwrap(action)
		switch m := msg.(type) {
		case *pgparse.InsertStmt:
			f.returning = f.returning || m.GetReturningClause() != nil
		case *pgparse.UpdateStmt:
			f.returning = f.returning || m.GetReturningClause() != nil
		case *pgparse.DeleteStmt:
			f.returning = f.returning || m.GetReturningClause() != nil
		}
		r.query(msg)
	}
	r.bound, r.within = outer, within
	for i := mark; i < len(r.Effects); i++ {
		if e := &r.Effects[i]; e.Why == "" {
			e.Why = "the rule " + u.Name + " on " + rel.Name.String() + " names it"
		}
	}
}

// rowField is a column of the row that a rule is about.
type rowField struct{ record, name string }

// rowFields are the columns of NEW and OLD that expressions name.
func rowFields(exprs []*pgparse.Node) []rowField {
	var out []rowField
	for _, n := range exprs {
		pgparse.Walk(n, func(m any) bool {
			if ref, ok := m.(*pgparse.ColumnRef); ok {
				if f := ref.GetFields(); isRow(ref) {
					out = append(out, rowField{pgparse.Text(f[0]), pgparse.Text(f[1])})
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
	return len(f) == 2 && (pgparse.Text(f[0]) == "new" || pgparse.Text(f[0]) == "old")
}

// insteadOf locks what the functions of a view's triggers surely do for a row:
// what hangs on a condition is not told, and nothing of how much they read.
func (r *run) insteadOf(view *catalog.Relation, event string) {
	this := firing{view.OID, event}
	if contains(r.firing, this) {
		return
	}
	r.firing = append(r.firing, this)
	defer func() { r.firing = r.firing[:len(r.firing)-1] }()
	for _, t := range view.Triggers {
		if t.Timing != "instead of" || !t.Enabled || !t.On(event) || t.When != nil {
			continue
		}
		list := r.C.Functions(t.Function.Schema, t.Function.Name)
		at := slices.IndexFunc(list, func(fn *catalog.Function) bool { return len(fn.Args) == 0 })
		if at < 0 {
			continue
		}
		mark := len(r.Effects)
		r.quietly(func() {
			for _, n := range catalog.ReadBody(list[at]).Certain() {
				r.query(n)
			}
		})
		for i := mark; i < len(r.Effects); i++ {
			if e := &r.Effects[i]; e.Why == "" {
				e.Why = "the trigger " + t.Name + " of " + view.Name.String() + " names it"
			}
		}
	}
}

// quietly takes the locks of something without the work that it does under them.
func (r *run) quietly(f func()) {
	before := slices.Clone(r.Effects)
	f()
	for i := range r.Effects {
		e := &r.Effects[i]
		e.Scans, e.Rows = i < len(before) && before[i].Scans, i < len(before) && before[i].Rows
	}
}
