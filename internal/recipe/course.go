package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// course is what a release makes of one column of a table that was there: from the base to the
// head, however many changes that takes, it is one to those who use the column.
type course struct {
	place
	old, now *catalog.Column // at the base and at the head; nil where the release adds or drops it
	changes  []*Change       // that are about it, in order
	twin     *twin           // what takes its place; nil where it stays
	split    *split          // what it is split into, or a part of; nil where it is neither
	said     bool            // the column at the head is another one: a deprecation calls it the new name
}

// place is a column of a table, by what stays the same under other names.
type place struct {
	table  catalog.OID
	column int16
}

// Compose looks at all changes of the release, in order, before one of them is planned: what
// several of them make of a column, and of what hangs on it, is planned as one.
func (r *Release) Compose(changes []*Change) {
	if len(changes) == 0 {
		return
	}
	r.changes, r.head = changes, changes[len(changes)-1].After
	for _, c := range changes {
		c.Release = r
		t, col := c.column()
		if col == nil || t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable || c.fresh() {
			continue
		}
		at := place{t.OID, col.Attnum}
		if r.courses[at] == nil {
			is := &course{place: at}
			if c.subtype() != pgparse.AlterTableType_AT_AddColumn {
				is.old = col
			}
			if head := r.head.Relation(t.OID); head != nil {
				is.now = head.Attr(col.Attnum)
			}
			r.courses[at], r.order = is, append(r.order, is)
		}
		r.courses[at].changes = append(r.courses[at].changes, c)
	}
	r.annotated()
	r.splits()
	for _, is := range r.order {
		is.twin = r.twinOf(is)
	}
	r.groupTwins()
	r.partitioned()
	r.generated()
}

// column is what a change is about alone, as it is before; a new one as it is then.
func (c *Change) column() (*catalog.Relation, *catalog.Column) {
	t, column := c.table(), ""
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_AlterTableStmt:
		switch c.subtype() {
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
			t, column = c.Before.Lookup(schema, object), pgparse.Last(names)
		}
	}
	if t == nil || column == "" {
		return nil, nil
	}
	return t, t.Column(column)
}

// subtype is the command's; none where the statement is the change.
func (c *Change) subtype() pgparse.AlterTableType { return c.Command.GetSubtype() }

// course is that of the column which a change is about; nil where it is about none that was there.
func (c *Change) course() *course {
	t, col := c.column()
	if col == nil {
		return nil
	}
	return c.Release.courses[place{t.OID, col.Attnum}]
}

// renames and retypes tell what a change does to its column.
func (c *Change) renames() bool { return c.Node.GetRenameStmt() != nil }

func (c *Change) retypes() bool {
	return c.subtype() == pgparse.AlterTableType_AT_AlterColumnType
}

// first is the change of a course that makes the steps of all: the first that another one takes
// the place of.
func (is *course) first() *Change {
	if is.said {
		return is.changes[0]
	}
	if n := slices.IndexFunc(is.changes, func(c *Change) bool { return c.renames() || c.retypes() }); n >= 0 {
		return is.changes[n]
	}
	return nil
}

// last is the last such change.
func (is *course) last() (last *Change) {
	for _, c := range is.changes {
		if c.renames() || c.retypes() {
			last = c
		}
	}
	return last
}

// taken is what becomes of a change that is a part of another one's plan; nil where it is not.
func (c *Change) taken() *Made {
	if is := c.course(); is != nil {
		return is.takes(c)
	}
	for _, is := range c.Release.order {
		if is.split != nil && is.split.done(c) {
			return &Made{}
		}
		if is.said && is.twin != nil && c.copies(is.old.Name, is.now.Name) && c.changesRows(is.table) {
			return &Made{}
		}
	}
	switch used := c.uses(); {
	case !slices.ContainsFunc(used, func(at place) bool { return c.Release.goes(at) }):
		return nil
	case c.subtype() == pgparse.AlterTableType_AT_DropConstraint && c.Release.has(c.Altered(), c.Altered().Constraint(c.Command.Name)):
		return nil // the deployed column's goes now, its twin has none
	}
	return &Made{}
}

// goes reports whether a column is taken the place of, or is not there at the head.
func (r *Release) goes(at place) bool {
	is := r.courses[at]
	return is != nil && (is.twin != nil || is.now == nil)
}

// takes is what becomes of a change of the column itself.
func (is *course) takes(c *Change) *Made {
	t, _ := c.column()
	m := &Made{}
	switch {
	case is.split != nil:
		return is.split.takes(c)
	case is.said && c == is.first():
		return is.twin.made()
	case is.old == nil && is.now == nil:
		if c == is.changes[0] {
			m.note("%s of %s is added and dropped again by the release: no step is needed", c.Command.Def.GetColumnDef().GetColname(), t.Name)
		}
		return m
	case is.now == nil:
		if c.subtype() == pgparse.AlterTableType_AT_DropColumn {
			return nil
		}
		m.note("%s of %s is changed and dropped by one release: only the drop is planned. Where its values were to stay, the drop is wrong", is.old.Name, t.Name)
		return m
	case is.twin == nil && is.old == nil && c.subtype() == pgparse.AlterTableType_AT_AddColumn, is.twin == nil && is.first() == nil:
		return nil
	case is.twin == nil && is.old == nil: // it is added as what it becomes
		if c.renames() || c.retypes() {
			return m
		}
		return nil
	case is.twin == nil:
		if is.old.Name == is.now.Name && c.renames() { // there and back
			return m
		}
		return nil
	case c == is.first(): // its recipe has them made
		return nil
	case c.subtype() == pgparse.AlterTableType_AT_DropNotNull && is.old.NotNull:
		s := asItStands(c)
		alter := "ALTER TABLE " + name(t) + " ALTER COLUMN " + quote(is.old.Name)
		s.Steps[0].SQL, s.Steps[0].Undo = []string{alter + " DROP NOT NULL"}, []string{alter + " SET NOT NULL"}
		return s
	}
	return m
}

// uses are the columns of what a change makes, drops or renames beside them: an index or a
// constraint.
func (c *Change) uses() []place {
	t := c.table()
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		if t != nil {
			if x := c.builtOn(t); x != nil {
				return c.Release.ofIndex(x)
			}
		}
	case *pgparse.Node_DropStmt:
		if n.DropStmt.RemoveType != pgparse.ObjectType_OBJECT_INDEX || len(n.DropStmt.Objects) != 1 {
			return nil
		}
		schema, object := pgparse.SchemaAndName(pgparse.Items(n.DropStmt.Objects[0]))
		return c.Release.ofIndex(c.Before.Lookup(schema, object))
	case *pgparse.Node_RenameStmt:
		switch n.RenameStmt.RenameType {
		case pgparse.ObjectType_OBJECT_INDEX:
			return c.Release.ofIndex(t)
		case pgparse.ObjectType_OBJECT_TABCONSTRAINT:
			if t != nil {
				return ofConstraint(t, t.Constraint(n.RenameStmt.Subname))
			}
		}
	case *pgparse.Node_AlterTableStmt:
		switch c.subtype() {
		case pgparse.AlterTableType_AT_AddConstraint:
			return ofConstraint(t, c.constraint())
		case pgparse.AlterTableType_AT_DropConstraint:
			return ofConstraint(t, t.Constraint(c.Command.Name))
		}
	}
	return nil
}

// constraint is what ADD CONSTRAINT brings; nil where it is not known.
func (c *Change) constraint() *catalog.Constraint {
	con := c.Command.Def.GetConstraint()
	after := c.After.Relation(c.Altered().OID)
	if after != nil && con.GetConname() != "" {
		return after.Constraint(con.Conname)
	}
	for _, kind := range []catalog.ConstraintKind{catalog.Check, catalog.ForeignKey, catalog.Unique, catalog.PrimaryKey, catalog.Exclude} {
		if kindOf[con.GetContype()] == kind {
			return c.brought(c.Altered(), kind, "")
		}
	}
	return nil
}

// kindOf is what the parser's kinds of constraints are in the catalog.
var kindOf = map[pgparse.ConstrType]catalog.ConstraintKind{
	pgparse.ConstrType_CONSTR_CHECK: catalog.Check, pgparse.ConstrType_CONSTR_FOREIGN: catalog.ForeignKey, pgparse.ConstrType_CONSTR_UNIQUE: catalog.Unique,
	pgparse.ConstrType_CONSTR_PRIMARY: catalog.PrimaryKey, pgparse.ConstrType_CONSTR_EXCLUSION: catalog.Exclude,
}

// has reports whether the base has a constraint.
func (r *Release) has(t *catalog.Relation, con *catalog.Constraint) bool {
	base := r.Deployed.Relation(t.OID)
	return base != nil && con != nil && keeps(base, con)
}

// keeps reports whether a table has a constraint, under whatever name.
func keeps(t *catalog.Relation, con *catalog.Constraint) bool {
	return slices.ContainsFunc(t.Constraints, func(o *catalog.Constraint) bool { return o.ID == con.ID })
}

func ofConstraint(t *catalog.Relation, con *catalog.Constraint) (out []place) {
	if con == nil {
		return nil
	}
	for _, n := range con.Columns {
		out = append(out, place{t.OID, n})
	}
	for _, n := range con.RefColumns {
		out = append(out, place{con.Ref, n})
	}
	return out
}

func (r *Release) ofIndex(x *catalog.Relation) (out []place) {
	if x == nil || x.Index == nil {
		return nil
	}
	info := x.Index
	add := func(list ...int16) {
		for _, n := range list {
			if n != 0 {
				out = append(out, place{info.Table, n})
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

// named is what the column of a command is called in the plan: as it is at the head where the release
// adds it.
func (c *Change) named() string {
	if is := c.course(); is != nil && is.twin == nil && is.now != nil {
		return is.now.Name
	}
	return c.Command.GetName()
}

// written is a command as it is written, by the name that its column has in the plan.
func (c *Change) written() string {
	if c.named() == c.Command.Name || c.subtype() == pgparse.AlterTableType_AT_AddColumn {
		return c.Text
	}
	at := pgparse.AfterWord(c.Text, "ALTER")
	if l := pgparse.NextLexeme(c.Text, at); strings.EqualFold(c.Text[l.Start:l.End], "COLUMN") {
		at = l.End
	}
	l := pgparse.NextLexeme(c.Text, at)
	return c.Text[:l.Start] + quote(c.named()) + c.Text[l.End:]
}
