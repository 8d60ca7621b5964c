package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// alterState is an ALTER TABLE in progress. The work that its commands require on the rows is
// collected and done once, at the end.
type alterState struct {
	*run
	// now has the schema that the next command finds.
	now *refusal.Alteration
	rel *catalog.Relation
	// mode is the strongest lock that one of its commands needs.
	mode onward.Lock
	// recurse: not ONLY.
	recurse bool
	// tabs is the pending work of each table, and tabOn finds it by the table's name.
	tabs  []*tableWork
	tabOn map[catalog.Name]*tableWork
	// retyped are the foreign keys on columns of another type.
	retyped []retypedKey
}

// retypedKey is a valid foreign key that is made anew because a column on one of its sides gets another type.
type retypedKey struct {
	work *tableWork
	name string
	// compares: both sides are compared in another way, so that rows are checked. They are as well if a
	// command rewrites the table.
	compares bool
	// others are the tables on the other side.
	others []*catalog.Relation
}

// tableWork is the pending work on the rows of one table.
type tableWork struct {
	rel           *catalog.Relation
	rewrite, scan bool
	// filled: rewritten, too, but by the values of a new column, which come after foreign keys are made anew.
	filled bool
	// moved: copied to another tablespace, block by block.
	moved  bool
	unsure bool
	why    string
}

func (r *run) alterTable(s *pgparse.AlterTableStmt) {
	now := r.NewAlteration(s)
	if now == nil {
		return
	}
	a := &alterState{run: r, now: now, rel: now.Rel, mode: lockLevel(s.GetCmds()), recurse: now.Recurse}
	e := r.lockRelation(a.rel, a.mode)
	if s.GetMissingOk() && a.rel.Inferred {
		e.Unsure, e.Why = true, "it may not exist"
	}
	if r.Refusal != nil {
		return
	}
	r.altering = now
	now.EachCommand(func(cmd *pgparse.AlterTableCmd) bool {
		a.rel = now.Rel
		a.runCommand(cmd)
		return true
	})
	a.rel, r.altering = now.Rel, nil
	a.workOnRows()
}

// tableWorkOf returns the pending work of a table.
func (a *alterState) tableWorkOf(rel *catalog.Relation) *tableWork {
	if t := a.tabOn[rel.Name]; t != nil {
		return t
	}
	if a.tabOn == nil {
		a.tabOn = map[catalog.Name]*tableWork{}
	}
	t := &tableWork{rel: a.now.Original(rel)}
	a.tabs, a.tabOn[rel.Name] = append(a.tabs, t), t
	return t
}

// lockChild locks a table below the altered one.
func (a *alterState) lockChild(rel *catalog.Relation) {
	if rel != a.rel {
		a.lockWithReason(rel, a.mode, childReason(rel, a.rel))
	}
}

// lockTree locks the whole tree and returns it; without recurse only the table.
func (a *alterState) lockTree(recurse bool) []*catalog.Relation {
	all := a.C.ListTree(a.rel, recurse)
	for _, rel := range all {
		a.lockChild(rel)
	}
	return all
}

func (t *tableWork) wantScan(reason string) {
	t.scan = true
	if t.why == "" {
		t.why = reason
	}
}

// workOnRows does the work on the rows that the subcommands require: one rewrite per table, or
// else one scan.
func (a *alterState) workOnRows() {
	for _, key := range a.retyped {
		if !key.compares && !key.work.rewrite {
			continue
		}
		for _, rel := range key.others {
			if e := a.effectOn(rel); hasStorage(rel) {
				e.Scans = true
			}
		}
		key.work.wantScan("the foreign key " + key.name + " is checked again")
	}
	for _, t := range a.tabs {
		if !hasStorage(t.rel) {
			continue
		}
		switch {
		case t.rewrite || t.filled:
			a.recordRewritten(t.rel, childReason(t.rel, a.rel))
		case t.scan:
			a.effectOn(t.rel).Scans = true
		}
		if t.moved && !t.rewrite && !t.filled {
			recordCopy(a.effectOn(t.rel))
		}
		if e := a.effectOn(t.rel); t.why != "" && e.Why == "" && (t.unsure || t.rel == a.rel) {
			e.Why = t.why
		}
		if t.unsure {
			a.effectOn(t.rel).Unsure = true
		}
	}
}

// runCommand carries out one command.
func (a *alterState) runCommand(cmd *pgparse.AlterTableCmd) {
	if catalog.CommandOf(cmd.GetSubtype()).Recurses {
		a.lockTree(a.recurse)
	}
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		a.recordAddColumn(cmd)
	case pgparse.AlterTableType_AT_DropColumn:
		a.dropColumn(cmd)
	case pgparse.AlterTableType_AT_AlterColumnType:
		a.alterType(cmd)
	case pgparse.AlterTableType_AT_SetNotNull:
		a.setNotNull(cmd.GetName())
	case pgparse.AlterTableType_AT_DropNotNull:
		a.dropNotNull(cmd.GetName())
	case pgparse.AlterTableType_AT_SetExpression:
		a.setExpression(cmd.GetName())
	case pgparse.AlterTableType_AT_AddIdentity, pgparse.AlterTableType_AT_SetIdentity, pgparse.AlterTableType_AT_DropIdentity:
		a.changeIdentity(cmd)
	case pgparse.AlterTableType_AT_AddConstraint:
		a.addConstraint(cmd.GetDef().GetConstraint())
	case pgparse.AlterTableType_AT_DropConstraint:
		a.dropConstraint(cmd)
	case pgparse.AlterTableType_AT_ValidateConstraint:
		a.validateConstraint(cmd.GetName())
	case pgparse.AlterTableType_AT_AlterConstraint:
		a.alterConstraint(cmd)
	case pgparse.AlterTableType_AT_SetLogged:
		a.setPersistence(catalog.Permanent)
	case pgparse.AlterTableType_AT_SetUnLogged:
		a.setPersistence(catalog.Unlogged)
	case pgparse.AlterTableType_AT_SetAccessMethod:
		a.setAccessMethod(cmd.GetName())
	case pgparse.AlterTableType_AT_SetTableSpace:
		a.setTablespace(cmd.GetName())
	case pgparse.AlterTableType_AT_ChangeOwner:
		if !refusal.OwnerStays(a.rel, cmd.GetNewowner()) {
			a.changeOwner(a.rel)
		}
	case pgparse.AlterTableType_AT_ClusterOn:
		a.lockIndexByName(cmd.GetName(), a.mode)
	case pgparse.AlterTableType_AT_ReplicaIdentity:
		if id := cmd.GetDef().GetReplicaIdentityStmt(); id.GetName() != "" {
			a.lockIndexByName(id.GetName(), sh)
		}
	case pgparse.AlterTableType_AT_AddOf:
		a.lockTypedTableType(cmd.GetDef().GetTypeName())
	case pgparse.AlterTableType_AT_EnableTrigAll, pgparse.AlterTableType_AT_DisableTrigAll:
		a.switchTriggers(cmd.GetName(), true)
	case pgparse.AlterTableType_AT_EnableTrig, pgparse.AlterTableType_AT_EnableAlwaysTrig, pgparse.AlterTableType_AT_EnableReplicaTrig,
		pgparse.AlterTableType_AT_EnableTrigUser, pgparse.AlterTableType_AT_DisableTrig, pgparse.AlterTableType_AT_DisableTrigUser:
		a.switchTriggers(cmd.GetName(), false)
	case pgparse.AlterTableType_AT_AddInherit:
		if parent := a.findTable(cmd.GetDef().GetRangeVar()); parent != nil {
			a.lockWithReason(parent, sue, "the new parent")
		}
		// The new child's own children are checked for cycles.
		for _, k := range a.C.ListTree(a.rel, true)[1:] {
			a.lockWithReason(k, as, childReason(k, a.rel))
		}
	case pgparse.AlterTableType_AT_DropInherit:
		if parent := a.findTable(cmd.GetDef().GetRangeVar()); parent != nil {
			a.lockWithReason(parent, as, "the former parent")
		}
	case pgparse.AlterTableType_AT_AttachPartition:
		a.attachPartition(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartition:
		a.detachPartition(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartitionFinalize:
		if part := a.findTable(cmd.GetDef().GetPartitionCmd().GetName()); part != nil {
			a.finishDetach(part)
		}
	}
}
