package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// filledColumn is a plain column that a trigger fills. It replaces a stored generated column of a table that no
// shadow can replace. It has the same values, but is not generated.
type filledColumn struct {
	c        *Change
	t, head  *catalog.Relation
	col      *catalog.Column // the generated one
	def      *definition
	triggers mirrorTriggers
}

// newFilledColumn returns the plain column for a generated column that a change adds, or the reason why there can
// be none.
func newFilledColumn(c *Change) (*filledColumn, string) {
	t, col := c.changedColumn()
	colChange := c.findColumnChange()
	if col == nil || colChange == nil || colChange.newColumn == nil {
		return nil, "another expression is no plain column's"
	}
	f := &filledColumn{c: c, t: t, head: c.Release.head.Relation(t.OID), col: col, def: parseDefinition(c)}
	switch {
	case f.head == nil || f.head.Name != t.Name:
		return nil, t.Name.String() + " gets another name in the same release"
	case t.Kind == catalog.Table && t.HasKids():
		return nil, t.Name.String() + " has children, and no trigger of it runs for their rows"
	case f.def == nil:
		return nil, "its definition is not understood"
	}
	for _, n := range col.GeneratedFrom {
		if sourceChange := c.Release.columnChanges[columnID{
			t.OID, n,
		}]; sourceChange != nil && (sourceChange.replacement != nil || sourceChange.split != nil || sourceChange.newColumn == nil ||
			sourceChange.leadChange() != nil) {
			return nil, "the release gives a column that it is made of another name or type, or drops it"
		}
	}
	if colChange.leadChange() != nil || colChange.newColumn.Generated != col.Generated || colChange.newColumn.DefaultText != col.DefaultText {
		return nil, "the release adds it and changes it"
	}
	if _, ok := f.fillExpression("t."); !ok {
		return nil, "its expression is not followed"
	}
	return f, ""
}

// fillExpression returns the expression, with its columns taken from a row.
func (f *filledColumn) fillExpression(row string) (string, bool) {
	return pgparse.ReplaceColumns("("+f.col.DefaultText+")", func(column string) string {
		if column == "tableoid" && row == "NEW." {
			return "TG_RELID" // a new row belongs to no table yet
		}
		return row + quoteIdent(column)
	})
}

// makeSteps adds the steps: the column with its trigger, the backfill, and the column's constraints.
func (f *filledColumn) makeSteps(m *Steps) {
	c, t, r := f.c, f.t, f.c.Release
	alter, col := "ALTER TABLE "+tableName(t)+" ", quoteIdent(f.col.Name)
	f.triggers = r.newMirrorTriggers(m, t, f.col.Name)
	watched := []string{f.col.Name}
	for _, n := range f.col.GeneratedFrom {
		if from := t.Attr(n); from != nil {
			watched = append(watched, from.Name)
		}
	}
	s := m.addStep(onward.Expand, onward.StepDDL, "add column "+f.col.Name+" to "+t.Name.Name+", with a trigger that computes it at each write: no row is written",
		slices.Concat([]string{alter + f.def.head}, f.triggers.createStatements(t, f.triggerFunction(), watched, "NEW."+col+" IS NOT DISTINCT FROM NULL"))...)
	s.Undo = append(dropTriggers(t, f.triggers.names()...), alter+"DROP COLUMN IF EXISTS "+col)
	m.addMissing("%s of %s becomes a plain column that a trigger fills: the schema differs from the one that the migrations make, "+
		"a model of the code still calls it generated, "+
		"a value that is written to it is overwritten and not refused (428C9, before 14 42601), and a COPY without a list of columns is to bring one", f.col.Name, t.Name)
	f.addNotes(m)
	value, _ := f.fillExpression("t.")
	wrong := distinctCondition("t."+col, "("+value+")::"+typeName(f.col.Type))
	set := col + " = " + value
	b := m.addSyncedBackfill(c, t, "compute "+t.Name.Name+"."+f.col.Name+" in the rows that the trigger has not reached, in batches", set, wrong)
	if b == nil {
		m.addNote("rows of %s that are there have no %s until somebody writes them: nothing goes along them. The conditions of %[2]s are not planned", t.Name,
			f.col.Name)
		return
	}
	b.Triggers = f.triggers.names()
	addComparison(b, t, rowKeyColumns(c.Before, t), wrong, updateStatement(t, set, wrong))
	r.markFilled(t, f.col.Name)
	if f.def.notNull {
		m.addNotNullSteps(c, t, f.col.Name, onward.Backfill)
	}
	for i, con := range f.def.conditions {
		if t.Kind == catalog.PartitionedTable && analysis.ConstraintKinds[con.Contype] != catalog.Check {
			m.addMissing("a condition of %s is not copied to the partitions of %s: add it with ADD CONSTRAINT, in a release of its own", f.col.Name, t.Name)
			continue
		}
		f.def.addColumnConstraint(m, c, t, con, f.def.texts[i], onward.Backfill)
	}
}

// triggerFunction returns the trigger function. The names in the expression are resolved with the search path of
// the migrating role, because writers may have another one.
func (f *filledColumn) triggerFunction() string {
	value, _ := f.fillExpression("NEW.")
	return "CREATE FUNCTION " + qualifyInSchema(f.t, f.triggers.update) + "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $onward$\nBEGIN\n  NEW." +
		quoteIdent(f.col.Name) + " := " + value + ";\n  RETURN NEW;\nEND\n$onward$"
}

// addNotes adds notes about the column, and on how to switch to the generated column later.
func (f *filledColumn) addNotes(m *Steps) {
	t, alter := f.t, "ALTER TABLE "+tableName(f.t)+" "
	m.addNote("an UPDATE of %s calls a trigger of the plan if it may change %s: the trigger stays until the generated column takes its place", t.Name, f.col.Name)
	if t.Kind == catalog.PartitionedTable {
		m.addNote("each partition of %s has the trigger, and so has one that is attached later; a row that goes to another partition is filled there", t.Name)
	}
	if t.RLS {
		m.addMissing("%s has row-level security: the backfill sees what its role may see", t.Name)
	}
	for _, o := range f.c.Release.head.ListPublications(f.head) {
		if o.ListFor(t.OID) == nil {
			m.addNote("publication %s sends %s of %s, because it is a plain column: the subscriber needs the column first", o.Name.Name, f.col.Name, t.Name)
		}
	}
	sql := slices.Concat(dropTriggers(t, f.triggers.names()...), []string{alter + "DROP COLUMN " + quoteIdent(f.col.Name), alter + strings.TrimSpace(f.c.Text)})
	m.addStatement("make "+f.col.Name+" of "+t.Name.String()+
		" the generated column", "In a transaction, at a moment when everybody may wait: each row is written. "+
		"Indexes and conditions of the plain column are dropped with it: make them again. "+
		"If nothing prevents a new table in its place any more, drop the trigger and the column in one release and plan the generated column in the next.", strings.Join(sql, ";\n"))
}
