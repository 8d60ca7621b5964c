package effect

import (
	"cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// What ALTER TABLE changes of a table as a whole: its owner, its place, its
// triggers, how it is stored and told to subscribers.

// clusterOn is CLUSTER ON: it only remembers the index.
func (a *alter) clusterOn(name string) {
	if a.rel.Kind == catalog.PartitionedTable {
		a.Refuse(refuse.MarkPartitioned)
		return
	}
	if i := a.C.IndexNamed(a.rel, name); i != nil && !a.MayCluster(i) {
		return
	}
	a.indexOf(name, a.mode)
}

// replicaIdentity is REPLICA IDENTITY USING INDEX.
func (a *alter) replicaIdentity(name string) {
	i := a.C.IndexNamed(a.rel, name)
	if i == nil || i.Index == nil || i.Inferred {
		a.indexOf(name, sh)
		return
	}
	info := i.Index
	switch con := a.rel.Constraint(info.Constraint); {
	case !info.Unique:
		a.Refuse(refuse.ReplicaNotUnique, name)
		return
	case con != nil && con.Deferrable:
		a.Refuse(refuse.ReplicaNotImmediate, name)
		return
	case info.Predicate != nil:
		a.Refuse(refuse.ReplicaPartial, name)
		return
	}
	for _, k := range info.Keys {
		col := a.rel.Attr(k.Column)
		if k.Column == 0 {
			a.Refuse(refuse.ReplicaExpression, name)
			return
		}
		if col != nil && !col.Inferred && !col.NotNull && !contains(a.madeNotNull, col.Name) {
			a.Refuse(refuse.ReplicaNullable, name, col.Name)
			return
		}
	}
	a.lock(i, sh)
}

// changeOwner is OWNER TO. To the owner that a relation has already nothing is
// done: what the history gave to nobody belongs to who runs it.
func (a *alter) changeOwner(to *pgparse.RoleSpec) {
	var mine bool
	switch to.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_SESSION_USER, pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		mine = a.rel.Owner == ""
	default:
		mine = a.rel.Owner != "" && a.rel.Owner == to.GetRolename()
	}
	if mine && !a.rel.Inferred {
		return
	}
	if a.rel.Kind == catalog.Sequence && a.rel.Seq != nil && a.rel.Seq.OwnerTable != 0 {
		a.Refuse(refuse.SequenceOwner, a.rel.Name.Name)
		return
	}
	a.owner(a.rel)
}

// indexOf locks an index of the table by name.
func (a *alter) indexOf(name string, mode onward.Lock) {
	if i := a.C.IndexNamed(a.rel, name); i != nil {
		a.lock(i, mode)
		return
	}
	if !a.Whole(a.rel) {
		a.lock(catalog.StandIn(catalog.Name{Schema: a.rel.Name.Schema, Name: name}, catalog.Index, false), mode)
		return
	}
	a.Refuse(refuse.IndexMissingFor, name, a.rel.Name.Name)
}

// triggers enables or disables triggers: those for each row are cloned to
// partitions, which are locked too. Those of foreign keys are among ALL, and
// since 15 partitioned tables have them too.
func (a *alter) triggers(name string, all bool) {
	if t := a.rel.Trigger(name); name != "" && t == nil && a.Whole(a.rel) {
		a.Refuse(refuse.ObjectMissingOn, "trigger", name, a.rel.Name.Name)
		return
	}
	if a.rel.Kind != catalog.PartitionedTable || !a.recurse {
		return
	}
	if all && a.inForeignKey() && a.V.AtLeast(15) {
		a.below(a.rel, a.mode)
		return
	}
	for _, t := range a.rel.Triggers {
		if t.Row && (name == "" || t.Name == name) {
			a.below(a.rel, a.mode)
			return
		}
	}
}

// inForeignKey reports whether the table has a foreign key or is pointed to by
// one.
func (a *alter) inForeignKey() bool {
	for _, c := range a.rel.Constraints {
		if c.Kind == catalog.ForeignKey {
			return true
		}
	}
	return len(a.C.References(a.rel, true)) > 0
}

// setPersistence is SET LOGGED and SET UNLOGGED.
func (a *alter) setPersistence(to catalog.Persistence) {
	if a.rel.Kind == catalog.Sequence {
		if a.rel.Persistence != to {
			e := a.lock(a.rel, ael)
			e.Rewrites, e.Instant = true, true
		}
		return
	}
	if a.rel.Persistence == to && !a.rel.Inferred {
		return
	}
	if to == catalog.Unlogged && a.published(a.rel) {
		a.Refuse(refuse.PublishedUnlogged, a.rel.Name.Name)
		return
	}
	if to == catalog.Unlogged {
		for _, ref := range a.C.References(a.rel, true) {
			if ref.From != a.rel && ref.From.Persistence == catalog.Permanent {
				a.Refuse(refuse.ReferencesLogged, a.rel.Name.Name, ref.From.Name.Name)
				return
			}
		}
	}
	for _, con := range a.rel.Constraints {
		if ref := a.C.Relation(con.Ref); ref != nil && ref != a.rel && to == catalog.Permanent && ref.Persistence == catalog.Unlogged {
			a.Refuse(refuse.ReferencesUnlogged, a.rel.Name.Name, ref.Name.Name)
			return
		}
	}
	t := a.tabOf(a.rel)
	t.rewrite = true
	if a.rel.Inferred {
		t.unsure, t.why = true, "whether it is unlogged is not known"
	}
	if len(a.C.SequencesOf(a.rel)) > 0 && a.V.AtLeast(15) {
		for _, s := range a.C.SequencesOf(a.rel) {
			e := a.lockFor(s, ael, "owned by "+a.rel.Name.String())
			e.Rewrites, e.Instant = true, true
		}
	}
}

func (a *alter) setAccessMethod(name string) {
	if !a.V.AtLeast(15) {
		a.Refuse(refuse.SyntaxAt, "ACCESS")
		return
	}
	if a.rel.Kind == catalog.PartitionedTable {
		if !a.V.AtLeast(17) {
			a.Refuse(refuse.MethodPartitioned)
		}
		return
	}
	now := cmp.Or(a.rel.AccessMethod, "heap")
	if name == "" && !a.V.AtLeast(17) {
		a.Refuse(refuse.SyntaxAt, "DEFAULT")
		return
	}
	if name == "" {
		name = cmp.Or(a.C.TableMethod, "heap") // DEFAULT
	}
	if now != name {
		a.tabOf(a.rel).rewrite = true
	}
}

// setTablespace copies the file, not the indexes.
func (a *alter) setTablespace(name string) {
	if cmp.Or(a.rel.Tablespace, "pg_default") == name {
		return
	}
	a.tabOf(a.rel).moved = true
}

// copied notes that a relation's file is copied as it is.
func copied(e *Effect) {
	if e.Kind == catalog.Index {
		e.RebuildsIndex = true
		return
	}
	e.Rewrites = true
}

// owner is OWNER TO: it reaches indexes and owned sequences.
func (r *run) owner(rel *catalog.Relation) {
	r.lock(rel, ael)
	for _, i := range r.C.IndexesOf(rel) {
		r.lockFor(i, ael, "index of "+rel.Name.String())
	}
	for _, s := range r.C.SequencesOf(rel) {
		r.lockFor(s, ael, "owned by "+rel.Name.String())
	}
}
