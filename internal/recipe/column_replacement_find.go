package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// findReplacement returns the replacement of a column that is renamed, or that changes to a type for which each
// row is rewritten; nil if the column stays.
func (r *Release) findReplacement(colChange *columnChange) *replacement {
	first := colChange.leadChange()
	if colChange.old == nil || colChange.newColumn == nil || first == nil || colChange.viewed {
		return nil
	}
	enum := r.enumOf(colChange)
	if enum != nil && enum.grows {
		return nil
	}
	renamed := colChange.old.Name != colChange.newColumn.Name
	retyped := slices.ContainsFunc(colChange.changes, (*Change).changesType) || colChange.declaredByComment && !colChange.old.Type.IsSame(colChange.newColumn.Type)
	if !renamed && !slices.ContainsFunc(colChange.changes, func(c *Change) bool { return c.changesType() && (c.rewritesTable() || c.blocksOthers()) }) {
		return nil
	}
	w := &replacement{columnChange: colChange, c: first, t: r.Deployed.Relation(colChange.table), head: r.head.Relation(colChange.table),
		copiesBack: renamed, typesDiffer: retyped}
	if w.t == nil {
		w.t, _ = first.changedColumn()
	}
	if !colChange.old.Type.IsKnown() || !colChange.newColumn.Type.IsKnown() {
		w.addObstacle("the type of %s.%s is not known: the history does not show how it was made; --db reads it from a server", w.t.Name, colChange.old.Name)
		return w
	}
	w.typ, w.newName = typeName(colChange.newColumn.Type), colChange.newColumn.Name
	if !renamed {
		w.newName = r.uniqueName(colChange.old.Name, "onward", "")
	}
	if colChange.newColumn.Collation != "" {
		w.collate = " COLLATE " + quoteIdent(colChange.newColumn.Collation)
	}
	w.setConversion()
	if enum != nil {
		w.setEnumConversion(enum)
		w.using = false // names of the new type's values are names of the old one's
	}
	if w.mayFail = w.conversionMayFail(); w.mayFail {
		w.values = r.uniqueName("onward_"+w.t.Name.Name, colChange.old.Name, "value")
	}
	if w.typesDiffer && enum == nil {
		w.rights.clause += w.fixedSettingClauses()
	}
	w.checkConflicts(renamed)
	w.findForeignKeyActions()
	w.chooseDirection()
	return w
}

// addObstacle adds a reason why the replacement cannot be made.
func (w *replacement) addObstacle(format string, args ...any) {
	w.obstacles = append(w.obstacles, fmt.Sprintf(format, args...))
}

// setConversion sets how the new column's values are computed.
func (w *replacement) setConversion() {
	value, hasUsing, err := w.convertValue("$1")
	switch {
	case err != nil:
		w.addObstacle("%v", err)
	case hasUsing && w.copiesBack:
		w.addObstacle("%s of %s gets another name and, by USING, another value in one release: "+
			"nothing tells which values of the new code belong into the old column. Two releases can be planned", w.old.Name, w.t.Name)
	case hasUsing: // writers may have another search path, and other rights
		w.rights = w.c.Release.findEvaluationRights(w.t, []catalog.Type{w.old.Type, w.newColumn.Type}, value)
	case w.typesDiffer && w.c.Release.enumOf(w.columnChange) == nil && (w.old.Type.OID != 0 || w.newColumn.Type.OID != 0): // a cast may be a function
		w.rights = w.c.Release.findEvaluationRights(w.t, []catalog.Type{w.old.Type, w.newColumn.Type})
	}
	w.conversion, w.using = value, hasUsing
}

// checkConflicts reports other changes of the release that cannot be planned together with this one.
func (w *replacement) checkConflicts(renamed bool) {
	if w.t.Name != w.head.Name {
		w.addObstacle("%s gets another name, and its column %s other ones or another type, in one release: a release for each is planned", w.t.Name, w.old.Name)
	}
	if w.declaredByComment {
		w.checkDeclaredRename()
	}
	if renamed && w.t.Column(w.newColumn.Name) != nil {
		w.addObstacle("%s of %s gets the name %s, which another column of the deployed schema has: "+
			"deployed code and new code would mean different columns by one name", w.old.Name, w.t.Name, w.newColumn.Name)
	}
	if w.old.Identity != w.newColumn.Identity || w.old.Sequence != w.newColumn.Sequence {
		w.addObstacle("what fills %s of %s is changed together with its name or type: a release for each is planned", w.old.Name, w.t.Name)
	}
	r := w.c.Release
	if renamed {
		for _, c := range r.changes {
			if !w.declaredByComment && slices.Contains(c.setColumns(), w.columnID) && !c.fillsOnlyNull(w.old.Name, w.newColumn.Name) && !c.onlyTrims() {
				w.addObstacle("%s:%d changes the values of %s, which the release renames to %s: deployed code and new code would mean different values by "+
					"the two names. Change the values in a release of its own", c.Migration.Path, c.Line, w.old.Name, w.newColumn.Name)
			}
		}
		return
	}
	for _, c := range r.changes[slices.Index(r.changes, w.c):] {
		if c.writesColumn(w.table, w.old.Name) {
			w.addObstacle("%s:%d changes rows by %s of its new type, which is beside the old one until the last step: it is to come in a later release",
				c.Migration.Path, c.Line, w.old.Name)
		}
	}
}

// chooseDirection leaves out what copies an UPDATE back if it is known that the new code never writes the new column. The other direction is never left out: a
// trigger that only the database has may set the old column.
func (w *replacement) chooseDirection() {
	if w.copiesBack && !w.typesDiffer {
		w.evidence = w.c.Release.findUnwritten(w.t, w.head, w.old, w.newColumn)
	}
}

// findUnwritten returns the evidence that the new code never writes the columns that replace a column of the base; "" if there is none. Triggers, functions and
// foreign keys may write columns that no query names.
func (r *Release) findUnwritten(t, head *catalog.Relation, old *catalog.Column, now ...*catalog.Column) string {
	if r.Unwritten == nil || t.Inferred || t.Partial || len(t.Triggers) > 0 || len(head.Triggers) > 0 || r.isWrittenByDatabase(t, old.Attnum) {
		return ""
	}
	var reads []string
	for _, col := range now {
		reason := r.Unwritten(head, col.Name)
		if reason == "" || r.isWrittenByDatabase(head, col.Attnum) {
			return ""
		}
		reads = append(reads, "the new code only reads "+col.Name+" ("+reason+")")
	}
	return strings.Join(reads, ", ")
}

// isWrittenByDatabase reports whether the database itself may write a column: through the action of a foreign key,
// or in functions that name the table or build their SQL at run time.
func (r *Release) isWrittenByDatabase(t *catalog.Relation, column int16) bool {
	for _, con := range t.Constraints {
		writesColumns := con.OnUpdate != "" && con.OnUpdate != "restrict" || con.OnDelete == "set null" || con.OnDelete == "set default"
		if con.Kind == catalog.ForeignKey && writesColumns && slices.Contains(con.Columns, column) {
			return true
		}
	}
	found := false
	for _, c := range []*catalog.Catalog{r.Deployed, r.head} {
		c.EachFunction(func(fn *catalog.Function) bool {
			names := pgparse.ListNames(fn.Body)
			known := fn.Language == "sql" || fn.Language == "plpgsql"
			found = found || !known || slices.Contains(names, t.Name.Name) || slices.Contains(names, "execute")
			return !found
		})
	}
	return found
}

// checkDeclaredRename reports statements that give the new column other values, although it is declared as the
// renamed old one.
func (w *replacement) checkDeclaredRename() {
	for _, c := range w.c.Release.changes {
		if c.writesColumn(w.table, w.newColumn.Name) && !c.isColumnCopy(w.old.Name, w.newColumn.Name) {
			w.addObstacle("%s:%d gives %s other values, and %s is declared as renamed to it: one of the two is wrong", c.Migration.Path, c.Line, w.newColumn.Name,
				w.old.Name)
		}
	}
	if w.newColumn.Generated != "" || slices.ContainsFunc(w.changes, (*Change).changesType) {
		w.addObstacle("%s is declared as renamed to %s, which is not a plain column that the release adds in its final form", w.old.Name, w.newColumn.Name)
	}
}

// changesRows reports whether a change adds, changes or removes rows of a table.
func (c *Change) changesRows(table catalog.OID) bool {
	t := c.writtenTable()
	return t != nil && t.OID == table
}

// onlyTrims reports whether an UPDATE only takes characters from the ends of the values: both codes mean the same by them.
func (c *Change) onlyTrims() bool {
	update := c.Node.GetUpdateStmt()
	return update != nil && !slices.ContainsFunc(update.TargetList, func(n *pgparse.Node) bool {
		target := n.GetResTarget()
		call := target.GetVal().GetFuncCall()
		return call == nil || !slices.Contains([]string{"btrim", "ltrim", "rtrim"}, pgparse.LastText(call.Funcname)) ||
			len(call.Args) == 0 || pgparse.LastText(call.Args[0].GetColumnRef().GetFields()) != target.Name
	})
}
