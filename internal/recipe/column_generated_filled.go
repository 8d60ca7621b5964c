package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// filled is a plain column that a trigger fills, in the place of a stored generated one of a table that no
// shadow can be made of. It holds the same, and is not the same.
type filled struct {
	c       *Change
	t, head *catalog.Relation
	col     *catalog.Column // the generated one
	def     *definition
	trigger string
}

// filledOf is what fills the column that a change adds; where nothing can, the reason is given.
func filledOf(c *Change) (*filled, string) {
	t, col := c.column()
	is := c.course()
	if col == nil || is == nil || is.now == nil {
		return nil, "another expression is no plain column's"
	}
	f := &filled{c: c, t: t, head: c.Release.head.Relation(t.OID), col: col, def: definitionOf(c)}
	switch {
	case f.head == nil || f.head.Name != t.Name:
		return nil, t.Name.String() + " gets another name in the same release"
	case t.Kind == catalog.Table && t.HasKids():
		return nil, t.Name.String() + " has children, and no trigger of it runs for their rows"
	case f.def == nil:
		return nil, "its definition is not taken apart"
	}
	for _, n := range col.GeneratedFrom {
		if of := c.Release.courses[place{t.OID, n}]; of != nil && (of.twin != nil || of.split != nil || of.now == nil || of.first() != nil) {
			return nil, "the release gives a column that it is made of another name or type, or drops it"
		}
	}
	if is.first() != nil || is.now.Generated != col.Generated || is.now.DefaultText != col.DefaultText {
		return nil, "the release adds it and changes it"
	}
	if _, ok := f.value("t."); !ok {
		return nil, "its expression is not followed"
	}
	return f, ""
}

// value is the expression over a row's columns.
func (f *filled) value(row string) (string, bool) {
	return named("("+f.col.DefaultText+")", func(column string) string {
		if column == "tableoid" && row == "NEW." {
			return "TG_RELID" // the row is of no table yet
		}
		return row + quote(column)
	})
}

// made are the steps: the column with its trigger, the backfill, and the column's conditions.
func (f *filled) made(m *Made) {
	c, t, r := f.c, f.t, f.c.Release
	alter, col := "ALTER TABLE "+name(t)+" ", quote(f.col.Name)
	f.trigger = r.behind(m, t, f.col.Name)
	watched := []string{f.col.Name}
	for _, n := range f.col.GeneratedFrom {
		if from := t.Attr(n); from != nil {
			watched = append(watched, from.Name)
		}
	}
	if watched = r.watched(t, f.head, watched...); t.Kind == catalog.PartitionedTable { // a partition's own trigger may change the row
		watched = nil
	}
	s := m.add(onward.Expand, onward.StepDDL, "is added in an instant, and a trigger gives it what the expression gives, whoever writes",
		slices.Concat([]string{alter + f.def.head}, installed(t, f.trigger, f.function(), watched))...)
	s.Undo = append(removed(t, f.trigger), alter+"DROP COLUMN IF EXISTS "+col)
	m.missing("%s of %s becomes a plain column that a trigger fills: the catalog is not that of the migrations, a model of the code still calls it generated, "+
		"a value that is written to it is overwritten and not refused (428C9, before 14 42601), and a COPY without a list of columns is to bring one", f.col.Name, t.Name)
	f.told(m)
	value, _ := f.value("t.")
	wrong := differs("t."+col, "("+value+")::"+typeName(f.col.Type))
	set := col + " = " + value
	b := m.backfill(c, t, "gives "+f.col.Name+" to the rows that nobody wrote since", set, wrong)
	if b == nil {
		m.note("rows of %s that are there have no %s until somebody writes them: nothing goes along them. The conditions of %[2]s are not planned", t.Name, f.col.Name)
		return
	}
	b.Triggers = []string{f.trigger}
	compare(b, t, identity(c.Before, t), wrong, changing(t, set, wrong))
	r.fills(t, f.col.Name)
	if f.def.notNull {
		m.notNull(c, t, f.col.Name, onward.Backfill)
	}
	for i, con := range f.def.others {
		if t.Kind == catalog.PartitionedTable && kindOf[con.Contype] != catalog.Check {
			m.missing("a condition of %s is not taken along to the partitions of %s: it is to come by ADD CONSTRAINT, in a release of its own", f.col.Name, t.Name)
			continue
		}
		f.def.other(m, c, t, con, f.def.texts[i], onward.Backfill)
	}
}

// function is the body of the trigger. Its expression means what it means to who runs the migrations: who
// writes may have another search path.
func (f *filled) function() string {
	value, _ := f.value("NEW.")
	return "CREATE FUNCTION " + inSchema(f.t, f.trigger) + "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $onward$\nBEGIN\n  NEW." + quote(f.col.Name) + " := " + value + ";\n  RETURN NEW;\nEND\n$onward$"
}

// told is what to know of the column, and how to end with the generated one.
func (f *filled) told(m *Made) {
	t, alter := f.t, "ALTER TABLE "+name(f.t)+" "
	m.note("an UPDATE of %s calls a trigger of the plan where it may change %s: that one stays until the generated column takes its place", t.Name, f.col.Name)
	if t.Kind == catalog.PartitionedTable {
		m.note("each partition of %s has the trigger, and so has one that is attached later; a row that goes to another partition is filled there", t.Name)
	}
	if t.RLS {
		m.missing("%s has row-level security: the backfill sees what its role may see", t.Name)
	}
	for _, o := range f.c.Release.head.Publications(f.head) {
		if o.List(t.OID) == nil {
			m.note("publication %s sends %s of %s, as it is a plain column: a subscriber is to have it first", o.Name.Name, f.col.Name, t.Name)
		}
	}
	sql := slices.Concat(removed(t, f.trigger), []string{alter + "DROP COLUMN " + quote(f.col.Name), alter + strings.TrimSpace(f.c.Text)})
	m.say("make "+f.col.Name+" of "+t.Name.String()+" the generated column", "In a transaction, at a moment when everybody may wait: each row is written. Indexes and conditions of the plain column go with it, and are to be made again. "+
		"Where what stood in the way of a table in its place is gone, drop the trigger and the column in one release and plan the generated one in the next.", strings.Join(sql, ";\n"))
}
