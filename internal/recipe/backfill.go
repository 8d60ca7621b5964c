package recipe

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Schema is the schema for the plan's own data: the positions of its backfills. Comparisons of schemas ignore it, and
// the last step drops it.
const Schema = onward.PlanRoom

// addBackfill fills columns of all rows in small batches. set is the list of assignments. where is the condition on the
// rows to change, "" for all. Both name columns of t.
func (m *Steps) addBackfill(c *Change, t *catalog.Relation, reason, set, where string) *onward.PlannedBackfill {
	return m.addBatches(c, t, reason, updateStatement(t, set, where))
}

// updateStatement returns the statement of a backfill that updates rows, given the condition that joins t to a batch.
func updateStatement(t *catalog.Relation, set, where string) func(join string) string {
	return func(join string) string {
		if where != "" {
			join += " AND (" + where + ")"
		}
		return "UPDATE " + tableName(t) + " AS t SET " + set + " FROM batch WHERE " + join
	}
}

// addCopyBackfill copies the rows of a table to another one that triggers keep in step with it, in small batches. Each row is
// locked when it is read, so that nobody changes or deletes it before its copy exists.
func (m *Steps) addCopyBackfill(c *Change, t, target *catalog.Relation, columns, keys []string) *onward.PlannedBackfill {
	return m.addBatches(c, t, "copy the rows of "+t.Name.Name+" that no trigger has copied, in batches", copyStatement(t, target, columns, keys, "NOTHING"))
}

// copyStatement returns the statement of a backfill that copies rows. conflictAction is the action on a row that exists already: "NOTHING".
func copyStatement(t, target *catalog.Relation, columns, keys []string, conflictAction string) func(join string) string {
	var values []string
	for _, n := range columns {
		values = append(values, "t."+quoteIdent(n))
	}
	return func(join string) string {
		return "INSERT INTO " + tableName(target) + " (" + analysis.QuoteIdents(columns) + ") OVERRIDING SYSTEM VALUE SELECT " + strings.Join(values, ", ") +
			" FROM " + tableName(t) + " AS t, batch WHERE " + join + " FOR SHARE OF t ON CONFLICT (" + analysis.QuoteIdents(keys) + ") DO " + conflictAction
	}
}

const keyless = "%s has no primary key, and no unique index of columns that are NOT NULL: nothing to go along its rows by"

// addBatches visits the rows of a table in small batches. work returns the statement for a batch, given the condition
// that joins t to the batch. If no key identifies the rows, addBatches returns nil and adds a message.
func (m *Steps) addBatches(c *Change, t *catalog.Relation, reason string, work func(join string) string) *onward.PlannedBackfill {
	keys := rowKeyColumns(c.Before, t)
	if len(keys) == 0 {
		m.addMissing(keyless, t.Name)
		return nil
	}
	c.Release.Keeps = true
	cursorTable := Schema + "." + quoteIdent(c.Release.uniqueName(t.Name.Name, keys[0], "cursor"))
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = quoteIdent(k)
	}
	list := strings.Join(names, ", ")
	var ends, copies, backward []string
	for i, n := range names {
		e := cursorEndColumn(i)
		ends, copies, backward = append(ends, e), append(copies, n+" AS "+e), append(backward, n+" DESC")
	}
	s := m.addStep(onward.Expand, onward.StepDDL, "create the cursor of the backfill of "+t.Name.Name,
		"CREATE SCHEMA IF NOT EXISTS "+Schema,
		"CREATE TABLE "+cursorTable+" AS SELECT "+list+", "+strings.Join(copies, ", ")+" FROM "+tableName(t)+" WITH NO DATA",
		// The end is fixed here. Otherwise the backfill would also visit rows that are added while it runs.
		"INSERT INTO "+cursorTable+" ("+strings.Join(ends, ", ")+") SELECT last.* FROM (SELECT) AS one LEFT JOIN (SELECT "+list+" FROM "+tableName(t)+" ORDER BY "+
			strings.Join(backward, ", ")+" LIMIT 1) AS last ON true")
	s.Undo, s.Bookkeeping = []string{"DROP TABLE IF EXISTS " + cursorTable}, true
	done := work(batchJoinCondition(keys))
	step := m.addStep(onward.Backfill, onward.StepBackfill, reason, keyBatchStatement(t, cursorTable, keys, done))
	out := &onward.PlannedBackfill{Table: tableName(t), Keys: names, Work: done, Compare: []onward.PlanComparison{}}
	step.Backfill = out
	m.addStep(onward.Contract, onward.StepDDL, "drop the cursor of the backfill of "+t.Name.Name, "DROP TABLE IF EXISTS "+cursorTable).Bookkeeping = true
	return out
}

// addComparison has the rows of a backfill compared one by one. wrong is a condition on a row t of a table, whose rows keys
// identify. mend is a statement that corrects the rows for which it holds; nil if it is unknown which side is right.
func addComparison(b *onward.PlannedBackfill, t *catalog.Relation, keys []string, wrong string, mend func(join string) string) {
	if len(keys) == 0 {
		return // nothing names a row for longer than a statement
	}
	c := onward.PlanComparison{Table: tableName(t), Wrong: wrong}
	for _, k := range keys {
		c.Keys = append(c.Keys, quoteIdent(k))
	}
	if mend != nil {
		c.Mend = mend(batchJoinCondition(keys))
	}
	b.Compare = append(b.Compare, c)
}

// batchKeyColumn returns the column of a batch that holds the ith key of its rows.
func batchKeyColumn(i int) string { return fmt.Sprintf("onward_key%d", i+1) }

// batchJoinCondition returns the condition that a row t is in the batch.
func batchJoinCondition(keys []string) string {
	var join []string
	for i, k := range keys {
		join = append(join, "t."+quoteIdent(k)+" = batch."+batchKeyColumn(i))
	}
	return strings.Join(join, " AND ")
}

// cursorEndColumn returns the column of a cursor that holds the ith key of the last row.
func cursorEndColumn(i int) string { return fmt.Sprintf("onward_end%d", i+1) }

// keyBatchStatement returns the statement that works on the rows after the cursor, and advances it. Its row count is the number
// of rows that it passed.
func keyBatchStatement(t *catalog.Relation, cursorTable string, keys []string, work string) string {
	var aliasedKeys, order, backward, keyNames, cursor, last, columns []string
	for i, k := range keys {
		q := quoteIdent(k)
		aliasedKeys, keyNames = append(aliasedKeys, "t."+q+" AS "+batchKeyColumn(i)), append(keyNames, batchKeyColumn(i))
		order, backward = append(order, "t."+q), append(backward, batchKeyColumn(i)+" DESC")
		cursor = append(cursor, "(SELECT "+q+" FROM "+cursorTable+")")
		last = append(last, "(SELECT "+cursorEndColumn(i)+" FROM "+cursorTable+")")
		columns = append(columns, q)
	}
	row := func(list []string) string {
		if len(list) == 1 {
			return list[0]
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	from := "SELECT " + strings.Join(aliasedKeys, ", ") + " FROM " + tableName(t) + " AS t"
	afterCursor := row(order) + " > " + row(cursor)
	tail := " AND " + row(order) + " <= " + row(last) + fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(order, ", "), onward.PlanBatch)
	return "WITH batch AS MATERIALIZED (\n" +
		"  (" + from + " WHERE (SELECT " + columns[0] + " FROM " + cursorTable + ") IS NULL" + tail + ")\n" +
		"  UNION ALL\n" +
		"  (" + from + " WHERE " + afterCursor + tail + ")\n" +
		"), changed AS (\n" +
		"  " + work + "\n" +
		"), moved AS (\n" +
		"  UPDATE " + cursorTable + " SET " + row(columns) + " = " + lastKeyQuery(keyNames, backward) + " WHERE EXISTS (SELECT FROM batch)\n" +
		")\nSELECT count(*) FROM batch"
}

func lastKeyQuery(keyNames, backward []string) string {
	return "(SELECT " + strings.Join(keyNames, ", ") + " FROM batch ORDER BY " + strings.Join(backward, ", ") + " LIMIT 1)"
}

// rowKeyColumns returns columns that identify rows and are indexed in that order: the primary key, or a unique index on
// plain NOT NULL columns.
func rowKeyColumns(c *catalog.Catalog, t *catalog.Relation) []string {
	for _, con := range t.Constraints {
		if con.Kind == catalog.PrimaryKey && !con.WithoutOverlaps {
			return t.ColumnNames(con.Columns)
		}
	}
	for _, r := range c.IndexesOf(t) {
		x := r.Index
		if x == nil || !x.Unique || !x.Valid || x.Predicate != nil || x.Method != "btree" {
			continue
		}
		var names []string
		for _, k := range x.Keys {
			col := t.Attr(k.Column)
			if col == nil || !col.NotNull || k.Desc || k.NullsFirst {
				names = nil
				break
			}
			names = append(names, col.Name)
		}
		if len(names) > 0 {
			return names
		}
	}
	return nil
}
