package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// tableRename renames a table, and leaves a view under the old name until the deployed code is
// gone. Postgres writes through such a view, with the table's defaults.
// https://www.postgresql.org/docs/current/sql-createview.html#SQL-CREATEVIEW-UPDATABLE-VIEWS
var tableRename = &Recipe{Name: "table-rename", Make: func(c *Change) *Made {
	stmt := c.Node.GetRenameStmt()
	if stmt == nil || stmt.RenameType != pgparse.ObjectType_OBJECT_TABLE {
		return nil
	}
	t := c.table()
	if t == nil || t.Kind != catalog.Table && t.Kind != catalog.PartitionedTable {
		return nil
	}
	m := &Made{}
	if t.Open() {
		m.missing("not all columns of %s are known: --db reads them from a server", t.Name)
		return m
	}
	old, now := name(t), inSchema(t, stmt.Newname)
	var columns []string
	for _, col := range t.Columns {
		columns = append(columns, quote(col.Name))
	}
	// From 15 a view can ask for the rights of who reads it; before, it has its owner's.
	// Then a role needs the privileges on all of its columns.
	invoker, before15 := "", slices.ContainsFunc(c.Release.Versions, func(v int) bool { return v < 15 })
	narrow := slices.ContainsFunc(t.Grants, func(g catalog.Grant) bool { _, columns := columnsOf(g); return columns != nil })
	switch {
	case t.RLS && before15:
		m.missing("%s has row-level security, which a view has only from Postgres 15 on", t.Name)
	case t.RLS && narrow:
		m.missing("%s has row-level security, and a role has privileges on some of its columns only: a view can keep one of the two", t.Name)
	case !before15 && !narrow:
		invoker = " WITH (security_invoker = true)"
	}
	sql := []string{c.SQL, "CREATE VIEW " + old + invoker + " AS SELECT " + strings.Join(columns, ", ") + " FROM " + now}
	for _, g := range t.Grants {
		sql = append(sql, "GRANT "+privilege(g)+" ON "+old+" TO "+role(g.Role))
	}
	s := m.add(onward.Expand, onward.StepDDL, "the deployed code reads and writes "+t.Name.Name+" as a view of "+stmt.Newname+": both names are there at each moment", sql...)
	s.Undo = []string{"DROP VIEW IF EXISTS " + old, "ALTER TABLE IF EXISTS " + now + " RENAME TO " + quote(t.Name.Name)}
	m.add(onward.Contract, onward.StepDDL, "nobody uses the old name any more", "DROP VIEW "+old)
	m.note("from this step on GRANT and REVOKE on %s reach only the view: run them on %s, too", t.Name.Name, stmt.Newname)
	if before15 {
		m.note("the plan is for servers before 15, too: there the view %s shows rows with its owner's rights. onward apply adds security_invoker from 15 on, and refuses a table with row-level security before 15. "+
			"Other tools that run these statements do neither: set the server's version in onward.yaml, under postgres", t.Name.Name)
	}
	m.note("COPY into %s, TRUNCATE and ON CONFLICT ON CONSTRAINT do not work through a view: no deployed code may use them", t.Name.Name)
	return m
}}

func role(name string) string {
	if strings.EqualFold(name, "public") {
		return "PUBLIC"
	}
	return quote(name)
}
