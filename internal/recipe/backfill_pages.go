package recipe

import (
	"fmt"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// mostPages13 is the size in pages from which a backfill without a key is refused on Postgres 13, which reads the whole table for each
// batch. Newer servers read a range of pages: https://www.postgresql.org/docs/14/release-14.html
const mostPages13 = 1000

// addSyncedBackfill fills columns of all rows in small batches. A trigger keeps each row right from its next write on, so rows that
// move while the backfill runs are no loss: a table without a key can be filled, too, along its pages.
func (m *Steps) addSyncedBackfill(c *Change, t *catalog.Relation, reason, set, where string) *onward.PlannedBackfill {
	if len(rowKeyColumns(c.Before, t)) > 0 || t.Kind != catalog.Table || t.HasKids() {
		return m.addBackfill(c, t, reason, set, where)
	}
	c.Release.Keeps = true
	cursor := Schema + "." + quoteIdent(c.Release.uniqueName(t.Name.Name, "pages", "cursor"))
	table := pgparse.QuoteLiteral(analysis.QuoteTable(t.Name))
	const end = "format('(%%s,0)', pg_relation_size(%s) / current_setting('block_size')::bigint)::tid"
	last := fmt.Sprintf(end, table)
	why13 := fmt.Sprintf("create the cursor of the backfill of %s, which on Postgres 13 may have %d pages at most", t.Name.Name, mostPages13)
	s := m.addStep(onward.Expand, onward.StepDDL, why13,
		"CREATE SCHEMA IF NOT EXISTS "+Schema,
		"CREATE TABLE "+cursor+" (onward_place tid NOT NULL, onward_end tid NOT NULL, onward_file oid NOT NULL)",
		// The end is fixed here: rows that are added later are left to the trigger.
		"INSERT INTO "+cursor+" SELECT '(0,0)', "+last+", pg_relation_filenode("+table+")")
	s.Undo, s.Bookkeeping = []string{"DROP TABLE IF EXISTS " + cursor}, true
	s.Check = fmt.Sprintf("SELECT 1 WHERE current_setting('server_version_num')::int < 140000 AND pg_relation_size(%s) > %d * "+
		"current_setting('block_size')::bigint", table, mostPages13)
	done := updateStatement(t, set, where)("t.ctid = batch." + batchKeyColumn(0))
	step := m.addStep(onward.Backfill, onward.StepBackfill, reason, pageBatchStatement(t, cursor, table, last, done))
	step.Backfill = &onward.PlannedBackfill{Table: tableName(t), Keys: []string{"ctid"}, Work: done, Compare: []onward.PlanComparison{}}
	m.addStep(onward.Contract, onward.StepDDL, "drop the cursor of the backfill of "+t.Name.Name, "DROP TABLE IF EXISTS "+cursor).Bookkeeping = true
	m.addNote("%s has no key: the backfill goes along its pages, and begins again if the table is rewritten meanwhile (VACUUM FULL, CLUSTER). "+
		"No later pass compares its rows one by one; the check of the last step reads the table once", t.Name)
	return step.Backfill
}

// pageBatchStatement returns the statement that works on the rows of the next pages, and advances the cursor. Its row count is the number of
// rows that it passed. All rows up to the last place of the batch are in it, in whatever order the server reads them.
func pageBatchStatement(t *catalog.Relation, cursor, table, last, work string) string {
	rows := tableName(t) + " AS t WHERE t.ctid > (SELECT place FROM here) AND t.ctid "
	return "WITH here AS MATERIALIZED (\n" +
		"  SELECT CASE WHEN same THEN onward_place ELSE '(0,0)' END AS place, CASE WHEN same THEN onward_end ELSE " + last + " END AS last\n" +
		"  FROM (SELECT *, onward_file = pg_relation_filenode(" + table + ") AS same FROM " + cursor + ") AS c\n" +
		"), ahead AS MATERIALIZED (\n" +
		"  SELECT place FROM (SELECT t.ctid AS place FROM " + rows + "< (SELECT last FROM here)" + fmt.Sprintf(" LIMIT %d)", onward.PlanBatch) +
		" AS x ORDER BY place DESC LIMIT 1\n" +
		"), batch AS MATERIALIZED (\n" +
		"  SELECT t.ctid AS " + batchKeyColumn(0) + " FROM " + rows + "<= (SELECT place FROM ahead)\n" +
		"), changed AS (\n" +
		"  " + work + "\n" +
		"), moved AS (\n" +
		"  UPDATE " + cursor + " SET onward_place = coalesce((SELECT place FROM ahead), (SELECT last FROM here)), onward_end = (SELECT last FROM here),\n" +
		"    onward_file = pg_relation_filenode(" + table + ")\n" +
		")\nSELECT count(*) FROM batch"
}
