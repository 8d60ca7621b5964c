package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// rowMarks records writes between the check of a step and its commit that may break what was checked. A trigger inserts a row into the
// table of marks for each of them. The step's transaction reads the marks instead of all rows.
type rowMarks struct {
	t       *catalog.Relation
	trigger string
	table   string // of the marks, in the plan's schema
	events  string
	// when is the condition of the trigger on NEW, and test the condition of its function; "" for none.
	when, test string
	rights     evaluationRights // of the function
}

// newRowMarks returns marks of the rows of a table that are added or changed. column tells apart several of one table; "" for none.
func (r *Release) newRowMarks(t *catalog.Relation, column string) *rowMarks {
	return &rowMarks{
		t: t, trigger: r.uniqueName("onward_"+t.Name.Name, column, "marks"),
		table:  Schema + "." + quoteIdent(r.uniqueName(t.Name.Name, column, "marks")),
		events: "INSERT OR UPDATE", rights: evaluationRights{clause: " SECURITY DEFINER SET search_path = pg_catalog, pg_temp"},
	}
}

// addMarkStep adds the step that begins to mark rows, before the step whose check they belong to.
func (w *rowMarks) addMarkStep(m *Steps, phase onward.PlanPhase) {
	fn := qualifyInSchema(w.t, w.trigger)
	insert := "  INSERT INTO " + w.table + " VALUES (pg_catalog.now());\n"
	if w.test != "" {
		insert = "  IF " + w.test + " THEN\n  " + insert + "  END IF;\n"
	}
	whenClause := ""
	if w.when != "" {
		whenClause = " WHEN (" + w.when + ")"
	}
	target, alter := tableName(w.t), "ALTER TABLE "+tableName(w.t)+" ENABLE ALWAYS TRIGGER "
	sql := []string{
		"CREATE TABLE " + w.table + " (at timestamptz NOT NULL)",
		"CREATE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql" + w.rights.clause + " AS $onward$\nBEGIN\n" + w.rights.guard + insert +
			"  RETURN NULL;\nEND\n$onward$",
		"CREATE TRIGGER " + quoteIdent(w.trigger) + " AFTER " + w.events + " ON " + target + " FOR EACH ROW" + whenClause + " EXECUTE FUNCTION " + fn + "()",
		alter + quoteIdent(w.trigger),
	}
	s := m.addStep(phase, onward.StepDDL, "mark each row of "+w.t.Name.Name+" that goes wrong from now on, for the check of the next step", sql...)
	s.Undo = w.dropStatements()
}

// dropStatements returns the statements that end the marks, in the step that they are for.
func (w *rowMarks) dropStatements() []string {
	return append(dropTriggers(w.t, w.trigger), "DROP TABLE IF EXISTS "+w.table)
}

// planMarks returns what apply needs to read the marks.
func (w *rowMarks) planMarks() onward.PlanMarks {
	return onward.PlanMarks{Marks: w.table, Table: tableName(w.t)}
}

// markFailures marks the rows whose conversion fails, if no constraint refuses them.
func (w *replacement) markFailures(m *Steps) *rowMarks {
	if !w.mayFail || w.newColumn.NotNull || w.keepsNotNull() {
		return nil
	}
	marks := w.c.Release.newRowMarks(w.t, w.old.Name)
	old := "NEW." + quoteIdent(w.old.Name)
	marks.when = "NEW." + quoteIdent(w.newName) + " IS NOT DISTINCT FROM NULL AND " + old + " IS DISTINCT FROM NULL"
	marks.test = "EXISTS (SELECT FROM " + w.valueName() + "(" + old + ") AS v WHERE v.onward_failed)"
	if marks.rights = w.rights; !strings.Contains(w.rights.clause, "SECURITY DEFINER") { // a writer may use neither the function nor the marks
		marks.rights.clause = " SECURITY DEFINER" + w.rights.clause
	}
	if !strings.Contains(marks.rights.clause, "search_path") {
		marks.rights.clause += " SET search_path FROM CURRENT"
	}
	marks.addMarkStep(m, onward.Contract)
	return marks
}

// markUnsplit marks the rows whose old value is in none of the new columns. The condition is one of the trigger, so that it is evaluated
// with a writer's rights, as the trigger that splits evaluates its expressions.
func (s *split) markUnsplit(m *Steps) *rowMarks {
	marks := s.first.Release.newRowMarks(s.t, s.old.old.Name)
	marks.when = s.unfilledCondition("NEW.")
	marks.addMarkStep(m, onward.Contract)
	return marks
}

// markDifferences marks rows of the shadow that differ from the table's. What writes the table reaches the shadow by the plan's own trigger,
// so it is enough to look at writes of the shadow.
func (s *shadowTable) markDifferences(m *Steps, t, shadow *catalog.Relation) *rowMarks {
	marks := s.release.newRowMarks(shadow, "")
	marks.events = "INSERT OR UPDATE OR DELETE"
	marks.rights = evaluationRights{clause: " SECURITY DEFINER SET search_path = " + s.functionSearchPath(), guard: otherTableGuard(shadow)}
	table := quoteQualified(t.Name)
	key := func(row string) string {
		var conditions []string
		for _, k := range s.to {
			conditions = append(conditions, "t."+quoteIdent(k)+" = "+row+quoteIdent(k))
		}
		return strings.Join(conditions, " AND ")
	}
	var tableColumns, newColumns []string
	for _, n := range s.columns {
		tableColumns, newColumns = append(tableColumns, "t."+quoteIdent(n)), append(newColumns, "NEW."+quoteIdent(n))
	}
	marks.test = "TG_OP <> 'DELETE' AND NOT EXISTS (\n    SELECT FROM " + table + " AS t WHERE " + key("NEW.") + " AND NOT " +
		distinctCondition(strings.Join(tableColumns, ", "), strings.Join(newColumns, ", ")) + "\n  ) OR TG_OP <> 'INSERT' AND EXISTS (\n    SELECT FROM " + table +
		" AS t WHERE " + key("OLD.") + "\n  ) AND (TG_OP = 'DELETE' OR NOT (" + strings.ReplaceAll(key("OLD."), "t.", "NEW.") + "))"
	marks.addMarkStep(m, s.phase)
	return marks
}
