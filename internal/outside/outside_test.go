package outside

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
)

func TestStatement(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql, does string // "" for nothing
		honest    bool
	}{
		{"COPY t TO PROGRAM 'gzip'", "starts a program", false},
		{"COPY t FROM PROGRAM 'curl x'", "starts a program", false},
		{"COPY (SELECT 1) TO PROGRAM 'x'", "starts a program", false},
		{"COPY t FROM STDIN", "", false},
		{"COPY t TO STDOUT", "", false},
		{"COPY t FROM '/srv/seeds/countries.csv'", "reads a file", true},
		{"COPY t FROM '/docker-entrypoint-initdb.d/rows.csv' CSV HEADER", "reads a file", true},
		{"COPY t FROM '/tmp/../etc/rows.csv'", "set up with", false},
		{"COPY t FROM '/tmp/x..y/rows.csv'", "reads a file", true},
		{"COPY t FROM './rows.csv'", "reads a file", true},
		{"COPY t FROM '/etc/passwd'", "set up with", false},
		{"COPY t FROM '/home/app/.ssh/id_rsa'", "set up with", false},
		{"COPY t FROM 'pg_hba.conf'", "set up with", false},
		{"COPY t TO '/tmp/backup.csv'", "writes a file", true},
		{"COPY t TO '/root/x'", "set up with", false},
		{"SELECT pg_read_file('/etc/passwd')", "set up with", false},
		{"SELECT pg_catalog.pg_read_file('/srv/seed.json')::jsonb", "reads a file", true},
		{"SELECT app.pg_read_file('/etc/passwd')", "", false},
		{"INSERT INTO t SELECT pg_read_file(path) FROM u", "reads files", true},
		{"SELECT lo_import('/srv/logo.png')", "reads a file", true},
		{"SELECT lo_export(1, '/root/.bashrc')", "set up with", false},
		{"SELECT * FROM pg_ls_dir('/srv')", "lists a file", true},
		{"SELECT * FROM pg_ls_dir('/etc/ssl')", "set up with", false},
		{"LOAD 'age'", "loads a library", true},
		{"LOAD '$libdir/plugins/age'", "loads a library", true},
		{"LOAD '$libdir/../../tmp/x'", "did not come", false},
		{"LOAD '/tmp/x.so'", "did not come", false},
		{"CREATE FUNCTION f() RETURNS int LANGUAGE c AS '$libdir/unaccent', 'unaccent_dict'", "loads a library", true},
		{"CREATE FUNCTION f() RETURNS int LANGUAGE C AS 'libc.so.6', 'system'", "did not come", false},
		{"CREATE FUNCTION f(anyarray, text) RETURNS text LANGUAGE internal AS 'array_to_text'", "", false},
		{"CREATE FUNCTION f(text) RETURNS text LANGUAGE internal AS 'pg_read_file'", "makes a function", false},
		{"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "", false},
		{"ALTER SYSTEM SET wal_level = logical", "setting of the whole server", true},
		{"ALTER SYSTEM SET archive_command = 'x'", "names a program", false},
		{"ALTER ROLE app SUPERUSER", "makes a role", true},
		{"ALTER ROLE app NOSUPERUSER", "", false},
		{"ALTER ROLE app PASSWORD 'x'", "", false},
		{"ALTER ROLE CURRENT_USER SUPERUSER", "its own role", false},
		{"ALTER ROLE me SUPERUSER", "its own role", false},
		{"GRANT pg_execute_server_program TO me", "gives its own role", false},
		{"GRANT pg_read_server_files TO etl", "", false},
		{"REVOKE pg_read_server_files FROM me", "", false},
		{"GRANT app TO CURRENT_USER", "", false},
		{"SET ROLE postgres", "becomes", true},
		{"SET SESSION AUTHORIZATION postgres", "becomes", true},
		{"SET search_path = public, pg_catalog", "", false},
		{"UPDATE pg_authid SET rolsuper = true", "list of roles", false},
		{"UPDATE app.pg_authid SET rolsuper = true", "", false},
		{"UPDATE pg_attribute SET atttypmod = 104", "", false},
		{"CREATE EXTENSION file_fdw", "", false},
		{"SELECT dblink_connect('host=x')", "", false},
	} {
		f, err := pgparse.SplitText(c.sql)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Err != nil {
			t.Fatalf("parse %s: %v", c.sql, err)
		}
		switch acts := (Role{"me"}).Statement(f.Stmts[0].Node); {
		case len(acts) == 0 && c.does == "":
		case len(acts) != 1 || c.does == "" || !strings.Contains(acts[0].Does, c.does) || acts[0].Honest != c.honest:
			t.Errorf("%s: %+v, want %q, %t", c.sql, acts, c.does, c.honest)
		}
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		language, text string
		grave, hides   bool
		calls          string
	}{
		{"plpgsql", "BEGIN RETURN $1 || $2; END", false, false, ""},
		{"plpgsql", "BEGIN COPY t TO PROGRAM 'x'; END", true, false, ""},
		{"plpgsql", "BEGIN EXECUTE 'COPY t TO PROGRAM ''x'''; END", true, false, ""},
		{"plpgsql", "BEGIN EXECUTE concat('COPY t TO PROGRAM ', quote_literal(x)); END", true, true, "concat quote_literal"},
		{"plpgsql", "BEGIN EXECUTE format('ALTER TABLE %I ADD x int', name); END", false, true, "format"},
		{"plpgsql", "BEGIN EXECUTE 'ANALYZE t'; END", false, false, ""},
		{"plpgsql", "BEGIN PERFORM evil.payload('x'); RETURN true; END", false, false, "payload"},
		{"plpgsql", "BEGIN IF evil.payload('x') THEN RETURN 1; END IF; END", false, false, "payload"},
		{"sql", "SELECT evil.payload('x'); SELECT 1", false, false, "payload"},
		{"c", "COPY t TO PROGRAM 'x'", false, false, ""},
	} {
		b := Role{"me"}.Body(c.language, c.text)
		grave := false
		for _, a := range b.Acts {
			grave = grave || !a.Honest
		}
		if calls := strings.Join(b.Calls, " "); grave != c.grave || b.Hides != c.hides || calls != c.calls {
			t.Errorf("Body(%s, %q) = %+v, want grave %t, hides %t, calls %q", c.language, c.text, b, c.grave, c.hides, c.calls)
		}
	}
}
