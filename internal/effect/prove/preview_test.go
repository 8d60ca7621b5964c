package prove

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const previewSchema = `CREATE TABLE orders (id bigint PRIMARY KEY, n int, b text, g int GENERATED ALWAYS AS (n * 2) VIRTUAL, ip inet, u uuid,
  CONSTRAINT ck CHECK (n > 0), CONSTRAINT loose CHECK (n < 100) NOT ENFORCED);
CREATE INDEX orders_n ON orders (n);
CREATE TABLE plain (a int, b int, c int GENERATED ALWAYS AS (a + 1) VIRTUAL, CONSTRAINT positive CHECK (c > 0));
CREATE TABLE full_identity (id int PRIMARY KEY);
ALTER TABLE full_identity REPLICA IDENTITY FULL;
CREATE TABLE pt (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE INDEX pt_id ON pt (id);
CREATE VIEW v AS SELECT id FROM orders;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM orders;
CREATE DOMAIN dom AS int CONSTRAINT valid CHECK (VALUE > 0);
CREATE TABLE uses (d dom);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`

// previewForms are forms that Postgres 19 brought, or judges in another way.
var previewForms = []string{
	"REPACK orders", "REPACK (VERBOSE) orders", "REPACK (ANALYZE) orders", "REPACK (ANALYZE) orders (n)", "REPACK orders (n)", "REPACK (ANALYZE) orders (nope)",
	"REPACK orders USING INDEX orders_n", "REPACK orders USING INDEX nope", "REPACK orders USING INDEX", "REPACK mv", "REPACK p1", "REPACK pt", "REPACK v",
	"REPACK (FULL) orders", "REPACK", "REPACK USING INDEX", "REPACK (CONCURRENTLY) orders", "REPACK (CONCURRENTLY)", "REPACK (CONCURRENTLY OFF) orders",
	"REPACK (CONCURRENTLY, ANALYZE) orders", "REPACK (CONCURRENTLY) orders USING INDEX orders_n",
	"ALTER TABLE orders ALTER CONSTRAINT ck NOT ENFORCED",
	"ALTER TABLE orders ALTER CONSTRAINT loose ENFORCED", "ALTER TABLE orders ALTER CONSTRAINT ck ENFORCED",
	"ALTER TABLE orders ALTER CONSTRAINT ck DEFERRABLE",
	"ALTER TABLE plain ALTER COLUMN c SET EXPRESSION AS (a + 2)", "ALTER TABLE orders ALTER COLUMN g SET EXPRESSION AS (n * 3)",
	"CREATE STATISTICS st ON n FROM orders", "CREATE STATISTICS st ON g FROM orders", "CREATE STATISTICS st ON g, n FROM orders",
	"INSERT INTO orders(id) VALUES (1) ON CONFLICT (id) DO SELECT RETURNING *", "INSERT INTO orders(id) VALUES (1) ON CONFLICT (id) DO SELECT",
	"INSERT INTO orders(id) VALUES (1) ON CONFLICT (b) DO SELECT RETURNING *",
	"CREATE VIEW v2 AS SELECT lag(n) IGNORE NULLS OVER (ORDER BY id) FROM orders",
	"CREATE PUBLICATION p FOR ALL SEQUENCES", "CREATE PUBLICATION p FOR ALL TABLES, ALL SEQUENCES", "CREATE PUBLICATION p FOR ALL TABLES EXCEPT (TABLE orders)",
	"ALTER TABLE orders ALTER CONSTRAINT orders_pkey NOT ENFORCED", "CHECKPOINT (MODE FAST)", "COPY pt TO STDOUT", "COPY orders TO STDOUT (FORMAT json)",
	"WAIT FOR LSN '0/1'", "WAIT FOR LSN '0/1' WITH (MODE 'standby_flush', TIMEOUT '1s')", "WAIT FOR LSN '0/1' WITH (MODE 'primary_flush')",
	"WAIT FOR LSN '0/1' WITH (NO_THROW)", "COPY orders FROM '/dev/null' WHERE tableoid > 0",
	"CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON orders ENFORCED FOR EACH ROW EXECUTE FUNCTION nothing()",
	"ALTER FUNCTION nothing() SET search_path TO NULL", "ALTER ROLE postgres SET search_path TO NULL", "SET LOCAL search_path = NULL",
	"SET search_path TO NULL", "SET standard_conforming_strings = off", "SET standard_conforming_strings = on", "SET escape_string_warning = off",
	"ALTER ROLE postgres SET standard_conforming_strings = 'no'", "ALTER TABLE pt CLUSTER ON pt_id", "ALTER TABLE pt SET WITHOUT CLUSTER",
	"ALTER DOMAIN dom VALIDATE CONSTRAINT valid", "ALTER TABLE orders SET (autovacuum_parallel_workers = 2)",
	"ALTER TABLE orders SET (log_autoanalyze_min_duration = 0)",
	"ALTER TABLE orders ADD COLUMN o oid8", "ALTER TABLE orders ADD COLUMN o regdatabase", "ALTER TABLE orders ADD COLUMN m int4multirange",
	"ALTER TABLE orders ALTER COLUMN u TYPE bytea USING u::bytea", "CREATE INDEX ON orders USING gist (ip)",
	"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN REPACK orders; END'", "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'REPACK orders'",
	"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'DECLARE r int; " +
		"BEGIN INSERT INTO orders(id) VALUES (1) ON CONFLICT (id) DO SELECT RETURNING id INTO r; END'",
	"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT lag(n) IGNORE NULLS OVER (ORDER BY id) FROM orders LIMIT 1); END'",
	"CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN IF " +
		"(SELECT lag(n) IGNORE NULLS OVER (ORDER BY id) FROM orders LIMIT 1) > 1 THEN RETURN 1; END IF; END'",
}

// unreadBodies have a form that no version has, as a form of a newer version looks to this release.
var unreadBodies = []string{
	"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT 1; FROBNICATE orders'",
	"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE orders SET n = = 1'",
	"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN FROBNICATE orders; END'",
	"CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF a > 1 THEN RETURN a; END IF; UPDATE orders SET n = = a; END'",
}

// Up to the version whose grammar the parser has, a body that it refuses is refused by the server with the same words. Beyond it nobody can tell: the
// body is not judged.
func TestUnreadBodies(t *testing.T) {
	t.Parallel()
	base := fold(t, catalog.New(), previewSchema)
	base.Complete = true
	_, conn := pgservertest.ConnectNew(t, pgparse.GrammarMajor, previewSchema)
	for _, sql := range unreadBodies {
		node := pgparse.ParseStatement(sql)
		_, problems := base.Judge(node, sql, false)
		comparePreview(t, conn, sql, effect.EffectOf(node, base, effect.NewVersion(pgparse.GrammarMajor), effect.Inputs{Problems: problems}))
		unknown := effect.EffectOf(node, base, effect.NewVersion(pgparse.GrammarMajor+1), effect.Inputs{Problems: problems})
		if unknown.Refused != nil || !strings.HasPrefix(unknown.Unmodelled, "the body has a form that this release does not know: syntax error at or near") {
			t.Errorf("%s: refused: %v, unmodelled: %q", sql, unknown.Refused, unknown.Unmodelled)
		}
		pgservertest.Exec(t, conn, "SET check_function_bodies = off")
		comparePreview(t, conn, sql, effect.EffectOf(node, base, effect.NewVersion(pgparse.GrammarMajor), effect.Inputs{Problems: problems, UncheckedBodies: true}))
		pgservertest.Exec(t, conn, "RESET check_function_bodies")
	}
}

const publicationSchema = `CREATE TABLE a (id int PRIMARY KEY, n int);
CREATE TABLE b (id int PRIMARY KEY, n int);
CREATE TABLE c (id int PRIMARY KEY);
CREATE TABLE parent (x int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE pt (id int, n int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE UNLOGGED TABLE fast (id int);
CREATE VIEW v AS SELECT id FROM a;
CREATE PUBLICATION listed FOR TABLE a;
CREATE PUBLICATION whole FOR TABLES IN SCHEMA public;
CREATE PUBLICATION unfilled;
CREATE PUBLICATION excepting FOR ALL TABLES EXCEPT (TABLE b, parent);
CREATE PUBLICATION counted FOR ALL SEQUENCES;
CREATE PUBLICATION everything FOR ALL TABLES, ALL SEQUENCES`

// publicationForms are about publications that only Postgres 19 has.
var publicationForms = []string{
	"ALTER TABLE a SET UNLOGGED", "ALTER TABLE b SET UNLOGGED", "ALTER TABLE c SET UNLOGGED", "ALTER TABLE child SET UNLOGGED",
	"ALTER PUBLICATION excepting ADD TABLE c", "ALTER PUBLICATION excepting DROP TABLE b", "ALTER PUBLICATION excepting SET TABLE c",
	"ALTER PUBLICATION counted ADD TABLE a", "ALTER PUBLICATION everything ADD TABLES IN SCHEMA public", "ALTER PUBLICATION counted SET (publish = 'insert')",
	"ALTER PUBLICATION listed SET ALL TABLES", "ALTER PUBLICATION listed SET ALL SEQUENCES", "ALTER PUBLICATION whole SET ALL TABLES, ALL SEQUENCES",
	"ALTER PUBLICATION unfilled SET ALL TABLES EXCEPT (TABLE a)", "ALTER PUBLICATION counted SET ALL TABLES",
	"ALTER PUBLICATION excepting SET ALL TABLES", "ALTER PUBLICATION excepting SET ALL TABLES EXCEPT (TABLE c)", "ALTER PUBLICATION excepting SET ALL SEQUENCES",
	"CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE p1)", "CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE pt)",
	"CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE fast)",
	"CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE v)", "CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE nope)",
	"CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE ONLY parent)",
	"CREATE PUBLICATION q FOR ALL TABLES EXCEPT (TABLE parent), ALL SEQUENCES",
	"ALTER TABLE pt ATTACH PARTITION b FOR VALUES FROM (10) TO (20)",
}

// The model and a server of 19 agree on publications that name what they leave out.
func TestPreviewPublications(t *testing.T) {
	t.Parallel()
	_, conn := pgservertest.ConnectNew(t, onward.PreviewMajor, publicationSchema)
	compareForms(t, conn, onward.PreviewMajor, publicationSchema, publicationForms)
}

// The model and servers of 18 and 19 agree on new forms: on the refusal, whether a transaction block is refused, and the strongest
// lock on each table that is read or rewritten.
func TestPreviewForms(t *testing.T) {
	t.Parallel()
	eachNewest(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major, previewSchema)
		compareForms(t, conn, major, previewSchema, previewForms)
	})
}

// compareForms compares what the model and a server say of each form, in a schema that the server has.
func compareForms(t *testing.T, conn *pgx.Conn, major int, schema string, forms []string) {
	t.Helper()
	base := fold(t, catalog.New(), schema)
	base.Complete = true
	for _, sql := range forms {
		f, err := pgparse.SplitText(sql)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
			t.Errorf("%s: not read", sql)
			continue
		}
		_, problems := base.Judge(f.Stmts[0].Node, sql, true)
		r := effect.EffectOf(f.Stmts[0].Node, base, effect.NewVersion(major), effect.Inputs{Problems: problems})
		comparePreview(t, conn, sql, r)
	}
}

// comparePreview runs a form in a transaction that is rolled back. One that the server refuses there is only compared with what the
// model says of transactions.
func comparePreview(t *testing.T, conn *pgx.Conn, sql string, r effect.Result) {
	t.Helper()
	ctx := t.Context()
	pgservertest.Exec(t, conn, "BEGIN")
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	var pg *pgconn.PgError
	_ = errors.As(err, &pg)
	if pg != nil && pg.Code == "25001" {
		if r.NoTransaction == "" {
			t.Errorf("%s: the server says %q, and the model allows a transaction", sql, pg.Message)
		}
		pgservertest.Exec(t, conn, "ROLLBACK")
		return
	}
	want := ""
	if pg != nil {
		want = pg.Code + " " + pg.Message
	}
	got := ""
	if r.Refused != nil {
		got = r.Refused.SQLSTATE + " " + r.Refused.Message()
	}
	if got != want {
		t.Errorf("%s: the model says %q, the server %q", sql, got, want)
	}
	if pg == nil && r.NoTransaction != "" {
		t.Errorf("%s: the model says that it runs in no transaction (%s), and it did", sql, r.NoTransaction)
	}
	if pg == nil && want == got {
		locks := map[string]onward.Lock{}
		rows, err := conn.Query(ctx, `SELECT c.relname::text, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::regnamespace`)
		if err != nil {
			t.Fatal(err)
		}
		var name, mode string
		if _, err := pgx.ForEachRow(rows, []any{&name, &mode}, func() error {
			var lock onward.Lock
			err := lock.UnmarshalText([]byte(mode))
			locks[name] = max(locks[name], lock)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i := range r.Effects {
			if e := &r.Effects[i]; slices.Contains([]catalog.Kind{catalog.Table, catalog.PartitionedTable, catalog.MaterializedView}, e.Kind) {
				if locks[e.Name.Name] != e.Lock {
					t.Errorf("%s: the model locks %s with %v, the server with %v", sql, e.Name.Name, e.Lock, locks[e.Name.Name])
				}
				delete(locks, e.Name.Name)
			}
		}
		if len(locks) > 0 {
			t.Errorf("%s: the server also locks %v", sql, locks)
		}
	}
	pgservertest.Exec(t, conn, "ROLLBACK")
}
