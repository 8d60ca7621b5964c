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
	if t, old := c.droppedTrigger(); old != nil && c.Release.findRecreation(c, t, old) != nil {
		return &Steps{} // the change that creates the new trigger has the step
	}
	if c.Node.GetCreateTrigStmt() == nil {
		return nil
	}
	drop := c.Release.findTriggerDrop(c)
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

// findRecreation returns the change that creates a trigger with the name of one that c drops; nil if there is none.
func (r *Release) findRecreation(c *Change, t *catalog.Relation, old *catalog.Trigger) *Change {
	at := slices.Index(r.changes, c)
	for _, later := range r.changes[at+1:] {
		stmt := later.Node.GetCreateTrigStmt()
		if stmt == nil || stmt.Trigname != old.Name {
			continue
		}
		if on := later.resolveRelation(stmt.Relation); on != nil && on.OID == t.OID {
			return later
		}
	}
	return nil
}

// findTriggerDrop returns the change that drops the trigger whose name c gives to a new one; nil if there is none.
func (r *Release) findTriggerDrop(c *Change) *Change {
	at := slices.Index(r.changes, c)
	for _, before := range slices.Backward(r.changes[:max(at, 0)]) {
		if t, old := before.droppedTrigger(); old != nil && r.findRecreation(before, t, old) == c {
			return before
		}
	}
	return nil
}

// restoreTrigger returns the statements that make a trigger of a table as it was; nil if they are not known.
func restoreTrigger(t *catalog.Relation, old *catalog.Trigger) []string {
	f, err := pgparse.SplitText(old.Source)
	if err != nil || len(f.Stmts) != 1 || !old.Enabled || old.Parent {
		return nil
	}
	stmt := f.Stmts[0].Node.GetCreateTrigStmt()
	if stmt == nil || stmt.Trigname != old.Name || stmt.GetRelation().GetRelname() != t.Name.Name ||
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
