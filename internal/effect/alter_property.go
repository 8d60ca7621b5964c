package effect

import (
	"cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// The commands of ALTER TABLE that change the table as a whole: OWNER TO, SET TABLESPACE, SET LOGGED,
// SET ACCESS METHOD, ENABLE TRIGGER, REPLICA IDENTITY.

// lockIndexByName locks an index of the table by name.
func (a *alterState) lockIndexByName(name string, mode onward.Lock) {
	if i := a.C.IndexNamed(a.rel, name); i != nil {
		a.lockRelation(i, mode)
		return
	}
	a.lockRelation(catalog.StandIn(catalog.Name{Schema: a.rel.Name.Schema, Name: name}, catalog.Index, false), mode)
}

// switchTriggers enables or disables triggers: those for each row are cloned to
// partitions, which are locked too. Those of foreign keys are among ALL, and
// since 15 partitioned tables have them too.
func (a *alterState) switchTriggers(name string, all bool) {
	if a.rel.Kind != catalog.PartitionedTable || !a.recurse {
		return
	}
	if all && a.isInForeignKey() && a.V.AtLeast(15) {
		a.lockDescendants(a.rel, a.mode)
		return
	}
	for _, t := range a.rel.Triggers {
		if t.Row && (name == "" || t.Name == name) {
			a.lockDescendants(a.rel, a.mode)
			return
		}
	}
}

// isInForeignKey reports whether the table has a foreign key or a foreign key references it.
func (a *alterState) isInForeignKey() bool {
	for _, c := range a.rel.Constraints {
		if c.Kind == catalog.ForeignKey {
			return true
		}
	}
	return len(a.C.ListReferences(a.rel, true)) > 0
}

// setPersistence is SET LOGGED and SET UNLOGGED.
func (a *alterState) setPersistence(to catalog.Persistence) {
	if a.rel.Kind == catalog.Sequence {
		if a.rel.Persistence != to {
			e := a.lockRelation(a.rel, accessExclusive)
			e.Rewrites, e.Instant = true, true
		}
		return
	}
	if a.rel.Persistence == to && !a.rel.Inferred {
		return
	}
	t := a.tableWorkOf(a.rel)
	t.rewrite = true
	if a.rel.Inferred {
		t.unsure, t.why = true, "whether it is unlogged is not known"
	}
	if len(a.C.SequencesOf(a.rel)) > 0 && a.V.AtLeast(15) {
		for _, s := range a.C.SequencesOf(a.rel) {
			e := a.lockWithReason(s, accessExclusive, "owned by "+a.rel.Name.String())
			e.Rewrites, e.Instant = true, true
		}
	}
}

func (a *alterState) setAccessMethod(name string) {
	if name == "" {
		name = cmp.Or(a.C.TableMethod, "heap") // DEFAULT
	}
	if a.rel.Kind != catalog.PartitionedTable && cmp.Or(a.rel.AccessMethod, "heap") != name {
		a.tableWorkOf(a.rel).rewrite = true
	}
}

// setTablespace copies the file, not the indexes.
func (a *alterState) setTablespace(name string) {
	if cmp.Or(a.rel.Tablespace, "pg_default") == name {
		return
	}
	a.tableWorkOf(a.rel).moved = true
}

// recordCopy notes that a relation's file is copied as it is.
func recordCopy(e *Effect) {
	if e.Kind == catalog.Index {
		e.RebuildsIndex = true
		return
	}
	e.Rewrites = true
}

// changeOwner is OWNER TO: it reaches indexes and owned sequences.
func (r *run) changeOwner(rel *catalog.Relation) {
	r.lockRelation(rel, accessExclusive)
	for _, i := range r.C.IndexesOf(rel) {
		r.lockWithReason(i, accessExclusive, "index of "+rel.Name.String())
	}
	for _, s := range r.C.SequencesOf(rel) {
		r.lockWithReason(s, accessExclusive, "owned by "+rel.Name.String())
	}
}
