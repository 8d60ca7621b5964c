package catalog

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// The bits of CreateTrigStmt.Timing and Events (pg_trigger.h).
const (
	triggerBefore   = 1 << 1
	triggerInsert   = 1 << 2
	triggerDelete   = 1 << 3
	triggerUpdate   = 1 << 4
	triggerTruncate = 1 << 5
	triggerInstead  = 1 << 6
)

// https://www.postgresql.org/docs/current/sql-createtrigger.html
func (f *fold) createTrigger(s *pgparse.CreateTrigStmt) {
	r := f.requireRelation(s.GetRelation(), Table, false)
	if r == nil {
		return
	}
	if !f.requireRowRelation(r, pgerror.NoTriggersHere.NewRefusal(r.Name.Name), View) {
		return
	}
	r = f.editRelation(r.OID)
	schema, fn := pgparse.SchemaAndName(s.GetFuncname())
	t := &Trigger{
		Name: clipName(s.GetTrigname()), Timing: "after", Row: s.GetRow(), Enabled: true, Function: f.resolveFunctionName(schema, fn),
		Columns: f.resolveAttnums(r.OID, pgparse.StringTexts(s.GetColumns())), Uses: r.attnumsIn(s.GetWhenClause()),
		Deferrable: s.GetDeferrable(), InitiallyDeferred: s.GetInitdeferred(), When: s.GetWhenClause(), Source: f.sql,
	}
	switch {
	case s.GetTiming()&triggerBefore != 0:
		t.Timing = "before"
	case s.GetTiming()&triggerInstead != 0:
		t.Timing = "instead of"
	}
	var events []string
	for _, e := range []struct {
		bit  int32
		word string
	}{{triggerInsert, "insert"}, {triggerDelete, "delete"}, {triggerUpdate, "update"}, {triggerTruncate, "truncate"}} {
		if s.GetEvents()&e.bit != 0 {
			events = append(events, e.word)
		}
	}
	t.Events = strings.Join(events, " or ")
	for _, n := range s.GetTransitionRels() {
		t.Transitions = append(t.Transitions, clipName(n.GetTriggerTransition().GetName()))
	}
	if len(t.Columns) == 0 {
		t.Columns = nil
	}
	if old := r.Trigger(t.Name); old != nil {
		if !s.GetReplace() {
			f.addProblem(f.isHistoryComplete() && !old.Inferred, pgerror.TriggerExists, t.Name, r.Name.Name)
			if f.failed {
				return
			}
		}
		t.ID = old.ID
		r.Triggers = slices.DeleteFunc(slices.Clone(r.Triggers), func(o *Trigger) bool { return o == old })
	} else {
		t.ID = f.newOID()
	}
	r.Triggers = appendShared(f, r.Triggers, t)
	f.using = true
	if t.Row {
		for _, oid := range r.Partitions {
			f.cloneTrigger(r, f.editRelation(oid), t)
		}
	}
}

// resolveFunctionName returns the full name of a function that something refers to.
func (f *fold) resolveFunctionName(schema, name string) Name {
	if fn := f.Functions(schema, name); len(fn) > 0 {
		return fn[0].Name
	}
	return f.fullNameForCreate(schema, name)
}

// dropTrigger drops a trigger, with its clones on partitions.
func (f *fold) dropTrigger(r *Relation, name string) {
	f.inferTrigger(r, name)
	f.recordDroppedPart(r, "trigger", name)
	drop := func(r *Relation, cloned bool) {
		r.Triggers = slices.DeleteFunc(slices.Clone(r.Triggers), func(t *Trigger) bool { return t.Name == name && (!cloned || t.Parent) })
	}
	drop(r, false)
	for _, oid := range r.Partitions {
		if child := f.editRelation(oid); child != nil {
			drop(child, true)
			f.eachChild(child, func(c *Relation) { drop(c, true) })
		}
	}
}

// setTriggersEnabled switches one trigger, or all when name is "".
func (f *fold) setTriggersEnabled(r *Relation, name string, enable, only bool) {
	if name != "" && r.Trigger(name) == nil && !r.Inferred && !r.Partial {
		f.addMissingPart(r, pgerror.ObjectMissingOn, "trigger", name, r.Name.Name)
		return
	}
	if name != "" && !enable {
		f.inferTrigger(r, name)
	}
	set := func(r *Relation) {
		for i, t := range r.Triggers {
			if (name == "" || t.Name == name) && t.Enabled != enable {
				next := *t
				next.Enabled = enable
				r.Triggers = slices.Clone(r.Triggers)
				r.Triggers[i] = &next
			}
		}
	}
	set(r)
	if !only {
		for _, oid := range r.Partitions {
			if child := f.editRelation(oid); child != nil {
				set(child)
				f.eachChild(child, set)
			}
		}
	}
}

// RunsBefore reports whether a trigger sees what ordinary sessions write before it
// is written and checked: event is "insert", "update" or "delete".
func (t *Trigger) RunsBefore(event string) bool {
	return t.Enabled && t.Timing == "before" && strings.Contains(t.Events, event)
}

// IsFor reports whether a trigger is for an event: "insert", "update", "delete" or
// "truncate".
func (t *Trigger) IsFor(event string) bool { return strings.Contains(t.Events, event) }
