package recipe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// tableRename renames a table, and leaves a view under the old name until the deployed code is
// gone. Postgres writes through such a view, with the table's defaults.
// https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
var tableRename = &Recipe{Name: "table-rename", Make: func(c *Change) *Steps {
	stmt := c.Node.GetRenameStmt()
	if stmt == nil || stmt.RenameType != pgparse.ObjectType_OBJECT_TABLE {
		return nil
	}
	t := c.changedTable()
	if t == nil || t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable {
		return nil
	}
	m := &Steps{}
	if t.HasUnknownColumns() {
		m.addMissing("not all columns of %s are known: --db reads them from a server", t.Name)
		return m
	}
	old, now := tableName(t), qualifyInSchema(t, stmt.Newname)
	var columns, rename, restore []string
	for _, col := range t.Columns {
		fresh := c.Release.viewedName(t, col)
		if columns = append(columns, quoteIdent(fresh)); fresh == col.Name {
			continue
		}
		columns[len(columns)-1] += " AS " + quoteIdent(col.Name)
		rename = append(rename, "ALTER TABLE "+now+" RENAME COLUMN "+quoteIdent(col.Name)+" TO "+quoteIdent(fresh))
		restore = append(restore, "ALTER TABLE IF EXISTS "+now+" RENAME COLUMN "+quoteIdent(fresh)+" TO "+quoteIdent(col.Name))
	}
	// From 15 on, a view can use the rights of the role that reads it; before, it uses its
	// owner's. With the reader's rights, a role needs privileges on all of the view's columns.
	invoker, before15 := "", slices.ContainsFunc(c.Release.Versions, func(v int) bool { return v < 15 })
	narrow := slices.ContainsFunc(t.Grants, func(g catalog.Grant) bool { _, columns := splitColumnPrivilege(g); return columns != nil })
	switch {
	case t.RLS && before15:
		m.addMissing("%s has row-level security, which a view has only from Postgres 15 on", t.Name)
	case t.RLS && narrow:
		m.addMissing("%s has row-level security, and a role has privileges on some of its columns only: a view can keep one of the two", t.Name)
	case !before15 && !narrow:
		invoker = " WITH (security_invoker = true)"
	}
	sql := append(append([]string{c.SQL}, rename...), "CREATE VIEW "+old+invoker+" AS SELECT "+strings.Join(columns, ", ")+" FROM "+now)
	for _, g := range c.Release.listGrants(t) {
		sql = append(sql, "GRANT "+formatPrivilege(g)+" ON "+old+" TO "+quoteRole(g.Role))
	}
	sql = append(sql, acl.SetLike(acl.Relation, old, now))
	subject, view := "rename "+t.Name.Name+" to "+stmt.Newname, "a view of the old name"
	if len(rename) > 0 {
		subject, view = subject+", and "+strconv.Itoa(len(rename))+" of its columns", "a view of the old names"
	}
	s := m.addStep(onward.Expand, onward.StepDDL, subject+", with "+view+" for the deployed code: old and new names exist at each moment", sql...)
	s.Undo = slices.Concat([]string{"DROP VIEW IF EXISTS " + old}, restore, []string{"ALTER TABLE IF EXISTS " + now + " RENAME TO " + quoteIdent(t.Name.Name)})
	m.addStep(onward.Contract, onward.StepDDL, "drop the view "+t.Name.Name+", which no code uses any more", "DROP VIEW "+old)
	m.addNote("from this step on GRANT and REVOKE on %s reach only the view: run them on %s, too", t.Name.Name, stmt.Newname)
	if before15 {
		m.addNote("the plan is for servers before 15, too: there the view %s shows rows with its owner's rights. "+
			"onward apply adds security_invoker from 15 on, and refuses a table with row-level security before 15. "+
			"Other tools that run these statements do neither: set the server's version in onward.yaml, under postgres", t.Name.Name)
	}
	m.addNote("no deployed code may use what does not work through the view %s: COPY into it, TRUNCATE, TABLESAMPLE, ON CONFLICT ON CONSTRAINT, "+
		"the system columns xmin, ctid and tableoid, and GROUP BY of the key with other columns in the list", t.Name)
	return m
}}

func quoteRole(name string) string {
	if strings.EqualFold(name, "public") {
		return "PUBLIC"
	}
	return quoteIdent(name)
}

// findViewedColumns finds the columns that get another name, and nothing else, after their table got one. The view of the table's old name has
// their old names, too: no second column and no trigger are needed.
func (r *Release) findViewedColumns() {
	renames := map[catalog.OID][]int{} // the places of the statements that rename a table
	for i, c := range r.changes {
		if stmt := c.Node.GetRenameStmt(); stmt.GetRenameType() == pgparse.ObjectType_OBJECT_TABLE && c.changedTable() != nil {
			renames[c.changedTable().OID] = append(renames[c.changedTable().OID], i)
		}
	}
	for _, colChange := range r.columnOrder {
		tableRenames, first := renames[colChange.table], colChange.leadChange()
		if len(tableRenames) != 1 || first == nil || colChange.old == nil || colChange.newColumn == nil || colChange.split != nil || colChange.declaredByComment ||
			colChange.old.Name == colChange.newColumn.Name || slices.ContainsFunc(colChange.changes, (*Change).changesType) {
			continue
		}
		colChange.viewed = tableRenames[0] < slices.Index(r.changes, first)
	}
}

// viewedName returns the name that a column has after the rename of its table.
func (r *Release) viewedName(t *catalog.Relation, col *catalog.Column) string {
	if colChange := r.columnChanges[columnID{t.OID, col.Attnum}]; colChange != nil && colChange.viewed {
		return colChange.newColumn.Name
	}
	return col.Name
}
