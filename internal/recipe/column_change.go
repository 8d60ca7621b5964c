package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// columnChange is everything that a release does to one column, from the base to the head. To users of the
// column it is a single change, however many statements it takes. A replacement is a new column beside the old one, which a trigger keeps in
// step until the old one is dropped: a rename or another type is planned so.
type columnChange struct {
	columnID
	old, newColumn    *catalog.Column // at the base and at the head; nil if the release adds or drops it
	changes           []*Change       // the changes of the column, in order
	replacement       *replacement    // the column that replaces it; nil if it stays
	split             *split          // the split that it is part of; nil for none
	declaredByComment bool            // a deprecation says that the column at the head is the renamed old one
	viewed            bool            // the view of its renamed table has it under the old name
}

// columnID identifies a column independently of its name and its table's name.
type columnID struct {
	table  catalog.OID
	column int16
}

// ComposeChanges looks at all changes of the release, in order, before any of them is planned. Several
// changes of one column, and of the objects on it, are planned as one.
func (r *Release) ComposeChanges(changes []*Change) {
	if len(changes) == 0 {
		return
	}
	r.changes, r.head, r.changedForms = changes, changes[len(changes)-1].After, nil
	for _, c := range changes {
		c.Release = r
		t, col := c.changedColumn()
		if col == nil || t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable || c.isNewTable() || c.explainNoop() != "" {
			continue
		}
		id := columnID{t.OID, col.Attnum}
		if r.columnChanges[id] == nil {
			colChange := &columnChange{columnID: id}
			if c.commandType() != pgparse.AlterTableType_AT_AddColumn {
				colChange.old = col
			}
			if head := r.head.Relation(t.OID); head != nil {
				colChange.newColumn = head.Attr(col.Attnum)
			}
			r.columnChanges[id], r.columnOrder = colChange, append(r.columnOrder, colChange)
		}
		r.columnChanges[id].changes = append(r.columnChanges[id].changes, c)
	}
	r.recreations = findRecreations(changes)
	r.findReplacedEnums()
	r.joinDeclaredRenames()
	r.findSplits()
	r.findViewedColumns()
	for _, colChange := range r.columnOrder {
		colChange.replacement = r.findReplacement(colChange)
	}
	r.groupReplacements()
	r.joinEnumColumns()
	r.findPartitioned()
	r.findGeneratedTables()
	r.findFollowedColumns()
}

// changedColumn returns the column that a change is about, as it is before the change; an added column as it
// is after it.
func (c *Change) changedColumn() (*catalog.Relation, *catalog.Column) {
	t, column := c.changedTable(), ""
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_AlterTableStmt:
		switch c.commandType() {
		case pgparse.AlterTableType_AT_AddColumn:
			added, after := c.Command.Def.GetColumnDef().GetColname(), c.After.Relation(t.OID)
			if t.Column(added) != nil || after == nil { // IF NOT EXISTS
				return t, nil
			}
			return t, after.Column(added)
		case pgparse.AlterTableType_AT_AlterColumnType, pgparse.AlterTableType_AT_SetNotNull, pgparse.AlterTableType_AT_DropNotNull,
			pgparse.AlterTableType_AT_ColumnDefault, pgparse.AlterTableType_AT_DropColumn:
			column = c.Command.Name
		}
	case *pgparse.Node_RenameStmt:
		if n.RenameStmt.RenameType == pgparse.ObjectType_OBJECT_COLUMN && n.RenameStmt.RelationType == pgparse.ObjectType_OBJECT_TABLE {
			column = n.RenameStmt.Subname
		}
	case *pgparse.Node_CommentStmt:
		if names := n.CommentStmt.GetObject().GetList().GetItems(); n.CommentStmt.Objtype == pgparse.ObjectType_OBJECT_COLUMN && len(names) > 1 {
			schema, object := pgparse.SchemaAndName(names[:len(names)-1])
			t, column = c.Before.Lookup(schema, object), pgparse.LastText(names)
		}
	}
	if t == nil || column == "" {
		return nil, nil
	}
	return t, t.Column(column)
}

// commandType returns the kind of the command; none if the change is a whole statement.
func (c *Change) commandType() pgparse.AlterTableType { return c.Command.GetSubtype() }

// findColumnChange returns all that the release does to the column that a change is about; nil if it is about no
// column of the base.
func (c *Change) findColumnChange() *columnChange {
	t, col := c.changedColumn()
	if col == nil {
		return nil
	}
	return c.Release.columnChanges[columnID{t.OID, col.Attnum}]
}

// renamesColumn reports whether a change renames its column, changesType whether it changes the type.
func (c *Change) renamesColumn() bool { return c.Node.GetRenameStmt() != nil }

func (c *Change) changesType() bool {
	return c.commandType() == pgparse.AlterTableType_AT_AlterColumnType
}

// leadChange returns the change whose recipe makes the steps for the whole columnChange: the first rename or
// change of type, or the first change at all if a deprecation joined two columns.
func (colChange *columnChange) leadChange() *Change {
	if colChange.declaredByComment {
		return colChange.changes[0]
	}
	if n := slices.IndexFunc(colChange.changes, func(c *Change) bool { return c.renamesColumn() || c.changesType() }); n >= 0 {
		return colChange.changes[n]
	}
	return nil
}

// lastRenameOrRetype returns the last rename or change of type.
func (colChange *columnChange) lastRenameOrRetype() (lastRenameOrRetype *Change) {
	for _, c := range colChange.changes {
		if c.renamesColumn() || c.changesType() {
			lastRenameOrRetype = c
		}
	}
	return lastRenameOrRetype
}

// absorbedSteps returns the steps of a change that is planned as part of another one; nil if its own recipe plans it. Steps without a statement
// mean that the other change does all of it.
func (c *Change) absorbedSteps() *Steps {
	if colChange := c.findColumnChange(); colChange != nil {
		return colChange.absorbChange(c)
	}
	for _, colChange := range c.Release.columnOrder {
		if colChange.split != nil && colChange.split.repeatsFill(c) {
			return &Steps{}
		}
		if colChange.declaredByComment && colChange.replacement != nil && c.isColumnCopy(colChange.old.Name, colChange.newColumn.Name) &&
			c.changesRows(colChange.table) {
			return &Steps{}
		}
	}
	switch used := c.usedColumns(); {
	case !slices.ContainsFunc(used, func(id columnID) bool { return c.Release.isReplacedOrDropped(id) }):
		return nil
	case c.commandType() == pgparse.AlterTableType_AT_DropConstraint &&
		c.Release.isDeployedConstraint(c.AlteredRelation(), c.AlteredRelation().Constraint(c.Command.Name)) && !c.dropsKeyOfDroppedColumns():
		return nil // drop the deployed column's constraint now: the new column has none
	}
	return &Steps{}
}

// dropsKeyOfDroppedColumns reports whether a change drops a unique constraint of columns that the head does not have and that have no
// default. New code leaves them NULL, which such a constraint allows, and the drop of a column drops it. Such a column can be NULL from
// the first phase on.
func (c *Change) dropsKeyOfDroppedColumns() bool {
	t := c.AlteredRelation()
	con := t.Constraint(c.Command.Name)
	if con == nil || con.Kind != catalog.Unique || con.NullsNotDistinct {
		return false
	}
	for _, id := range columnsOfConstraint(t, con) {
		change := c.Release.columnChanges[id]
		if change == nil || change.old == nil || change.newColumn != nil || change.old.DefaultText != "" {
			return false
		}
	}
	return true
}

// isReplacedOrDropped reports whether a column is replaced, or dropped by the head.
func (r *Release) isReplacedOrDropped(id columnID) bool {
	colChange := r.columnChanges[id]
	return colChange != nil && (colChange.replacement != nil || colChange.newColumn == nil)
}

// absorbChange returns the steps of a change to the column itself, as absorbedSteps does.
func (colChange *columnChange) absorbChange(c *Change) *Steps {
	t, _ := c.changedColumn()
	m := &Steps{}
	switch {
	case colChange.split != nil:
		return colChange.split.absorbChange(c)
	case colChange.declaredByComment && c == colChange.leadChange():
		return colChange.replacement.makeSteps()
	case colChange.old == nil && colChange.newColumn == nil:
		if c == colChange.changes[0] {
			m.addNote("%s of %s is added and dropped again by the release: no step is needed", c.Command.Def.GetColumnDef().GetColname(), t.Name)
		}
		return m
	case colChange.newColumn == nil:
		if c.commandType() == pgparse.AlterTableType_AT_DropColumn {
			return nil // the drop is the column's whole change
		}
		if o := colChange.findUseOfNewName(c); o != nil {
			m.addMissing("%s:%d uses the new name of %s of %s, which the release renames and drops: rename it in a release of its own", o.Migration.Path, o.Line,
				colChange.old.Name, t.Name)
			return m
		}
		m.addNote("%s of %s is changed and dropped by one release: only the drop is planned. Where its values were to stay, the drop is wrong",
			colChange.old.Name, t.Name)
		return m
	case colChange.replacement == nil && colChange.old == nil && c.commandType() == pgparse.AlterTableType_AT_AddColumn,
		colChange.replacement == nil && colChange.leadChange() == nil:
		return nil
	case colChange.replacement == nil && colChange.old == nil: // it is added with its final name and type
		if c.renamesColumn() || c.changesType() {
			return m
		}
		return nil
	case colChange.replacement == nil:
		if c.renamesColumn() && (colChange.viewed || colChange.old.Name == colChange.newColumn.Name) { // it has its new name already, or it is renamed there and back
			return m
		}
		return nil
	case c == colChange.leadChange(): // its recipe makes the steps
		return nil
	case c.commandType() == pgparse.AlterTableType_AT_DropNotNull && colChange.old.NotNull:
		s := keepUnchanged(c) // new code may write NULL: the old column must take it, too
		alter := "ALTER TABLE " + tableName(t) + " ALTER COLUMN " + quoteIdent(colChange.old.Name)
		s.Steps[0].SQL, s.Steps[0].Undo = []string{alter + " DROP NOT NULL"}, []string{alter + " SET NOT NULL"}
		return s
	}
	return m
}

// findUseOfNewName returns a change of rows that uses the column by the name that a rename gives it; nil for none.
func (colChange *columnChange) findUseOfNewName(c *Change) *Change {
	after := c.After.Relation(colChange.table)
	if !c.renamesColumn() || after == nil || after.Attr(colChange.column) == nil {
		return nil
	}
	table, column := after.Name.Name, after.Attr(colChange.column).Name
	for _, o := range c.Release.changes[slices.Index(c.Release.changes, c):] {
		if names := pgparse.ListNames(o.SQL); o.readsRows() && slices.Contains(names, table) && slices.Contains(names, column) {
			return o
		}
	}
	return nil
}

// usedColumns returns the columns of the index or constraint that a change creates, drops or renames.
func (c *Change) usedColumns() []columnID {
	t := c.changedTable()
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		if t != nil {
			if x := c.findBuiltIndex(t); x != nil {
				return c.Release.columnsOfIndex(x)
			}
		}
	case *pgparse.Node_DropStmt:
		if n.DropStmt.RemoveType != pgparse.ObjectType_OBJECT_INDEX || len(n.DropStmt.Objects) != 1 {
			return nil
		}
		schema, object := pgparse.SchemaAndName(pgparse.ListItems(n.DropStmt.Objects[0]))
		return c.Release.columnsOfIndex(c.Before.Lookup(schema, object))
	case *pgparse.Node_RenameStmt:
		switch n.RenameStmt.RenameType {
		case pgparse.ObjectType_OBJECT_INDEX:
			return c.Release.columnsOfIndex(t)
		case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
			if t != nil {
				return columnsOfConstraint(t, t.Constraint(n.RenameStmt.Subname))
			}
		}
	case *pgparse.Node_AlterTableStmt:
		switch c.commandType() {
		case pgparse.AlterTableType_AT_AddConstraint:
			return columnsOfConstraint(t, c.addedConstraint())
		case pgparse.AlterTableType_AT_DropConstraint:
			return columnsOfConstraint(t, t.Constraint(c.Command.Name))
		}
	}
	return nil
}

// addedConstraint returns the constraint that ADD CONSTRAINT adds; nil if it is not known.
func (c *Change) addedConstraint() *catalog.Constraint {
	con := c.Command.Def.GetConstraint()
	after := c.After.Relation(c.AlteredRelation().OID)
	if after != nil && con.GetConname() != "" {
		return after.Constraint(con.Conname)
	}
	for _, kind := range []catalog.ConstraintKind{catalog.Check, catalog.ForeignKey, catalog.Unique, catalog.PrimaryKey, catalog.Exclude} {
		if analysis.ConstraintKinds[con.GetContype()] == kind {
			return c.findNewConstraint(c.AlteredRelation(), kind, "")
		}
	}
	return nil
}

// isDeployedConstraint reports whether the base has a constraint.
func (r *Release) isDeployedConstraint(t *catalog.Relation, con *catalog.Constraint) bool {
	base := r.Deployed.Relation(t.OID)
	return base != nil && con != nil && hasConstraint(base, con)
}

// hasConstraint reports whether a table has a constraint, even under another name.
func hasConstraint(t *catalog.Relation, con *catalog.Constraint) bool {
	return slices.ContainsFunc(t.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID })
}

// columnsOfConstraint returns the columns that a constraint is on, and those that it refers to.
func columnsOfConstraint(t *catalog.Relation, con *catalog.Constraint) (out []columnID) {
	if con == nil {
		return nil
	}
	for _, n := range con.Columns {
		out = append(out, columnID{t.OID, n})
	}
	for _, n := range con.RefColumns {
		out = append(out, columnID{con.Ref, n})
	}
	return out
}

// columnsOfIndex returns the columns that an index has or reads.
func (r *Release) columnsOfIndex(x *catalog.Relation) (out []columnID) {
	if x == nil || x.Index == nil {
		return nil
	}
	info := x.Index
	add := func(list ...int16) {
		for _, n := range list {
			if n != 0 {
				out = append(out, columnID{info.Table, n})
			}
		}
	}
	for _, k := range info.Keys {
		add(k.Column)
		add(k.Columns...)
	}
	add(info.Include...)
	add(info.PredicateColumns...)
	return out
}

// plannedName returns the name of a command's column in the plan: the name at the head if the release adds
// the column.
func (c *Change) plannedName() string {
	if colChange := c.findColumnChange(); colChange != nil && colChange.replacement == nil && colChange.newColumn != nil {
		return colChange.newColumn.Name
	}
	return c.Command.GetName()
}

// plannedText returns the command's text, with the name that its column has in the plan.
func (c *Change) plannedText() string {
	if c.plannedName() == c.Command.Name || c.commandType() == pgparse.AlterTableType_AT_AddColumn {
		return c.Text
	}
	offset := pgparse.AfterWord(c.Text, "ALTER")
	if l := pgparse.NextLexeme(c.Text, offset); strings.EqualFold(c.Text[l.Start:l.End], "COLUMN") {
		offset = l.End
	}
	l := pgparse.NextLexeme(c.Text, offset)
	return c.Text[:l.Start] + quoteIdent(c.plannedName()) + c.Text[l.End:]
}
