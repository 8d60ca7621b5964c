package refusal

import (
	"cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Commands of ALTER TABLE about the whole table: its owner, its tablespace, its
// storage and its replica identity.

// checkClusterOn checks CLUSTER ON: it only remembers the index.
func (a *Alteration) checkClusterOn(name string) {
	if a.Rel.Kind == catalog.PartitionedTable {
		a.refuseIndexMark("CLUSTER ON")
		return
	}
	if i := a.C.IndexNamed(a.Rel, name); i != nil {
		a.checkClusterIndex(i)
	}
}

// refuseIndexMark refuses to mark or unmark an index of a partitioned table.
func (a *Alteration) refuseIndexMark(action string) {
	if a.V.AtLeast(19) {
		a.RecordRefusal(pgerror.ActionUnsuited, action, a.Rel.Name.Name)
		return
	}
	a.RecordRefusal(pgerror.MarkPartitioned)
}

// checkReplicaIdentityIndex checks REPLICA IDENTITY USING INDEX.
func (a *Alteration) checkReplicaIdentityIndex(name string) {
	i := a.C.IndexNamed(a.Rel, name)
	if i == nil || i.Index == nil || i.Inferred {
		return
	}
	info := i.Index
	switch con := a.Rel.Constraint(info.Constraint); {
	case !info.Unique:
		a.RecordRefusal(pgerror.ReplicaNotUnique, name)
	case con != nil && con.Deferrable:
		a.RecordRefusal(pgerror.ReplicaNotImmediate, name)
	case info.Predicate != nil:
		a.RecordRefusal(pgerror.ReplicaPartial, name)
	}
	for _, k := range info.Keys {
		col := a.Rel.Attr(k.Column)
		switch {
		case k.Column == 0:
			a.RecordRefusal(pgerror.ReplicaExpression, name)
		case col != nil && !col.Inferred && !col.NotNull:
			a.RecordRefusal(pgerror.ReplicaNullable, name, col.Name)
		}
	}
}

// checkChangeOwner checks OWNER TO.
func (a *Alteration) checkChangeOwner(to *pgparse.RoleSpec) {
	if !OwnerStays(a.Rel, to) && a.Rel.Kind == catalog.Sequence && a.Rel.Seq != nil && a.Rel.Seq.OwnerTable != 0 {
		a.RecordRefusal(pgerror.SequenceOwner, a.Rel.Name.Name)
	}
}

// OwnerStays reports whether a relation is known to have that owner already, so that nothing
// changes. A relation without a recorded owner belongs to the role that runs the history.
func OwnerStays(rel *catalog.Relation, to *pgparse.RoleSpec) bool {
	var isOwner bool
	switch to.GetRoletype() {
	case pgparse.RoleSpecType_ROLESPEC_CURRENT_USER, pgparse.RoleSpecType_ROLESPEC_SESSION_USER, pgparse.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		isOwner = rel.Owner == ""
	default:
		isOwner = rel.Owner != "" && rel.Owner == to.GetRolename()
	}
	return isOwner && !rel.Inferred
}

// checkSetPersistence checks SET LOGGED and SET UNLOGGED.
func (a *Alteration) checkSetPersistence(to catalog.Persistence) {
	if !a.original.Inferred && a.Rel.Persistence != a.original.Persistence {
		a.RecordRefusal(pgerror.PersistenceTwice)
		return
	}
	if a.Rel.Kind == catalog.Sequence || a.Rel.Persistence == to && !a.Rel.Inferred {
		return
	}
	if to == catalog.Unlogged {
		switch {
		case a.isPublished(a.Rel) && !a.V.AtLeast(19):
			a.RecordRefusal(pgerror.PublishedUnlogged, a.Rel.Name.Name, "part of")
		case a.isPublished(a.Rel) || a.isExcepted(a.Rel):
			a.RecordRefusal(pgerror.PublishedUnlogged, a.Rel.Name.Name, "referenced by")
		}
		for _, ref := range a.C.ListReferences(a.Rel, true) {
			if ref.From != a.Rel && ref.From.Persistence == catalog.Permanent {
				a.RecordRefusal(pgerror.ReferencesLogged, a.Rel.Name.Name, ref.From.Name.Name)
			}
		}
		return
	}
	for _, con := range a.Rel.Constraints {
		if ref := a.C.Relation(con.Ref); ref != nil && ref != a.Rel && ref.Persistence == catalog.Unlogged {
			a.RecordRefusal(pgerror.ReferencesUnlogged, a.Rel.Name.Name, ref.Name.Name)
		}
	}
}

// isPublished reports whether a publication lists a table, isExcepted whether EXCEPT of one does.
func (q *Checker) isPublished(rel *catalog.Relation) bool {
	return q.anyPublication(func(o *catalog.Object) bool { return contains(o.Tables, rel.OID) })
}

func (q *Checker) isExcepted(rel *catalog.Relation) bool {
	return q.anyPublication(func(o *catalog.Object) bool { return contains(o.Except, rel.OID) })
}

func (q *Checker) anyPublication(holds func(o *catalog.Object) bool) bool {
	found := false
	q.C.EachObject("publication", func(o *catalog.Object) bool {
		found = holds(o)
		return !found
	})
	return found
}

// checkSetTablespace checks SET TABLESPACE, which comes once, whatever the tablespace is.
func (a *Alteration) checkSetTablespace(cmd *pgparse.AlterTableCmd) {
	for _, n := range a.commands.Statement.GetCmds() {
		switch other := n.GetAlterTableCmd(); {
		case other == cmd:
			return
		case other.GetSubtype() == cmd.GetSubtype():
			a.RecordRefusal(pgerror.TablespaceTwice)
			return
		}
	}
}

// checkSetAccessMethod checks SET ACCESS METHOD. Only one that changes the method counts.
func (a *Alteration) checkSetAccessMethod(name string) {
	switch {
	case name == "" && !a.V.AtLeast(17):
		a.RecordRefusal(pgerror.SyntaxAt, "DEFAULT")
	case a.Rel.Kind == catalog.PartitionedTable && !a.V.AtLeast(17):
		a.RecordRefusal(pgerror.MethodPartitioned)
	case !a.original.Inferred && a.accessMethodOf(a.Rel) != a.accessMethodOf(a.original):
		a.RecordRefusal(pgerror.AccessMethodTwice)
	}
}

// accessMethodOf returns the access method of a table's rows. A partitioned table has none of its own unless it was set.
func (a *Alteration) accessMethodOf(rel *catalog.Relation) string {
	if rel.Kind == catalog.PartitionedTable {
		return rel.AccessMethod
	}
	return cmp.Or(rel.AccessMethod, "heap")
}

// tableOptions are the storage parameters of tables, with the first version
// that has them (0: all). Those of autovacuum are the TOAST table's as well.
var tableOptions = map[string]int{
	"fillfactor": 0, "toast_tuple_target": 0, "parallel_workers": 0, "user_catalog_table": 0,
	"autovacuum_enabled": 0, "autovacuum_vacuum_threshold": 0, "autovacuum_vacuum_max_threshold": 18,
	"autovacuum_vacuum_scale_factor": 0, "autovacuum_vacuum_insert_threshold": 0, "autovacuum_vacuum_insert_scale_factor": 0,
	"autovacuum_analyze_threshold": 0, "autovacuum_analyze_scale_factor": 0,
	"autovacuum_vacuum_cost_delay": 0, "autovacuum_vacuum_cost_limit": 0,
	"autovacuum_freeze_min_age": 0, "autovacuum_freeze_max_age": 0, "autovacuum_freeze_table_age": 0,
	"autovacuum_multixact_freeze_min_age": 0, "autovacuum_multixact_freeze_max_age": 0, "autovacuum_multixact_freeze_table_age": 0,
	"log_autovacuum_min_duration": 0, "vacuum_index_cleanup": 0, "vacuum_truncate": 0, "vacuum_max_eager_freeze_failure_rate": 18,
	"autovacuum_parallel_workers": 19, "log_autoanalyze_min_duration": 19,
}

// checkStorageParameters refuses storage parameters that a relation cannot have.
func (a *Alteration) checkStorageParameters(list []*pgparse.Node) {
	var known map[string]int
	switch a.Rel.Kind {
	case catalog.Table, catalog.MaterializedView:
		if a.Rel.Inferred || a.Rel.AccessMethod != "" && a.Rel.AccessMethod != "heap" {
			return // another access method has its own
		}
		known = tableOptions
	case catalog.View:
		known = viewOptions
	case catalog.PartitionedTable:
		if len(list) == 0 {
			return
		}
		if a.V.AtLeast(16) {
			a.RecordRefusal(pgerror.ParametersTable)
		} else {
			a.RecordRefusal(pgerror.ParameterUnknown, list[0].GetDefElem().GetDefname())
		}
		return
	default:
		return
	}
	for _, n := range list {
		d := n.GetDefElem()
		if s := d.GetDefnamespace(); s != "" && s != "toast" {
			a.RecordRefusal(pgerror.NamespaceUnknown, s)
			return
		}
		since, exists := known[d.GetDefname()]
		if !exists || since > 0 && !a.V.AtLeast(since) {
			a.RecordRefusal(pgerror.ParameterUnknown, d.GetDefname())
			return
		}
	}
}
