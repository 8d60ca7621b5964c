package ownschema_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/ownschema"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

const tables = `CREATE SCHEMA own; CREATE TABLE own.a (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL DEFAULT 0 CHECK (n >= 0));
	CREATE TABLE own.b (a bigint REFERENCES own.a, note text); CREATE INDEX b_note ON own.b (note)`

// planted are objects that the owner of the schema adds, or that others may add: each has code run that is not onward's.
var planted = map[string]string{
	"a view for a table":       "DROP TABLE own.b; CREATE VIEW own.b AS SELECT own.f() AS a, ''::text AS note",
	"a materialized view":      "CREATE MATERIALIZED VIEW own.m AS SELECT 1 AS a",
	"a foreign table":          "",
	"a function":               "",
	"a trigger":                "CREATE TRIGGER t BEFORE INSERT ON own.a FOR EACH ROW EXECUTE FUNCTION own.g()",
	"a constraint trigger":     "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON own.b DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION own.g()",
	"a rule":                   "CREATE RULE r AS ON INSERT TO own.b DO ALSO SELECT own.f()",
	"a policy":                 "ALTER TABLE own.b ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON own.b USING (own.f() > 0)",
	"row security":             "ALTER TABLE own.b FORCE ROW LEVEL SECURITY",
	"a default":                "ALTER TABLE own.b ALTER COLUMN note SET DEFAULT own.f()::text",
	"a default of the server":  "ALTER TABLE own.b ALTER COLUMN note SET DEFAULT query_to_xml('SELECT 1', true, true, '')::text",
	"another default":          "ALTER TABLE own.a ALTER COLUMN n SET DEFAULT 1",
	"a check":                  "ALTER TABLE own.b ADD CHECK (own.f() > 0)",
	"a check not valid":        "ALTER TABLE own.b ADD CHECK (own.f() > 0) NOT VALID",
	"a generated column":       "ALTER TABLE own.b ADD COLUMN more bigint GENERATED ALWAYS AS (own.f()) STORED",
	"a column":                 "ALTER TABLE own.b ADD COLUMN more int",
	"another type":             "ALTER TABLE own.b ALTER COLUMN note TYPE own.d",
	"an index":                 "CREATE INDEX ON own.b ((own.f() + a))",
	"a partial index":          "CREATE INDEX ON own.b (a) WHERE own.f() > 0",
	"a child table":            "CREATE TABLE public.child () INHERITS (own.b)",
	"a parent table":           "CREATE TABLE public.parent (note text); ALTER TABLE own.b INHERIT public.parent",
	"a reference from outside": "CREATE TABLE public.referring (a bigint REFERENCES own.a ON DELETE CASCADE)",
	"a partitioned table":      "DROP TABLE own.b; CREATE TABLE own.b (a bigint REFERENCES own.a, note text) PARTITION BY LIST (note)",
	"an operator":              "CREATE OPERATOR own.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
	"an unlogged table":        "ALTER TABLE own.b SET UNLOGGED",
	"statistics":               "CREATE STATISTICS own.s ON a, note FROM own.b",
	"a grant of a trigger":     "GRANT TRIGGER ON own.b TO PUBLIC",
	"a grant of writes":        "GRANT INSERT (note) ON own.b TO PUBLIC",
	"a grant on the schema":    "GRANT CREATE ON SCHEMA own TO PUBLIC",
}

// A schema that its owner has changed is refused, also if the owner is trusted, and its objects are named.
func TestPlanted(t *testing.T) {
	t.Parallel()
	pgservertest.OnEach(t, []int{onward.OldestMajor, onward.NewestMajor}, func(t *testing.T, conn *pgx.Conn, major int) {
		role := fmt.Sprintf("planter_%d_%d", major, os.Getpid())
		pgservertest.Exec(t, conn, "CREATE ROLE "+role, "GRANT CREATE ON SCHEMA public TO "+role)
		defer pgservertest.Exec(t, conn, "DROP OWNED BY "+role, "DROP ROLE "+role)
		pgservertest.Exec(t, conn, tables)
		s := &ownschema.Schema{Name: "own"}
		err := live.AsOwn(t.Context(), conn, func() (err error) {
			s.Inventory, err = ownschema.ReadInventory(t.Context(), conn, "own")
			return err
		})
		if err != nil || len(s.Inventory) != 8 {
			t.Fatalf("ReadInventory: %v; %d objects, want 8: %v", err, len(s.Inventory), s.Inventory)
		}
		check := func() error {
			return live.AsOwn(t.Context(), conn, func() error { return s.Check(t.Context(), conn, "") })
		}
		if err := check(); err != nil {
			t.Error(err)
		}
		pgservertest.Exec(t, conn, "DROP SCHEMA own CASCADE")
		if err := check(); err != nil {
			t.Error("no schema:", err)
		}
		pgservertest.Exec(t, conn, tables, "ALTER SCHEMA own OWNER TO "+role, "ALTER TABLE own.a OWNER TO "+role, "ALTER TABLE own.b OWNER TO "+role)
		if err := check(); err != nil {
			t.Error("of another role, as onward made it:", err)
		}
		for name, sql := range planted {
			pgservertest.Exec(t, conn, "BEGIN", "SET LOCAL ROLE "+role, "CREATE FUNCTION own.f() RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT 1::bigint'",
				"CREATE FUNCTION own.g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "CREATE DOMAIN own.d AS text CHECK (own.f() > 0)")
			if name == "a foreign table" {
				pgservertest.Exec(t, conn, "RESET ROLE", "CREATE FOREIGN DATA WRAPPER w", "CREATE SERVER w FOREIGN DATA WRAPPER w",
					"CREATE FOREIGN TABLE own.c (a int) SERVER w")
			}
			if sql != "" {
				pgservertest.Exec(t, conn, sql)
			}
			if !strings.Contains(sql+name, "a function") { // whatever calls one is refused without it, too
				pgservertest.Exec(t, conn, "ALTER FUNCTION own.f() SET SCHEMA public", "ALTER FUNCTION own.g() SET SCHEMA public", "ALTER DOMAIN own.d SET SCHEMA public")
			}
			pgservertest.Exec(t, conn, "RESET ROLE", live.OwnSettings(conn))
			refused := new(ownschema.PlantedError)
			if err := s.Check(t.Context(), conn, ""); !errors.As(err, &refused) {
				t.Errorf("check a schema with %s: got error %v, want a PlantedError", name, err)
			} else {
				t.Log(name, refused.Problems)
			}
			pgservertest.Exec(t, conn, "ROLLBACK")
		}
	})
}

// The owner counts: a role of the session's, one that it is a member of, or a superuser.
func TestOwners(t *testing.T) {
	t.Parallel()
	pgservertest.OnEach(t, []int{onward.OldestMajor, onward.NewestMajor}, func(t *testing.T, conn *pgx.Conn, major int) {
		name := func(role string) string { return fmt.Sprintf("%s_%d_%d", role, major, os.Getpid()) }
		member, owner, other := name("member"), name("owner"), name("other")
		pgservertest.Exec(t, conn, "CREATE ROLE "+member, "CREATE ROLE "+owner, "CREATE ROLE "+other, "GRANT "+owner+" TO "+member, tables)
		defer pgservertest.Exec(t, conn, "DROP OWNED BY "+member+", "+owner+", "+other, "DROP ROLE "+member, "DROP ROLE "+owner, "DROP ROLE "+other)
		s := &ownschema.Schema{Name: "own"}
		check := func(role, steps string) error {
			pgservertest.Exec(t, conn, "SET SESSION AUTHORIZATION "+role)
			defer pgservertest.Exec(t, conn, "RESET SESSION AUTHORIZATION")
			return live.AsOwn(t.Context(), conn, func() error { return s.Check(t.Context(), conn, steps) })
		}
		for _, role := range []string{member, owner, other} {
			if err := check(role, ""); err != nil {
				t.Error("of a superuser:", err)
			}
		}
		pgservertest.Exec(t, conn, "ALTER SCHEMA own OWNER TO "+owner, "ALTER TABLE own.a OWNER TO "+owner, "ALTER TABLE own.b OWNER TO "+owner)
		for _, role := range []string{member, owner} {
			if err := check(role, ""); err != nil {
				t.Error(err)
			}
		}
		if err := check(other, ""); err == nil || !strings.Contains(err.Error(), "schema own belongs to "+owner) {
			t.Error(err)
		}
		if err := check(other, owner); err != nil {
			t.Error("with its role:", err)
		}
		// A superuser is not asked for what its role may do, but whose the schema is.
		if err := check("postgres", ""); err == nil {
			t.Error("a superuser uses a schema of a role without its rights, and nobody compares what is in it")
		}
		pgservertest.Exec(t, conn, "ALTER TABLE own.b OWNER TO "+other)
		if err := check(member, ""); err == nil || !strings.Contains(err.Error(), "table own.b belongs to "+other) {
			t.Error(err)
		}
		for _, sql := range []string{"CREATE VIEW own.v AS SELECT 1",
			"CREATE TRIGGER t BEFORE UPDATE ON own.a FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"} {
			pgservertest.Exec(t, conn, "BEGIN", "ALTER TABLE own.b OWNER TO "+owner, "SET LOCAL ROLE "+owner, sql, "RESET ROLE", live.OwnSettings(conn))
			if err := s.Check(t.Context(), conn, owner); err == nil {
				t.Errorf("the schema is accepted after %s", sql)
			}
			pgservertest.Exec(t, conn, "ROLLBACK")
		}
	})
}

// An object that another session drops during the check is none: plans of other schemas drop their cursors at any time.
func TestCheckBesideDrops(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url, conn := pgservertest.ConnectNew(t, major)
		pgservertest.Exec(t, conn, "CREATE SCHEMA onward")
		dropper := pgservertest.Connect(t, url)
		ctx, stop := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() {
			var err error
			for err == nil && ctx.Err() == nil {
				_, err = dropper.Exec(context.WithoutCancel(ctx), "CREATE TABLE onward.a (id int PRIMARY KEY, n int CHECK (n > 0) DEFAULT 1)")
				if err == nil {
					_, err = dropper.Exec(context.WithoutCancel(ctx), "DROP TABLE onward.a")
				}
			}
			result <- err
		}()
		for range 400 {
			if err := live.AsOwn(t.Context(), conn, func() error { return (&ownschema.Schema{Name: "onward"}).Check(t.Context(), conn, "") }); err != nil {
				t.Error(err)
				break
			}
		}
		stop()
		if err := <-result; err != nil {
			t.Error(err)
		}
	})
}
