package recipe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// rowsListed splits an INSERT of many rows whose query cannot be restricted to rows of one table: it groups, sorts or counts them. The query
// runs once and writes a table of the plan, from which batches insert.
// https://www.postgresql.org/docs/current/sql-insert.html
var rowsListed = &Recipe{Name: "rows-listed", Make: func(c *Change) *Steps {
	insert := c.Node.GetInsertStmt()
	if insert == nil || insert.GetReturningClause() != nil || !c.writesManyRows() || !c.keepsMeaningInBatch() {
		return nil
	}
	target := c.resolveRelation(insert.Relation)
	text := pgparse.SplitInsert(c.SQL)
	if target == nil || target.Kind != catalog.Table || text == nil {
		return nil
	}
	columns := insertedColumns(target, insert)
	w := &rowStatement{verb: "INSERT", target: target, set: columns}
	if len(columns) == 0 || w.refersToItself() {
		return nil
	}
	var typed, names, values []string
	for i, name := range columns {
		value := "onward_value" + strconv.Itoa(i+1)
		typed, names, values = append(typed, quoteIdent(name)+" AS "+value), append(names, value), append(values, "t."+value)
	}
	m, list := &Steps{}, c.Release.newListTable(target, "rows", 1)
	// A value is converted as the INSERT converts it.
	m.addList(list, target, typed, "ADD COLUMN "+batchKeyColumn(0)+" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		"("+strings.Join(names, ", ")+") ("+text.Query+")")
	m.addListBatches(c, target, list, "insert the listed rows of "+target.Name.Name+" in batches, each in its own transaction", func(join string) string {
		return text.Head + " SELECT " + strings.Join(values, ", ") + " FROM " + tableName(list) + " AS t, batch WHERE " + join +
			" ORDER BY t." + batchKeyColumn(0) + " " + text.Conflict
	})
	m.recordBatchWrites(c, w)
	m.addNote("an INSERT into %s became a list of rows, which one query makes, and batches that insert them: what the deployed code writes meanwhile "+
		"is not among them", target.Name)
	return m
}}

// insertedColumns returns the columns to which an INSERT gives values, in their order; nil if they are not known.
func insertedColumns(target *catalog.Relation, insert *pgparse.InsertStmt) (out []string) {
	for _, n := range insert.Cols {
		if column := n.GetResTarget(); len(column.GetIndirection()) == 0 && target.Column(column.GetName()) != nil {
			out = append(out, column.GetName())
		}
	}
	if len(insert.Cols) > 0 {
		if len(out) < len(insert.Cols) {
			return nil
		}
		return out
	}
	query := insert.SelectStmt.GetSelectStmt()
	for query.GetLarg() != nil {
		query = query.GetLarg()
	}
	values := query.GetTargetList()
	if len(values) > len(target.Columns) || slices.ContainsFunc(values, func(n *pgparse.Node) bool {
		ref := n.GetResTarget().GetVal().GetColumnRef()
		return ref != nil && pgparse.EndsInStar(ref)
	}) {
		return nil
	}
	for _, column := range target.Columns[:len(values)] {
		out = append(out, column.Name)
	}
	return out
}

// newListTable returns a table of the plan for the rows of a statement. Its key has a number of columns, which are called as those of a batch.
func (r *Release) newListTable(target *catalog.Relation, label string, keys int) *catalog.Relation {
	list := &catalog.Relation{Name: catalog.Name{Schema: Schema, Name: r.uniqueName(target.Name.Name, label, "values")}, Kind: catalog.Table}
	key := &catalog.Constraint{Kind: catalog.PrimaryKey}
	for i := range keys {
		list.Columns = append(list.Columns, &catalog.Column{Name: batchKeyColumn(i), Attnum: int16(i + 1), NotNull: true}) //nolint:gosec // few columns
		key.Columns = append(key.Columns, list.Columns[i].Attnum)
	}
	list.Constraints = []*catalog.Constraint{key}
	return list
}

// addList adds the steps that make a list, with columns of the target's types and a key, and that fill it.
func (m *Steps) addList(list, target *catalog.Relation, columns []string, key, query string) {
	s := m.addStep(onward.Backfill, onward.StepDDL, "create a list for rows of "+target.Name.Name,
		"CREATE SCHEMA IF NOT EXISTS "+Schema,
		"CREATE TABLE "+tableName(list)+" AS SELECT "+strings.Join(columns, ", ")+" FROM "+tableName(target)+" WITH NO DATA",
		"ALTER TABLE "+tableName(list)+" "+key)
	undo := []string{"DROP TABLE IF EXISTS " + tableName(list)}
	s.Undo, s.Bookkeeping = undo, true
	m.addStep(onward.Backfill, onward.StepWork, "list what the batches write to "+target.Name.Name+", and write none of it",
		"INSERT INTO "+tableName(list)+" "+query).Undo = undo
}

// addListBatches adds the batches that go along a list, and drops it. Its rows cannot be recognized in the target afterwards, so they are not compared.
func (m *Steps) addListBatches(c *Change, target, list *catalog.Relation, reason string, work func(join string) string) {
	m.addBatches(c, list, reason, work)
	m.addStep(onward.Backfill, onward.StepDDL, "drop the list for rows of "+target.Name.Name, "DROP TABLE IF EXISTS "+tableName(list)).Bookkeeping = true
	for i := range m.Steps {
		m.Steps[i].Phase = onward.Backfill // the cursor's end is the list's
	}
}
