package effect

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// alter is an ALTER TABLE at work. As in the server, its subcommands are
// carried out in passes, whatever their order in the text; what they want done
// to the rows is collected and done once, in the end.
type alter struct {
	*run
	rel  *catalog.Relation
	mode onward.Lock
	// recurse: not ONLY.
	recurse bool
	tabs    []*tab
	// dropped constraints and new columns, which later passes see.
	droppedConstraints []*catalog.Constraint
	droppedColumns     []string
	newColumns         []*pgparse.ColumnDef
	notValid           []*pgparse.Constraint
	newIdentity        bool
	// newTypes are those that this statement gives to columns.
	newTypes map[string]catalog.Type
	// madeNotNull, and those whose default, identity and expression are dropped,
	// are columns as this statement has changed them.
	madeNotNull, withoutDefault, withoutIdentity, withoutExpression []string
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

// passes is the order in which subcommands are carried out; those that are not
// listed come last (AT_PASS_MISC).
var passes = map[pgparse.AlterTableType]int8{
	pgparse.AlterTableType_AT_DropIdentity:       1,
	pgparse.AlterTableType_AT_DropNotNull:        1,
	pgparse.AlterTableType_AT_DropExpression:     1,
	pgparse.AlterTableType_AT_DropColumn:         1,
	pgparse.AlterTableType_AT_DropConstraint:     1,
	pgparse.AlterTableType_AT_AlterColumnType:    2,
	pgparse.AlterTableType_AT_AddColumn:          3,
	pgparse.AlterTableType_AT_SetExpression:      4,
	pgparse.AlterTableType_AT_AddConstraint:      6,
	pgparse.AlterTableType_AT_SetNotNull:         5,
	pgparse.AlterTableType_AT_ColumnDefault:      7,
	pgparse.AlterTableType_AT_AddIdentity:        7,
	pgparse.AlterTableType_AT_AddIndexConstraint: 6,
}

func (r *run) alterTable(s *pgparse.AlterTableStmt) {
	rv := s.GetRelation()
	rel := r.Find(rv.GetSchemaname(), rv.GetRelname(), answer.Kind(s.GetObjtype()), s.GetMissingOk())
	if rel == nil {
		return
	}
	a := &alter{run: r, rel: rel, mode: lockLevel(s.GetCmds()), recurse: rv.GetInh()}
	e := r.lock(rel, a.mode)
	if s.GetMissingOk() && rel.Inferred {
		e.Unsure, e.Why = true, "it may not exist"
	}
	if len(s.GetCmds()) == 1 {
		a.command(s.GetCmds()[0].GetAlterTableCmd())
		a.rows()
		return
	}
	cmds := make([]*pgparse.AlterTableCmd, 0, len(s.GetCmds()))
	for _, n := range s.GetCmds() {
		cmds = append(cmds, n.GetAlterTableCmd())
	}
	slices.SortStableFunc(cmds, func(x, y *pgparse.AlterTableCmd) int { return cmp.Compare(pass(x), pass(y)) })
	for _, cmd := range cmds {
		a.command(cmd)
	}
	a.rows()
}

func pass(cmd *pgparse.AlterTableCmd) int8 {
	if cmd.GetSubtype() == pgparse.AlterTableType_AT_ColumnDefault && cmd.GetDef() == nil {
		return 1 // DROP DEFAULT
	}
	if p, ok := passes[cmd.GetSubtype()]; ok {
		return p
	}
	return 8
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

// command carries out one subcommand.
func (a *alter) command(cmd *pgparse.AlterTableCmd) {
	if !a.permitted(cmd) {
		return
	}
	if simpleRecursion[cmd.GetSubtype()] {
		a.descend(a.recurse)
	}
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_AddColumn:
		a.addColumn(cmd)
	case pgparse.AlterTableType_AT_ColumnDefault:
		a.NewerIn(cmd.GetDef())
		a.columnDefault(cmd)
	case pgparse.AlterTableType_AT_DropColumn:
		a.dropColumn(cmd)
	case pgparse.AlterTableType_AT_AlterColumnType:
		a.alterType(cmd)
	case pgparse.AlterTableType_AT_SetNotNull:
		a.setNotNull(cmd.GetName())
	case pgparse.AlterTableType_AT_DropNotNull:
		a.dropNotNull(cmd.GetName())
	case pgparse.AlterTableType_AT_SetExpression:
		a.setExpression(cmd.GetName(), cmd.GetDef())
	case pgparse.AlterTableType_AT_DropExpression:
		a.dropExpression(cmd)
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
	case pgparse.AlterTableType_AT_SetLogged:
		a.setPersistence(catalog.Permanent)
	case pgparse.AlterTableType_AT_SetUnLogged:
		a.setPersistence(catalog.Unlogged)
	case pgparse.AlterTableType_AT_SetAccessMethod:
		a.setAccessMethod(cmd.GetName())
	case pgparse.AlterTableType_AT_SetTableSpace:
		a.setTablespace(cmd.GetName())
	case pgparse.AlterTableType_AT_ChangeOwner:
		a.changeOwner(cmd.GetNewowner())
	case pgparse.AlterTableType_AT_ClusterOn:
		a.clusterOn(cmd.GetName())
	case pgparse.AlterTableType_AT_DropCluster:
		if a.rel.Kind == catalog.PartitionedTable {
			a.Refuse(refuse.MarkPartitioned)
		}
	case pgparse.AlterTableType_AT_ReplicaIdentity:
		if id := cmd.GetDef().GetReplicaIdentityStmt(); id.GetName() != "" {
			a.replicaIdentity(id.GetName())
		}
	case pgparse.AlterTableType_AT_AddInherit:
		if parent := a.table(cmd.GetDef().GetRangeVar()); parent != nil {
			a.lockFor(parent, sue, "the new parent")
			a.mayInherit(parent)
		}
		// The new child's own children are looked at for cycles.
		for _, k := range a.C.Tree(a.rel, true)[1:] {
			a.lockFor(k, as, childOf(k, a.rel))
		}
	case pgparse.AlterTableType_AT_DropInherit:
		if parent := a.table(cmd.GetDef().GetRangeVar()); parent != nil {
			a.lockFor(parent, as, "the former parent")
		}
	case pgparse.AlterTableType_AT_SetRelOptions:
		a.setOptions(cmd.GetDef().GetList().GetItems())
	case pgparse.AlterTableType_AT_SetStorage, pgparse.AlterTableType_AT_SetCompression:
		a.setStorage(cmd)
	case pgparse.AlterTableType_AT_SetStatistics:
		a.setStatistics(cmd)
	case pgparse.AlterTableType_AT_DropOf:
		if a.rel.OfType == 0 && a.Whole(a.rel) {
			a.Refuse(refuse.NotTyped, a.rel.Name.Name)
		}
	case pgparse.AlterTableType_AT_AddOf:
		schema, name := pgparse.SchemaAndName(cmd.GetDef().GetTypeName().GetNames())
		if t := a.C.LookupType(schema, name); t != nil && t.Relation != 0 {
			if rel := a.C.Relation(t.Relation); rel != nil {
				a.lockFor(rel, as, "the table's type")
				a.fitsType(rel)
			}
		}
	case pgparse.AlterTableType_AT_AttachPartition:
		a.attach(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartition:
		a.detach(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_DetachPartitionFinalize:
		a.finalize(cmd.GetDef().GetPartitionCmd())
	case pgparse.AlterTableType_AT_EnableTrig, pgparse.AlterTableType_AT_EnableAlwaysTrig,
		pgparse.AlterTableType_AT_EnableReplicaTrig, pgparse.AlterTableType_AT_EnableTrigAll,
		pgparse.AlterTableType_AT_EnableTrigUser, pgparse.AlterTableType_AT_DisableTrig,
		pgparse.AlterTableType_AT_DisableTrigAll, pgparse.AlterTableType_AT_DisableTrigUser:
		a.triggers(cmd.GetName(), cmd.GetSubtype() == pgparse.AlterTableType_AT_EnableTrigAll || cmd.GetSubtype() == pgparse.AlterTableType_AT_DisableTrigAll)
	}
}

// columnDefault is SET DEFAULT and DROP DEFAULT.
func (a *alter) columnDefault(cmd *pgparse.AlterTableCmd) {
	col, known := a.Column(a.rel, cmd.GetName())
	switch {
	case col == nil && known && !a.isNew(cmd.GetName()):
		a.Refuse(refuse.ColumnMissing, cmd.GetName(), a.rel.Name.Name)
	case col == nil:
	case a.isIdentity(col) && known:
		a.Refuse(refuse.IdentityIs, col.Name, a.rel.Name.Name)
	case col.Generated != "" && known && !contains(a.withoutExpression, col.Name):
		a.Refuse(refuse.GeneratedIs, col.Name, a.rel.Name.Name)
	case cmd.GetDef() == nil:
		a.withoutDefault = append(a.withoutDefault, col.Name)
	}
}
