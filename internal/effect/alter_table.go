package effect

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
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
	// madeNotNull and withoutDefault are columns that this statement has made
	// NOT NULL, and whose default it has dropped.
	madeNotNull, withoutDefault []string
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
	rel := r.find(rv.GetSchemaname(), rv.GetRelname(), objectKind(s.GetObjtype()), s.GetMissingOk())
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

// objectKind is the kind of relation that a statement says it is about.
func objectKind(t pgparse.ObjectType) catalog.Kind {
	switch t {
	case pgparse.ObjectType_OBJECT_INDEX:
		return catalog.Index
	case pgparse.ObjectType_OBJECT_VIEW:
		return catalog.View
	case pgparse.ObjectType_OBJECT_MATVIEW:
		return catalog.MaterializedView
	case pgparse.ObjectType_OBJECT_SEQUENCE:
		return catalog.Sequence
	case pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		return catalog.ForeignTable
	case pgparse.ObjectType_OBJECT_TYPE:
		return catalog.CompositeType
	}
	return catalog.Table
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
	all := a.tree(a.rel, recurse)
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
			a.refuse("cannot mark index clustered in partitioned table")
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
		for _, k := range a.tree(a.rel, true)[1:] {
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
		if a.rel.OfType == 0 && a.whole(a.rel) {
			a.refuse(`"` + a.rel.Name.Name + `" is not a typed table`)
		}
	case pgparse.AlterTableType_AT_AddOf:
		schema, name := nameOf(cmd.GetDef().GetTypeName().GetNames())
		if t := a.c.LookupType(schema, name); t != nil && t.Relation != 0 {
			if rel := a.c.Relation(t.Relation); rel != nil {
				a.lockFor(rel, as, "the table's type")
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
	col, known := a.column(a.rel, cmd.GetName())
	switch {
	case col == nil && known && !a.isNew(cmd.GetName()):
		a.refuse(`column "` + cmd.GetName() + `" of relation "` + a.rel.Name.Name + `" does not exist`)
	case col == nil:
	case col.Identity != "" && known:
		a.refuse(`column "` + col.Name + `" of relation "` + a.rel.Name.Name + `" is an identity column`)
	case col.Generated != "" && known:
		a.refuse(`column "` + col.Name + `" of relation "` + a.rel.Name.Name + `" is a generated column`)
	case cmd.GetDef() == nil:
		a.withoutDefault = append(a.withoutDefault, col.Name)
	}
}

// clusterOn is CLUSTER ON: it only remembers the index.
func (a *alter) clusterOn(name string) {
	if a.rel.Kind == catalog.PartitionedTable {
		a.refuse("cannot mark index clustered in partitioned table")
		return
	}
	if i := a.namedIndex(name); i != nil && i.Index != nil && i.Index.Predicate != nil {
		a.refuse(`cannot cluster on partial index "` + name + `"`)
		return
	}
	a.indexOf(name, a.mode)
}

func (a *alter) namedIndex(name string) *catalog.Relation {
	for _, i := range a.indexes(a.rel) {
		if i.Name.Name == name {
			return i
		}
	}
	return nil
}

// replicaIdentity is REPLICA IDENTITY USING INDEX.
func (a *alter) replicaIdentity(name string) {
	i := a.namedIndex(name)
	if i == nil || i.Index == nil || i.Inferred {
		a.indexOf(name, sh)
		return
	}
	info := i.Index
	switch con := a.rel.Constraint(info.Constraint); {
	case !info.Unique:
		a.refuse(`cannot use non-unique index "` + name + `" as replica identity`)
		return
	case con != nil && con.Deferrable:
		a.refuse(`cannot use non-immediate index "` + name + `" as replica identity`)
		return
	case info.Predicate != nil:
		a.refuse(`cannot use partial index "` + name + `" as replica identity`)
		return
	}
	for _, k := range info.Keys {
		col := a.rel.Attr(k.Column)
		if k.Column == 0 {
			a.refuse(`cannot use expression index "` + name + `" as replica identity`)
			return
		}
		if col != nil && !col.Inferred && !col.NotNull && !contains(a.madeNotNull, col.Name) {
			a.refuse(`index "` + name + `" cannot be used as replica identity because column "` + col.Name + `" is nullable`)
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
		a.refuse(`cannot change owner of sequence "` + a.rel.Name.Name + `"`)
		return
	}
	a.owner(a.rel)
}

// indexOf locks an index of the table by name.
func (a *alter) indexOf(name string, mode onward.Lock) {
	for _, i := range a.indexes(a.rel) {
		if i.Name.Name == name {
			a.lock(i, mode)
			return
		}
	}
	if !a.whole(a.rel) {
		a.lock(catalog.StandIn(catalog.Name{Schema: a.rel.Name.Schema, Name: name}, catalog.Index, false), mode)
		return
	}
	a.refuse(`index "` + name + `" for table "` + a.rel.Name.Name + `" does not exist`)
}

// triggers enables or disables triggers: those for each row are cloned to
// partitions, which are locked too.
// Those of foreign keys are among ALL, and since 15 partitioned tables have
// them too.
func (a *alter) triggers(name string, all bool) {
	if t := a.rel.Trigger(name); name != "" && t == nil && a.whole(a.rel) {
		a.refuse(`trigger "` + name + `" for table "` + a.rel.Name.Name + `" does not exist`)
		return
	}
	if a.rel.Kind != catalog.PartitionedTable || !a.recurse {
		return
	}
	if all && a.inForeignKey() && a.v.AtLeast(15) {
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
	return len(a.references(a.rel, true)) > 0
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
		a.refuse(`cannot change table "` + a.rel.Name.Name + `" to unlogged because it is part of a publication`)
		return
	}
	if to == catalog.Unlogged {
		for _, ref := range a.references(a.rel, false) {
			if ref.from != a.rel && ref.from.Persistence == catalog.Permanent {
				a.refuse(`could not change table "` + a.rel.Name.Name + `" to unlogged because it references logged table "` + ref.from.Name.Name + `"`)
				return
			}
		}
	}
	for _, con := range a.rel.Constraints {
		if ref := a.c.Relation(con.Ref); ref != nil && ref != a.rel && to == catalog.Permanent && ref.Persistence == catalog.Unlogged {
			a.refuse(`could not change table "` + a.rel.Name.Name + `" to logged because it references unlogged table "` + ref.Name.Name + `"`)
			return
		}
	}
	t := a.tabOf(a.rel)
	t.rewrite = true
	if a.rel.Inferred {
		t.unsure, t.why = true, "whether it is unlogged is not known"
	}
	if len(a.sequences(a.rel)) > 0 && a.v.AtLeast(15) {
		for _, s := range a.sequences(a.rel) {
			e := a.lockFor(s, ael, "owned by "+a.rel.Name.String())
			e.Rewrites, e.Instant = true, true
		}
	}
}

func (a *alter) setAccessMethod(name string) {
	if !a.v.AtLeast(15) {
		a.refuse(`syntax error at or near "ACCESS"`)
		return
	}
	if a.rel.Kind == catalog.PartitionedTable {
		if !a.v.AtLeast(17) {
			a.refuse("cannot change access method of a partitioned table")
		}
		return
	}
	now := cmp.Or(a.rel.AccessMethod, "heap")
	if name == "" && !a.v.AtLeast(17) {
		a.refuse(`syntax error at or near "DEFAULT"`)
		return
	}
	if name == "" {
		name = "heap" // DEFAULT
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
	for _, i := range r.indexes(rel) {
		r.lockFor(i, ael, "index of "+rel.Name.String())
	}
	for _, s := range r.sequences(rel) {
		r.lockFor(s, ael, "owned by "+rel.Name.String())
	}
}
