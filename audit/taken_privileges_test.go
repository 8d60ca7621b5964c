package audit

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// takenSchema is the deployed schema of TestTakenPrivileges. The deployed code connects as app to the database shop.
const takenSchema = `CREATE ROLE app_staff;
CREATE ROLE app_other;
CREATE ROLE app LOGIN BYPASSRLS;
GRANT app_staff, app_other TO app;
CREATE SCHEMA api;
CREATE EXTENSION pgcrypto;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE people (id serial PRIMARY KEY, name text, secret text);
INSERT INTO people (name) VALUES ('a');
CREATE TABLE tasks (id integer);
CREATE TABLE hidden (id integer);
INSERT INTO hidden VALUES (1);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE TABLE api.jobs (id integer PRIMARY KEY);
CREATE TABLE log (id integer);
CREATE RULE jobs_log AS ON INSERT TO api.jobs DO ALSO INSERT INTO log VALUES (1);
CREATE FUNCTION f(i integer) RETURNS integer LANGUAGE sql AS 'SELECT i';
CREATE TEXT SEARCH DICTIONARY dict (TEMPLATE = simple);
GRANT USAGE ON SCHEMA api TO app;
GRANT SELECT, INSERT ON people, api.jobs, hidden, log TO app;
GRANT SELECT ON tasks TO app_staff;
GRANT USAGE ON SEQUENCE people_id_seq TO app;
ALTER ROLE app SET search_path = public, api;
`

// TestTakenPrivileges compares the report on a release that takes something from a role with what servers say to a new session of the deployed
// code: a finding says so if, and only if, its query fails.
func TestTakenPrivileges(t *testing.T) {
	t.Parallel()
	cases := []struct{ release, query string }{
		{"DROP OWNED BY app; DROP ROLE app", "SELECT id FROM people"},
		{"ALTER ROLE app RENAME TO app_new", "SELECT id FROM people"},
		{"ALTER ROLE app NOLOGIN", "SELECT id FROM people"},
		{"ALTER ROLE app NOLOGIN; ALTER ROLE app LOGIN", "SELECT id FROM people"},
		{"ALTER ROLE app CONNECTION LIMIT 0", "SELECT id FROM people"},
		{"ALTER ROLE app NOBYPASSRLS", "SELECT 1 / count(*) FROM hidden"},
		{"ALTER ROLE app NOSUPERUSER NOCREATEDB", "SELECT id FROM people"},
		{"REVOKE app_staff FROM app", "SELECT id FROM tasks"},
		{"ALTER GROUP app_staff DROP USER app", "SELECT id FROM tasks"},
		{"REVOKE app_staff FROM app; GRANT app_staff TO app", "SELECT id FROM tasks"},
		{"REVOKE ADMIN OPTION FOR app_staff FROM app", "SELECT id FROM tasks"},
		{"ALTER ROLE app SET search_path = api", "SELECT id FROM people"},
		{"ALTER ROLE app RESET search_path", "SELECT id FROM jobs"},
		{"ALTER ROLE app RESET ALL", "SELECT id FROM jobs"},
		{"ALTER ROLE app SET statement_timeout = '1min'", "SELECT id FROM people"},
		{"ALTER ROLE app SET role = app_other", "SELECT id FROM people"},
		{"ALTER ROLE app SET default_transaction_read_only = on", "INSERT INTO people (name) VALUES ('b')"},
		{"ALTER DATABASE shop SET default_transaction_read_only = on", "INSERT INTO people (name) VALUES ('b')"},
		{"REVOKE SELECT ON people FROM app", "SELECT id FROM people"},
		{"REVOKE ALL ON people FROM app; GRANT SELECT, INSERT ON people TO app", "SELECT id FROM people"},
		{"ALTER ROLE app SUPERUSER; SET SESSION AUTHORIZATION app; ALTER ROLE CURRENT_USER NOLOGIN; RESET SESSION AUTHORIZATION", "SELECT id FROM people"},
		{"REVOKE ALL ON people, log FROM app; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO app", "INSERT INTO people (name) VALUES ('b')"},
		{"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app; GRANT SELECT, INSERT ON people, hidden, log TO app", "INSERT INTO people (name) VALUES ('b')"},
		{"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM app; GRANT SELECT, INSERT ON people, log TO app", "SELECT id FROM hidden"},
		{"REVOKE ALL ON people, log FROM app; GRANT SELECT ON people TO app", "SELECT id FROM log"},
		{"REVOKE INSERT, SELECT ON people FROM app; GRANT INSERT ON people TO app", "SELECT id FROM people"},
		{"REVOKE SELECT ON people FROM app; GRANT SELECT (id) ON people TO app", "SELECT name FROM people"},
		{"REVOKE SELECT (name) ON people FROM app", "SELECT name FROM people"},
		{"REVOKE SELECT ON people FROM PUBLIC", "SELECT id FROM people"},
		{"REVOKE USAGE ON SEQUENCE people_id_seq FROM app", "INSERT INTO people (name) VALUES ('b')"},
		{"REVOKE EXECUTE ON FUNCTION f(integer) FROM PUBLIC", "SELECT f(1)"},
		{"REVOKE USAGE ON SCHEMA api FROM app", "SELECT id FROM api.jobs"},
		{"REVOKE ALL ON SCHEMA public FROM PUBLIC", "SELECT id FROM public.people"},
		{"REVOKE CONNECT ON DATABASE shop FROM PUBLIC", "SELECT id FROM people"},
		{"REVOKE ALL ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO app", "SELECT id FROM people"},
		{"REVOKE TEMPORARY ON DATABASE shop FROM PUBLIC", "CREATE TEMP TABLE x (id integer)"},
		{"REVOKE USAGE ON TYPE mood FROM PUBLIC", "CREATE TEMP TABLE x (m mood)"},
		{"REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC", "DO 'BEGIN END'"},
		{"ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC", "SELECT f(1)"},
		{"ALTER EXTENSION pgcrypto SET SCHEMA api; REVOKE USAGE ON SCHEMA api FROM app", "SELECT gen_salt('bf')"},
		{"DROP TEXT SEARCH DICTIONARY dict", "SELECT ts_lexize('dict', 'a')"},
		{"DROP RULE jobs_log ON api.jobs", "INSERT INTO api.jobs VALUES (1); SELECT 1 / count(*) FROM log"},
		{"ALTER TABLE api.jobs DISABLE RULE jobs_log", "INSERT INTO api.jobs VALUES (1); SELECT 1 / count(*) FROM log"},
		{"CREATE ROLE app_fresh LOGIN; ALTER ROLE app_fresh NOLOGIN; DROP ROLE app_fresh", "SELECT id FROM people"},
	}
	for i, c := range cases {
		t.Run(c.release, func(t *testing.T) {
			t.Parallel()
			r := reportOf(t, map[string]string{
				"migrate.sh":    "for f in m/*.sql; do psql -1 -f $f; done\n",
				"m/1_start.sql": takenSchema,
				"app.py":        "import psycopg\n\ndef run(c):\n    c.execute(\"" + c.query + "\")\n",
			}, map[string]string{"m/2_change.sql": c.release + ";\n"})
			var found []string
			for _, f := range r.Findings {
				if f.Category == onward.Compatibility {
					found = append(found, f.Rule+": "+f.Fact)
				}
			}
			for _, major := range pgservertest.Ends() {
				if err := runAsRole(t, major, i, c.release, c.query); (err != nil) != (len(found) > 0) {
					t.Errorf("Postgres %d: %v; the report says %q", major, err, found)
				}
			}
		})
	}
}

// runAsRole returns the error that a new session of the deployed code gets after a release. Roles belong to all databases of a server, so
// each case has its own.
func runAsRole(t *testing.T, major, number int, release, query string) error {
	t.Helper()
	address := pgservertest.Database(t, major)
	c := pgservertest.Connect(t, address)
	names := strings.NewReplacer("app", fmt.Sprintf("app%d", number), "shop", pgx.Identifier{c.Config().Database}.Sanitize())
	open := func() error {
		config := c.Config().Copy()
		config.User = names.Replace("app")
		app, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			return err
		}
		defer func() { _ = app.Close(context.WithoutCancel(t.Context())) }()
		_, err = app.PgConn().Exec(t.Context(), names.Replace("BEGIN;"+query+";ROLLBACK")).ReadAll()
		return err
	}
	pgservertest.Exec(t, c, names.Replace(takenSchema))
	if err := open(); err != nil {
		t.Fatalf("Postgres %d, before the release: %v", major, err)
	}
	pgservertest.Exec(t, c, names.Replace(release))
	return open()
}
