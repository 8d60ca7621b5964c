package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// triggerReplace drops a trigger and creates another one of its name in one transaction. If two steps did that, rows
// could be written in between without a trigger.
// https://www.postgresql.org/docs/current/sql-createtrigger.html
var triggerReplace = &Recipe{Name: "trigger-replace", Make: func(c *Change) *Steps {
	if _, old := c.droppedTrigger(); old != nil && c.Release.recreations.creationOf[c] != nil {
		return &Steps{} // the change that creates the new trigger has the step
	}
	if c.Node.GetCreateTrigStmt() == nil {
		return nil
	}
	drop := c.Release.recreations.dropOf[c]
	if drop == nil {
		return nil
	}
	t, old := drop.droppedTrigger()
	m := &Steps{}
	s := m.addStep(c.checkPhase(""), onward.StepDDL, "replace trigger "+old.Name+" of "+t.Name.Name+" in one transaction", drop.SQL, c.SQL)
	s.Undo = restoreTrigger(t, old)
	m.addNote("trigger %s of %s is replaced: from its step on, what the deployed code writes goes through the new one", old.Name, t.Name)
	return m
}}

// droppedTrigger returns the trigger that a change drops, with its table; nil if it drops none, or one that is not known.
func (c *Change) droppedTrigger() (*catalog.Relation, *catalog.Trigger) {
	stmt := c.Node.GetDropStmt()
	if stmt == nil || stmt.RemoveType != pgparse.ObjectType_OBJECT_TRIGGER || len(stmt.Objects) != 1 {
		return nil, nil
	}
	names := pgparse.ListItems(stmt.Objects[0])
	if len(names) < 2 {
		return nil, nil
	}
	schema, table := pgparse.SchemaAndName(names[:len(names)-1])
	t := c.Before.Lookup(schema, table)
	if t == nil {
		return nil, nil
	}
	return t, t.Trigger(pgparse.StringText(names[len(names)-1]))
}

// restoreTrigger returns the statements that make a trigger of a table as it was; nil if they are not known.
func restoreTrigger(t *catalog.Relation, old *catalog.Trigger) []string {
	stmt := pgparse.ParseStatement(old.Source).GetCreateTrigStmt()
	if stmt == nil || !old.Enabled || old.Parent {
		return nil
	}
	if stmt.Trigname != old.Name || stmt.GetRelation().GetRelname() != t.Name.Name ||
		!slices.Equal(pgparse.StringTexts(stmt.Columns), t.ColumnNames(old.Columns)) {
		return nil // something got another name meanwhile
	}
	name := quoteIdent(old.Name) + " ON " + tableName(t)
	out := []string{"DROP TRIGGER IF EXISTS " + name, strings.TrimSuffix(strings.TrimSpace(old.Source), ";")}
	if old.Comment != "" {
		out = append(out, "COMMENT ON TRIGGER "+name+" IS "+pgparse.QuoteLiteral(old.Comment))
	}
	return out
}
