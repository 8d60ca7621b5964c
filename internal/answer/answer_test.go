package answer_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

const schema = `
CREATE TABLE t (id int PRIMARY KEY, a text, j json);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_part ON t (a) WHERE a <> '';
CREATE TABLE child (t int REFERENCES t);
CREATE TABLE parted (id int, at date) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
CREATE VIEW v AS SELECT id, a FROM t;
CREATE MATERIALIZED VIEW m AS SELECT id FROM t;
CREATE SEQUENCE q;
CREATE DOMAIN d AS int;
CREATE TABLE many (ds d[]);
CREATE TYPE pair AS (x int, y int);
CREATE TABLE typed OF pair;
CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY);
CREATE PUBLICATION p FOR TABLE t;`

func apply(t *testing.T, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	f, err := pgparse.Split(sql)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		if s.Node == nil {
			t.Fatal(s.Err)
		}
		c, _ = c.Apply(s.Node, f.Src[s.Start:s.End])
	}
	return c
}

// TestOf: what the oldest and the newest version say to a statement on a schema
// that is known whole, and that nobody is asked for a version that does not
// matter. Which words a real server has, the proof of locks compares.
func TestOf(t *testing.T) {
	t.Parallel()
	c := *apply(t, catalog.New(), schema)
	c.Complete = true
	for _, tc := range []struct{ sql, old, now string }{
		{"CREATE INDEX ON t (id)", "", ""},
		{"CREATE INDEX t_a ON t (id)", `relation "t_a" already exists`, "="},
		{"CREATE INDEX IF NOT EXISTS t_a ON t (nope)", "", ""},
		{"CREATE INDEX t_a ON v (nope)", `cannot create index on relation "v"`, "="},
		{"CREATE INDEX ON t (j)", `data type json has no default operator class for access method "btree"`, "="},
		{"CREATE UNIQUE INDEX ON t (id) NULLS NOT DISTINCT", `syntax error at or near "NULLS"`, ""},
		{"CREATE UNIQUE INDEX ON parted (at)", "unique constraint on partitioned table must include all partitioning columns", "="},
		{"CREATE INDEX CONCURRENTLY ON parted (at)", `cannot create index on partitioned table "parted" concurrently`, "="},
		{"REINDEX INDEX t", `"t" is not an index`, "="},
		{"REINDEX TABLE q", `"q" is not a table or materialized view`, "="},
		{"ALTER VIEW t RENAME TO x", `"t" is not a view`, "="},
		{"ALTER TABLE t RENAME COLUMN a TO xmin", `column name "xmin" conflicts with a system column name`, "="},
		{"ALTER TABLE ONLY parted RENAME COLUMN at TO x", `inherited column "at" must be renamed in child tables too`, "="},
		{"ALTER TYPE pair RENAME ATTRIBUTE x TO z", `cannot alter type "pair" because it is the type of a typed table`, "="},
		{"ALTER TYPE pair RENAME ATTRIBUTE x TO z CASCADE", "", ""},
		{"ALTER TABLE t RENAME CONSTRAINT nope TO x", `constraint "nope" for table "t" does not exist`, "="},
		{"TRUNCATE t", "cannot truncate a table referenced in a foreign key constraint", "="},
		{"TRUNCATE t, child", "", ""},
		{"TRUNCATE t CASCADE", "", ""},
		{"LOCK TABLE q", `cannot lock relation "q"`, "="},
		{"VACUUM (process_main) t", `unrecognized VACUUM option "process_main"`, ""},
		{"ANALYZE ONLY t", `syntax error at or near "ONLY"`, ""},
		{"CLUSTER t USING t_part", `cannot cluster on partial index "t_part"`, "="},
		{"CREATE OR REPLACE TRIGGER x BEFORE INSERT ON m EXECUTE FUNCTION f()", `syntax error at or near "TRIGGER"`, `relation "m" cannot have triggers`},
		{"CREATE STATISTICS s ON a, j FROM t", `column "j" cannot be used in statistics because its type json has no default btree operator class`, "="},
		{"CREATE STATISTICS s ON nope, a FROM t", `column "nope" does not exist`, "="},
		{"ALTER PUBLICATION p ADD TABLE t", `relation "t" is already member of publication "p"`, "="},
		{"ALTER PUBLICATION p ADD TABLE v", `cannot add relation "v" to publication`, "="},
		{"REFRESH MATERIALIZED VIEW CONCURRENTLY m", `cannot refresh materialized view "public.m" concurrently`, "="},
		{"REFRESH MATERIALIZED VIEW t", `"t" is not a materialized view`, "="},
		{"ALTER DOMAIN d SET NOT NULL", `cannot alter type "d" because column "many.ds" uses it`, "="},
		{"COPY v FROM STDIN", `cannot copy to view "v"`, "="},
		{"COPY m TO STDOUT", `cannot copy from materialized view "m"`, ""},
		{"DROP TABLE t", "cannot drop table t because other objects depend on it", "="},
		{"DROP TABLE t CASCADE", "", ""},
		{"DROP TABLE child", "", ""},
		{"DROP TABLE part, parted", "", ""},
		{"DROP VIEW v", "", ""},
		{"DROP INDEX t_pkey", "cannot drop index t_pkey because constraint t_pkey on table t requires it", "="},
		{"DROP INDEX t_pkey CASCADE", "cannot drop index t_pkey because constraint t_pkey on table t requires it", "="},
		{"DROP INDEX CONCURRENTLY t_a, t_part", "DROP INDEX CONCURRENTLY does not support dropping multiple objects", "="},
		{"DROP SEQUENCE i_id_seq CASCADE", "cannot drop sequence i_id_seq because column id of table i requires it", "="},
		{"DROP TABLE i", "", ""},
		{"DROP TYPE d", "cannot drop type d because other objects depend on it", "="},
		{"DROP TYPE d CASCADE", "", ""},
		{"DROP SCHEMA public", "cannot drop schema public because other objects depend on it", "="},
		{"DROP TRIGGER nope ON t", `trigger "nope" for table "t" does not exist`, "="},
		{"DROP TRIGGER IF EXISTS nope ON t", "", ""},
		{"COMMENT ON TABLE nope IS 'x'", `relation "nope" does not exist`, "="},
		{"CREATE SCHEMA s CREATE TABLE x (a int) CREATE INDEX ON x (a)", "", ""},
		{"CREATE SCHEMA s CREATE INDEX ON nope (a)", `relation "nope" does not exist`, "="},
	} {
		node := func() *pgparse.Node {
			f, err := pgparse.Split(tc.sql)
			if err != nil || f.Stmts[0].Node == nil {
				t.Fatalf("%s does not parse", tc.sql)
			}
			return f.Stmts[0].Node
		}()
		v13, v18 := answer.NewVersion(13), answer.NewVersion(18)
		old, now := answer.Of(node, &c, v13).Message(), answer.Of(node, &c, v18).Message()
		want := tc.now
		if want == "=" {
			want = tc.old
		}
		if old != tc.old || now != want {
			t.Errorf("%s:\n  13: %q, want %q\n  18: %q, want %q", tc.sql, old, tc.old, now, want)
		}
		if old != now && (!v13.Consulted() || !v18.Consulted()) {
			t.Errorf("%s: the versions differ, and one was not asked", tc.sql)
		}
		// Of a schema of which nothing is known there is nothing to say.
		if no := answer.Of(node, catalog.New(), answer.NewVersion(18)); no != nil && no.Kind != refuse.ColumnSystemName && no.Kind != refuse.DropConcurrentlyMany {
			t.Errorf("%s: refused without a schema: %s", tc.sql, no.Message())
		}
	}
}
