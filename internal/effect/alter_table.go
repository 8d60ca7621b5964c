package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// alter is an ALTER TABLE at work: what its commands want done to the rows is
// collected and done once, in the end.
type alter struct {
	*run
	// now is what the commands so far have made of the table.
	now  *answer.Alteration
	rel  *catalog.Relation
	mode onward.Lock
	// recurse: not ONLY.
	recurse bool
	tabs    []*tab
}

// tab is what is to be done to the rows of one table.
type tab struct {
	rel           *catalog.Relation
	rewrite, scan bool
	// moved: copied to another tablespace, block by block.
	moved  bool
	unsure bool
	why    string
}

func (r *run) alterTable(s *pgparse.AlterTableStmt) {
	now := r.Altering(s)
	if now == nil {
		return
	}
	a := &alter{run: r, now: now, rel: now.Rel, mode: lockLevel(s.GetCmds()), recurse: now.Recurse}
	e := r.lock(a.rel, a.mode)
	if s.GetMissingOk() && a.rel.Inferred {
		e.Unsure, e.Why = true, "it may not exist"
	}
	if r.No != nil {
		return
	}
	for _, cmd := range answer.Commands(s) {
		now.Take(cmd)
		a.command(cmd)
	}
	a.rows()
}

// tabOf is the work list of a table.
func (a *alter) tabOf(rel *catalog.Relation) *tab {
	for _, t := range a.tabs {
		if t.rel == rel {
			return t
		}
	}
	t := &tab{rel: rel}
	a.tabs = append(a.tabs, t)
	return t
}

// child locks a table below the altered one.
func (a *alter) child(rel *catalog.Relation) {
	if rel != a.rel {
		a.lockFor(rel, a.mode, childOf(rel, a.rel))
	}
}

// descend locks the whole tree and gives it; without recurse only the table.
func (a *alter) descend(recurse bool) []*catalog.Relation {
	all := a.C.Tree(a.rel, recurse)
	for _, rel := range all {
		a.child(rel)
	}
	return all
}

func (t *tab) wantScan(why string) {
	t.scan = true
	if t.why == "" {
		t.why = why
	}
}

// rows does what the subcommands want done to the rows: one rewrite per table,
// or else one scan.
func (a *alter) rows() {
	for _, t := range a.tabs {
		if !stored(t.rel) {
			continue
		}
		switch {
		case t.rewrite:
			a.rewrite(t.rel, childOf(t.rel, a.rel))
		case t.scan:
			a.at(t.rel).Scans = true
		}
		if t.moved && !t.rewrite {
			copied(a.at(t.rel))
		}
		if e := a.at(t.rel); t.why != "" && e.Why == "" && (t.unsure || t.rel == a.rel) {
			e.Why = t.why
		}
		if t.unsure {
			a.at(t.rel).Unsure = true
		}
	}
}

// command carries out one command; what is about the table as a whole is told
// further down.
func (a *alter) command(cmd *pgparse.AlterTableCmd) {
	if simpleRecursion[cmd.GetSubtype()] {
		a.descend(a.recurse)
	}
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		a.addColumn(cmd)
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
		a.identity(cmd)
	case pgparse.AlterTableType_AT_AddConstraint:
		a.addConstraint(cmd.GetDef().GetConstraint())
	case pgparse.AlterTableType_AT_DropConstraint:
		a.dropConstraint(cmd)
	case pgparse.AlterTableType_AT_ValidateConstraint:
		a.validate(cmd.GetName())
	case pgparse.AlterTableType_AT_AlterConstraint:
		a.alterConstraint(cmd)
	default:
		a.property(cmd)
	}
}

// property carries out a command that is about the table as a whole.
func (a *alter) property(cmd *pgparse.AlterTableCmd) {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_SetLogged:
		a.setPersistence(catalog.Permanent)
	case pgparse.AlterTableType_AT_SetUnLogged:
		a.setPersistence(catalog.Unlogged)
	case pgparse.AlterTableType_AT_SetAccessMethod:
		a.setAccessMethod(cmd.GetName())
	case pgparse.AlterTableType_AT_SetTableSpace:
		a.setTablespace(cmd.GetName())
	case pgparse.AlterTableType_AT_ChangeOwner:
		if !answer.OwnerStays(a.rel, cmd.GetNewowner()) {
			a.owner(a.rel)
		}
	case pgparse.AlterTableType_AT_ClusterOn:
		a.indexOf(cmd.GetName(), a.mode)
	case pgparse.AlterTableType_AT_ReplicaIdentity:
		if id := cmd.GetDef().GetReplicaIdentityStmt(); id.GetName() != "" {
			a.indexOf(id.GetName(), sh)
		}
	case pgparse.AlterTableType_AT_AddOf:
		a.createOf(cmd.GetDef().GetTypeName())
	case pgparse.AlterTableType_AT_EnableTrigAll, pgparse.AlterTableType_AT_DisableTrigAll:
		a.triggers(cmd.GetName(), true)
	case pgparse.AlterTableType_AT_EnableTrig, pgparse.AlterTableType_AT_EnableAlwaysTrig, pgparse.AlterTableType_AT_EnableReplicaTrig,
		pgparse.AlterTableType_AT_EnableTrigUser, pgparse.AlterTableType_AT_DisableTrig, pgparse.AlterTableType_AT_DisableTrigUser:
		a.triggers(cmd.GetName(), false)
	default:
		a.family(cmd)
	}
}

// family carries out a command that ties the table to another, or unties it.
func (a *alter) family(cmd *pgparse.AlterTableCmd) {
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddInherit:
		if parent := a.table(cmd.GetDef().GetRangeVar()); parent != nil {
			a.lockFor(parent, sue, "the new parent")
		}
		// The new child's own children are looked at for cycles.
		for _, k := range a.C.Tree(a.rel, true)[1:] {
			a.lockFor(k, as, childOf(k, a.rel))
		}
	case pgparse.AlterTableType_AT_DropInherit:
		if parent := a.table(cmd.GetDef().GetRangeVar()); parent != nil {
			a.lockFor(parent, as, "the former parent")
		}
	case pgparse.AlterTableType_AT_AttachPartition:
		a.attach(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartition:
		a.detach(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartitionFinalize:
		if part := a.table(cmd.GetDef().GetPartitionCmd().GetName()); part != nil {
			a.finishDetach(part)
		}
	}
}
