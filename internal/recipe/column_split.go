package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// split is a column that the release drops, with the columns that replace it according to its
// deprecation: name is split into first_name and last_name. The new columns are filled from the old one, and the old one from them.
type split struct {
	old            *columnChange
	t              *catalog.Relation // as it is at the base
	parts          []*splitColumn
	joinExpression string  // expression for the old value over the new columns; "" if not given
	first, last    *Change // the first and last change of its columns
	triggers       mirrorTriggers
	backfill       *onward.PlannedBackfill
	forwardOnly    bool     // no UPDATE is copied back
	obstacles      []string // why it cannot be made
}

// splitColumn is one of the new columns.
type splitColumn struct {
	*columnChange
	value string // an expression over the old column
	def   *definition
}

// findSplits finds the columns that a deprecation splits into others.
func (r *Release) findSplits() {
	for _, old := range r.columnOrder {
		declared := r.findDeprecation(old)
		if declared == nil || len(declared.Into) == 0 {
			continue
		}
		s := &split{old: old, t: r.Deployed.Relation(old.table), joinExpression: declared.Joined}
		var absent []string
		for _, p := range declared.Into {
			if colChange := r.findAddedColumn(old.table, p.Column); colChange != nil {
				s.parts = append(s.parts, &splitColumn{columnChange: colChange, value: p.Value})
				continue
			}
			absent = append(absent, p.Column)
		}
		if len(s.parts) == 0 || s.t == nil { // the columns were added before: only the drop is left
			continue
		}
		for _, column := range absent {
			s.addObstacle("%s of %s is declared as split into %s, which the release does not add", old.old.Name, s.t.Name, column)
		}
		s.gatherChanges(r)
	}
}

// gatherChanges collects the release's changes of the old column and of the new ones.
func (s *split) gatherChanges(r *Release) {
	s.old.split = s
	all := slices.Clone(s.old.changes)
	for _, p := range s.parts {
		p.split = s
		all = append(all, p.changes...)
		if p.def = parseDefinition(p.changes[0]); p.def == nil || p.leadChange() != nil || p.newColumn.Generated != "" || p.newColumn.Sequence != 0 ||
			p.def.rewrite && p.def.value == "" {
			s.addObstacle("%s of %s is declared as split into %s, which is not a plain column that the release adds in its final form", s.old.old.Name, s.t.Name,
				p.newColumn.Name)
		}
		r.Filled[qualifiedColumn(s.t, p.newColumn.Name)] = true
	}
	position := func(c *Change) int { return slices.Index(r.changes, c) }
	slices.SortFunc(all, func(a, b *Change) int { return position(a) - position(b) })
	s.first, s.last = all[0], all[len(all)-1]
	switch head := r.head.Relation(s.old.table); {
	case head == nil || head.Name != s.t.Name:
		s.addObstacle("%s gets another name, and its column %s is split, in one release: a release for each is planned", s.t.Name, s.old.old.Name)
	case isInPrimaryKey(s.t, s.old.old):
		s.addObstacle("%s is part of the primary key of %s: rows of new code would have none", s.old.old.Name, s.t.Name)
	case s.old.old.Generated != "":
		s.addObstacle("%s of %s is generated: a trigger sees nothing in it", s.old.old.Name, s.t.Name)
	}
	s.checkExpressions()
	for _, c := range r.changes {
		for _, p := range s.parts {
			if c.writesColumn(s.old.table, p.newColumn.Name) && !s.repeatsFill(c) {
				s.addObstacle("%s:%d gives %s other values, and %s is declared as split into it: one of the two is wrong", c.Migration.Path, c.Line, p.newColumn.Name,
					s.old.old.Name)
			}
		}
	}
}

func (s *split) addObstacle(format string, args ...any) {
	s.obstacles = append(s.obstacles, fmt.Sprintf(format, args...))
}

// checkExpressions checks that the given expressions read no columns other than the allowed ones.
func (s *split) checkExpressions() {
	checkReads := func(text, subject string, names ...string) {
		_, ok := pgparse.ReplaceColumns(text, func(column string) string {
			if !slices.Contains(names, column) {
				s.addObstacle("%s is declared as %s, which reads %s, too", subject, text, column)
			}
			return ""
		})
		if !ok {
			s.addObstacle("%s is declared as %s, which is not understood", subject, text)
		}
	}
	var names []string
	for _, p := range s.parts {
		checkReads(p.value, p.newColumn.Name, s.old.old.Name)
		names = append(names, p.newColumn.Name)
	}
	if s.joinExpression != "" {
		checkReads(s.joinExpression, s.old.old.Name, names...)
	}
}

// repeatsFill reports whether a change fills the new columns just as the trigger and the backfill do.
func (s *split) repeatsFill(c *Change) bool {
	stmt := c.Node.GetUpdateStmt()
	if stmt == nil || len(stmt.FromClause) > 0 || !c.changesRows(s.old.table) {
		return false
	}
	return !slices.ContainsFunc(stmt.TargetList, func(n *pgparse.Node) bool {
		target := n.GetResTarget()
		return !slices.ContainsFunc(s.parts, func(p *splitColumn) bool {
			value := pgparse.ParseExpression(p.value)
			return p.newColumn.Name == target.GetName() && value != nil && pgparse.Equal(target.GetVal(), value)
		})
	})
}

// absorbChange returns the steps for a change of one of the columns.
func (s *split) absorbChange(c *Change) *Steps {
	m := &Steps{}
	if c == s.first {
		if m.Missing = s.obstacles; len(s.obstacles) == 0 {
			s.addExpandSteps(m)
		}
	}
	if c == s.last && len(s.obstacles) == 0 && s.triggers.update != "" {
		s.addContractSteps(m)
	}
	return m
}

// joinParts applies f to each new column and joins the results with commas.
func (s *split) joinParts(f func(p *splitColumn) string) string {
	var out []string
	for _, p := range s.parts {
		out = append(out, f(p))
	}
	return strings.Join(out, ", ")
}

// columnList lists the new columns of a row.
func (s *split) columnList(row string) string {
	return s.joinParts(func(p *splitColumn) string { return row + quoteIdent(p.newColumn.Name) })
}

// partValue returns the value of a new column for a row. If the old value yields NULL, a NOT NULL column with a
// default gets the default.
func (s *split) partValue(p *splitColumn, row string) string {
	value, _ := pgparse.ReplaceColumns(p.value, func(string) string { return row + quoteIdent(s.old.old.Name) })
	if p.newColumn.NotNull && p.newColumn.DefaultText != "" {
		return "coalesce(" + value + ", " + p.newColumn.DefaultText + ")"
	}
	return value
}

// unfilledCondition returns the condition that all new columns of a row are NULL although the old column has a
// value for them.
func (s *split) unfilledCondition(row string) string {
	return "num_nonnulls(" + s.columnList(row) + ") = 0 AND num_nonnulls(" + s.joinParts(func(p *splitColumn) string { return s.partValue(p, row) }) + ") > 0"
}

// addExpandSteps adds the columns, keeps them in step with the old one and fills them.
func (s *split) addExpandSteps(m *Steps) {
	c, t, r := s.first, s.t, s.first.Release
	alter := "ALTER TABLE " + tableName(t) + " "
	m.reportUnreachedRows(t)
	var add, drop []string
	for _, p := range s.parts {
		head := p.def.head
		add, drop = append(add, alter+head), append(drop, alter+"DROP COLUMN IF EXISTS "+quoteIdent(p.newColumn.Name))
		add = append(add, columnGrantStatements(t, s.old.old.Name, p.newColumn.Name)...)
	}
	step := m.addStep(onward.Expand, onward.StepDDL, "add columns "+s.joinParts(func(p *splitColumn) string { return p.newColumn.Name })+" to "+t.Name.Name+
		", without defaults: a default would look like a value of the new code", add...)
	step.Undo, step.Replaces = drop, s.planReplacements()
	if s.joinExpression == "" && s.old.old.IsRequired() {
		step = m.addStep(onward.Expand, onward.StepDDL, "allow NULL in "+t.Name.Name+"."+s.old.old.Name+", because the new code leaves it out",
			alter+"ALTER COLUMN "+quoteIdent(s.old.old.Name)+" DROP NOT NULL")
		step.Undo = []string{alter + "ALTER COLUMN " + quoteIdent(s.old.old.Name) + " SET NOT NULL"}
	}
	triggers := r.newMirrorTriggers(m, t, s.old.old.Name)
	watched := []string{s.old.old.Name}
	for _, p := range s.parts {
		watched = append(watched, p.newColumn.Name)
	}
	all := s.joinParts(func(p *splitColumn) string { return p.newColumn.Name })
	reason := "create a trigger that copies " + s.old.old.Name + " of the deployed code's writes into " + all
	if s.joinExpression != "" {
		var now []*catalog.Column
		for _, p := range s.parts {
			now = append(now, p.newColumn)
		}
		reason += ", and the new code's values back into " + s.old.old.Name
		// Copying from the old column to the new ones is never left out: before the old column is dropped,
		// no check could find the rows that were not split.
		known := r.findUnwritten(t, r.head.Relation(t.OID), s.old.old, now...)
		if s.forwardOnly = known != ""; s.forwardOnly {
			reason += " when it adds a row; no UPDATE is copied back, because " + known
		}
	}
	step = m.addStep(onward.Expand, onward.StepDDL, reason,
		triggers.createStatements(t, s.triggerFunction(qualifyInSchema(t, triggers.update)), watched, "num_nonnulls("+s.columnList("NEW.")+") = 0")...)
	step.Undo = dropTriggers(t, triggers.names()...)
	set := s.joinParts(func(p *splitColumn) string { return quoteIdent(p.newColumn.Name) + " = " + s.partValue(p, "t.") })
	if s.backfill = m.addSyncedBackfill(c, t, "fill "+all+" of "+t.Name.Name+" in the rows that the trigger has not reached, in batches", set,
		s.unfilledCondition("t.")); s.backfill == nil {
		return
	}
	s.backfill.Triggers = triggers.names()
	addComparison(s.backfill, t, rowKeyColumns(c.Before, t), s.unfilledCondition("t."), updateStatement(t, set, s.unfilledCondition("t.")))
	s.triggers = triggers
	for _, p := range s.parts {
		r.markFilled(t, p.newColumn.Name)
		r.derived[columnKey(t, p.newColumn.Name)] = true
	}
	s.addNotes(m, all)
}

// triggerFunction returns the trigger function that keeps the columns of a row in step. It detects the writer by
// what changed: new columns that differ from the parts of the old value were written by new code. A
// backfill writes exactly the unfilled columns.
func (s *split) triggerFunction(fn string) string {
	old, fresh := quoteIdent(s.old.old.Name), s.columnList("NEW.")
	var declared, computed, split, missed strings.Builder
	var vars []string
	for i, p := range s.parts {
		v, col := fmt.Sprintf("onward_%d", i+1), "NEW."+quoteIdent(p.newColumn.Name)
		vars = append(vars, v)
		fmt.Fprintf(&declared, "  %s %s;\n", v, typeName(p.newColumn.Type))
		fmt.Fprintf(&computed, "  %s := %s;\n", v, s.partValue(p, "NEW."))
		fmt.Fprintf(&split, "    %s := %s;\n", col, v)
		if p.newColumn.DefaultText != "" {
			fmt.Fprintf(&missed, "      %s := coalesce(%s, %s);\n", col, col, p.newColumn.DefaultText)
		}
	}
	back := "    NULL; -- the new code's: nobody says what it is in " + old + "\n"
	if s.joinExpression != "" {
		value, _ := pgparse.ReplaceColumns(s.joinExpression, func(column string) string { return "NEW." + quoteIdent(column) })
		back = "    NEW." + old + " := " + value + ";\n"
	}
	applyDefaults := missed.String()
	if applyDefaults != "" {
		applyDefaults = "    IF TG_OP = 'INSERT' THEN\n" + applyDefaults + "    END IF;\n"
	}
	oldParts := s.columnList("OLD.")
	unfilled := "num_nonnulls(" + fresh + ") = 0 AND NEW." + old + " IS DISTINCT FROM NULL"
	newChanged, other := " OR TG_OP = 'UPDATE' AND "+distinctCondition(fresh, oldParts), " OR ("+distinctCondition("NEW."+old, "OLD."+old)+" OR "+unfilled+")"
	if s.forwardOnly { // a write to the new columns, despite the evidence, is not copied back
		newChanged, other = "", other+" AND NOT "+distinctCondition(fresh, oldParts)
	}
	return "CREATE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $onward$\nDECLARE\n" + declared.String() + "BEGIN\n" +
		"  IF TG_OP = 'UPDATE' AND NOT " + distinctCondition(fresh+", NEW."+old,
		oldParts+", OLD."+old) + " AND NOT (" + unfilled + ") THEN\n    RETURN NEW;\n  END IF;\n" + computed.String() +
		"  IF " + distinctCondition(fresh, strings.Join(vars, ", ")) + " AND (TG_OP = 'INSERT' AND num_nonnulls(" + fresh + ") > 0" + newChanged + ") THEN\n" +
		applyDefaults + back +
		"  ELSIF TG_OP = 'INSERT'" + other + " THEN\n" + split.String() +
		"  END IF;\n  RETURN NEW;\nEND\n$onward$"
}

// addContractSteps gives the new columns their final definition, and drops the old one.
func (s *split) addContractSteps(m *Steps) {
	t := s.t
	alter := "ALTER TABLE " + tableName(t) + " "
	var last []string
	drop := alter + "DROP COLUMN " + quoteIdent(s.old.old.Name)
	if c := s.old.changes[len(s.old.changes)-1]; c.Command.Behavior == pgparse.DropBehavior_DROP_CASCADE {
		drop += " CASCADE"
	}
	last = append(last, drop)
	for _, p := range s.parts {
		if p.newColumn.NotNull {
			m.addNotNullSteps(p.changes[0], t, p.newColumn.Name, onward.Contract)
		}
		for i, con := range p.def.conditions {
			p.def.addColumnConstraint(m, p.changes[0], t, con, p.def.texts[i], onward.Contract)
		}
		if p.newColumn.DefaultText != "" {
			last = append(last, alter+"ALTER COLUMN "+quoteIdent(p.newColumn.Name)+" SET DEFAULT "+p.newColumn.DefaultText)
		}
		if p.newColumn.Comment != "" {
			last = append(last, "COMMENT ON COLUMN "+tableName(t)+"."+quoteIdent(p.newColumn.Name)+" IS "+pgparse.QuoteLiteral(p.newColumn.Comment))
		}
	}
	marks := s.markUnsplit(m)
	step := m.addStep(onward.Contract, onward.StepDDL, "drop "+t.Name.Name+"."+s.old.old.Name+", which no code uses any more",
		slices.Concat(marks.dropStatements(), dropTriggers(t, s.triggers.names()...), last)...)
	step.Marks = []onward.PlanMarks{marks.planMarks()}
	step.Check = "SELECT 1 FROM " + tableName(t) + " AS t WHERE " + s.unfilledCondition("t.") + " LIMIT 1"
	step.AfterBackfills = []*onward.PlannedBackfill{s.backfill}
}

func (s *split) addNotes(m *Steps, all string) {
	old, t := s.old.old, s.t.Name
	m.addNote("%s of %s is declared as split into %s: the plan keeps its values, which the migrations drop", old.Name, t, all)
	m.addNote("conditions of %s (NOT NULL, UNIQUE, CHECK, FOREIGN KEY) come when the deployed code is gone: "+
		"until then its values of %s are split, whatever they are", all, old.Name)
	if s.joinExpression == "" {
		oldValue := "NULL"
		if old.DefaultText != "" {
			oldValue = "its default"
		}
		m.addNote("nothing declares how to join %s: in rows that new code adds it is %s for the deployed code, "+
			"in rows that new code changes it keeps its old value, and an abort loses the values that new code wrote to %s", old.Name, oldValue, all)
	} else {
		whole := s.roundTripExpression()
		m.addNote("where a value of %s is not the same when it is split and joined again, it stays as it was written: "+
			"new code's parts stay, too, until the deployed code writes another value. How many rows have such a value: "+
			"SELECT count(*) FROM %s WHERE %s IS DISTINCT FROM %s", old.Name, tableName(s.t), quoteIdent(old.Name), whole)
		if old.NotNull {
			m.addNote("up to the last step %s must not be NULL: rows of new code for which %s is NULL are refused", old.Name, s.joinExpression)
		}
	}
	if old.DefaultText != "" {
		m.addNote("an INSERT of new code that gives none of %s gets the parts of the default of %s, up to the last step", all, old.Name)
	}
	for _, p := range s.parts {
		if p.newColumn.DefaultText != "" {
			m.addNote("an INSERT of new code that gives %s as NULL gets its default, up to the last step", p.newColumn.Name)
		}
		if columnTypeName := p.newColumn.Type.Name.Name; columnTypeName != "text" && p.newColumn.Type.Name.Schema == "pg_catalog" ||
			p.newColumn.Type.Name.Schema != "pg_catalog" {
			m.addNote("%s is %s: a value of %s whose part does not fit it is refused, to the deployed code, too", p.newColumn.Name, p.newColumn.Type.FormatFull(),
				old.Name)
		}
	}
	m.addNote("the backfill of %s fires the triggers that %s has for UPDATE", all, t)
}

// roundTripExpression returns the old value after splitting and joining it again.
func (s *split) roundTripExpression() string {
	out, _ := pgparse.ReplaceColumns(s.joinExpression, func(column string) string {
		i := slices.IndexFunc(s.parts, func(p *splitColumn) bool { return p.newColumn.Name == column })
		return "(" + s.parts[i].value + ")"
	})
	return out
}

// findDeprecation returns the deprecation of a column that the release drops; nil if it has none.
func (r *Release) findDeprecation(old *columnChange) *deprecation.Deprecation {
	if old.old == nil || old.newColumn != nil {
		return nil
	}
	drop := old.changes[len(old.changes)-1]
	t, col := drop.changedColumn()
	if col == nil || drop.commandType() != pgparse.AlterTableType_AT_DropColumn {
		return nil
	}
	return deprecation.ColumnDeprecation(t.Name, col, r.Deprecated)
}

// findAddedColumn returns a column that the release adds to a table; nil if it adds none of that name.
func (r *Release) findAddedColumn(table catalog.OID, column string) *columnChange {
	for _, colChange := range r.columnOrder {
		if colChange.table == table && colChange.old == nil && colChange.newColumn != nil && colChange.newColumn.Name == column {
			return colChange
		}
	}
	return nil
}
