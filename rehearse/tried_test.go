package rehearse_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// program makes a function that starts one, and goes on without.
const program = "CREATE FUNCTION f_program() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN COPY (SELECT 1) TO PROGRAM 'true'; RETURN true; EXCEPTION WHEN OTHERS THEN RETURN true; END $$;\n"

// reaching are releases that reach out of their database: what is said of them,
// and on which line.
var reaching = map[string]struct {
	sql, fact string
	line      int
	down      string
}{
	"a program":                       {sql: "SELECT 1;\nCOPY t TO PROGRAM 'true';", fact: "it starts a program on the server (COPY … PROGRAM): ", line: 4},
	"a program in a function":         {sql: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COPY t TO PROGRAM 'true'; END $$;\nSELECT f();", fact: "it starts a program", line: 4},
	"a program, put together":         {sql: "DO $$ BEGIN EXECUTE concat('COPY t TO PRO', 'GRAM ''true'''); END $$;", fact: "it starts a program", line: 3},
	"a refusal that is caught":        {sql: "DO $$ BEGIN\nEXECUTE 'COPY t TO PROGRAM ''true''';\nEXCEPTION WHEN OTHERS THEN NULL;\nEND $$;", fact: "in a block that goes on without it", line: 4},
	"a function that catches":         {sql: program + "SELECT 1;\nSELECT f_program();", fact: "it calls public.f_program, which starts a program", line: 5},
	"the machine's files":             {sql: "COPY t (name) FROM '/etc/passwd';", fact: "it reads a file that the server's machine is set up with (/etc/passwd): ", line: 3},
	"the rights of a superuser":       {sql: "ALTER ROLE CURRENT_USER SUPERUSER;", fact: "it makes its own role a superuser: ", line: 3},
	"the list of roles":               {sql: "UPDATE pg_catalog.pg_authid SET rolsuper = true;", fact: "it writes the server's own list of roles (pg_authid): ", line: 3},
	"the rehearsal's role":            {sql: "SET ROLE onward_watch;", fact: "it changes what is the rehearsal's own: ", line: 3},
	"the rehearsal's trigger":         {sql: "DO $$ BEGIN PERFORM 1; END $$;\nDROP EVENT TRIGGER onward_rehearsal_start;", fact: "it changes what is the rehearsal's own: ", line: 4},
	"an operator":                     {sql: "CREATE FUNCTION ge(oid, int4) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN COPY (SELECT 1) TO PROGRAM 'true'; RETURN true; END $$;\nCREATE OPERATOR public.>= (LEFTARG = oid, RIGHTARG = int4, FUNCTION = ge);", fact: "operator public.>=(oid,integer) answers to a name of the server's own, and starts a program", line: 4},
	"an operator that hides":          {sql: "CREATE FUNCTION cat(name, name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE pg_catalog.convert_from('\\x00', 'UTF8'); RETURN $1; END $$;\nSELECT 1;\nCREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = name, FUNCTION = cat);", fact: "operator public.||(name,name) answers to a name of the server's own, and runs text that it puts together as it goes", line: 5},
	"an operator that becomes others": {sql: "CREATE FUNCTION inner_f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; END $$;\nCREATE FUNCTION cat(name, name) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM inner_f(); RETURN $1; END $$;\nCREATE OPERATOR public.|| (LEFTARG = name, RIGHTARG = name, FUNCTION = cat);", fact: "and becomes another role", line: 5},
	"a function of the server's name": {sql: "CREATE FUNCTION public.pg_relation_filenode(regclass) RETURNS oid LANGUAGE plpgsql AS $$ BEGIN EXECUTE reverse($x$esrever$x$); RETURN 1; END $$;", fact: "function public.pg_relation_filenode(regclass) answers to", line: 3},
	"a view of the server's name":     {sql: program + "CREATE SCHEMA evil;\nCREATE VIEW evil.pg_available_extensions AS SELECT * FROM pg_catalog.pg_available_extensions WHERE public.f_program();", fact: "view evil.pg_available_extensions answers to", line: 5},
	"a domain of the server's name":   {sql: program + "CREATE SCHEMA evil;\nCREATE DOMAIN evil.text AS pg_catalog.text CHECK (public.f_program());", fact: "type evil.text answers to", line: 5},
	"a default":                       {sql: program + "ALTER TABLE t ADD COLUMN d boolean;\nALTER TABLE t ALTER COLUMN d SET DEFAULT f_program();", fact: "default value for column d of table public.t: the session that meets it starts a program", line: 5},
	"made by a block":                 {sql: "SELECT 1;\nDO $$ BEGIN EXECUTE format('CREATE FUNCTION %I(name, name) RETURNS text LANGUAGE plpgsql AS %L', 'h' || 'idden', 'BEGIN COPY t TO PROGRAM ''true''; END'); EXECUTE format('CREATE OPERATOR public.~~ (LEFTARG = name, RIGHTARG = name, FUNCTION = %I)', 'h' || 'idden'); END $$;", fact: "operator public.~~(name,name) answers to", line: 4},
	"a way down":                      {sql: "SELECT 1;", down: "COPY t TO PROGRAM 'true';", fact: "on the way down, at line 5: it starts a program", line: 3},
	"a way down that leaves a trap":   {sql: "SELECT 1;", down: "CREATE FUNCTION ge(oid, int4) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN COPY (SELECT 1) TO PROGRAM 'true'; RETURN true; END $$;\nCREATE OPERATOR public.>= (LEFTARG = oid, RIGHTARG = int4, FUNCTION = ge);", fact: "on the way down, at line 6: operator public.>=(oid,integer)", line: 3},
}

// honest are releases that do what looks alike, each in its own way right.
var honest = map[string]string{
	"an operator for text and numbers": "CREATE FUNCTION cat(text, int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1 || $2::text $$;\nCREATE OPERATOR public.|| (LEFTARG = text, RIGHTARG = int, FUNCTION = cat);",
	"an implicit comparison":           "CREATE FUNCTION eq(text, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1 = $2::text; END $$;\nCREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = int, FUNCTION = eq);",
	"gen_random_uuid()":                "CREATE FUNCTION public.gen_random_uuid() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT md5(random()::text || clock_timestamp()::text)::uuid $$;",
	"array_remove() of before 9.3":     "CREATE FUNCTION public.array_remove(anyarray, anyelement) RETURNS anyarray LANGUAGE sql AS $$ SELECT ARRAY(SELECT x FROM unnest($1) x WHERE x <> $2) $$;",
	"now() that tests can move":        "CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN COALESCE(NULLIF(current_setting('app.now', true), '')::timestamptz, pg_catalog.now()); END $$;",
	"pg_terminate_backend() for all":   "CREATE FUNCTION public.pg_terminate_backend(integer) RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$ SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND usename = session_user $$;",
	"a name of the server's":           "CREATE FUNCTION public.format(text, VARIADIC t[]) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE 'SELECT ' || quote_literal($1) INTO r; RETURN r; END $$;",
	"a view over the server's":         "CREATE SCHEMA monitoring;\nCREATE FUNCTION monitoring.activity() RETURNS SETOF pg_stat_activity LANGUAGE sql SECURITY DEFINER AS $$ SELECT * FROM pg_catalog.pg_stat_activity $$;\nCREATE VIEW monitoring.pg_stat_activity AS SELECT * FROM monitoring.activity();",
	"paths":                            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = app, public', current_database()); END $$;\nALTER ROLE CURRENT_USER SET search_path = public, pg_catalog;\nSET search_path = public, pg_catalog;",
	"dynamic SQL":                      "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('ANALYZE %I', TG_TABLE_NAME); RETURN NEW; END $$;\nCREATE TRIGGER touched AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();\nCREATE FUNCTION key(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE r text; BEGIN EXECUTE 'SELECT ' || quote_literal($1) INTO r; RETURN r; END $$;\nCREATE INDEX keys ON t (key(name));\nALTER TABLE t ALTER COLUMN name SET DEFAULT key('x');",
	"an exporter for an administrator": "CREATE FUNCTION export() RETURNS void LANGUAGE plpgsql AS $$ BEGIN COPY t TO PROGRAM 'gzip > /srv/t.gz'; END $$;",
	"rows from a file":                 "COPY t FROM '/srv/rows.csv';",
	"a backup":                         "COPY t TO '/tmp/t.csv';",
	"rows from a file, if it may":      "DO $$ BEGIN COPY t FROM '/srv/rows.csv'; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;",
	"a foreign file":                   "CREATE EXTENSION file_fdw;",
	"another database":                 "CREATE EXTENSION dblink;",
	"an untrusted language":            "CREATE EXTENSION plperlu;",
	"an event trigger":                 "CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('COMMENT ON SCHEMA public IS %L', TG_TAG); END $$;\nCREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl();",
	"a setting of the server":          "ALTER SYSTEM SET wal_level = logical;",
	"a superuser for an application":   "CREATE ROLE app SUPERUSER LOGIN;\nALTER ROLE app SUPERUSER;",
	"the role of an old dump":          "SET SESSION AUTHORIZATION 'postgres';",
	"a role, as the file ends":         "SET ROLE postgres;",
	"C that came with the server":      "CREATE FUNCTION immutable_unaccent(regdictionary, text) RETURNS text LANGUAGE c IMMUTABLE STRICT AS '$libdir/unaccent', 'unaccent_dict';",
	"a function of the server's own":   "CREATE FUNCTION immutable_array_to_string(anyarray, text) RETURNS text LANGUAGE internal IMMUTABLE AS 'array_to_text';",
	"a library":                        "LOAD 'age';",
	"a catalog":                        "UPDATE pg_catalog.pg_attribute SET atttypmod = 14 WHERE attrelid = 't'::regclass AND attname = 'name';",
}

// tried are the findings of a release, each statement on its own.
func tried(t *testing.T, sql, down string) []onward.Finding {
	t.Helper()
	up := "-- +goose NO TRANSACTION\n-- +goose Up\n" + sql + "\n"
	if down != "" {
		up += "-- +goose Down\n" + down + "\n"
	}
	r, _ := rehearsed(t, rehearse.Config{
		Config: audit.Config{Dir: branch(t, hostileBase, []txtar.File{{Name: "00002_up.sql", Data: []byte(up)}})}, Down: down != "",
	})
	return named(r, rehearsal.TriedToEscape)
}

func TestTriedToEscape(t *testing.T) {
	t.Parallel()
	for name, c := range reaching {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := tried(t, c.sql, c.down)
			if len(found) != 1 || !strings.Contains(found[0].Fact, c.fact) || found[0].Line != c.line || found[0].Path != "migrations/00002_up.sql" {
				t.Errorf("%+v", found)
			}
		})
	}
	for name, sql := range honest {
		t.Run("honest, "+name, func(t *testing.T) {
			t.Parallel()
			if found := tried(t, sql, ""); len(found) > 0 {
				t.Errorf("%+v", found)
			}
		})
	}
}
