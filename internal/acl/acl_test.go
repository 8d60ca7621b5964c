package acl_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/acl"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// defaults are default privileges of each kind, for all schemas and for one, and for the owner less than usual.
const defaults = `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO acl_low, PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO acl_low, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO acl_low WITH GRANT OPTION; ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO acl_low;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO acl_low; ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM CURRENT_USER; ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM CURRENT_USER;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO "Acl low"; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO "Acl low";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO "Acl low"; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TYPES TO "Acl low";`

// readGrants lists what others than the owner may do with the objects of the test, and what the owner may not.
const readGrants = `WITH o (name, owner, acl, initial) AS (
	SELECT relname, relowner, relacl, acldefault(CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner) FROM pg_class
	WHERE relnamespace = 'public'::regnamespace AND relname ~ '^(T|v|made)' AND relkind IN ('r', 'p', 'v', 'S')
	UNION ALL SELECT proname, proowner, proacl, acldefault('f', proowner) FROM pg_proc WHERE proname = 'made'
	UNION ALL SELECT typname, typowner, typacl, acldefault('T', typowner) FROM pg_type WHERE typname = 'mood'
	UNION ALL SELECT nspname, nspowner, nspacl, acldefault('n', nspowner) FROM pg_namespace WHERE nspname ~ '^made')
SELECT name || ': ' || a.grantee::regrole || ' ' || a.privilege_type || CASE WHEN a.is_grantable THEN '*' ELSE '' END
	FROM o, aclexplode(coalesce(acl, initial)) AS a WHERE a.grantee <> owner
UNION ALL SELECT name || ': owner without ' || i.privilege_type FROM o, aclexplode(initial) AS i WHERE i.grantee = owner
	AND NOT EXISTS (SELECT FROM aclexplode(coalesce(acl, initial)) AS a WHERE a.grantee = owner AND a.privilege_type = i.privilege_type)
UNION ALL SELECT attrelid::regclass || '.' || attname || ': ' || a.grantee::regrole || ' ' || a.privilege_type FROM pg_attribute, aclexplode(attacl) AS a
	WHERE attrelid::regclass::text ~ '^"?(T|v)' ORDER BY 1`

// Default privileges of each kind, of the database and of a schema, do not reach an object whose privileges are set.
func TestSetOwnerAlone(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		inTransaction(t, conn, "CREATE ROLE acl_low", `CREATE ROLE "Acl low"`, defaults,
			`CREATE TABLE "T's" (id serial, n bigint GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (id)`, `CREATE TABLE "T1" PARTITION OF "T's" DEFAULT`,
			`CREATE VIEW v AS SELECT 1 AS one`, "CREATE SEQUENCE made", "CREATE FUNCTION made(integer, text) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
			"CREATE TYPE mood AS ENUM ('sad')", "CREATE SCHEMA made")
		if got := pgservertest.ReadTexts(t, conn, readGrants); len(got) < 60 {
			t.Fatalf("the default privileges do not reach the objects: %v", got)
		}
		set := []string{
			acl.SetOwnerAlone(acl.Relation, `"T's"`), acl.SetOwnerAlone(acl.Relation, `public."T1"`), acl.SetOwnerAlone(acl.Relation, "v"),
			acl.SetOwnerAlone(acl.Relation, "made"), acl.SetOwnerAlone(acl.Function, "made(integer, text)"), acl.SetOwnerAlone(acl.Type, "mood"),
		}
		inTransaction(t, conn, append(set, acl.SetOwnerAlone(acl.Schema, "made"))...)
		if got := pgservertest.ReadTexts(t, conn, readGrants); !onlySchema(got) {
			t.Errorf("others than the owner have privileges: %v", got)
		}
		inTransaction(t, conn, "CREATE SCHEMA made_now", acl.SetOwnerAlone(acl.Schema, "made_now"))
		for _, g := range pgservertest.ReadTexts(t, conn, readGrants) {
			if strings.HasPrefix(g, "made_now: ") {
				t.Errorf("a schema of this transaction: %s", g)
			}
		}
	})
}

// onlySchema reports whether the privileges are those on a schema of an earlier transaction, which is left alone.
func onlySchema(list []string) bool {
	return cmp.Equal(list, []string{"made: acl_low CREATE", "made: acl_low USAGE"})
}

// The content of a schema has an owner alone, all of it or what a transaction adds.
func TestContent(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		content := func(number string) []string {
			return []string{
				"CREATE TABLE made.t" + number + " (id serial PRIMARY KEY)", "CREATE FUNCTION made.f" + number + "() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
				"CREATE TYPE made.e" + number + " AS ENUM ('a')",
			}
		}
		count := func() []string {
			return pgservertest.ReadTexts(t, conn, `SELECT name || count(*) FROM (
				SELECT relname AS name, relacl AS acl FROM pg_class WHERE relnamespace = 'made'::regnamespace AND relkind IN ('r', 'S')
				UNION ALL SELECT proname, coalesce(proacl, acldefault('f', proowner)) FROM pg_proc WHERE pronamespace = 'made'::regnamespace
				UNION ALL SELECT typname, coalesce(typacl, acldefault('T', typowner)) FROM pg_type WHERE typnamespace = 'made'::regnamespace AND typtype = 'e') AS o,
				aclexplode(acl) AS a WHERE a.grantee <> (SELECT oid FROM pg_roles WHERE rolname = current_user) GROUP BY name ORDER BY 1`)
		}
		inTransaction(t, conn, strings.NewReplacer("acl_low", "pg_monitor", `"Acl low"`, `pg_monitor`).Replace(defaults), "CREATE SCHEMA made")
		inTransaction(t, conn, content("1")...)
		before := count()
		if len(before) != 4 {
			t.Fatalf("the default privileges do not reach the objects: %v", before)
		}
		inTransaction(t, conn, append(append(content("2"), "CREATE TABLE made.t3 (id integer REFERENCES made.t1)"), acl.SetOwnerAlone(acl.NewContent, "made"))...)
		if diff := cmp.Diff(before, count()); diff != "" {
			t.Errorf("only new objects have their owner alone: %s", diff)
		}
		inTransaction(t, conn, acl.SetOwnerAlone(acl.Content, "made"))
		if got := count(); len(got) > 0 {
			t.Errorf("others than the owner have privileges: %v", got)
		}
	})
}

// An object gets the privileges of its source. Columns get theirs by their names.
func TestSetLike(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		inTransaction(t, conn, "CREATE ROLE acl_some", strings.NewReplacer("acl_low", "pg_monitor", `"Acl low"`, `pg_monitor`).Replace(defaults),
			"CREATE TABLE old (id serial, a text, b text)",
			acl.SetOwnerAlone(acl.Relation, "old"), "GRANT SELECT ON old TO pg_monitor WITH GRANT OPTION", "GRANT INSERT (a, b), SELECT (b) ON old TO acl_some, PUBLIC",
			"CREATE TABLE \"T\" (id serial, b text, c text)", "CREATE TYPE was AS ENUM ('a')", acl.SetOwnerAlone(acl.Type, "was"), "GRANT USAGE ON TYPE was TO acl_some",
			"CREATE TYPE mood AS ENUM ('b')", acl.SetLike(acl.Relation, `"T"`, "public.old"), acl.SetLike(acl.Type, "mood", "public.was"))
		want := []string{`"T".b: - INSERT`, `"T".b: - SELECT`, `"T".b: acl_some INSERT`, `"T".b: acl_some SELECT`, "T: pg_monitor SELECT*", "mood: acl_some USAGE"}
		got := pgservertest.ReadTexts(t, conn, readGrants)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// A block of this package is known by its whole text.
func TestSetsPrivileges(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		acl.SetOwnerAlone(acl.Relation, `"T's"`):                                                           true,
		acl.SetOwnerAlone(acl.Function, "f()"):                                                             true,
		acl.SetLike(acl.Relation, "a", "b"):                                                                true,
		acl.SetLike(acl.Type, "a", "b"):                                                                    true,
		strings.Replace(acl.SetOwnerAlone(acl.Type, "a"), "EXECUTE", "EXECUTE 'x' ||", 1):                  false,
		strings.Replace(acl.SetOwnerAlone(acl.Function, "f()"), "GRANT ALL", "DROP TABLE t; GRANT ALL", 1): false,
		strings.Replace(acl.SetOwnerAlone(acl.Type, "a"), "'REVOKE ALL", "'DROP TABLE t; ", 1):             false,
		"DO $$ BEGIN EXECUTE 'REVOKE ALL ON t FROM ' || x; END $$":                                         false,
		"DO $onward$\nDECLARE\n  onward_object text := ":                                                   false,
	} {
		if got := acl.SetsPrivileges(sql); got != want {
			t.Errorf("SetsPrivileges = %v, want %v:\n%s", got, want, sql)
		}
	}
}

// inTransaction runs statements in one transaction.
func inTransaction(t *testing.T, conn *pgx.Conn, sql ...string) {
	t.Helper()
	pgservertest.Exec(t, conn, append(append([]string{"BEGIN"}, sql...), "COMMIT")...)
}
