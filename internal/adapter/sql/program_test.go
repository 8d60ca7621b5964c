package sql

import (
	"context"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/onward"
)

func TestProgramsAmongFiles(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"db/migrations/01_a.sql":          []byte("CREATE TABLE a (id int);"),
		"db/migrations/02_fill.ts":        []byte("export default async () => {};"),
		"db/migrations/02_fill.sql":       []byte("UPDATE a SET id = $start WHERE id < 3;"),
		"db/migrations/03_b.sql":          []byte("CREATE FUNCTION f() RETURNS int AS $body$ SELECT 1 $body$ LANGUAGE sql;"),
		"db/migrations/03_b.ts":           []byte("export const text = '…';"),
		"db/migrations/03_b.test.ts":      []byte("test();"),
		"db/migrations/index.ts":          []byte("export {};"),
		"db/migrations/10_c_d.sql":        []byte("SELECT 1;"),
		"db/migrations/11_x/migration.ts": []byte("export default async () => {};"),
		"db/migrations/11_x/types.ts":     []byte("export type X = string;"),
		"lib/migrations/migrations.sql":   []byte("-- BLOCK select_all\nSELECT 1;\n"),
		"lib/migrations/migrations.ts":    []byte("export {};"),
		"jobs/1_first.sql":                []byte("UPDATE a SET id = 1 WHERE id BETWEEN $from AND $to;"),
		"jobs/1_first.ts":                 []byte("export {};"),
		"jobs/2_second.sql":               []byte("SELECT 1 WHERE id = $to"),
		"jobs/2_second.ts":                []byte("export {};"),
		"wrapped/migrations/0001_a.sql":   []byte("CREATE TABLE a (id int);"),
		"wrapped/migrations/0001_a.js":    []byte("export default `CREATE TABLE a (id int);`"),
		"wrapped/migrations/0002_tag.sql": []byte("SELECT $tag$x$tag$;"),
		"wrapped/migrations/0002_tag.js":  []byte("export default `…`"),
	}
	var dirs []string
	for _, s := range (Adapter{}).Detect(tree) {
		dirs = append(dirs, s.Dir)
	}
	if diff := cmp.Diff([]string{"db/migrations", "wrapped/migrations"}, dirs); diff != "" {
		t.Fatal(diff)
	}
	set, err := Adapter{}.Load(context.Background(), tree, adapter.Source{Framework: Name, Dir: "db/migrations"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range set.Migrations {
		line := m.Path
		for _, o := range m.Opaque {
			line += ": " + o.What
		}
		got = append(got, line)
	}
	want := []string{
		"db/migrations/01_a.sql", "db/migrations/02_fill.ts: migration written in TypeScript",
		"db/migrations/03_b.sql", "db/migrations/10_c_d.sql",
		"db/migrations/11_x/migration.ts: migration written in TypeScript",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFlywayWithoutPrefix(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]bool{
		"src/main/resources/db/migration/20240131__x.sql":   true,
		"src/main/resources/db/migration/shared/1.2__x.sql": true,
		"src/main/resources/db/migration/shared/V2__x.sql":  true,
		"src/main/resources/db/migration/shared/R__x.sql":   true,
		"src/main/resources/db/migration/20240131_x__y.sql": false,
		"db/migrations/20240131__x.sql":                     false,
	} {
		if got := isRunByFlyway(file, path.Base(file)); got != want {
			t.Errorf("isRunByFlyway(%q) = %t, want %t", file, got, want)
		}
	}
}

// Drizzle keeps a journal beside its files, and runs them in a transaction.
func TestDrizzle(t *testing.T) {
	t.Parallel()
	for journal, want := range map[string]onward.Transaction{"drizzle/meta/_journal.json": onward.TransactionFile, "drizzle/meta/x.json": onward.TransactionNone} {
		tree := adaptertest.Files{"drizzle/0000_a.sql": []byte("CREATE TABLE a (id int);\n--> statement-breakpoint\nCREATE INDEX ON a (id);"), journal: []byte("{}")}
		set, err := Adapter{}.Load(context.Background(), tree, adapter.Source{Framework: Name, Dir: "drizzle"})
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Migrations[0].Source.Mode; got != want {
			t.Errorf("with %s: transaction mode %s, want %s", journal, got, want)
		}
	}
}

// Drizzle cuts at its breakpoints, with or without a semicolon before them.
func TestDrizzleBreakpoints(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"drizzle/0000_a.sql": []byte("CREATE TABLE a (id int)--> statement-breakpoint\nALTER TABLE a ADD COLUMN b int;--> statement-breakpoint\n" +
			"CREATE INDEX ON a (b)\n"),
		"drizzle/meta/_journal.json": []byte("{}"),
	}
	set, err := Adapter{}.Load(context.Background(), tree, adapter.Source{Framework: Name, Dir: "drizzle"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range set.Migrations[0].Source.Parts {
		got = append(got, strings.TrimSpace(p.SQL))
	}
	want := []string{"CREATE TABLE a (id int)", "ALTER TABLE a ADD COLUMN b int;", "CREATE INDEX ON a (b)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A file of SQL that a program of its name runs is no pattern for new files: no program would run them.
func TestFilesOfPrograms(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE a (id int);\n"
	for name, tc := range map[string]struct {
		files  adaptertest.Files
		dir    string
		caller string
	}{
		"in the directory above": {adaptertest.Files{
			"migrations/20240101000000-a.js":          []byte("exports.up = (db) => run(db, path.join(__dirname, 'sqls', '20240101000000-a-up.sql'))\n"),
			"migrations/sqls/20240101000000-a-up.sql": []byte(table), "migrations/sqls/20240101000000-a-down.sql": []byte("DROP TABLE a;\n"),
		}, "migrations/sqls", "migrations/20240101000000-a.js runs migrations/sqls/20240101000000-a-up.sql"},
		"in the same directory": {adaptertest.Files{
			"m/1_a.py": []byte("steps = [step(open('1_a.sql').read())]\n"), "m/1_a.sql": []byte(table),
		}, "m", "m/1_a.py runs m/1_a.sql"},
		"programs alone": {adaptertest.Files{
			"m/1_a.js": []byte("exports.up = (db) => db.runSql('CREATE TABLE a (id int)')\n"),
		}, "m", "each migration of m is a program (1_a.js)"},
		"another program": {adaptertest.Files{
			"m/run.js": []byte("run('1_a.sql')\n"), "m/1_a.sql": []byte(table),
		}, "m", ""},
		"a form of the same migration": {adaptertest.Files{
			"m/1_a.js": []byte("export default `CREATE TABLE a (id int);`\n"), "m/1_a.sql": []byte(table),
		}, "m", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := Adapter{}.Load(t.Context(), tc.files, adapter.Source{Framework: Name, Dir: tc.dir})
			if err != nil {
				t.Fatal(err)
			}
			f := Adapter{}.Form(tc.files, set)
			if f == nil || tc.caller == "" != (f.Unwritable == "") || !strings.HasPrefix(f.Unwritable, tc.caller) {
				t.Errorf("Form returns %+v, want Unwritable %q", f, tc.caller)
			}
		})
	}
}
