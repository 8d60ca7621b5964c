package plan_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// tableCopies are releases that copy t into u, with the query that u is compared with.
var tableCopies = []struct {
	scene
	columns, query string
}{
	{scene{name: "all rows", old: columnA, typ: "text", values: texts, left: "NULL", base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);",
		release: "CREATE TABLE u (id bigint PRIMARY KEY REFERENCES t, a text, made timestamptz DEFAULT now()); INSERT INTO u (id, a) SELECT id, a FROM t;"},
		"id, a", "SELECT id, a FROM t"},
	{scene{name: "some rows, computed", old: columnA, typ: "text", values: texts, left: "'d'", oldSnapshots: true,
		base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text DEFAULT 'd');",
		release: "CREATE TABLE u (double numeric, label varchar, nr bigint, kind text, UNIQUE (nr)); " +
			"INSERT INTO u SELECT other * 2, upper(a), id, 'k' FROM t WHERE other > 300 OR a IS NULL ON CONFLICT DO NOTHING;"},
		"double, label, nr, kind", "SELECT other * 2, upper(a), id, 'k' FROM t WHERE other > 300 OR a IS NULL"},
	{scene{name: "another unique key", old: columnA, typ: "text", values: []string{"'m{n}'", "NULL"}, numbers: 9000, unique: true, limited: true,
		base:    "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text UNIQUE); GRANT SELECT, INSERT, UPDATE, DELETE ON t TO " + limitedRole + "; ",
		release: "CREATE TABLE u (id bigint PRIMARY KEY, a text UNIQUE); INSERT INTO u SELECT id, a FROM t WHERE a IS NOT NULL;"},
		"id, a", "SELECT id, a FROM t WHERE a IS NOT NULL"},
}

// TestTableCopyWriters runs the steps of a copy while the deployed code writes the source, with each step cut off once before it
// commits. Up to the contract the target has the rows that the release's query finds. After an undo nothing is left of the plan.
func TestTableCopyWriters(t *testing.T) {
	t.Parallel()
	for i, tc := range rotation.Pick(t, 1, tableCopies) {
		for _, major := range []int{13, 18} {
			t.Run(fmt.Sprintf("%s on %d", tc.name, major), func(t *testing.T) {
				t.Parallel()
				steps := tc.steps(t)
				s := tc.scene
				s.major = major
				for round := range max(rounds(), 1) {
					st := newStage(t, &s, steps, uint64(10*round+i))
					st.playCopy(tc.columns, tc.query)
				}
			})
		}
	}
}

// playCopy runs the steps before the contract, compares the tables, and undoes the steps.
func (st *stage) playCopy(columns, query string) {
	defer st.wg.Wait()
	defer func() { end(&st.oldCode) }()
	st.createLimitedRole() // another test may, between the reads of two databases
	contract := (&onward.Plan{Steps: st.steps}).Contract()
	st.oldCode = st.begin(st.old)
	for i := range st.steps[:contract] {
		st.let(10)
		st.step(&st.steps[i], true)
	}
	st.let(60)
	st.settle(&st.oldCode)
	end(&st.oldCode)
	st.wg.Wait()
	copied := "SELECT " + columns + " FROM u"
	st.none("each row is copied", query+" EXCEPT ALL "+copied)
	st.none("no other row is there", copied+" EXCEPT ALL "+query)
	st.none("rows are there", "SELECT 1 WHERE (SELECT count(*) FROM u) < 300")
	for i := range st.steps[:contract] {
		if b := st.steps[i].Backfill; b != nil {
			st.none("the comparison finds no row", "SELECT FROM "+b.Compare[0].Table+" AS t WHERE "+b.Compare[0].Wrong)
		}
	}
	st.denyTriggerFunctions("pg_monitor") // any role
	st.oldCode = st.begin(st.old)
	for i := contract - 1; i >= 0; i-- {
		st.let(5)
		st.undo(&st.steps[i])
	}
	st.let(10)
	end(&st.oldCode)
	st.wg.Wait()
	base := pgservertest.Database(st.t, st.major)
	conn, err := pgx.Connect(st.t.Context(), base)
	if err != nil {
		st.t.Fatal(err)
	}
	defer func() { _ = conn.Close(st.t.Context()) }()
	st.exec(conn, st.base+"; "+st.control())
	if differ, err := plan.Differ(st.t.Context(), base, st.url); err != nil || len(differ) > 0 {
		st.t.Errorf("after the undo: %v %q", err, differ)
	}
}

// TestTableCopyBesideNewCode writes both tables in turn: what is changed last counts, row by row and column by column.
func TestTableCopyBesideNewCode(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := scene{
			old: columnA, typ: "text", values: []string{"'x'"}, major: major,
			base:    "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);",
			release: "CREATE TABLE u (id bigint PRIMARY KEY, n integer, a text); INSERT INTO u SELECT id, other, a FROM t WHERE other >= 0 OR a = 'x';",
		}
		st := newStage(t, &s, s.steps(t), 1)
		contract := (&onward.Plan{Steps: st.steps}).Contract()
		before := st.connect()
		for i := range st.steps[:contract] {
			if st.steps[i].Class == onward.StepBackfill {
				st.exec(before, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
			}
			st.step(&st.steps[i], false)
		}
		failed := new(pgconn.PgError)
		if _, err := before.Exec(t.Context(), "UPDATE t SET a = 'y' WHERE id = 20"); !errors.As(err, &failed) || failed.Code != "40001" {
			t.Errorf("a transaction that does not see the copy: %v", err)
		}
		st.exec(before, "ROLLBACK")
		st.exec(before, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
		st.exec(st.admin, "DELETE FROM t WHERE id = 30")
		st.exec(before, "INSERT INTO t VALUES (30, -5, 'other')")
		if _, err := before.Exec(t.Context(), "COMMIT"); !errors.As(err, &failed) || failed.Code != "40001" {
			t.Errorf("a transaction that sees a deleted row beside its own: %v", err)
		}
		st.none("the deleted row is in the copy", "SELECT FROM u WHERE id = 30")
		for _, c := range []struct{ what, ids, writes, rows string }{
			{"new code adds to both", "6001", "BEGIN; INSERT INTO t VALUES (6001, 1, 'x'); INSERT INTO u VALUES (6001, 2, 'new'); COMMIT", "6001 2 new"},
			{
				"one transaction adds and changes", "6002, 6003, 6004, 6005",
				"BEGIN; INSERT INTO t SELECT n, n, 'x' FROM generate_series(6002, 6004) AS n; UPDATE t SET a = NULL WHERE id = 6002; " +
					"UPDATE t SET id = 6005 WHERE id = 6003; DELETE FROM t WHERE id = 6004; COMMIT", "6002 6002 NULL, 6005 6003 x",
			},
			{"other columns stay", "1", "UPDATE u SET a = 'new' WHERE id = 1; UPDATE t SET other = -7 WHERE id = 1", "1 -7 new"},
			{"the same column, old code last", "2", "UPDATE u SET a = 'new' WHERE id = 2; UPDATE t SET a = NULL WHERE id = 2", "2 2 NULL"},
			{"nothing is changed", "3", "UPDATE u SET a = NULL, n = NULL WHERE id = 3; UPDATE t SET a = 'x', other = 3 WHERE id = 3", "3 NULL NULL"},
			{"a deleted row stays deleted", "4", "DELETE FROM u WHERE id = 4; UPDATE t SET other = 5 WHERE id = 4", ""},
			{"old code deletes what new code changed", "5", "UPDATE u SET a = 'new' WHERE id = 5; DELETE FROM t WHERE id = 5", ""},
			{"a row of new code stays", "5006", "INSERT INTO u VALUES (5006, 1, 'new'); INSERT INTO t VALUES (5006, 2, 'old')", "5006 1 new"},
			{"a key of new code stays", "7, 5007", "INSERT INTO u VALUES (5007, 1, 'new'); UPDATE t SET id = 5007 WHERE id = 7", "5007 1 new"},
			{
				"the key moves with new code's values", "8, 5008",
				"UPDATE u SET a = 'new' WHERE id = 8; UPDATE t SET id = 5008 WHERE id = 8", "5008 8 new",
			},
			{"a row leaves", "9", "UPDATE t SET a = NULL, other = -1 WHERE id = 9", ""},
			{"a row enters", "5010", "INSERT INTO t VALUES (5010, NULL, NULL); UPDATE t SET a = 'x' WHERE id = 5010", "5010 NULL x"},
			{
				"a row that was never one to copy", "5011",
				"INSERT INTO t VALUES (5011, -5, 'old'); INSERT INTO u VALUES (5011, 1, 'new'); DELETE FROM t WHERE id = 5011", "5011 1 new",
			},
			{
				"a subscription writes", "12",
				"SET session_replication_role = replica; UPDATE t SET a = 'x2' WHERE id = 12; RESET session_replication_role", "12 12 x2",
			},
			{
				"REPEATABLE READ, deleted by new code", "13",
				"DELETE FROM u WHERE id = 13; BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE t SET other = 14 WHERE id = 13; COMMIT", "",
			},
			{
				"REPEATABLE READ", "14, 1400",
				"BEGIN ISOLATION LEVEL REPEATABLE READ; UPDATE t SET other = 15 WHERE id = 14; DELETE FROM t WHERE id = 1400; COMMIT", "14 15 x",
			},
		} {
			for sql := range strings.SplitSeq(c.writes, "; ") {
				st.exec(st.admin, sql)
			}
			found, err := st.admin.Query(t.Context(),
				"SELECT concat_ws(' ', id, coalesce(n::text, 'NULL'), coalesce(a, 'NULL')) FROM u WHERE id IN ("+c.ids+") ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			rows, err := pgx.CollectRows(found, pgx.RowTo[string])
			if got := strings.Join(rows, ", "); err != nil || got != c.rows {
				t.Errorf("%s: %q, and not %q (%v)", c.what, got, c.rows, err)
			}
		}
		st.exec(before, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
		st.exec(st.admin, "INSERT INTO t VALUES (6100, 1, 'x')")
		if _, err := before.Exec(t.Context(), "TRUNCATE t"); !errors.As(err, &failed) || failed.Code != "0A000" {
			t.Errorf("TRUNCATE in a transaction that does not see the copy: %v", err)
		}
		st.exec(before, "ROLLBACK")
		st.exec(st.admin, "TRUNCATE t")
		st.none("rows of new code stay", "SELECT id FROM u WHERE id NOT IN (5011) UNION ALL SELECT 1 WHERE NOT EXISTS (SELECT FROM u WHERE id = 5011)")
	})
}
