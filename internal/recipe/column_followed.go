package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// columnFollowed fills new columns from other columns of the same row. A trigger computes them for what the deployed code writes, from before the
// backfill until that code is gone. What new code writes to them stays.
// https://www.postgresql.org/docs/current/plpgsql-trigger.html
var columnFollowed = &Recipe{Name: "column-followed", Make: func(c *Change) *Steps {
	if f := c.Release.followed[c]; f != nil {
		return f.makeSteps()
	}
	return nil
}}

// followedColumns are the new columns that an UPDATE sets.
type followedColumns struct {
	c         *Change
	t         *catalog.Relation // before the UPDATE
	targets   []*catalog.Column
	sources   []string // the columns that the values and the condition read
	values    []string
	condition string // "" for all rows
}

// findFollowedColumns finds the statements whose columns a trigger can fill, before any change is planned: conditions on such columns wait until
// the deployed code is gone.
func (r *Release) findFollowedColumns() {
	r.followed = map[*Change]*followedColumns{}
	for _, c := range r.changes {
		if f := c.readFollowedColumns(); f != nil {
			r.followed[c] = f
			for _, col := range f.targets {
				r.derived[columnKey(f.t, col.Name)] = true
			}
		}
	}
}

// readFollowedColumns returns the new columns that a change fills from the rest of the row; nil if it does anything else.
func (c *Change) readFollowedColumns() *followedColumns {
	update, r := c.Node.GetUpdateStmt(), c.Release
	if update == nil || len(update.FromClause) > 0 || update.GetReturningClause() != nil || update.WithClause != nil {
		return nil
	}
	t, text := c.changedTable(), pgparse.SplitUpdate(c.SQL)
	if t == nil || text == nil || t.Kind != catalog.Table || r.Deployed.Relation(t.OID) == nil || len(text.Values) != len(update.TargetList) {
		return nil
	}
	if head := r.head.Relation(t.OID); head == nil || head.Name != t.Name {
		return nil
	}
	f := &followedColumns{c: c, t: t, values: text.Values, condition: text.Where}
	for _, id := range c.setColumns() {
		change := r.columnChanges[id]
		if change == nil || change.old != nil || change.split != nil || change.newColumn == nil || t.Column(change.newColumn.Name) == nil ||
			change.leadChange() != nil || change.newColumn.Generated != "" || change.newColumn.DefaultText != "" || r.writesElsewhere(c, id) {
			return nil
		}
		f.targets = append(f.targets, change.newColumn)
	}
	isOptional := slices.ContainsFunc(f.targets, func(col *catalog.Column) bool { return !col.NotNull })
	if !f.judgeValues(update) || len(f.sources) == 0 && isOptional { // a constant may mark the rows of before
		return nil
	}
	return f
}

// writesElsewhere reports whether another change of the release gives a column values.
func (r *Release) writesElsewhere(c *Change, id columnID) bool {
	return slices.ContainsFunc(r.changes, func(o *Change) bool { return o != c && slices.Contains(o.setColumns(), id) })
}

// judgeValues reports whether all values and the condition are the same in each session, and read only columns that stay under their names until
// the deployed code is gone.
func (f *followedColumns) judgeValues(update *pgparse.UpdateStmt) bool {
	r := f.c.Release
	j := &rowJudge{c: f.c.Before, table: f.t, versions: r.Versions}
	for i, n := range update.TargetList {
		value := n.GetResTarget().GetVal()
		j.judgeExpression(value)
		target := f.targets[i].Type
		if (isSessionType(target) || j.hasSessionType(value)) && (target.Array > 0 || j.typeOf(value) != target.Name.Name) {
			return false // the assignment converts it by the settings of the session
		}
	}
	j.judgeExpression(update.WhereClause)
	for _, text := range append(slices.Clone(f.values), f.condition) {
		if _, ok := f.rewrite(text, "NEW."); text != "" && !ok {
			return false
		}
	}
	for _, name := range f.sources {
		col := f.t.Column(name)
		if col == nil || col.Generated != "" || r.Deployed.Relation(f.t.OID).Attr(col.Attnum) == nil {
			return false
		}
		change := r.columnChanges[columnID{f.t.OID, col.Attnum}]
		if change != nil && (change.replacement != nil || change.split != nil || change.leadChange() != nil) {
			return false
		}
	}
	return j.why == ""
}

// rewrite takes an expression's columns from a row. A column that the UPDATE sets has no value before.
func (f *followedColumns) rewrite(text, row string) (string, bool) {
	return pgparse.ReplaceColumns(text, func(column string) string {
		if i := slices.IndexFunc(f.targets, func(col *catalog.Column) bool { return col.Name == column }); i >= 0 {
			return "NULL::" + typeName(f.targets[i].Type)
		}
		if !slices.Contains(f.sources, column) {
			f.sources = append(f.sources, column)
		}
		return row + quoteIdent(column)
	})
}

// value returns the value that the UPDATE gives the ith column of a row.
func (f *followedColumns) value(i int, row string) string {
	value, _ := f.rewrite(f.values[i], row)
	if f.condition == "" {
		return value
	}
	condition, _ := f.rewrite(f.condition, row)
	return "CASE WHEN " + condition + " THEN " + value + " END"
}

func (f *followedColumns) names() (names []string) {
	for _, col := range f.targets {
		names = append(names, col.Name)
	}
	return names
}

// makeSteps adds the trigger, the backfill, and the end of the trigger.
func (f *followedColumns) makeSteps() *Steps {
	m, c, t, r := &Steps{}, f.c, f.t, f.c.Release
	m.reportUnreachedRows(t)
	names := f.names()
	all := strings.Join(names, ", ")
	triggers := r.newMirrorTriggers(m, t, names[0])
	s := m.addStep(onward.Expand, onward.StepDDL, "create a trigger that computes "+all+" of "+t.Name.Name+" in the rows that the deployed code writes",
		triggers.createStatements(t, f.triggerFunction(triggers.update), slices.Concat(names, f.sources),
			"pg_catalog.num_nonnulls("+listOfRow("NEW.", names)+") = 0")...)
	s.Undo = dropTriggers(t, triggers.names()...)
	var set, unfilled []string
	for i, name := range names {
		set, unfilled = append(set, quoteIdent(name)+" = "+f.value(i, "t.")), append(unfilled, "t."+quoteIdent(name))
	}
	b := m.addSyncedBackfill(c, t, "compute "+all+" of "+t.Name.Name+" in the rows that the trigger has not reached, in batches", strings.Join(set, ", "),
		"num_nonnulls("+strings.Join(unfilled, ", ")+") = 0")
	if b == nil {
		return m
	}
	b.Triggers = triggers.names()
	for _, name := range names {
		r.markFilled(t, name)
	}
	c.recordRowEffects()
	m.addStep(onward.Contract, onward.StepDDL, "drop the trigger that computes "+all+": only new code is left", dropTriggers(t, triggers.names()...)...)
	m.addNote("a trigger computes %s of %s up to the last step, in rows that are added without a value, and in rows whose value is still the computed one. "+
		"A write is refused if a value cannot be computed or does not fit", all, t.Name)
	return m
}

// triggerFunction returns the trigger's function. A column that differs from its computed value was written by new code.
func (f *followedColumns) triggerFunction(trigger string) string {
	var declared, fresh, old, assigned strings.Builder
	var columns, before, computed []string
	for i, col := range f.targets {
		v, name := fmt.Sprintf("onward_%d", i+1), quoteIdent(col.Name)
		fmt.Fprintf(&declared, "  %s %s;\n  %[1]s_old %[2]s;\n", v, typeName(col.Type))
		fmt.Fprintf(&fresh, "  %s := %s;\n", v, f.value(i, "NEW."))
		fmt.Fprintf(&old, "    %s_old := %s;\n", v, f.value(i, "OLD."))
		fmt.Fprintf(&assigned, "    NEW.%s := %s;\n", name, v)
		columns, before, computed = append(columns, "NEW."+name), append(before, "OLD."+name), append(computed, v+"_old")
	}
	values := strings.Join(columns, ", ")
	return "CREATE FUNCTION " + qualifyInSchema(f.t, trigger) + "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $onward$\nDECLARE\n" +
		declared.String() + "BEGIN\n" +
		"  IF TG_OP = 'UPDATE' THEN\n" + old.String() +
		"    IF " + distinctCondition(values, strings.Join(before, ", ")) + " OR num_nonnulls(" + values + ") > 0 AND " +
		distinctCondition(values, strings.Join(computed, ", ")) + " THEN\n      RETURN NEW;\n    END IF;\n" +
		"  ELSIF num_nonnulls(" + values + ") > 0 THEN\n    RETURN NEW;\n  END IF;\n" +
		fresh.String() + strings.ReplaceAll(assigned.String(), "    ", "  ") + "  RETURN NEW;\nEND\n$onward$"
}
