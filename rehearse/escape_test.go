package rehearse_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// payload notes who runs it, and starts a program, which only a superuser may.
// OUTSIDE is a directory of the test's. Whoever is caught may note it.
const payload = `CREATE SCHEMA IF NOT EXISTS evil;
GRANT USAGE ON SCHEMA evil, public TO PUBLIC;
CREATE TABLE evil.ran (variant text, session text, super boolean);
GRANT INSERT ON evil.ran TO PUBLIC;
CREATE FUNCTION evil.payload(variant text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $p$ BEGIN
  BEGIN INSERT INTO evil.ran SELECT variant, session_user, rolsuper FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) session_user; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN RESET ROLE; EXCEPTION WHEN OTHERS THEN NULL; END;
  BEGIN EXECUTE pg_catalog.concat('COPY (SELECT 1) TO PROGRAM ', pg_catalog.quote_literal(pg_catalog.concat('touch OUTSIDE/', pg_catalog.md5(variant)))); EXCEPTION WHEN OTHERS THEN NULL; END;
  RETURN true;
END $p$;
CREATE FUNCTION evil.trigger() RETURNS trigger LANGUAGE plpgsql AS $p$ BEGIN PERFORM evil.payload('trigger'); RETURN NEW; END $p$;
`

// shadows puts something of its own beside what a session may name without a
// schema, in SCHEMA: operators on the types of catalogs, functions with the
// signatures of the server's, views named like catalogs, domains named like types.
// Each does what the server's own does, and carries the payload. What the server
// refuses is left out.
const shadows = `DO $do$ DECLARE op text; a text; b text; r record; n int := 0; body text;
BEGIN
  SET LOCAL check_function_bodies = off;
  SET LOCAL client_min_messages = error;
  FOR r IN SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS args, pg_get_function_result(p.oid) AS res,
      (SELECT coalesce(string_agg(format('$%s', i), ', '), '') FROM generate_series(1, p.pronargs) i) AS call FROM pg_proc p
      WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.provariadic = 0 AND p.prorettype <> 'internal'::regtype AND NOT p.proretset
        AND (p.proname ~ '^(pg_relation_|pg_database_|pg_table_|pg_get_|pg_has_|has_schema|has_data|pg_cancel|pg_terminate|pg_backend|pg_current_wal|pg_wal_lsn|pg_stat_get_xact|pg_is_in|pg_size)'
          OR p.proname IN ('current_setting','set_config','current_schema','format_type','quote_ident','quote_literal','shobj_description','obj_description','clock_timestamp','date_part','now','version','col_description','to_regclass','btrim','left','starts_with','lower','replace','array_to_string','int8','text','oideq','nameeq','like','textcat'))
  LOOP
    BEGIN
      EXECUTE format('CREATE FUNCTION SCHEMA.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', r.proname, r.args, r.res,
        format('BEGIN PERFORM evil.payload(%L); RETURN pg_catalog.%I(%s); END', format('function SCHEMA %s(%s)', r.proname, r.args), r.proname, r.call));
    EXCEPTION WHEN OTHERS THEN NULL; END;
  END LOOP;
  IF 'SCHEMA' <> 'public' THEN
    FOR r IN SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname ~ '^pg_' LOOP
      BEGIN
        EXECUTE format('CREATE VIEW SCHEMA.%I AS SELECT * FROM pg_catalog.%I WHERE evil.payload(%L)', r.relname, r.relname, format('view SCHEMA %s', r.relname));
        EXECUTE format('GRANT SELECT ON SCHEMA.%I TO PUBLIC', r.relname);
      EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
    FOREACH a IN ARRAY '{text,name,oid,int8,int4,bool,regclass,regprocedure,regproc,timestamptz,_text,jsonb,float8,varchar}'::text[] LOOP
      BEGIN
        EXECUTE format('CREATE DOMAIN SCHEMA.%I AS pg_catalog.%I CHECK (evil.payload(%L))', a, a, format('type SCHEMA %s', a));
      EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
  END IF;
  FOREACH op IN ARRAY '{=,<>,>=,<=,<,>,~,!~,~~,!~~,->>,||}'::text[] LOOP
    FOR a, b IN VALUES ('name','name'),('name','text'),('text','text'),('text','name'),('oid','oid'),('oid','int4'),('int4','int4'),('int8','int4'),('int8','int8'),('float4','int4'),('"char"','"char"'),('"char"','text'),('bool','bool'),('jsonb','text'),('pg_lsn','pg_lsn') LOOP
      BEGIN
        n := n + 1;
        body := format('BEGIN PERFORM evil.payload(%L); RETURN $1 OPERATOR(pg_catalog.%s) $2; END', format('operator SCHEMA %s %s %s', op, a, b), op);
        EXECUTE format('CREATE FUNCTION SCHEMA.op%s(pg_catalog.%s, pg_catalog.%s) RETURNS %s LANGUAGE plpgsql AS %L', n, a, b, CASE WHEN op OPERATOR(pg_catalog.=) ANY ('{->>,||}') THEN 'pg_catalog.text' ELSE 'pg_catalog.bool' END, body);
        EXECUTE format('CREATE OPERATOR SCHEMA.%s (LEFTARG = pg_catalog.%s, RIGHTARG = pg_catalog.%s, FUNCTION = SCHEMA.op%s)', op, a, b, n);
      EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP;
  END LOOP;
END $do$`

// owned carries the payload in everything that is run for a table.
const owned = `CREATE FUNCTION evil.quiet(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT evil.payload($1) $$;
CREATE DOMAIN evil.checked AS integer CHECK (evil.quiet('domain') OR VALUE > 0);
CREATE TABLE public.bait (id integer PRIMARY KEY DEFAULT CASE WHEN evil.payload('default') THEN 1 END, d evil.checked, g integer GENERATED ALWAYS AS (CASE WHEN evil.quiet('generated') THEN 1 END) STORED, CHECK (evil.payload('check')));
CREATE INDEX bait_expression ON public.bait ((evil.quiet('index')));
CREATE INDEX bait_partial ON public.bait (d) WHERE evil.quiet('predicate');
CREATE STATISTICS public.bait_statistics ON id, d FROM public.bait;
CREATE TRIGGER bait_trigger BEFORE INSERT OR UPDATE OR TRUNCATE ON public.bait FOR EACH STATEMENT EXECUTE FUNCTION evil.trigger();
ALTER TABLE public.bait ENABLE ALWAYS TRIGGER bait_trigger;
ALTER TABLE public.bait ENABLE ROW LEVEL SECURITY;
CREATE POLICY bait_policy ON public.bait USING (evil.payload('policy'));
CREATE VIEW public.bait_view AS SELECT * FROM public.bait WHERE evil.payload('view');
CREATE MATERIALIZED VIEW public.bait_materialized AS SELECT evil.payload('materialized');
CREATE RULE bait_rule AS ON DELETE TO public.bait_view DO INSTEAD SELECT evil.payload('rule');
CREATE FUNCTION evil.difference(integer, integer) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN evil.payload('range') THEN 1.0::float8 END $$;
CREATE TYPE evil.ranged AS RANGE (SUBTYPE = integer, SUBTYPE_DIFF = evil.difference);
CREATE TABLE public.bait_ranges (r evil.ranged, EXCLUDE USING gist (r WITH &&));
CREATE AGGREGATE public.max(oid) (SFUNC = oidlarger, STYPE = oid);
CREATE FUNCTION evil.definer() RETURNS boolean LANGUAGE sql SECURITY DEFINER AS $$ SELECT evil.payload('definer') $$;
CREATE VIEW public.bait_definer AS SELECT evil.definer();
`

// refused are attempts that fail by themselves; what is behind them goes on.
func refused(statements ...string) string {
	var b strings.Builder
	for _, sql := range statements {
		fmt.Fprintf(&b, "DO $do$ BEGIN EXECUTE $sql$%s$sql$; EXCEPTION WHEN OTHERS THEN NULL; END $do$;\n", sql)
	}
	return b.String()
}

// sampled statements run for long enough to be looked at, in a transaction and on
// their own.
const sampled = "SELECT pg_catalog.pg_sleep(0.05);\nCREATE INDEX CONCURRENTLY onward_sampled ON public.t (name);\nALTER TABLE public.t ADD COLUMN seen int;"

// block is a statement that goose shall not cut.
func block(sql string) string {
	return "-- +goose StatementBegin\n" + strings.TrimSuffix(strings.TrimSpace(sql), ";") + ";\n-- +goose StatementEnd\n"
}

// blocks are statements, each on its own.
func blocks(sql string) string {
	var b strings.Builder
	for _, s := range pieces(sql) {
		b.WriteString(block(s))
	}
	return b.String()
}

// pieces cuts at semicolons that end a line outside of dollar quotes.
func pieces(sql string) []string {
	var out []string
	rest := ""
	for line := range strings.Lines(sql) {
		rest += line
		if strings.HasSuffix(strings.TrimSpace(rest), ";") && strings.Count(rest, "$do$")%2 == 0 && strings.Count(rest, "$p$")%2 == 0 && strings.Count(rest, "$$")%2 == 0 {
			out = append(out, rest)
			rest = ""
		}
	}
	return append(out, rest)
}

// attempt is a release, or a history below it, that tries to get out.
type attempt struct {
	base, up, down string
	// schema is the text of a file of --schema, which takes the base's place.
	schema string
	// rows: with rows and traffic.
	rows bool
	// breaks: the rehearsal may end in an error.
	breaks bool
	// newest: on one version only; what it tries is the same on each.
	newest bool
}

const arm = payload + "SHADOWS evil;\nSHADOWS public;\n"

const (
	forDatabase = "DO $do$ BEGIN EXECUTE pg_catalog.format('ALTER DATABASE %I SET search_path = evil, pg_catalog, public', pg_catalog.current_database()); END $do$;\n"
	forRole     = "ALTER ROLE CURRENT_USER SET search_path = evil, pg_catalog, public;\n"
	forBoth     = "DO $do$ BEGIN EXECUTE pg_catalog.format('ALTER ROLE CURRENT_USER IN DATABASE %I SET search_path = evil, pg_catalog, public', pg_catalog.current_database()); END $do$;\n"
)

// settings that the owner of a database may give to all sessions in it.
var settings = []string{
	"search_path = evil, pg_catalog", "standard_conforming_strings = off", "backslash_quote = on", "role = 'onward'", "session_authorization = 'onward'", "row_security = off",
	"transform_null_equals = on", "check_function_bodies = off", "default_transaction_read_only = on", "default_transaction_isolation = serializable", "default_transaction_deferrable = on",
	"client_encoding = 'SQL_ASCII'", "DateStyle = 'German'", "IntervalStyle = iso_8601", "bytea_output = escape", "extra_float_digits = -15", "array_nulls = off", "quote_all_identifiers = on",
	"default_tablespace = nowhere", "temp_tablespaces = nowhere", "default_table_access_method = heap", "local_preload_libraries = ''", "exit_on_error = on", "jit = on", "xmloption = document",
	"lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "client_min_messages = error", "session_replication_role = replica", "session_preload_libraries = 'auto_explain'",
	"dynamic_library_path = 'OUTSIDE'", "log_statement = all", "event_triggers = on", "plpgsql.extra_errors = all", "auto_explain.log_format = text", "evil.setting = 'x'", "timezone = 'Europe/Moscow'",
	"lc_messages = 'C'", "default_text_search_config = 'evil.none'", "password_encryption = 'md5'", "enable_seqscan = off", "work_mem = '64kB'", "application_name = 'evil'", "createrole_self_grant = 'set'",
}

func allSettings() string {
	var list []string
	for _, s := range settings {
		list = append(list, "DO $set$ BEGIN EXECUTE pg_catalog.format('ALTER DATABASE %I SET "+strings.ReplaceAll(s, "'", "''")+"', pg_catalog.current_database()); END $set$")
	}
	return refused(list...)
}

var escapes = map[string]attempt{
	"in public, by the release":                 {up: arm, newest: true},
	"in public, by the base":                    {base: arm, rows: true, newest: true},
	"in public, and down":                       {up: arm, down: "DROP INDEX onward_sampled; ALTER TABLE public.t DROP COLUMN seen;", newest: true},
	"in public, made by the way down":           {down: arm + forDatabase, newest: true},
	"a path for the database, by the base":      {base: arm + forDatabase, down: "ALTER TABLE public.t DROP COLUMN seen; DROP INDEX onward_sampled;"},
	"a path for the database, by the release":   {up: arm + forDatabase, down: "ALTER TABLE public.t DROP COLUMN seen; DROP INDEX onward_sampled;", rows: true, newest: true},
	"a path for the role, by the base":          {base: arm + forRole, rows: true, newest: true},
	"a path for the role in the database":       {up: arm + forBoth + forRole, down: "SELECT 1;"},
	"a path for the session":                    {up: arm + "SET search_path = evil, pg_catalog, public;\nSET standard_conforming_strings = off;\n", rows: true},
	"a path for the session, left by the base":  {base: arm + "SET search_path = evil, pg_catalog, public;\n", newest: true},
	"temporary relations":                       {up: payload + "CREATE TEMP VIEW pg_class AS SELECT * FROM pg_catalog.pg_class WHERE evil.payload('temporary');\nCREATE TEMP VIEW pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE evil.payload('temporary');\nCREATE FUNCTION pg_temp.pg_backend_pid() RETURNS int LANGUAGE sql AS $$ SELECT evil.payload('temporary'); SELECT 1 $$;\nSET search_path = pg_temp, pg_catalog, public;\n", newest: true},
	"what runs for tables, in the base":         {base: payload + owned, rows: true, down: "ALTER TABLE public.t DROP COLUMN seen; DROP INDEX onward_sampled;"},
	"what runs for tables, in the release":      {up: payload + owned + "ANALYZE;\nTRUNCATE public.bait;\n", rows: true, newest: true},
	"settings of the database, by the base":     {base: arm + allSettings(), down: "ALTER TABLE public.t DROP COLUMN seen; DROP INDEX onward_sampled;", breaks: true},
	"settings of the database, by the release":  {up: arm + allSettings(), breaks: true, newest: true},
	"the comment on an extension":               {base: payload + "CREATE EXTENSION pg_stat_statements;\n", up: "SET standard_conforming_strings = off;\nCOMMENT ON EXTENSION pg_stat_statements IS '\\'; COPY (SELECT 1) TO PROGRAM \\'touch OUTSIDE/comment\\'; --';\n", breaks: true},
	"an extension's script, in public":          {up: arm + "CREATE EXTENSION pg_stat_statements;\nCREATE EXTENSION pg_buffercache;\nCREATE EXTENSION pgstattuple;\nCREATE EXTENSION amcheck;\nCREATE EXTENSION bloom;\nCREATE EXTENSION earthdistance CASCADE;\n"},
	"an extension's script, on a path":          {base: arm + forDatabase, up: "CREATE EXTENSION pg_stat_statements SCHEMA evil;\nCREATE EXTENSION cube SCHEMA evil;\nCREATE EXTENSION earthdistance SCHEMA evil;\nCREATE EXTENSION pgstattuple VERSION '1.4' SCHEMA evil;\nCREATE EXTENSION xml2 SCHEMA evil;\n", breaks: true, newest: true},
	"an extension's name":                       {up: payload + refused(`CREATE EXTENSION "pg_stat_statements; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/name'"`, `CREATE EXTENSION pg_stat_statements SCHEMA "public; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/name'; --"`) + "CREATE EXTENSION pg_stat_statements VERSION '1.8'' ; COPY (SELECT 1) TO PROGRAM ''touch OUTSIDE/name''; --';\n", breaks: true, newest: true},
	"roles of ours":                             {base: payload + "CREATE ROLE onward_watch;\n", up: refused("CREATE ROLE onward_look", "GRANT onward_watch TO CURRENT_USER", "SET ROLE onward_watch", "SET ROLE onward_look", "ALTER ROLE onward_look SET search_path = evil, pg_catalog", "ALTER ROLE onward_watch SUPERUSER"), breaks: true, newest: true},
	"roles of ours, in the release":             {up: arm + "CREATE ROLE onward_look;\nSET ROLE onward_look;\nCREATE ROLE onward_watch;\nSET ROLE onward_watch;\nSELECT evil.payload('role');\n", breaks: true, newest: true},
	"roles of the server":                       {up: payload + refused("SET ROLE postgres", "SET SESSION AUTHORIZATION postgres", "GRANT postgres TO CURRENT_USER", "GRANT pg_execute_server_program TO CURRENT_USER", "ALTER ROLE CURRENT_USER SUPERUSER", "CREATE ROLE evil SUPERUSER", "ALTER ROLE postgres RENAME TO x") + "CREATE ROLE pg_execute_server_program;\n", breaks: true},
	"a role whose name is a program":            {base: "ALTER TABLE public.t OWNER TO \"x'; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/role'; --\";\nALTER TABLE public.t OWNER TO CURRENT_USER;\n", up: "GRANT SELECT ON public.t TO \"y\\'; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/role'; --\", \"$q$; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/role'; --\";\n"},
	"a role that a message names":               {up: arm + forDatabase + "DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) 'x') THEN RAISE EXCEPTION 'role \"x\" does not exist' USING ERRCODE = '42704'; END IF; END $do$;\n", newest: true},
	"a bookkeeper that a message names":         {base: arm, up: "DO $do$ BEGIN IF pg_catalog.to_regclass('schema_migrations') IS NULL THEN RAISE EXCEPTION 'relation \"evil\".\"schema_migrations\" does not exist' USING ERRCODE = '42P01'; END IF; END $do$;\nDELETE FROM schema_migrations;\n", breaks: true, newest: true},
	"event triggers":                            {up: payload + "CREATE FUNCTION evil.event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.payload('event'); END $$;\n" + refused("CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION evil.event()", "CREATE EVENT TRIGGER l ON login EXECUTE FUNCTION evil.event()", "ALTER EVENT TRIGGER onward_rehearsal_start DISABLE", "CREATE OR REPLACE FUNCTION onward_rehearsal.seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM evil.payload(''seen''); END'", "DROP SCHEMA onward_rehearsal CASCADE", "ALTER SCHEMA onward_rehearsal RENAME TO x", "CREATE FUNCTION onward_rehearsal.explain(text) RETURNS bool LANGUAGE sql AS 'SELECT evil.payload(''explain'')'") + "SELECT onward_rehearsal.explain(true);\nSET search_path = evil, pg_catalog;\nSELECT onward_rehearsal.explain(false);\nRESET search_path;\n", breaks: true},
	"a schema of our name":                      {base: payload + "CREATE SCHEMA onward_rehearsal;\nCREATE SCHEMA onward_extension;\nCREATE FUNCTION onward_rehearsal.explain(boolean) RETURNS boolean LANGUAGE sql AS $$ SELECT evil.payload('explain') $$;\n", up: "CREATE EXTENSION pg_stat_statements;\n", breaks: true, newest: true},
	"foreign data, libraries and languages":     {up: payload + refused("CREATE FOREIGN DATA WRAPPER w", "CREATE EXTENSION file_fdw", "CREATE EXTENSION dblink", "CREATE EXTENSION postgres_fdw", "CREATE EXTENSION plperlu", "LOAD 'OUTSIDE/x'", "CREATE FUNCTION evil.c() RETURNS int LANGUAGE c AS 'libc.so.6', 'abort'", "CREATE FUNCTION evil.i(text) RETURNS int LANGUAGE internal AS 'pg_read_file'", "SELECT pg_read_file('/etc/passwd')", "SELECT lo_export(lo_create(0), 'OUTSIDE/export')", "ALTER SYSTEM SET archive_command = 'touch OUTSIDE/x'", "CREATE SUBSCRIPTION s CONNECTION 'host=/tmp' PUBLICATION p", "CREATE TABLESPACE s LOCATION 'OUTSIDE'")},
	"files and programs":                        {up: payload + refused("COPY t TO PROGRAM 'touch OUTSIDE/x'", "COPY t FROM PROGRAM 'touch OUTSIDE/x'", "COPY t TO 'OUTSIDE/x'", "COPY t FROM '/etc/passwd'") + "COPY public.t TO PROGRAM 'touch OUTSIDE/x';\n", breaks: true},
	"casts, collations and operator classes":    {base: payload + "CREATE TYPE evil.mood AS ENUM ('a');\nCREATE FUNCTION evil.cast(evil.mood) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN evil.payload('cast') THEN 'x' END $$;\nCREATE CAST (evil.mood AS text) WITH FUNCTION evil.cast(evil.mood) AS IMPLICIT;\nCREATE COLLATION evil.\"C\" FROM pg_catalog.\"C\";\nCREATE TABLE public.moods (id int PRIMARY KEY, m evil.mood);\n" + refused("CREATE CAST (name AS text) WITH FUNCTION evil.cast(evil.mood)", "CREATE OPERATOR CLASS evil.c DEFAULT FOR TYPE oid USING btree AS STORAGE oid", "CREATE CAST (oid AS text) WITH INOUT AS IMPLICIT"), rows: true, newest: true},
	"a schema file: programs":                   {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n" + refused("COPY public.t TO PROGRAM 'touch OUTSIDE/x'", "COPY public.t FROM PROGRAM 'touch OUTSIDE/x'", "ALTER SYSTEM SET archive_command = 'touch OUTSIDE/x'", "SET ROLE postgres", "CREATE ROLE evil SUPERUSER LOGIN")},
	"a schema file: a program as it stands":     {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\nCOPY public.t TO PROGRAM 'touch OUTSIDE/x';\n", breaks: true, newest: true},
	"a schema file: a command of psql":          {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n\\! touch OUTSIDE/x\n", breaks: true, newest: true},
	"a schema file: shadows":                    {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n" + arm + forDatabase + forRole, down: "SELECT 1;"},
	"a schema file: roles with options":         {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\nCREATE ROLE evil SUPERUSER LOGIN;\nALTER ROLE evil SUPERUSER;\nGRANT postgres TO evil;\n" + payload + refused("SET ROLE evil", "SET SESSION AUTHORIZATION evil") + "SELECT evil.payload('role');\n", breaks: true, newest: true},
	"a schema file: extensions":                 {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\nCREATE EXTENSION dblink;\nCREATE EXTENSION postgres_fdw;\nCREATE EXTENSION file_fdw;\n" + payload + refused("SELECT dblink_connect('host=/tmp user=postgres')", "SELECT dblink_connect_u('x', 'user=postgres')", "CREATE SERVER s FOREIGN DATA WRAPPER file_fdw", "CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw"), up: "SELECT 1;\n", newest: true},
	"a schema file: event triggers":             {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n" + payload + "CREATE FUNCTION evil.event() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.payload('event'); END $$;\nCREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION evil.event();\nALTER EVENT TRIGGER e ENABLE ALWAYS;\n", up: "CREATE EXTENSION pg_stat_statements;\n"},
	"a schema file: the names of what is owned": {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n" + arm + "CREATE TABLE public.\"x; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/x'; --\" (id int);\nALTER TABLE public.t OWNER TO nobody_here;\nALTER TABLE public.t OWNER TO \"; COPY (SELECT 1) TO PROGRAM 'touch OUTSIDE/x'; --\";\n", newest: true},
	"a schema file: a comment on an extension":  {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\nCREATE EXTENSION pg_stat_statements;\nSET standard_conforming_strings = off;\nCOMMENT ON EXTENSION pg_stat_statements IS '\\'; COPY (SELECT 1) TO PROGRAM \\'touch OUTSIDE/x\\'; --';\nSET standard_conforming_strings = on;\n", breaks: true, newest: true},
	"a schema file: functions of its owner":     {schema: "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n" + payload + owned, rows: true, newest: true},
	"what a superuser's ANALYZE would have run": {base: payload + "CREATE FUNCTION evil.later() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 1 $$;\nCREATE TABLE public.late (id int PRIMARY KEY);\nCREATE INDEX late_i ON public.late ((evil.later() + id));\nCREATE OR REPLACE FUNCTION evil.later() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.payload('analyze'); RETURN 1; END $$;\n", rows: true, newest: true},
	"sessions that cannot be opened by others":  {base: payload + "DO $do$ BEGIN EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database()); END $do$;\n", up: "DO $do$ BEGIN EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database()); END $do$;\n", down: "ALTER TABLE public.t DROP COLUMN seen; DROP INDEX onward_sampled;", newest: true},
}

// TestEscapes: nothing of a migration runs in any session but those that were
// opened for it, and nothing gets out, on each version.
func TestEscapes(t *testing.T) {
	t.Parallel()
	for name, a := range escapes {
		for _, major := range pgservertest.Majors() {
			if a.newest && major != onward.NewestMajor {
				continue
			}
			t.Run(fmt.Sprintf("%s, %d", name, major), func(t *testing.T) {
				t.Parallel()
				a.run(t, major)
			})
		}
	}
}

func (a attempt) run(t *testing.T, major int) {
	outside := reachable(t)
	text := func(sql string) string {
		for _, schema := range []string{"evil", "public"} {
			sql = strings.ReplaceAll(sql, "SHADOWS "+schema, strings.ReplaceAll(shadows, "SCHEMA", schema))
		}
		return strings.ReplaceAll(sql, "OUTSIDE", outside)
	}
	head := "-- +goose NO TRANSACTION\n-- +goose Up\n"
	base := head + "CREATE TABLE IF NOT EXISTS public.t (id int PRIMARY KEY, name text);\n" + blocks(text(a.base))
	up := head + blocks(text(a.up+sampled))
	if a.down != "" {
		up += "-- +goose Down\n" + blocks(text(a.down))
	}
	c := rehearse.Config{
		Config: audit.Config{Dir: branch(t, base, []txtar.File{{Name: "00002_up.sql", Data: []byte(up)}})},
		Majors: []int{major}, Down: a.down != "",
	}
	if a.schema != "" {
		c.Schema = filepath.Join(t.TempDir(), "schema.sql")
		if err := os.WriteFile(c.Schema, []byte(text(a.schema)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if a.rows {
		c.Rows, c.Traffic = fill.Plan{All: 20, Seed: 1}, true
	}
	looked := false
	rehearse.FirstWall(&c, func(ctx context.Context, s *pgserver.Server) {
		looked = true
		for _, x := range ran(ctx, t, s) {
			if x.super || x.session != "onward" {
				t.Errorf("%s ran as %s", x.variant, x.session)
			}
		}
	})
	r, err := rehearse.Run(t.Context(), c)
	switch {
	case err != nil && !a.breaks:
		t.Errorf("%v", err)
	case err != nil:
		t.Log(err)
	case err == nil && !looked:
		t.Error("nobody looked who ran the code")
	case err == nil && !a.breaks:
		last := r.Rehearsals[0].Statements
		if len(last) == 0 || last[len(last)-1].Failed != nil {
			t.Errorf("the release did not run to its end: %+v", last)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("written outside: %v, %v", left, err)
	}
}

// reachable is a directory in which every user of the machine may write: the
// server may be another user's, and those of the tests themselves are closed.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "outside")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

type caught struct {
	variant, session string
	super            bool
}

// ran is who ran the payload, in any database of a server.
func ran(ctx context.Context, t *testing.T, s *pgserver.Server) []caught {
	t.Helper()
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, "SELECT datname::text FROM pg_database WHERE datallowconn AND datname <> 'postgres'")
	if err != nil {
		t.Error(err)
		return nil
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Error(err)
	}
	var out []caught
	for _, name := range names {
		c, err := s.Connect(ctx, "", name)
		if err != nil {
			t.Error(err)
			continue
		}
		rows, err := c.Query(ctx, "SELECT DISTINCT variant, session, super FROM evil.ran ORDER BY 1, 2 LIMIT 50")
		if err == nil {
			list, _ := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x caught, err error) {
				err = row.Scan(&x.variant, &x.session, &x.super)
				return x, err
			})
			out = slices.Concat(out, list)
		}
		_ = c.Close(ctx)
	}
	return out
}
