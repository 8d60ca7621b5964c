package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// shadowTable is a table that is created next to another one and later takes its name. It is for changes that cannot be
// made in place without making everybody wait. Triggers keep it in step with the table. After the names are
// exchanged, they keep the table in step with it, until the deployed code is gone.
type shadowTable struct {
	release *Release
	c       *Change           // the change whose recipe makes the steps
	t       *catalog.Relation // the table, as it is at the base
	head    *catalog.Relation // the table of that name at the head
	// changes are all changes that the shadow covers.
	changes    []*Change
	createSQL  []string // the SQL that creates it, under its own name
	shadowName string   // its own name, until it gets the table's
	oldName    string   // the table's name after that
	keepsTable bool     // the release keeps the table, under oldName
	inPlace    bool     // at the head it is still the same table
	// attaches: the table becomes a partition unchanged; its rows satisfy the condition within, "" for all rows.
	attaches bool
	within   string
	phase    onward.PlanPhase
	why      string // the purpose of the phase
	// columns are the columns that both tables have and that can be written. from and to identify rows in the table
	// and in the shadow.
	columns, from, to []string
	indexes           []*catalog.Relation // the indexes at the head, under their names until the swap
	swap, undoSwap    []string            // what else the swap exchanges, and the SQL that undoes that
	dropSQL           []string            // what is dropped before the table
	sharedIndexes     []*catalog.Relation // indexes of the head that the table gets, too: new code relies on them
	userNotes         []string            // notes for the user
	obstacles         []string            // why it cannot be made
}

func (s *shadowTable) addObstacle(format string, args ...any) {
	s.obstacles = append(s.obstacles, fmt.Sprintf(format, args...))
}

// findBackfillKey finds the key by which the backfill visits the rows of the table.
func (s *shadowTable) findBackfillKey() bool {
	if s.from = rowKeyColumns(s.release.Deployed, s.t); len(s.from) == 0 {
		s.addObstacle(keyless, s.t.Name)
	}
	return len(s.from) > 0
}

// withName returns a relation in the table's schema, with another name.
func (s *shadowTable) withName(name string) *catalog.Relation {
	out := *s.t
	out.Name.Name = name
	return &out
}

// absorbChange returns the steps of a change that the shadow covers. If the shadow cannot be made, all such changes are kept
// unchanged; or, if it is in place, nil lets their own recipes plan them.
func (s *shadowTable) absorbChange(c *Change) *Steps {
	switch {
	case len(s.obstacles) > 0 && s.inPlace:
		return nil
	case len(s.obstacles) > 0:
		m := keepUnchanged(c)
		if c == s.c {
			m.Missing = append(m.Missing, s.obstacles...)
		}
		return m
	case c == s.c && s.attaches:
		return s.makeAttachSteps()
	case c == s.c:
		return s.makeSteps()
	}
	return &Steps{}
}

// makeSteps adds the steps: create the shadow, install the triggers, copy the rows, move foreign keys to it, exchange the
// names, and drop the table.
func (s *shadowTable) makeSteps() *Steps {
	m := &Steps{}
	c, t, shadow, old := s.c, s.t, s.withName(s.shadowName), s.withName(s.oldName)
	step := m.addStep(onward.Expand, onward.StepDDL, "create the new form of "+t.Name.Name+" as an empty table "+s.shadowName, s.createSQL...)
	step.Undo = []string{"DROP TABLE IF EXISTS " + tableName(shadow)}
	step.Replaces = s.planReplacements(t, shadow)
	sync := s.release.syncTriggers(s, t, shadow, s.to, s.from)
	step = m.addStep(onward.Expand, onward.StepDDL, "create triggers that copy each write of "+t.Name.Name+" to "+s.shadowName, sync.make...)
	step.Undo = sync.gone
	b := m.addCopyBackfill(c, t, shadow, s.columns, s.to)
	if b == nil {
		return m
	}
	b.Triggers = sync.triggers
	s.addComparisons(b, t, shadow)
	for _, x := range s.sharedIndexes {
		indexName := s.release.uniqueName(x.Name.Name, "also", "")
		m.addIndex(t, indexName, indexBody(s.head, x.Index, x), true, onward.Expand)
		if s.keepsTable {
			s.dropSQL = append(s.dropSQL, "DROP INDEX "+qualifyInSchema(t, indexName))
		}
	}
	s.moveReferences(m)
	s.prepareSwap()
	alter := func(r *catalog.Relation) string { return "ALTER TABLE " + tableName(r) + " " }
	marks := s.markDifferences(m, t, shadow)
	step = m.addStep(s.phase, onward.StepDDL, s.why, slices.Concat(marks.dropStatements(), sync.gone, s.livePrivilegeStatements(t, shadow), []string{
		alter(t) + "RENAME TO " + quoteIdent(s.oldName), alter(shadow) + "RENAME TO " + quoteIdent(t.Name.Name),
	}, s.swap)...)
	step.Check, step.AfterBackfills = s.differenceQuery(t, shadow), []*onward.PlannedBackfill{b}
	step.Marks = []onward.PlanMarks{marks.planMarks()}
	step.Replaces = s.planReplacements(t, shadow)
	end := s.dropSQL
	if s.phase == onward.Backfill {
		back := s.release.syncTriggers(s, t, old, s.from, s.to)
		step.SQL = append(step.SQL, back.make...)
		step.Undo = slices.Concat(back.gone, s.undoSwap, []string{
			alter(t) + "RENAME TO " + quoteIdent(s.shadowName), alter(old) + "RENAME TO " + quoteIdent(t.Name.Name),
		}, sync.make)
		end = slices.Concat(back.gone, end)
	}
	if !s.keepsTable {
		end = append(end, "DROP TABLE "+tableName(old))
	}
	if len(end) > 0 {
		m.addStep(onward.Contract, onward.StepDDL, "drop the old table, which an undo would need until now", end...)
	}
	s.addNotes(m)
	return m
}

// pair holds statements that create something, and statements that remove it.
type pair struct{ make, gone, triggers []string }

// syncTriggers returns the triggers that repeat on the table destination each change of the table from. keys identify the rows of
// destination, sourceKeys the rows of from. The trigger function is SECURITY DEFINER, because a role that may write one table need not
// have rights on the other.
func (r *Release) syncTriggers(s *shadowTable, from, destination *catalog.Relation, keys, sourceKeys []string) pair {
	trigger := r.firstTriggerName(destination, "", s.t, s.head)
	fn := quoteIdent(from.Name.Schema) + "." + quoteIdent(trigger)
	target := quoteIdent(destination.Name.Schema) + "." + quoteIdent(destination.Name.Name)
	triggerSQL := func(events, each, label string) string {
		return "CREATE TRIGGER " + quoteIdent(label) + " AFTER " + events + " ON " + tableName(from) + " FOR EACH " + each + " EXECUTE FUNCTION " + fn + "()"
	}
	all := r.firstTriggerName(destination, "all", s.t, s.head)
	alter := "ALTER TABLE " + tableName(from) + " ENABLE ALWAYS TRIGGER "
	drop := func(label string) string {
		return "DROP TRIGGER IF EXISTS " + quoteIdent(label) + " ON " + tableName(from)
	}
	return pair{
		make: []string{
			s.triggerFunction(fn, from, target, keys), triggerSQL("INSERT OR UPDATE OR DELETE", "ROW", trigger),
			triggerSQL("TRUNCATE", "STATEMENT", all), alter + quoteIdent(trigger), alter + quoteIdent(all),
		},
		gone:     []string{drop(trigger), drop(all), "DROP FUNCTION IF EXISTS " + fn + "()"},
		triggers: []string{trigger, all},
	}
}

// triggerFunction returns the body of both triggers. A row that is not copied yet is copied by the backfill, or by the next
// write to it. A transaction whose snapshot misses rows committed later would leave copies of them out of date. It is
// refused instead (40001), just as if it had met such a row in the table itself.
func (s *shadowTable) triggerFunction(fn string, from *catalog.Relation, target string, keys []string) string {
	var columns, fresh, old, set, sets, where []string
	for _, n := range s.columns {
		q := quoteIdent(n)
		columns, fresh, old = append(columns, q), append(fresh, "NEW."+q), append(old, "OLD."+q)
		if col := s.t.Column(n); col != nil && col.Identity == "always" {
			continue // no UPDATE can change it in either table
		}
		set = append(set, q+" = NEW."+q)
		if !slices.Contains(keys, n) {
			sets = append(sets, q+" = EXCLUDED."+q)
		}
	}
	for _, k := range keys {
		where = append(where, "t."+quoteIdent(k)+" = OLD."+quoteIdent(k))
	}
	insert := "INSERT INTO " + target + " (" + strings.Join(columns, ", ") + ") OVERRIDING SYSTEM VALUE VALUES ("
	conflict := ") ON CONFLICT (" + analysis.QuoteIdents(keys) + ") DO "
	conflictAction := "NOTHING"
	if len(sets) > 0 {
		conflictAction = "UPDATE SET " + strings.Join(sets, ", ")
	}
	return fmt.Sprintf(`CREATE FUNCTION %[1]s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = %[2]s AS $onward$
BEGIN
%[8]s  IF TG_OP = 'TRUNCATE' THEN
    TRUNCATE %[3]s;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
      %[4]s;
    END IF;
    IF TG_OP = 'DELETE' THEN
      DELETE FROM %[3]s AS t WHERE %[5]s;
      RETURN NULL;
    END IF;
    UPDATE %[3]s AS t SET %[6]s WHERE %[5]s;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  %[7]s;
  RETURN NULL;
END
$onward$`, fn, s.functionSearchPath(), target, insert+strings.Join(old, ", ")+conflict+
		"NOTHING", strings.Join(where, " AND "), strings.Join(set, ", "), insert+strings.Join(fresh, ", ")+conflict+conflictAction, otherTableGuard(from))
}

// functionSearchPath returns the search path of the functions: the schemas of the operators that compare the keys, and no schema in
// which others may create objects.
func (s *shadowTable) functionSearchPath() string {
	out := []string{"pg_catalog"}
	for _, k := range slices.Concat(s.from, s.to) {
		col := s.t.Column(k)
		if col == nil || col.Type.Name.Schema == "" || slices.Contains(out, quoteIdent(col.Type.Name.Schema)) {
			continue
		}
		out = append(out, quoteIdent(col.Type.Name.Schema))
	}
	return strings.Join(append(out, "pg_temp"), ", ")
}

// addComparisons has the rows of both tables compared: each row of the table must have an equal row in the shadow, and each
// row of the shadow must come from the table. Until the names are exchanged, the table's rows are right.
func (s *shadowTable) addComparisons(b *onward.PlannedBackfill, t, shadow *catalog.Relation) {
	var tableColumns, like, shadowColumns, sets []string
	for _, n := range s.columns {
		tableColumns, shadowColumns = append(tableColumns, "t."+quoteIdent(n)), append(shadowColumns, "s."+quoteIdent(n))
		if col := s.t.Column(n); !slices.Contains(s.to, n) && (col == nil || col.Identity != "always") {
			sets = append(sets, quoteIdent(n)+" = EXCLUDED."+quoteIdent(n))
		}
	}
	for _, k := range s.to {
		like = append(like, "s."+quoteIdent(k)+" = t."+quoteIdent(k))
	}
	conflictAction := "NOTHING"
	if len(sets) > 0 {
		conflictAction = "UPDATE SET " + strings.Join(sets, ", ")
	}
	addComparison(b, t, rowKeyColumns(s.c.Before, t), "NOT EXISTS (SELECT FROM "+tableName(shadow)+" AS s WHERE "+strings.Join(like, " AND ")+
		" AND NOT "+distinctCondition(strings.Join(tableColumns, ", "), strings.Join(shadowColumns, ", "))+")",
		copyStatement(t, shadow, s.columns, s.to, conflictAction))
	missingInTable := "NOT EXISTS (SELECT FROM " + tableName(t) + " AS s WHERE " + strings.Join(like, " AND ") + ")"
	addComparison(b, shadow, s.to, missingInTable, func(join string) string {
		return "DELETE FROM " + tableName(shadow) + " AS t USING batch WHERE " + join + " AND " + missingInTable
	})
}

// differenceQuery returns a query for a row that differs between the tables.
func (s *shadowTable) differenceQuery(t, shadow *catalog.Relation) string {
	var keyConditions, a, b []string
	for _, k := range s.to {
		keyConditions = append(keyConditions, "t."+quoteIdent(k)+" = s."+quoteIdent(k))
	}
	for _, n := range s.columns {
		a, b = append(a, "t."+quoteIdent(n)), append(b, "s."+quoteIdent(n))
	}
	k := quoteIdent(s.to[0])
	return "SELECT 1 FROM " + tableName(t) + " AS t FULL JOIN " + tableName(shadow) + " AS s ON " + strings.Join(keyConditions, " AND ") +
		" WHERE t." + k + " IS NULL OR s." + k + " IS NULL OR " + distinctCondition(strings.Join(a, ", "), strings.Join(b, ", ")) + " LIMIT 1"
}

func (s *shadowTable) addNotes(m *Steps) {
	t := s.t.Name
	m.Notes = append(m.Notes, s.userNotes...)
	m.addNote("%s is written again as %s: it needs room on the disk twice, and room for its WAL", t, s.shadowName)
	m.addNote("from the first step to the last, each write to %s is two; a transaction that is REPEATABLE READ or SERIALIZABLE may have to be repeated (40001)", t)
	if s.phase == onward.Backfill {
		m.addNote("%s keeps the rows of %s up to the last step, so an abort can restore it. Prepared statements, and everything that names tables by OID, "+
			"are planned again", s.oldName, t)
	} else {
		m.addNote("up to the swap %s is the plain table for new code, too: it cannot attach partitions of its own to it, or detach them", t)
	}
}

// distinctCondition returns the condition that two values of one type are not identical. The = of a type may treat different values as
// equal (numeric, citext), and json has no =.
// https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
func distinctCondition(a, b string) string { return "ROW(" + a + ")::record *<> ROW(" + b + ")" }
