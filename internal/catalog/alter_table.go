package catalog

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// alterTable folds ALTER TABLE, command by command, in the given order.
// https://www.postgresql.org/docs/current/sql-altertable.html. ALTER INDEX,
// VIEW, MATERIALIZED VIEW, SEQUENCE, FOREIGN TABLE and TYPE … ATTRIBUTE come
// in the same shape.
func (f *fold) alterTable(s *pgparse.AlterTableStmt, cmds []*pgparse.AlterTableCmd) {
	kind := KindOfObject(s.GetObjtype())
	r := f.requireRelation(s.GetRelation(), kind, s.GetMissingOk())
	if r == nil {
		return
	}
	oid, only := r.OID, !s.GetRelation().GetInh()
	if kind == CompositeType {
		// ALTER TYPE … CASCADE reaches the tables OF the type.
		only = false
	}
	for _, cmd := range cmds {
		t := f.editRelation(oid)
		if t == nil || f.failed || !f.permitsCommand(t, cmd.GetSubtype()) {
			return
		}
		f.alterCommand(t, cmd, only)
	}
	if t := f.editRelation(oid); t != nil {
		t.resolveGeneratedColumns()
	}
}

// permitsCommand reports whether a command works on a relation. An inferred relation of another
// kind becomes a table, because its kind was a guess.
func (f *fold) permitsCommand(t *Relation, cmd pgparse.AlterTableType) bool {
	command := CommandOf(cmd)
	if command.FitsKind(t.Kind) || t.Inferred && t.Kind == Index && command.Also.Has(PartitionedIndex) {
		return true
	}
	no := pgerror.ActionUnsuited.NewRefusal(ActionWord(cmd), t.Name.Name)
	if !t.Inferred && (t.Kind.IsTable() || t.Kind == ForeignTable) {
		f.addConflictRefusal(true, no)
		return false
	}
	return f.requireRowRelation(t, no)
}

// alterCommand folds one command; t may be changed in place.
func (f *fold) alterCommand(t *Relation, cmd *pgparse.AlterTableCmd, only bool) {
	name := clipName(cmd.GetName())
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		f.addColumn(t, cmd.GetDef().GetColumnDef(), cmd.GetMissingOk(), only)
	case pgparse.AlterTableType_AT_DropColumn:
		f.dropColumn(t, name, cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE, cmd.GetMissingOk(), only)
	case pgparse.AlterTableType_AT_AlterColumnType:
		f.alterColumnType(t, name, cmd.GetDef().GetColumnDef(), only)
	case pgparse.AlterTableType_AT_ColumnDefault, pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_DropNotNull,
		pgparse.AlterTableType_AT_SetExpression, pgparse.AlterTableType_AT_DropExpression, pgparse.AlterTableType_AT_AddIdentity,
		pgparse.AlterTableType_AT_SetIdentity, pgparse.AlterTableType_AT_DropIdentity, pgparse.AlterTableType_AT_SetStatistics,
		pgparse.AlterTableType_AT_SetOptions, pgparse.AlterTableType_AT_ResetOptions, pgparse.AlterTableType_AT_SetStorage,
		pgparse.AlterTableType_AT_SetCompression, pgparse.AlterTableType_AT_AlterColumnGenericOptions:
		f.alterColumn(t, cmd, only)
	case pgparse.AlterTableType_AT_AddConstraint:
		f.addConstraint(t, cmd.GetDef().GetConstraint(), only)
	case pgparse.AlterTableType_AT_DropConstraint:
		f.dropConstraint(t, name, cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE, cmd.GetMissingOk(), only)
	case pgparse.AlterTableType_AT_ValidateConstraint:
		f.validateConstraint(t, name)
	case pgparse.AlterTableType_AT_AlterConstraint:
		f.alterConstraint(t, cmd.GetDef().GetAtalterConstraint())
	case pgparse.AlterTableType_AT_AttachPartition:
		f.attachPartition(t, cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartition, pgparse.AlterTableType_AT_DetachPartitionFinalize:
		f.detachPartition(t, cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_AddInherit:
		f.addInherit(t, cmd.GetDef().GetRangeVar())
	case pgparse.AlterTableType_AT_DropInherit:
		f.dropInherit(t, cmd.GetDef().GetRangeVar())
	case pgparse.AlterTableType_AT_EnableTrig, pgparse.AlterTableType_AT_EnableAlwaysTrig:
		f.setTriggersEnabled(t, name, true, only)
	case pgparse.AlterTableType_AT_DisableTrig, pgparse.AlterTableType_AT_EnableReplicaTrig:
		f.setTriggersEnabled(t, name, false, only)
	case pgparse.AlterTableType_AT_EnableTrigAll, pgparse.AlterTableType_AT_EnableTrigUser:
		f.setTriggersEnabled(t, "", true, only)
	case pgparse.AlterTableType_AT_DisableTrigAll, pgparse.AlterTableType_AT_DisableTrigUser:
		f.setTriggersEnabled(t, "", false, only)
	case pgparse.AlterTableType_AT_EnableRowSecurity:
		t.copyRare().RLS = true
	case pgparse.AlterTableType_AT_DisableRowSecurity:
		t.copyRare().RLS = false
	case pgparse.AlterTableType_AT_ForceRowSecurity:
		t.copyRare().ForceRLS = true
	case pgparse.AlterTableType_AT_NoForceRowSecurity:
		t.copyRare().ForceRLS = false
	case pgparse.AlterTableType_AT_ChangeOwner:
		f.setOwner(t, RoleName(cmd.GetNewowner()))
	case pgparse.AlterTableType_AT_SetLogged:
		f.setPersistence(t, Permanent)
	case pgparse.AlterTableType_AT_SetUnLogged:
		f.setPersistence(t, Unlogged)
	case pgparse.AlterTableType_AT_SetAccessMethod:
		t.copyRare().AccessMethod = cmp.Or(cmd.GetName(), f.TableMethod)
	case pgparse.AlterTableType_AT_SetTableSpace:
		t.copyRare().Tablespace = name
	case pgparse.AlterTableType_AT_SetRelOptions:
		t.copyRare().Options = mergeStorageOptions(t.Options, pgparse.ListItems(cmd.GetDef()))
		t.Manager = managerOf(t.Manager, t.Options)
	case pgparse.AlterTableType_AT_ReplaceRelOptions:
		t.copyRare().Options = mergeStorageOptions(nil, pgparse.ListItems(cmd.GetDef()))
	case pgparse.AlterTableType_AT_ResetRelOptions:
		next := make(map[string]string, len(t.Options))
		for k, v := range t.Options {
			next[k] = v
		}
		for _, n := range pgparse.ListItems(cmd.GetDef()) {
			delete(next, optionName(n.GetDefElem()))
		}
		t.copyRare().Options = next
	case pgparse.AlterTableType_AT_ReplicaIdentity:
		f.setReplicaIdentity(t, cmd.GetDef().GetReplicaIdentityStmt())
	case pgparse.AlterTableType_AT_ClusterOn:
		f.setClusteredIndex(t, name)
	case pgparse.AlterTableType_AT_DropCluster:
		f.setClusteredIndex(t, "")
	case pgparse.AlterTableType_AT_AddOf:
		t.copyRare().OfType = f.TypeOf(cmd.GetDef().GetTypeName()).OID
	case pgparse.AlterTableType_AT_DropOf:
		t.copyRare().OfType = 0
	case pgparse.AlterTableType_AT_GenericOptions:
		t.copyRare().Options = mergeGenericOptions(t.Options, pgparse.ListItems(cmd.GetDef()))
	case pgparse.AlterTableType_AT_EnableRule, pgparse.AlterTableType_AT_EnableAlwaysRule, pgparse.AlterTableType_AT_EnableReplicaRule,
		pgparse.AlterTableType_AT_DisableRule:
		f.setRuleEnabled(t, name, cmd.GetSubtype())
	case pgparse.AlterTableType_AT_DropOids:
		// There are none since Postgres 12: accepted, and nothing happens.
	default:
		f.recordUnmodelled("ALTER TABLE … " + cmd.GetSubtype().String())
	}
}

// setRuleEnabled is ENABLE RULE and its like: what runs on replicas only is disabled
// here.
func (f *fold) setRuleEnabled(t *Relation, name string, subtype pgparse.AlterTableType) {
	if old := t.FindRule(name); old != nil {
		now := *old
		now.Disabled = subtype == pgparse.AlterTableType_AT_DisableRule || subtype == pgparse.AlterTableType_AT_EnableReplicaRule
		f.replaceRule(t, old, &now)
	} else if !t.Inferred && !t.Partial {
		f.addProblem(f.isHistoryComplete(), pgerror.RuleMissing, name, t.Name.Name)
	}
}

func (f *fold) setOwner(t *Relation, owner string) {
	t.copyRare().Owner = owner
	for _, oid := range t.Indexes {
		if i := f.Relation(oid); i != nil && i.Owner != "" {
			f.editRelation(oid).copyRare().Owner = owner
		}
	}
}

// setPersistence reaches the indexes and owned sequences too.
func (f *fold) setPersistence(t *Relation, p Persistence) {
	t.Persistence = p
	for _, oid := range t.Indexes {
		if i := f.editRelation(oid); i != nil {
			i.Persistence = p
		}
	}
	for _, c := range t.Columns {
		if s := f.editRelation(c.Sequence); s != nil {
			s.Persistence = p
		}
	}
}

func (f *fold) setReplicaIdentity(t *Relation, s *pgparse.ReplicaIdentityStmt) {
	switch s.GetIdentityType() {
	case "d":
		t.copyRare().ReplicaIdentity = ""
	case "f":
		t.copyRare().ReplicaIdentity = "full"
	case "n":
		t.copyRare().ReplicaIdentity = "nothing"
	case "i":
		if f.hasTableIndex(t, clipName(s.GetName())) || t.Inferred || t.Partial {
			t.copyRare().ReplicaIdentity = "index " + clipName(s.GetName())
			return
		}
		f.addMissingPart(t, pgerror.IndexMissingFor, s.GetName(), t.Name.Name)
	}
}

func (f *fold) hasTableIndex(t *Relation, name string) bool {
	return slices.ContainsFunc(t.Indexes, func(oid OID) bool { i := f.Relation(oid); return i != nil && i.Name.Name == name })
}

// clusterTable handles CLUSTER, which records the index that it names.
// https://www.postgresql.org/docs/current/sql-cluster.html
func (f *fold) clusterTable(s *pgparse.ClusterStmt) {
	schema, name := s.GetRelation().GetSchemaname(), s.GetRelation().GetRelname()
	t := f.Lookup(schema, name)
	if s.GetIndexname() != "" && t != nil && (t.Kind == Table || t.Kind == MaterializedView) {
		f.setClusteredIndex(f.editRelation(t.OID), clipName(s.GetIndexname()))
	}
}

func (f *fold) setClusteredIndex(t *Relation, name string) {
	for _, oid := range t.Indexes {
		i := f.Relation(oid)
		if i == nil || i.Index.Clustered == (i.Name.Name == name) {
			continue
		}
		i = f.editRelation(oid)
		info := *i.Index
		info.Clustered = i.Name.Name == name
		i.Index = &info
	}
	if name != "" && !f.hasTableIndex(t, name) && !t.Inferred && !t.Partial {
		f.addMissingPart(t, pgerror.IndexMissingFor, name, t.Name.Name)
	}
}

// mergeGenericOptions applies OPTIONS (ADD a 'x', SET b 'y', DROP c).
func mergeGenericOptions(old map[string]string, list []*pgparse.Node) map[string]string {
	next := make(map[string]string, len(old)+len(list))
	for k, v := range old {
		next[k] = v
	}
	for _, n := range list {
		d := n.GetDefElem()
		if d.GetDefaction() == pgparse.DefElemAction_DEFELEM_DROP {
			delete(next, d.GetDefname())
		} else {
			next[d.GetDefname()] = constText(d.GetArg())
		}
	}
	return next
}
