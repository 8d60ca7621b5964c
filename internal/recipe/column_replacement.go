package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// replacement is a column that replaces another column of its table, because the release renames it or changes its type. A trigger
// copies values from the old column to the new one until the old one is dropped.
type replacement struct {
	*columnChange
	c                   *Change
	t                   *catalog.Relation // as it is at the base
	head                *catalog.Relation // as it is at the head
	newName             string            // the new column's name, until the old column is dropped
	typ                 string            // the new column's type, as SQL
	collate             string            // its COLLATE clause; "" for none
	conversion          string            // converts the old value, "$1", to the new column's type
	typesDiffer         bool              // the types differ
	losesValues         bool              // the conversion makes NULL of values that the new type does not have
	using               bool              // the conversion has an expression of the release
	mayFail             bool              // the conversion of a deployed value may fail: the new column is NULL then
	values              string            // the function that converts a value for the plan's queries, if that may fail
	rights              evaluationRights
	copiesBack          bool     // writes of the new column go to the old one, too
	evidence            string   // that the new code never writes the new column: no UPDATE is copied back; "" if it is not known
	obstacles           []string // why it cannot be made
	triggers            mirrorTriggers
	writtenByForeignKey bool // a foreign key at the head writes the new column
	needsDefault        bool // a foreign key sets it to its default
	family              *columnFamily
	// referring are tables that refer to the old column.
	referring  []*catalog.Relation
	beforeDrop []string // run in the last transaction before the drop of the old column
	afterDrop  []string // run in the last transaction after the drop of the old column
}

// makeSteps adds the steps: the column, the trigger that keeps both in step, the backfill, the objects on the column, and in a
// later release the drop of the old one.
func (w *replacement) makeSteps() *Steps {
	m := &Steps{Missing: w.obstacles}
	if len(w.obstacles) > 0 {
		w.family.completePart(m, nil)
		return m
	}
	w.reportDependents(m)
	c, t := w.c, w.t
	alter := "ALTER TABLE " + tableName(t) + " "
	add := slices.Concat([]string{alter + "ADD COLUMN " + quoteIdent(w.newName) + " " + w.typ + w.collate}, w.earlyDefaultStatements(alter),
		columnGrantStatements(t, w.old.Name, w.newName), w.statisticsStatements(alter))
	s := m.addStep(onward.Expand, onward.StepDDL, w.describeAddColumn(), add...)
	s.Replaces = w.planReplacements()
	s.Undo = []string{alter + "DROP COLUMN IF EXISTS " + quoteIdent(w.newName)}
	w.triggers = c.Release.newMirrorTriggers(m, t, w.old.Name)
	functions := w.triggers.createStatements(t, w.triggerFunction(qualifyInSchema(t, w.triggers.update)), []string{w.old.Name, w.newName},
		"NEW."+quoteIdent(w.newName)+" IS NOT DISTINCT FROM NULL")
	if w.mayFail {
		functions = append([]string{w.valueFunction()}, functions...)
	}
	s = m.addStep(onward.Expand, onward.StepDDL, w.describeTrigger(), functions...)
	s.Undo = w.dropTriggerStatements()
	value := strings.ReplaceAll(w.conversion, "$1", "t."+quoteIdent(w.old.Name))
	otherwise := distinctCondition("t."+quoteIdent(w.newName), w.castValue(value))
	set := quoteIdent(w.newName) + " = " + value
	b := m.addSyncedBackfill(c, t, "fill "+t.Name.Name+"."+w.newName+" in the rows that the trigger has not reached, in batches", set, otherwise)
	if b == nil {
		w.family.completePart(m, nil)
		return m
	}
	c.Release.markFilled(t, w.newName)
	w.copyIndexes(m)
	w.addNotNull(m)
	w.addValueChecks(m)
	w.moveSequence(m)
	w.copyReferences(m)
	wrong := w.wrongCondition(otherwise)
	if w.copiesBack && w.typesDiffer {
		wrong += " AND " + distinctCondition("t."+quoteIdent(w.old.Name), "(t."+quoteIdent(w.newName)+")::"+typeName(w.old.Type))
	}
	if w.losesValues {
		wrong = "((" + wrong + ") OR t." + quoteIdent(w.old.Name) + " IS NOT NULL AND t." + quoteIdent(w.newName) + " IS NULL)"
	}
	b.Triggers, b.Failed, b.Again = w.triggers.names(), w.failedCondition(), w.reconversionCheckSQL()
	w.family.completePart(m, &columnSwap{
		replacement: w, marks: w.markFailures(m), check: "SELECT 1 FROM " + tableName(t) + " AS t WHERE " + wrong + " LIMIT 1", backfill: b,
	})
	mend := wrong
	if w.copiesBack { // the new value may be newer than the old one
		mend = "t." + quoteIdent(w.newName) + " IS NULL AND (" + wrong + ")"
	}
	addComparison(b, t, rowKeyColumns(c.Before, t), wrong, updateStatement(t, set, mend))
	w.addNotes(m)
	return m
}

// finalStatements gives the new column what it can only get after the drop of the old one: its final name, default and comment.
func (w *replacement) finalStatements(alter string) (out []string) {
	if current, want := w.notNullNames(); current != want {
		out = append(out, alter+"RENAME CONSTRAINT "+quoteIdent(current)+" TO "+quoteIdent(want))
	}
	if w.newColumn.Name != w.newName {
		out = append(out, alter+"RENAME COLUMN "+quoteIdent(w.newName)+" TO "+quoteIdent(w.newColumn.Name))
	}
	switch {
	case w.newColumn.DefaultText != "":
		out = append(out, alter+"ALTER COLUMN "+quoteIdent(w.newColumn.Name)+" SET DEFAULT "+w.defaultExpression())
	case w.needsDefault:
		out = append(out, alter+"ALTER COLUMN "+quoteIdent(w.newColumn.Name)+" DROP DEFAULT")
	}
	if w.newColumn.Comment != "" {
		out = append(out, "COMMENT ON COLUMN "+tableName(w.t)+"."+quoteIdent(w.newColumn.Name)+" IS "+pgparse.QuoteLiteral(w.newColumn.Comment))
	}
	return out
}

// defaultExpression returns the new column's default. A constant keeps the type for which it was written.
func (w *replacement) defaultExpression() string {
	if e := w.c.Release.enumOf(w.columnChange); e != nil {
		return w.enumDefault(e)
	}
	text := w.newColumn.DefaultText
	if l := pgparse.NextLexeme(text, 0); w.old.DefaultText == text && w.typesDiffer && strings.HasPrefix(text, "'") && l.End == len(text) {
		return text + "::" + typeName(w.old.Type)
	}
	return text
}

// addNotNull makes the new column NOT NULL, in the last step, if it is so at the head. A CHECK proves it until then: with NOT NULL and no default, GraphQL
// servers and generators of types would ask the deployed code for the column.
func (w *replacement) addNotNull(m *Steps) {
	if !w.newColumn.NotNull {
		return
	}
	phase := onward.Backfill
	if w.losesValues || w.mayFail { // deployed code may write a value that the new type does not have
		phase = onward.Contract
	}
	for _, c := range w.changes {
		if !w.old.NotNull && (c.commandType() == pgparse.AlterTableType_AT_SetNotNull && c.breaksDeployed() || w.declaredByComment) {
			phase = onward.Contract
		}
	}
	w.beforeDrop = append(w.beforeDrop, m.addNotNullCheck(w.c, w.t, w.newName, phase)...)
}

// addValueChecks refuses, in the contract, a value that the new column cannot have, as the new type does after the last step. So the check of the rows holds
// until the drop of the old column, whoever writes in between. An expression that may make NULL of a value has no such CHECK.
func (w *replacement) addValueChecks(m *Steps) {
	old, fresh := quoteIdent(w.old.Name), quoteIdent(w.newName)
	alter, refuses := "ALTER TABLE "+tableName(w.t), "refuse new values of "+w.old.Name+" that cannot be "+w.typ+": no existing row is read"
	if !w.mayFail && !w.losesValues || w.newColumn.NotNull || !w.keepsNotNull() { // NOT NULL says more
		return
	}
	con := quoteIdent(w.c.Release.uniqueName(w.t.Name.Name, w.old.Name, "converts"))
	s := m.addStep(onward.Contract, onward.StepDDL, refuses, alter+" ADD CONSTRAINT "+con+" CHECK ("+old+" IS NULL OR "+fresh+" IS NOT NULL) NOT VALID")
	s.Undo = []string{alter + " DROP CONSTRAINT IF EXISTS " + con}
	s = m.addStep(onward.Contract, onward.StepValidate, "validate that each value of "+w.old.Name+" is in "+w.newName+
		", too: it reads existing rows, while others read and write", alter+" VALIDATE CONSTRAINT "+con)
	s.Check = "SELECT 1 FROM " + tableName(w.t) + " WHERE " + old + " IS NOT NULL AND " + fresh + " IS NULL LIMIT 1"
}

func (w *replacement) addNotes(m *Steps) {
	if w.declaredByComment {
		m.addNote("%s of %s is declared as renamed to %s: the plan keeps its values, which the migrations drop", w.old.Name, w.t.Name, w.newColumn.Name)
	}
	if w.copiesBack && w.old.DefaultText != "" && !w.old.NotNull {
		m.addNote("an INSERT of new code that gives %s as NULL looks as one that leaves it out, up to the last step: it gets the default of %s", w.newColumn.Name,
			w.old.Name)
	}
	if w.old.DefaultText != w.newColumn.DefaultText {
		m.addNote("up to the last step an INSERT that leaves %s of %s out gets the deployed default", w.newColumn.Name, w.t.Name)
	}
	if w.mayFail {
		m.addNote("a value of %s of %s that cannot be converted to %s does not fit the new column: "+
			"the deployed code can write it up to the contract, as before. "+
			"%s is NULL in such rows. They refuse the contract, and onward status counts them", w.old.Name, w.t.Name, w.typ, w.newName)
	}
	if w.typesDiffer && w.copiesBack {
		m.addNote("until the last step %s of %s is %s: a value of the new code that does not fit it is refused", w.old.Name, w.t.Name, w.old.Type.FormatFull())
	}
	m.addNote("%s is the last column of %s: code that depends on the order of columns (INSERT or COPY without a list, SELECT *) must name them",
		w.newColumn.Name, w.t.Name)
	m.addNote("the backfill of %s fires the triggers that %s has for UPDATE", w.newName, w.t.Name)
}

// triggerMark is in the name of each trigger that keeps columns in step, after letters that make the name the last one.
const triggerMark = "z_onward"

// IsPlanTrigger reports whether a trigger has a name that plans give to the triggers which keep columns or tables in step.
func IsPlanTrigger(name string) bool {
	return strings.HasPrefix(strings.TrimLeft(name, "z"), strings.TrimLeft(triggerMark, "z")+"_") ||
		strings.HasPrefix(strings.TrimLeft(name, "!"), copyMark)
}

// mirrorTriggers are the two triggers that keep columns of a table in step. Both call the function of the first one's name. OLD is only in an
// UPDATE. The condition for INSERT is always true: it names the columns, so that DROP COLUMN … CASCADE takes the trigger along, which would
// fail each INSERT.
type mirrorTriggers struct{ update, add string }

// newMirrorTriggers returns triggers whose names sort after all others of the table. Triggers run in order of their names, and
// the last one sees the changes of the others.
func (r *Release) newMirrorTriggers(m *Steps, t *catalog.Relation, column string) mirrorTriggers {
	prefix := "zz" + triggerMark
	for _, tr := range t.Triggers {
		for tr.Name >= prefix && len(prefix) < 40 {
			prefix = "z" + prefix
		}
		if tr.Name >= prefix {
			m.addMissing("trigger %s of %s runs last by its name, and no name of the plan's triggers sorts after it", tr.Name, t.Name)
		}
	}
	prefix += "_" + t.Name.Name
	return mirrorTriggers{update: r.uniqueName(prefix, column, ""), add: r.uniqueName(prefix, column, "add")}
}

// names lists the triggers.
func (g mirrorTriggers) names() []string { return []string{g.update, g.add} }

// createStatements returns the statements that create the function and the triggers, which also run for rows from a subscription or a
// restore. An UPDATE calls the function if it has changed one of the columns, or if a row is unfilled: a change of the key may move such a
// row to where the backfill has already been. The condition sees what other triggers have set, as the columns that an UPDATE names do not.
// And the server does not drop a column that it names.
// https://www.postgresql.org/docs/current/sql-createtrigger.html#SQL-CREATETRIGGER-NOTES
func (g mirrorTriggers) createStatements(t *catalog.Relation, function string, columns []string, unfilled string) []string {
	out := []string{function}
	for _, c := range []struct{ name, event, condition string }{
		{g.update, "UPDATE", " WHEN (" + changedCondition(columns) + " OR " + unfilled + ")"},
		{g.add, "INSERT", " WHEN (pg_catalog.num_nulls(" + listOfRow("NEW.", columns) + ") >= 0)"},
	} {
		out = append(out, "CREATE TRIGGER "+quoteIdent(c.name)+" BEFORE "+c.event+" ON "+tableName(t)+" FOR EACH ROW"+c.condition+" EXECUTE FUNCTION "+
			qualifyInSchema(t, g.update)+"()",
			"ALTER TABLE "+tableName(t)+" ENABLE ALWAYS TRIGGER "+quoteIdent(c.name))
	}
	return out
}

// changedCondition returns the condition that an UPDATE has changed one of some columns, as [distinctCondition] does. The server prints
// ROW(a)::record *<> ROW(b) without the cast, and a dump of that is not restored: it compares the columns then, which may have no such operator.
func changedCondition(columns []string) string {
	return "pg_catalog.record_image_ne(ROW(" + listOfRow("NEW.", columns) + "), ROW(" + listOfRow("OLD.", columns) + "))"
}

// listOfRow lists columns of a row.
func listOfRow(row string, columns []string) string {
	var out []string
	for _, n := range columns {
		out = append(out, row+quoteIdent(n))
	}
	return strings.Join(out, ", ")
}

// dropTriggers returns the statements that remove triggers and their function, which has the name of the first.
func dropTriggers(t *catalog.Relation, triggers ...string) (out []string) {
	for _, n := range triggers {
		out = append(out, "DROP TRIGGER IF EXISTS "+quoteIdent(n)+" ON "+tableName(t))
	}
	return append(out, "DROP FUNCTION IF EXISTS "+qualifyInSchema(t, triggers[0])+"()")
}

// castValue converts a value to the new column's type.
func (w *replacement) castValue(value string) string {
	if !w.typesDiffer {
		return value
	}
	return "(" + value + ")::" + w.typ
}

func (w *replacement) describeAddColumn() string {
	if w.needsDefault {
		return "add column " + w.newName + " to " + w.t.Name.Name + ". Its default is for the foreign key that sets it: an INSERT gets the value of " + w.old.Name
	}
	return "add column " + w.newName + " to " + w.t.Name.Name + ", without a default: a default would overwrite values of the deployed code"
}

func (w *replacement) describeTrigger() string {
	switch {
	case w.writtenByForeignKey && !w.copiesBack:
		return "create a trigger that copies " + w.old.Name + " to " + w.newName + ", and values that a foreign key writes from " + w.newName + " to " + w.old.Name
	case w.evidence != "":
		return "create a trigger that copies " + w.old.Name + " to " + w.newName + "; no UPDATE is copied back, because " + w.evidence
	case w.copiesBack:
		return "create a trigger that copies " + w.old.Name + " to " + w.newName + ", and " + w.newName + " to " + w.old.Name
	}
	return "create a trigger that copies " + w.old.Name + " to " + w.newName
}

// triggerFunction returns the trigger function that keeps both columns of a row in step. It detects the writer by what changed: the
// deployed code does not know the new column and leaves it unchanged. If no UPDATE is copied back, the last step's check finds one
// that was made despite the evidence.
func (w *replacement) triggerFunction(fn string) string {
	old, fresh := "NEW."+quoteIdent(w.old.Name), "NEW."+quoteIdent(w.newName)
	value, declared, evaluated := strings.ReplaceAll(w.conversion, "$1", old), "", ""
	if w.mayFail { // only the evaluation may fail unseen; without a write the block takes no transaction ID
		declared = "DECLARE\n  onward_value " + w.typ + ";\n"
		evaluated = "  BEGIN\n    onward_value := " + value + ";\n  EXCEPTION WHEN OTHERS THEN\n" +
			"    onward_value := NULL; -- the check before the last step finds the row\n  END;\n"
		value = "onward_value"
	}
	forth, back := fresh+" := "+value+";", old+" := "+fresh+";"
	head := "CREATE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql" + w.rights.clause + " AS $onward$\n" + declared +
		"BEGIN\n" + w.rights.guard + evaluated
	const end = "  RETURN NEW;\nEND\n$onward$"
	if !w.copiesBack && !w.writtenByForeignKey {
		return head + "  " + forth + "\n" + end
	}
	newChanged, other := distinctCondition(fresh, "OLD."+quoteIdent(w.newName)), distinctCondition(old, "OLD."+quoteIdent(w.old.Name))
	// An unfilled new column is filled by any write: a change of the key may move the row to where the backfill has already
	// been.
	other = "(" + other + " OR " + fresh + " IS NOT DISTINCT FROM NULL)"
	var update string
	switch {
	case w.evidence != "":
		update = "  ELSIF " + other + " AND NOT " + newChanged + " THEN\n    " + forth + "\n"
	case w.typesDiffer: // a value that the other type cannot represent is not copied
		if !w.mayFail {
			value = w.castValue(value)
		}
		unlike := " AND " + distinctCondition(fresh, value)
		update = "  ELSIF " + newChanged + unlike + " THEN\n    " + back + "\n  ELSIF " + other + unlike + " THEN\n    " + forth + "\n"
	default:
		update = "  ELSIF " + newChanged + " THEN\n    " + back + "\n  ELSE\n    " + forth + "\n"
	}
	if !w.copiesBack { // no code knows the new column, and its default is for foreign keys
		return head + "  IF TG_OP = 'INSERT' THEN\n    " + forth + "\n" + update + "  END IF;\n" + end
	}
	return head + "  IF TG_OP = 'INSERT' THEN\n    IF " + fresh + " IS DISTINCT FROM NULL THEN\n      " + back + "\n    ELSE\n      " + forth +
		"\n    END IF;\n" + update + "  END IF;\n" + end
}

// reportDependents reports objects that depend on the old column and do not move to the new one.
func (w *replacement) reportDependents(m *Steps) {
	t, head := w.head, w.c.Release.head
	for _, r := range head.RelationsByOID(t.Dependents) {
		if w.c.Release.isRecreated(r) || w.readsNewName(r) {
			continue
		}
		if r.View != nil && (r.View.Star || slices.Contains(r.View.Columns[t.OID], w.newColumn.Attnum)) {
			m.addMissing("%s reads %s: create it again with the new column before the old column is dropped", r.Name, w.old.Name)
		}
	}
	for _, p := range t.Policies {
		if slices.Contains(p.Uses, w.newColumn.Attnum) {
			m.addMissing("policy %s of %s reads %s", p.Name, t.Name, w.old.Name)
		}
	}
	for _, p := range head.PoliciesOver(t.OID, w.newColumn.Attnum) {
		m.addMissing("policy %s of %s reads %s", p.Policy.Name, p.Table.Name, w.old.Name)
	}
	for _, r := range head.RulesOver(t.OID, w.newColumn.Attnum) {
		m.addMissing("rule %s of %s uses %s", r.Rule.Name, r.Table.Name, w.old.Name)
	}
	for _, o := range head.ListPublications(t) {
		if list := o.ListFor(t.OID); list != nil && list.Names(w.newColumn.Attnum) {
			m.addMissing("publication %s names %s: change its list before the old column is dropped", o.Name.Name, w.old.Name)
		}
	}
	for _, statName := range t.Statistics {
		if o := head.Object("statistics object", statName); o != nil && slices.Contains(o.Columns, w.newColumn.Attnum) {
			m.addMissing("statistics object %s is of %s, and is dropped with it: create it again on %s", statName, w.old.Name, w.newName)
		}
	}
	for _, f := range head.BodiesOver(t.OID, w.newColumn.Attnum) {
		m.addMissing("function %s uses %s", f.Name, w.old.Name)
	}
	for _, tr := range t.Triggers {
		if slices.Contains(tr.Columns, w.newColumn.Attnum) || slices.Contains(tr.Uses, w.newColumn.Attnum) {
			m.addMissing("trigger %s is about %s", tr.Name, w.old.Name)
		}
	}
	for _, col := range t.Columns {
		if slices.Contains(col.GeneratedFrom, w.newColumn.Attnum) {
			m.addMissing("column %s is generated from %s", col.Name, w.old.Name)
		}
	}
	if w.old.Generated != "" {
		m.addMissing("%s is generated: its expression cannot be moved to a column that was filled before", w.old.Name)
	}
	m.reportUnreachedRows(t)
}
