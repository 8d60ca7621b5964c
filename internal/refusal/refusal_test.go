package refusal_test

import (
	"cmp"
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// refusalOf returns the server's refusal of a statement on a schema.
func refusalOf(node *pgparse.Node, sql string, c *catalog.Catalog, v *refusal.Version) *pgerror.Refusal {
	q := refusal.Checker{C: c, V: v}
	q.CheckStatement(pgparse.Unwrap(node))
	_, problems := c.Judge(node, sql, false)
	q.KeepProblem(problems)
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
CREATE TABLE numbered (id serial NOT NULL);
CREATE SEQUENCE beside OWNED BY i.id;
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
			t.Fatalf("parse the schema: %v", s.Err)
		}
		c, _ = c.Apply(s.Node, f.Src[s.Start:s.End])
	}
	return c
}

// schemaless are the refusals that depend on the statement alone.
var schemaless = []pgerror.Kind{
	pgerror.ColumnSystemName, pgerror.DropConcurrentlyMany, pgerror.CheckSubquery, pgerror.NoCollation, pgerror.GenerationMutable, pgerror.PartitionKeyMutable,
	pgerror.ColumnDefault, pgerror.IndexNoClass, pgerror.LockNotAllowed,
}

// TestCheckStatement has the messages of the oldest and the newest version for statements on a
// fully known schema. The version is consulted only if it matters. The proof of locks compares the
// messages with real servers.
func TestCheckStatement(t *testing.T) {
	t.Parallel()
	c := *apply(t, catalog.New(), schema)
	c.Complete = true
	for _, tt := range []struct {
		sql        string
		refused    string // by both versions
		on13, on18 string // if they differ
	}{
		{sql: "CREATE INDEX ON t (id)"},
		{sql: "CREATE INDEX t_a ON t (id)", refused: `relation "t_a" already exists`},
		{sql: "CREATE INDEX IF NOT EXISTS t_a ON t (nope)", refused: `column "nope" does not exist`},
		{sql: "CREATE INDEX t_a ON v (nope)", refused: `cannot create index on relation "v"`},
		{sql: "CREATE INDEX ON t (j)", refused: `data type json has no default operator class for access method "btree"`},
		{sql: "CREATE UNIQUE INDEX ON t (id) NULLS NOT DISTINCT", on13: `syntax error at or near "NULLS"`},
		{sql: "CREATE UNIQUE INDEX ON parted (at)", refused: "unique constraint on partitioned table must include all partitioning columns"},
		{sql: "CREATE INDEX CONCURRENTLY ON parted (at)", refused: `cannot create index on partitioned table "parted" concurrently`},
		{sql: "REINDEX INDEX t", refused: `"t" is not an index`},
		{sql: "REINDEX TABLE q", refused: `"q" is not a table or materialized view`},
		{sql: "ALTER VIEW t RENAME TO x", refused: `"t" is not a view`},
		{sql: "ALTER TABLE t RENAME COLUMN a TO xmin", refused: `column name "xmin" conflicts with a system column name`},
		{sql: "ALTER TABLE ONLY parted RENAME COLUMN at TO x", refused: `inherited column "at" must be renamed in child tables too`},
		{sql: "ALTER TYPE pair RENAME ATTRIBUTE x TO z", refused: `cannot alter type "pair" because it is the type of a typed table`},
		{sql: "ALTER TYPE pair RENAME ATTRIBUTE x TO z CASCADE"},
		{sql: "ALTER TABLE t RENAME CONSTRAINT nope TO x", refused: `constraint "nope" for table "t" does not exist`},
		{sql: "TRUNCATE t", refused: "cannot truncate a table referenced in a foreign key constraint"},
		{sql: "TRUNCATE t, child"},
		{sql: "TRUNCATE t CASCADE"},
		{sql: "LOCK TABLE q", refused: `cannot lock relation "q"`},
		{sql: "VACUUM (process_main) t", on13: `unrecognized VACUUM option "process_main"`},
		{sql: "ANALYZE ONLY t", on13: `syntax error at or near "ONLY"`},
		{sql: "CLUSTER t USING t_part", refused: `cannot cluster on partial index "t_part"`},
		{
			sql:  "CREATE OR REPLACE TRIGGER x BEFORE INSERT ON m EXECUTE FUNCTION f()",
			on13: `syntax error at or near "TRIGGER"`, on18: `relation "m" cannot have triggers`,
		},
		{
			sql:     "CREATE STATISTICS s ON a, j FROM t",
			refused: `column "j" cannot be used in statistics because its type json has no default btree operator class`,
		},
		{sql: "CREATE STATISTICS s ON nope, a FROM t", refused: `column "nope" does not exist`},
		{sql: "ALTER PUBLICATION p ADD TABLE t", refused: `relation "t" is already member of publication "p"`},
		{sql: "ALTER PUBLICATION p ADD TABLE v", refused: `cannot add relation "v" to publication`},
		{sql: "REFRESH MATERIALIZED VIEW CONCURRENTLY m", refused: `cannot refresh materialized view "public.m" concurrently`},
		{sql: "REFRESH MATERIALIZED VIEW t", refused: `"t" is not a materialized view`},
		{sql: "ALTER DOMAIN d SET NOT NULL", refused: `cannot alter type "d" because column "many.ds" uses it`},
		{sql: "COPY v FROM STDIN", refused: `cannot copy to view "v"`},
		{sql: "COPY m TO STDOUT", on13: `cannot copy from materialized view "m"`},
		{sql: "DROP TABLE t", refused: "cannot drop table t because other objects depend on it"},
		{sql: "DROP TABLE t CASCADE"},
		{sql: "DROP TABLE child"},
		{sql: "DROP TABLE part, parted"},
		{sql: "DROP VIEW v"},
		{sql: "DROP INDEX t_pkey", refused: "cannot drop index t_pkey because constraint t_pkey on table t requires it"},
		{sql: "DROP INDEX t_pkey CASCADE", refused: "cannot drop index t_pkey because constraint t_pkey on table t requires it"},
		{sql: "DROP INDEX CONCURRENTLY t_a, t_part", refused: "DROP INDEX CONCURRENTLY does not support dropping multiple objects"},
		{sql: "DROP SEQUENCE i_id_seq CASCADE", refused: "cannot drop sequence i_id_seq because column id of table i requires it"},
		{sql: "DROP TABLE i"},
		{sql: "DROP TYPE d", refused: "cannot drop type d because other objects depend on it"},
		{sql: "DROP TYPE d CASCADE"},
		{sql: "DROP SCHEMA public", refused: "cannot drop schema public because other objects depend on it"},
		{sql: "DROP TRIGGER nope ON t", refused: `trigger "nope" for table "t" does not exist`},
		{sql: "DROP TRIGGER IF EXISTS nope ON t"},
		{sql: "COMMENT ON TABLE nope IS 'x'", refused: `relation "nope" does not exist`},
		{sql: "CREATE TABLE t (a int)", refused: `relation "t" already exists`},
		{sql: "CREATE TABLE IF NOT EXISTS t (a nope COLLATE \"C\")"},
		{sql: "CREATE TABLE n (a int, CHECK (a IN (SELECT 1)))", refused: "cannot use subquery in check constraint"},
		{sql: "CREATE TABLE n (a int COLLATE \"C\")", refused: "collations are not supported by type integer"},
		{sql: "CREATE TABLE n (a int, b int GENERATED ALWAYS AS (a + 1) VIRTUAL)", on13: `syntax error at or near "VIRTUAL"`},
		{sql: "CREATE TABLE n (a int, b float GENERATED ALWAYS AS (random()) STORED)", refused: "generation expression is not immutable"},
		{
			sql:     "CREATE TABLE n (a timestamptz) PARTITION BY RANGE ((a::date))",
			refused: "functions in partition key expression must be marked IMMUTABLE",
		},
		{sql: "CREATE TABLE n (a uuid REFERENCES t)", refused: `foreign key constraint "n_a_fkey" cannot be implemented`},
		{sql: "CREATE TABLE n (a uuid, FOREIGN KEY (a) REFERENCES t)", refused: `foreign key constraint "n_a_fkey" cannot be implemented`},
		{sql: "CREATE TABLE n (a int REFERENCES n, id int PRIMARY KEY)"},
		{sql: "CREATE TEMP TABLE n (a int REFERENCES t)", refused: "constraints on temporary tables may reference only temporary tables"},
		{sql: "CREATE TABLE n (LIKE nope)", refused: `relation "nope" does not exist`},
		{sql: "CREATE TABLE n () INHERITS (parted)", refused: `cannot inherit from partitioned table "parted"`},
		{sql: "CREATE TABLE n PARTITION OF t FOR VALUES FROM (1) TO (2)", refused: `"t" is not partitioned`},
		{sql: "CREATE TABLE n PARTITION OF parted FOR VALUES IN (1)", refused: "invalid bound specification for a range partition"},
		{sql: "CREATE TABLE n PARTITION OF parted FOR VALUES FROM (8) TO (12)", refused: `partition "n" would overlap partition "part"`},
		{sql: "CREATE TABLE n PARTITION OF parted FOR VALUES FROM (9) TO (12)"},
		{
			sql:     "CREATE TEMP TABLE n PARTITION OF parted FOR VALUES FROM (9) TO (12)",
			refused: `cannot create a temporary relation as partition of permanent relation "parted"`,
		},
		{sql: "ALTER TABLE t ADD COLUMN a int", refused: `column "a" of relation "t" already exists`},
		{sql: "ALTER TABLE t ADD COLUMN a int, DROP COLUMN a CASCADE"},
		{sql: "ALTER TABLE t ADD COLUMN n int DEFAULT id", refused: "cannot use column reference in DEFAULT expression"},
		{sql: "ALTER TABLE t ADD COLUMN n json UNIQUE", refused: `data type json has no default operator class for access method "btree"`},
		{sql: "ALTER TABLE part ADD COLUMN n int", refused: "cannot add column to a partition"},
		{sql: "ALTER TABLE t DROP COLUMN a", refused: "cannot drop column a of table t because other objects depend on it"},
		{sql: "ALTER TABLE t DROP COLUMN id CASCADE, DROP COLUMN a"},
		{sql: "ALTER TABLE parted DROP COLUMN id", refused: `cannot drop column "id" because it is part of the partition key of relation "parted"`},
		{sql: "ALTER TABLE t ALTER COLUMN a TYPE int", refused: "cannot alter type of a column used by a view or rule"},
		{sql: "ALTER TABLE child ALTER COLUMN t TYPE uuid", refused: `column "t" cannot be cast automatically to type uuid`},
		{
			sql:     "ALTER TABLE child ALTER COLUMN t TYPE uuid USING t::text::uuid",
			refused: `foreign key constraint "child_t_fkey" cannot be implemented`,
		},
		{sql: "ALTER TABLE child ALTER COLUMN t TYPE uuid USING t::text::uuid, DROP CONSTRAINT child_t_fkey"},
		{sql: "ALTER TABLE t ALTER COLUMN id DROP NOT NULL", refused: `column "id" is in a primary key`},
		{sql: "ALTER TABLE t ADD PRIMARY KEY (a)", refused: `multiple primary keys for table "t" are not allowed`},
		{sql: "ALTER TABLE t DROP CONSTRAINT t_pkey", refused: "cannot drop constraint t_pkey on table t because other objects depend on it"},
		{sql: "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE, ADD PRIMARY KEY (a)"},
		{sql: "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX t_a", refused: `"t_a" is not a unique index`},
		{sql: "ALTER TABLE t ADD CHECK (id > 0) NOT ENFORCED", on13: `syntax error at or near "ENFORCED"`},
		{sql: "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID, VALIDATE CONSTRAINT c"},
		{sql: "ALTER TABLE t VALIDATE CONSTRAINT nope", refused: `constraint "nope" of relation "t" does not exist`},
		{sql: "ALTER TABLE i ALTER COLUMN id SET DEFAULT 1", refused: `column "id" of relation "i" is an identity column`},
		{sql: "ALTER TABLE i ALTER COLUMN id SET DEFAULT 1, ALTER COLUMN id DROP IDENTITY"},
		{
			sql:     "ALTER TABLE t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY",
			refused: `column "a" of relation "t" must be declared NOT NULL before identity can be added`,
		},
		{sql: "ALTER TABLE t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY, ALTER COLUMN a SET NOT NULL"},
		{
			sql:     "ALTER TABLE numbered ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY",
			refused: `column "id" of relation "numbered" already has a default value`,
		},
		{sql: "ALTER TABLE numbered ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY, ALTER COLUMN id DROP DEFAULT"},
		{sql: "ALTER SEQUENCE beside OWNED BY NONE"},
		{
			sql:     "ALTER TABLE parted ATTACH PARTITION t FOR VALUES FROM (20) TO (30)",
			refused: `table "t" contains column "a" not found in parent "parted"`,
		},
		{sql: "ALTER TABLE parted DETACH PARTITION t", refused: `relation "t" is not a partition of relation "parted"`},
		{sql: "ALTER TABLE parted DETACH PARTITION part CONCURRENTLY", on13: `syntax error at or near "CONCURRENTLY"`},
		{
			sql:  "ALTER TABLE parted SET (fillfactor = 50)",
			on13: `unrecognized parameter "fillfactor"`, on18: "cannot specify storage parameters for a partitioned table",
		},
		{sql: "ALTER VIEW v OWNER TO me"},
		{sql: "ALTER TABLE v ADD COLUMN n int", refused: `ALTER action ADD COLUMN cannot be performed on relation "v"`},
		{sql: "ALTER TYPE pair ALTER ATTRIBUTE x TYPE text", refused: `cannot alter type "pair" because it is the type of a typed table`},
		{sql: "SELECT * FROM nope", refused: `relation "nope" does not exist`},
		{sql: "WITH nope AS (SELECT 1) SELECT * FROM nope"},
		{sql: "EXPLAIN SELECT 1 WHERE EXISTS (SELECT FROM nope)", refused: `relation "nope" does not exist`},
		{sql: "DECLARE c CURSOR FOR SELECT * FROM nope", refused: `relation "nope" does not exist`},
		{sql: "CREATE VIEW n AS SELECT * FROM nope", refused: `relation "nope" does not exist`},
		{sql: "SELECT * FROM (SELECT 1)", on13: "subquery in FROM must have an alias"},
		{sql: "SELECT any_value(a) FROM t", on13: `function any_value(…) does not exist`},
		{sql: "SELECT * FROM m FOR UPDATE", refused: `cannot lock rows in materialized view "m"`},
		{sql: "SELECT count(*) FROM t FOR UPDATE", refused: "FOR UPDATE is not allowed with aggregate functions"},
		{sql: "INSERT INTO m VALUES (1)", refused: `cannot change materialized view "m"`},
		{sql: "INSERT INTO v VALUES (1, 'x')"},
		{sql: "DELETE FROM ruled"},
		{sql: "DELETE FROM ruled RETURNING *", refused: `cannot perform DELETE RETURNING on relation "ruled"`},
		{sql: "WITH d AS (DELETE FROM ruled) SELECT 1", refused: "DO INSTEAD NOTHING rules are not supported for data-modifying statements in WITH"},
		{sql: "UPDATE sent SET x = 1", refused: `cannot update table "sent" because it does not have a replica identity and publishes updates`},
		{sql: "MERGE INTO t USING child ON id = t WHEN MATCHED THEN DELETE", on13: `syntax error at or near "MERGE"`},
		{sql: "CREATE SCHEMA s CREATE TABLE x (a int) CREATE INDEX ON x (a)"},
		{sql: "CREATE SCHEMA s CREATE INDEX ON nope (a)", refused: `relation "nope" does not exist`},
	} {
		node := func() *pgparse.Node {
			f, err := pgparse.SplitText(tt.sql)
			if err != nil || f.Stmts[0].Node == nil {
				t.Fatalf("%s does not parse", tt.sql)
			}
			return f.Stmts[0].Node
		}()
		v13, v18 := refusal.NewVersion(13), refusal.NewVersion(18)
		on13, on18 := refusalOf(node, tt.sql, &c, v13).Message(), refusalOf(node, tt.sql, &c, v18).Message()
		if want := cmp.Or(tt.on13, tt.refused); on13 != want {
			t.Errorf("%s:\n  13: %q, want %q", tt.sql, on13, want)
		}
		if want := cmp.Or(tt.on18, tt.refused); on18 != want {
			t.Errorf("%s:\n  18: %q, want %q", tt.sql, on18, want)
		}
		if on13 != on18 && (!v13.WasConsulted() || !v18.WasConsulted()) {
			t.Errorf("%s: the versions differ, but one was not consulted", tt.sql)
		}
		// Without a known schema most statements cannot be refused.
		if no := refusalOf(node, tt.sql, catalog.New(), refusal.NewVersion(18)); no != nil && !slices.Contains(schemaless, no.Kind) {
			t.Errorf("%s: refused without a schema: %s", tt.sql, no.Message())
		}
	}
}
