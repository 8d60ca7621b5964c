package audit

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// No file says "safe to deploy" because a statement of it was not seen: it is
// judged, or counted.
func TestNothingInSilence(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		files   []string
		sent    onward.Transaction
		dropped bool // DROP TABLE b is judged; else something is counted
	}{
		"strings that end elsewhere":  {files: []string{`SET standard_conforming_strings = off; SELECT 'a\''; DROP TABLE b; --';`}, dropped: true},
		"in the file behind":          {files: []string{`SET standard_conforming_strings = off;`, `SELECT 'a\''; DROP TABLE b; --';`}, dropped: true},
		"for the sessions to come":    {files: []string{`ALTER DATABASE d SET standard_conforming_strings = off;`, `SELECT 'a\''; DROP TABLE b; --';`}},
		"by a function":               {files: []string{`CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN SET standard_conforming_strings = off; END'; SELECT f(); SELECT 'a\''; DROP TABLE b; --';`}},
		"by a setting without a name": {files: []string{`SELECT set_config(s, 'off', false) FROM settings; SELECT 'a\''; DROP TABLE b; --';`}},
		"in one message it is too late": {
			files:   []string{`SET standard_conforming_strings = off; SELECT '\'; DROP TABLE b; --';`},
			sent:    onward.TransactionMessage,
			dropped: true,
		},
		"letters with a backslash":      {files: []string{"SET client_encoding = 'GBK'; SELECT E'表\\'; DROP TABLE b; --';"}},
		"rows and more on a line":       {files: []string{"COPY zz FROM STDIN; DROP TABLE b;\n1\n\\.\n"}, dropped: true},
		"in one message there are none": {files: []string{"COPY zz FROM STDIN; DROP TABLE b;"}, sent: onward.TransactionMessage, dropped: true},
		"by the view of settings": {
			files:   []string{`UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'; SELECT 'a\''; DROP TABLE b; --';`},
			dropped: true,
		},
		"by the view, somehow": {files: []string{`UPDATE pg_settings SET setting = 'off' WHERE name ~ 'conforming'; SELECT 'a\''; DROP TABLE b; --';`}},
		"a trigger": {
			files:   []string{`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DROP TABLE b; RETURN NEW; END'; CREATE TABLE t (id int); CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO t VALUES (1);`},
			dropped: true,
		},
		"a default": {
			files:   []string{`CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN DROP TABLE b; RETURN 1; END'; CREATE TABLE t (id int DEFAULT f()); INSERT INTO t DEFAULT VALUES;`},
			dropped: true,
		},
		"the temporary schema first": {files: []string{`SET search_path = pg_temp, public; DROP TABLE b;`}, dropped: true},
		"the server's schema first":  {files: []string{`SET search_path = pg_catalog, pg_temp, nowhere, public; DROP TABLE b;`}, dropped: true},
		"a path that nobody knows":   {files: []string{`SELECT set_config('search_path', current_setting('x.y'), false); DROP TABLE b;`}, dropped: true},
		"two in a message of psql":   {files: []string{`SELECT 1\; DROP TABLE b;`}, dropped: true},
		"behind a command of psql":   {files: []string{`\echo hello \\ DROP TABLE b;`}, dropped: true},
		"a variable of psql":         {files: []string{"\\set x 'DROP TABLE b;'\n:x\n"}},
		"the last query again":       {files: []string{"SELECT 'DROP TABLE b';\n\\gexec\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var paths []string
			for i, text := range tt.files {
				paths = append(paths, string(rune('1'+i))+".sql")
				if err := os.WriteFile(filepath.Join(dir, paths[i]), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			r := check(t, CheckConfig{Dir: dir, Paths: paths, Transaction: tt.sent})
			dropped := false
			for _, f := range r.Findings {
				dropped = dropped || f.Rule == "table-drop"
			}
			if dropped != tt.dropped || !dropped && r.Summary.Opaque == 0 {
				t.Errorf("judged: %t, and %d places counted\n%+v", dropped, r.Summary.Opaque, r.Opaque)
			}
		})
	}
}

// Postgres 19 refuses to turn standard_conforming_strings off, and psql goes on: its strings end elsewhere from there on than
// on older servers. If both are judged, the statement is counted.
func TestStringsByVersion(t *testing.T) {
	t.Parallel()
	const (
		off       = "SET standard_conforming_strings = off;\n"
		runsIfOn  = off + `SELECT '\'; DROP TABLE b; --';`
		runsIfOff = off + `SELECT 'a\''; DROP TABLE b; --';`
	)
	for _, tt := range []struct {
		versions []int
		text     string
		dropped  bool
		unjudged int
	}{
		{[]int{18}, runsIfOn, false, 0},
		{[]int{18}, runsIfOff, true, 0},
		{[]int{19}, runsIfOn, true, 0},
		{[]int{19}, runsIfOff, false, 0},
		{[]int{18, 19}, runsIfOn, true, 1},
		{[]int{18, 19}, runsIfOff, false, 1},
		{[]int{19}, "ALTER DATABASE d SET standard_conforming_strings = off;\n\\c\n" + `SELECT '\'; DROP TABLE b; --';`, true, 1},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "1.sql"), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Settings: &config.Config{Postgres: tt.versions}})
		dropped := slices.ContainsFunc(r.Findings, func(f onward.Finding) bool { return f.Rule == "table-drop" })
		if dropped != tt.dropped || r.Summary.Opaque != tt.unjudged {
			t.Errorf("%v: %q: dropped: %t, not judged: %+v", tt.versions, tt.text, dropped, r.Opaque)
		}
	}
}

// Changed files below the migrations that no known runner reads are counted.
func TestUnclaimed(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrations/0001_a.sql --\nCREATE TABLE b (id int);\n-- db/migrations/0002_c.sql --\nCREATE TABLE c (id int);\n"
	for head, want := range map[string]string{
		"-- db/migrations/extra/x.sql --\nDROP TABLE b;\n":    "db/migrations/extra",
		"-- db/migrations/seeds/x.sql --\nINSERT INTO b;\n":   "",
		"-- db/migrations/0003_d.sql --\nSELECT 1;\n":         "",
		"-- db/queries/x.sql --\nSELECT 1;\n":                 "",
		"-- db/migrations/a/b/x.SQL --\nDROP TABLE b;\n":      "db/migrations/a/b/x.SQL",
		"-- db/migrations/0003_d.sql --\nDROP TABLE nope;\n":  "",
		"-- db/migrations/README/notes.txt --\nDROP TABLE b;": "",
		"-- db/migrations/0003_d.sql.postgres --\nDROP;":      "db/migrations/0003_d.sql.postgres",
		"-- db/migrations/0003_d.py --\nx = 1\n":              "db/migrations/0003_d.py",
		"-- db/migrations/0003_d_test.go --\npackage x\n":     "",
		"-- db/migrations/0003_d.test.ts --\nlet x = 1\n":     "",
		"-- db/migrations/embed.go --\npackage x\n":           "",
		"-- db/migrations/0003_d.SQL --\nDROP TABLE b;\n":     "db/migrations/0003_d.SQL",
		"-- other/001_a.sql --\nDROP TABLE b;\n":              "other",
		"-- other/V1__a.sql --\nDROP TABLE b;\n":              "other",
		"-- other/001_a.pgsql --\nDROP TABLE b;\n":            "other/001_a.pgsql",
		"-- other/a.sql.tmpl --\nDROP TABLE b;\n":             "",
		"-- other/001_a.down.sql --\nDROP TABLE b;\n":         "",
		"-- other/mysql/001_a.sql --\nCREATE TABLE b (a int) ENGINE=InnoDB;\n-- other/mysql/002_a.sql --\nCREATE TABLE c (a int) ENGINE=InnoDB;\n" +
			"-- other/mysql/1/03_a.sql --\nDROP TABLE b;\n": "other/mysql",
		"-- tests/001_a.sql --\nDROP TABLE b;\n":     "",
		"-- other/queries/001_a.sql --\nSELECT 1;\n": "",
		"-- app/alembic/env.py --\nx = 1\n-- app/alembic/versions/1_a.py --\nx = 1\n-- app/alembic/versions/2_a.py --\nx = 1\n": "app/alembic/versions",
	} {
		r := changelog0(t, Config{Dir: repository(t, base, head), Base: "main"})
		var got []string
		for _, o := range r.Opaque {
			got = append(got, o.Path)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %q", head, got, want)
		}
	}
}

// A file among the migrations that is none counts in the release that changes it, not in each.
func TestUnnumberedAtBase(t *testing.T) {
	t.Parallel()
	const base = "-- db/migrations/0001_a.sql --\nCREATE TABLE b (id int);\n-- db/migrations/extra.sql --\nSELECT 1;\n"
	const next = "-- db/migrations/0002_c.sql --\nSELECT 1;\n"
	for head, want := range map[string]int{next: 0, next + "-- db/migrations/extra.sql --\nDROP TABLE b;\n": 1} {
		r := changelog0(t, Config{Dir: repository(t, base, head), Base: "main"})
		if len(r.Opaque) != want {
			t.Errorf("%q: the unread parts are %+v, want %d", head, r.Opaque, want)
		}
	}
}

// TestDataAmongPrograms changes a file of data among the migrations of a tool, and then a program that the tool does not run.
func TestDataAmongPrograms(t *testing.T) {
	t.Parallel()
	const program = "export async function up(knex) {\n  await knex.raw('SELECT 1')\n}\n"
	const base = "-- Dockerfile --\nFROM directus/directus:12\n-- migrations/20240101A-a.js --\n" + program + "-- migrations/snapshot.yaml --\na: 1\n"
	for head, want := range map[string]int{
		"-- migrations/snapshot.yaml --\na: 2\n":             0,
		"-- migrations/20240102A-b.ts --\n" + program + "\n": 1,
	} {
		r := changelog0(t, Config{Dir: repository(t, base, head), Base: "main"})
		if len(r.Opaque) != want {
			t.Errorf("%q: the unread parts are %+v, want %d", head, r.Opaque, want)
		}
	}
}
