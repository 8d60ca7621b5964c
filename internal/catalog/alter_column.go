package catalog

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// addColumn is ADD COLUMN, on the partitions and children too.
func (f *fold) addColumn(t *Relation, def *pgparse.ColumnDef, ifNotExists, only bool) {
	if def == nil {
		return
	}
	name := clipName(def.GetColname())
	if old := t.Column(name); old != nil && !old.Inferred {
		if ifNotExists {
			return
		}
		f.addConflict(true, pgerror.ColumnExists, name, t.Name.Name)
		if f.failed {
			return
		}
		// Something unseen dropped the old one.
		f.dropColumn(t, name, true, true, true)
	} else if old != nil {
		// It was named before, so it was there, and something unseen must
		// have dropped it.
		if ifNotExists {
			return
		}
		f.dropColumn(t, name, true, true, true)
	}
	if f.refuseTooManyColumns(int(t.NextAttnum)) {
		return
	}
	var p pending
	c := f.buildColumn(def, &p)
	f.attachColumn(t, c)
	if slices.Contains(t.DroppedColumns, name) {
		t.copyRare().DroppedColumns = removeValue(t.DroppedColumns, name)
	}
	t.resolveGeneratedColumns()
	if !only {
		// The children get it before it gets its constraints, which reach
		// them by their own ways.
		f.eachChild(t, func(child *Relation) { f.inheritColumn(child, c) })
	}
	f.makePendingParts(t, &p, false)
	if !only {
		for _, s := range p.checks {
			if k := f.findLastCheck(t, s); k != nil && !k.NoInherit {
				f.inheritConstraint(t, k)
			}
		}
		f.inheritDefault(t, name)
	}
	if t.Kind == CompositeType {
		f.eachTypedTable(t, func(table *Relation) {
			if table.Column(c.Name) == nil {
				next := *c
				f.attachColumn(table, &next)
			}
		})
	}
}

// findLastCheck finds the constraint that a check specification became.
func (f *fold) findLastCheck(t *Relation, s constraintSpec) *Constraint {
	for i := len(t.Constraints) - 1; i >= 0; i-- {
		if t.Constraints[i].Expr == s.node.GetRawExpr() {
			return t.Constraints[i]
		}
	}
	return nil
}

func (f *fold) inheritColumn(child *Relation, c *Column) {
	if have := child.Column(c.Name); have != nil {
		child.editColumn(have.Attnum).Inherited = true
		return
	}
	next := *c
	next.Inherited, next.Local, next.Sequence, next.Comment = true, false, 0, ""
	next.copyRare().GeneratedFrom = nil
	f.attachColumn(child, &next)
	child.resolveGeneratedColumns()
}

// inheritDefault gives the children the default of a serial column, which is
// known only once the sequence is there.
func (f *fold) inheritDefault(t *Relation, name string) {
	c := t.Column(name)
	if c == nil || c.Sequence == 0 || c.Identity != "" {
		return
	}
	f.eachChild(t, func(child *Relation) {
		if have := child.Column(name); have != nil {
			e := child.editColumn(have.Attnum)
			e.Default, e.DefaultText, e.Takes = c.Default, c.DefaultText, c.Takes
		}
	})
}

// eachTypedTable calls edit for the tables OF a composite type.
func (f *fold) eachTypedTable(composite *Relation, edit func(*Relation)) {
	u := f.LookupType(composite.Name.Schema, composite.Name.Name)
	if u == nil {
		return
	}
	var tables []OID
	f.EachRelation(func(r *Relation) bool {
		if r.OfType == u.OID {
			tables = append(tables, r.OID)
		}
		return true
	})
	slices.Sort(tables)
	for _, oid := range tables {
		edit(f.editRelation(oid))
	}
}

// alterColumnType is ALTER COLUMN … TYPE.
func (f *fold) alterColumnType(t *Relation, name string, def *pgparse.ColumnDef, only bool) {
	c := f.requireColumn(t.OID, name, false)
	if c == nil || def == nil {
		return
	}
	if c.Inherited && f.depth == 0 && !t.Inferred {
		f.addConflict(true, pgerror.RetypeInherited, name)
		if f.failed {
			return
		}
	}
	typ := f.TypeOf(def.GetTypeName())
	f.using = true
	collation := constText(&pgparse.Node{Node: &pgparse.Node_List{List: &pgparse.List{Items: def.GetCollClause().GetCollname()}}})
	f.setColumnType(t, c.Attnum, typ, collation)
	if only {
		return
	}
	f.eachChild(t, func(child *Relation) {
		if have := child.Column(name); have != nil {
			f.setColumnType(child, have.Attnum, typ, collation)
		}
	})
	if t.Kind == CompositeType {
		f.eachTypedTable(t, func(table *Relation) {
			if have := table.Column(name); have != nil {
				f.setColumnType(table, have.Attnum, typ, collation)
			}
		})
	}
}

// setColumnType gives a column another type, unless something that depends on it forbids
// it.
func (f *fold) setColumnType(r *Relation, attnum int16, typ Type, collation string) {
	if f.refuseColumnRetype(r, attnum) {
		return
	}
	e := r.editColumn(attnum)
	e.Type, e.copyRare().Collation, e.Inferred = typ, collation, false
	// The sequence of an identity column changes its type too; a serial column's does
	// not.
	if seq := f.editRelation(e.Sequence); seq != nil && e.Identity != "" && typ.Name.Schema == "pg_catalog" {
		info := *seq.Seq
		info.Type = typ.Name.Name
		seq.Seq = &info
	}
}

// refuseColumnRetype tells what depends on a column and forbids another type of it.
func (f *fold) refuseColumnRetype(r *Relation, attnum int16) bool {
	forbids := func(dependent string, kind pgerror.Kind) bool {
		f.addProblem(f.isHistoryComplete(), kind)
		f.problems[len(f.problems)-1].Held = dependent
		return f.failed
	}
	if v := f.findViewUsing(r, attnum); v != nil {
		f.addProblem(f.isHistoryComplete(), pgerror.RetypeView)
		f.problems[len(f.problems)-1].InTheWay = v
		if f.failed {
			return true
		}
	}
	if rules := f.RulesOver(r.OID, attnum); len(rules) > 0 && forbids("rule "+rules[0].Rule.Name+" of "+rules[0].Table.Name.String(), pgerror.RetypeView) {
		return true
	}
	if functions := f.BodiesOver(r.OID, attnum); len(functions) > 0 && forbids(functions[0].Kind+" "+functions[0].Name.String(), pgerror.RetypeFunction) {
		return true
	}
	o := f.findListingPublication(r, attnum)
	return o != nil && forbids(o.Kind+" "+o.Name.String(), pgerror.RetypePublication)
}

// alterColumn folds the other commands on one column, on the children too.
func (f *fold) alterColumn(t *Relation, cmd *pgparse.AlterTableCmd, only bool) {
	if t.Kind == Index || t.Kind == PartitionedIndex || t.Kind == View || t.Kind == MaterializedView {
		f.alterDerivedColumn(t, cmd)
		return
	}
	name := clipName(cmd.GetName())
	c := f.requireColumn(t.OID, name, false)
	if c == nil {
		return
	}
	f.applyColumnCommand(t, c.Attnum, cmd)
	if only || cmd.GetSubtype() == pgparse.AlterTableType_AT_AddIdentity {
		return
	}
	f.eachChild(t, func(child *Relation) {
		if have := child.Column(name); have != nil {
			f.applyColumnCommand(child, have.Attnum, cmd)
		}
	})
}

// alterDerivedColumn folds column commands on indexes and views: statistics
// targets of index columns, defaults of view columns.
func (f *fold) alterDerivedColumn(t *Relation, cmd *pgparse.AlterTableCmd) {
	if t.Kind != View || cmd.GetSubtype() != pgparse.AlterTableType_AT_ColumnDefault {
		return
	}
	if c := f.requireColumn(t.OID, cmd.GetName(), false); c != nil {
		f.setDefault(t.editColumn(c.Attnum), cmd.GetDef())
	}
}

func (f *fold) applyColumnCommand(t *Relation, attnum int16, cmd *pgparse.AlterTableCmd) {
	e := t.editColumn(attnum)
	switch cmd.GetSubtype() {
	case pgparse.AlterTableType_AT_ColumnDefault:
		f.setDefault(e, cmd.GetDef())
	case pgparse.AlterTableType_AT_SetNotNull:
		e.NotNull, e.NotNullInvalid = true, false
	case pgparse.AlterTableType_AT_DropNotNull:
		f.inferNotNull(t, e)
		f.dropNotNull(t, e)
	case pgparse.AlterTableType_AT_SetExpression:
		rare := e.copyRare()
		rare.GeneratedExpr, rare.GeneratedFrom = cmd.GetDef(), t.attnumsIn(cmd.GetDef())
		f.using = true
		e.DefaultText = expressionText(f.sql, cmd.GetDef())
	case pgparse.AlterTableType_AT_DropExpression:
		if e.Generated == "" && !cmd.GetMissingOk() && !e.Inferred {
			f.addProblem(f.isHistoryComplete(), pgerror.GeneratedNotStored, e.Name, t.Name.Name)
		}
		rare := e.copyRare()
		rare.Generated, rare.GeneratedExpr, rare.GeneratedFrom, e.DefaultText = "", nil, nil, ""
	case pgparse.AlterTableType_AT_AddIdentity:
		f.addIdentity(t, e, cmd.GetDef().GetConstraint())
	case pgparse.AlterTableType_AT_SetIdentity:
		f.setIdentity(e, pgparse.ListItems(cmd.GetDef()))
	case pgparse.AlterTableType_AT_DropIdentity:
		f.dropIdentity(t, e, cmd.GetMissingOk())
	case pgparse.AlterTableType_AT_SetStorage:
		e.copyRare().Storage = strings.ToLower(pgparse.StringText(cmd.GetDef()))
	case pgparse.AlterTableType_AT_SetCompression:
		e.copyRare().Compression = pgparse.StringText(cmd.GetDef())
	case pgparse.AlterTableType_AT_SetStatistics:
		e.copyRare().StatisticsTarget = ""
		if target := cmd.GetDef().GetInteger(); target != nil && target.GetIval() >= 0 {
			e.copyRare().StatisticsTarget = strconv.Itoa(int(target.GetIval()))
		}
	case pgparse.AlterTableType_AT_SetOptions, pgparse.AlterTableType_AT_ResetOptions,
		pgparse.AlterTableType_AT_AlterColumnGenericOptions:
		// Planner and wrapper options: nothing that other code can see.
	}
}

// dropNotNull is DROP NOT NULL, with the named constraint when there is one.
func (f *fold) dropNotNull(t *Relation, c *Column) {
	if c.Identity != "" {
		f.addConflict(true, pgerror.IdentityIs, c.Name, t.Name.Name)
		return
	}
	if t.IsInPrimaryKey(c.Attnum) {
		f.addConflict(true, pgerror.NullableKey, c.Name)
		return
	}
	c.NotNull, c.NotNullInvalid = false, false
	t.Constraints = slices.DeleteFunc(slices.Clone(t.Constraints), func(k *Constraint) bool {
		return k.Kind == NotNullConstraint && slices.Contains(k.Columns, c.Attnum)
	})
}

// expressionText is the text of an expression in brackets: SET EXPRESSION AS
// (…).
func expressionText(sql string, expr *pgparse.Node) string {
	offset := firstLocation(expr)
	if offset <= 0 || offset > len(sql) {
		return ""
	}
	open := strings.LastIndexByte(sql[:offset+1], '(')
	for open > 0 {
		before := strings.TrimRight(sql[:open], " \t\r\n")
		if !strings.HasSuffix(before, "(") {
			break
		}
		open = len(before) - 1
	}
	if open < 0 {
		return ""
	}
	return bracketText(sql, int32(open))
}
