package refusal_test

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// said is what the server says to a statement on a schema.
func said(node *pgparse.Node, c *catalog.Catalog, v *refusal.Version) *pgerror.Refusal {
	q := refusal.Checker{C: c, V: v}
	q.CheckStatement(pgparse.Unwrap(node))
	return q.Refusal
}

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
CREATE TABLE ruled (x int);
CREATE RULE r AS ON DELETE TO ruled DO INSTEAD NOTHING;
CREATE TABLE sent (x int);
CREATE PUBLICATION p FOR TABLE t, sent;`

func apply(t *testing.T, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	f, err := pgparse.SplitText(sql)
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

// itself are the kinds of refusals for which a statement needs no schema.
var itself = []pgerror.Kind{
	pgerror.ColumnSystemName, pgerror.DropConcurrentlyMany, pgerror.CheckSubquery, pgerror.NoCollation, pgerror.GenerationMutable, pgerror.PartitionKeyMutable,
	pgerror.ColumnDefault, pgerror.IndexNoClass, pgerror.LockNotAllowed,
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
		{"CREATE TABLE t (a int)", `relation "t" already exists`, "="},
		{"CREATE TABLE IF NOT EXISTS t (a nope COLLATE \"C\")", "", ""},
		{"CREATE TABLE n (a int, CHECK (a IN (SELECT 1)))", "cannot use subquery in check constraint", "="},
		{"CREATE TABLE n (a int COLLATE \"C\")", "collations are not supported by type integer", "="},
		{"CREATE TABLE n (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)", `syntax error at or near "VIRTUAL"`, ""},
		{"CREATE TABLE n (a int, b float GENERATED ALWAYS AS (random()) STORED)", "generation expression is not immutable", "="},
		{"CREATE TABLE n (a timestamptz) PARTITION BY RANGE ((a::date))", "functions in partition key expression must be marked IMMUTABLE", "="},
		{"CREATE TABLE n (a uuid REFERENCES t)", `foreign key constraint "n_a_fkey" cannot be implemented`, "="},
		{"CREATE TABLE n (a uuid, FOREIGN KEY (a) REFERENCES t)", `foreign key constraint "n_a_fkey" cannot be implemented`, "="},
		{"CREATE TABLE n (a int REFERENCES n, id int PRIMARY KEY)", "", ""},
		{"CREATE TEMP TABLE n (a int REFERENCES t)", "constraints on temporary tables may reference only temporary tables", "="},
		{"CREATE TABLE n (LIKE nope)", `relation "nope" does not exist`, "="},
		{"CREATE TABLE n () INHERITS (parted)", `cannot inherit from partitioned table "parted"`, "="},
		{"CREATE TABLE n PARTITION OF t FOR VALUES FROM (1) TO (2)", `"t" is not partitioned`, "="},
		{"CREATE TABLE n PARTITION OF parted FOR VALUES IN (1)", "invalid bound specification for a range partition", "="},
		{"CREATE TABLE n PARTITION OF parted FOR VALUES FROM (8) TO (12)", `partition "n" would overlap partition "part"`, "="},
		{"CREATE TABLE n PARTITION OF parted FOR VALUES FROM (9) TO (12)", "", ""},
		{
			"CREATE TEMP TABLE n PARTITION OF parted FOR VALUES FROM (9) TO (12)",
			`cannot create a temporary relation as partition of permanent relation "parted"`, "=",
		},
		{"ALTER TABLE t ADD COLUMN a int", `column "a" of relation "t" already exists`, "="},
		{"ALTER TABLE t ADD COLUMN a int, DROP COLUMN a CASCADE", "", ""},
		{"ALTER TABLE t ADD COLUMN n int DEFAULT id", "cannot use column reference in DEFAULT expression", "="},
		{"ALTER TABLE t ADD COLUMN n json UNIQUE", `data type json has no default operator class for access method "btree"`, "="},
		{"ALTER TABLE part ADD COLUMN n int", "cannot add column to a partition", "="},
		{"ALTER TABLE t DROP COLUMN a", "cannot drop column a of table t because other objects depend on it", "="},
		{"ALTER TABLE t DROP COLUMN id CASCADE, DROP COLUMN a", "", ""},
		{"ALTER TABLE parted DROP COLUMN id", `cannot drop column "id" because it is part of the partition key of relation "parted"`, "="},
		{"ALTER TABLE t ALTER COLUMN a TYPE int", "cannot alter type of a column used by a view or rule", "="},
		{"ALTER TABLE child ALTER COLUMN t TYPE uuid", `column "t" cannot be cast automatically to type uuid`, "="},
		{"ALTER TABLE child ALTER COLUMN t TYPE uuid USING t::text::uuid", `foreign key constraint "child_t_fkey" cannot be implemented`, "="},
		{"ALTER TABLE child ALTER COLUMN t TYPE uuid USING t::text::uuid, DROP CONSTRAINT child_t_fkey", "", ""},
		{"ALTER TABLE t ALTER COLUMN id DROP NOT NULL", `column "id" is in a primary key`, "="},
		{"ALTER TABLE t ADD PRIMARY KEY (a)", `multiple primary keys for table "t" are not allowed`, "="},
		{"ALTER TABLE t DROP CONSTRAINT t_pkey", "cannot drop constraint t_pkey on table t because other objects depend on it", "="},
		{"ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE, ADD PRIMARY KEY (a)", "", ""},
		{"ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX t_a", `"t_a" is not a unique index`, "="},
		{"ALTER TABLE t ADD CHECK (id > 0) NOT ENFORCED", `syntax error at or near "ENFORCED"`, ""},
		{"ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID, VALIDATE CONSTRAINT c", "", ""},
		{"ALTER TABLE t VALIDATE CONSTRAINT nope", `constraint "nope" of relation "t" does not exist`, "="},
		{"ALTER TABLE i ALTER COLUMN id SET DEFAULT 1", `column "id" of relation "i" is an identity column`, "="},
		{"ALTER TABLE i ALTER COLUMN id SET DEFAULT 1, ALTER COLUMN id DROP IDENTITY", "", ""},
		{"ALTER TABLE t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY", `column "a" of relation "t" must be declared NOT NULL before identity can be added`, "="},
		{"ALTER TABLE t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY, ALTER COLUMN a SET NOT NULL", "", ""},
		{"ALTER TABLE parted ATTACH PARTITION t FOR VALUES FROM (20) TO (30)", `table "t" contains column "a" not found in parent "parted"`, "="},
		{"ALTER TABLE parted DETACH PARTITION t", `relation "t" is not a partition of relation "parted"`, "="},
		{"ALTER TABLE parted DETACH PARTITION part CONCURRENTLY", `syntax error at or near "CONCURRENTLY"`, ""},
		{"ALTER TABLE parted SET (fillfactor = 50)", `unrecognized parameter "fillfactor"`, "cannot specify storage parameters for a partitioned table"},
		{"ALTER VIEW v OWNER TO me", "", ""},
		{"ALTER TABLE v ADD COLUMN n int", `ALTER action ADD COLUMN cannot be performed on relation "v"`, "="},
		{"ALTER TYPE pair ALTER ATTRIBUTE x TYPE text", `cannot alter type "pair" because it is the type of a typed table`, "="},
		{"SELECT * FROM nope", `relation "nope" does not exist`, "="},
		{"WITH nope AS (SELECT 1) SELECT * FROM nope", "", ""},
		{"EXPLAIN SELECT 1 WHERE EXISTS (SELECT FROM nope)", `relation "nope" does not exist`, "="},
		{"DECLARE c CURSOR FOR SELECT * FROM nope", `relation "nope" does not exist`, "="},
		{"CREATE VIEW n AS SELECT * FROM nope", `relation "nope" does not exist`, "="},
		{"SELECT * FROM (SELECT 1)", "subquery in FROM must have an alias", ""},
		{"SELECT any_value(a) FROM t", `function any_value(…) does not exist`, ""},
		{"SELECT * FROM m FOR UPDATE", `cannot lock rows in materialized view "m"`, "="},
		{"SELECT count(*) FROM t FOR UPDATE", "FOR UPDATE is not allowed with aggregate functions", "="},
		{"INSERT INTO m VALUES (1)", `cannot change materialized view "m"`, "="},
		{"INSERT INTO v VALUES (1, 'x')", "", ""},
		{"DELETE FROM ruled", "", ""},
		{"DELETE FROM ruled RETURNING *", `cannot perform DELETE RETURNING on relation "ruled"`, "="},
		{"WITH d AS (DELETE FROM ruled) SELECT 1", "DO INSTEAD NOTHING rules are not supported for data-modifying statements in WITH", "="},
		{"UPDATE sent SET x = 1", `cannot update table "sent" because it does not have a replica identity and publishes updates`, "="},
		{"MERGE INTO t USING child ON id = t WHEN MATCHED THEN DELETE", `syntax error at or near "MERGE"`, ""},
		{"CREATE SCHEMA s CREATE TABLE x (a int) CREATE INDEX ON x (a)", "", ""},
		{"CREATE SCHEMA s CREATE INDEX ON nope (a)", `relation "nope" does not exist`, "="},
	} {
		node := func() *pgparse.Node {
			f, err := pgparse.SplitText(tc.sql)
			if err != nil || f.Stmts[0].Node == nil {
				t.Fatalf("%s does not parse", tc.sql)
			}
			return f.Stmts[0].Node
		}()
		v13, v18 := refusal.NewVersion(13), refusal.NewVersion(18)
		old, now := said(node, &c, v13).Message(), said(node, &c, v18).Message()
		want := tc.now
		if want == "=" {
			want = tc.old
		}
		if old != tc.old || now != want {
			t.Errorf("%s:\n  13: %q, want %q\n  18: %q, want %q", tc.sql, old, tc.old, now, want)
		}
		if old != now && (!v13.WasConsulted() || !v18.WasConsulted()) {
			t.Errorf("%s: the versions differ, and one was not asked", tc.sql)
		}
		// Of a schema of which nothing is known there is nothing to say.
		if no := said(node, catalog.New(), refusal.NewVersion(18)); no != nil && !slices.Contains(itself, no.Kind) {
			t.Errorf("%s: refused without a schema: %s", tc.sql, no.Message())
		}
	}
}
