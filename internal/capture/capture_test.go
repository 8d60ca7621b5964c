package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/sandbox"
	"github.com/onward-sql/onward/onward"
)

// TestMain is also a team's own runner: "migrate DIR" runs the SQL files of a directory that the table applied lacks,
// each in a transaction, and appends a line to DIR's runs.log.
func TestMain(m *testing.M) {
	sandbox.RunChild()
	if len(os.Args) == 3 && os.Args[1] == "migrate" {
		if err := migrate(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "capture" {
		if err := runUntilKilled(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(pgservertest.Main(m))
}

func migrate(dir string) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS applied (name text PRIMARY KEY)"); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.sql"))
	if err != nil {
		return err
	}
	for _, file := range files {
		var isApplied bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM applied WHERE name = $1)", filepath.Base(file)).Scan(&isApplied); err != nil || isApplied {
			if err != nil {
				return err
			}
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if strings.HasPrefix(string(text), "-- loop\n") {
				return fillNames(ctx, tx, filepath.Base(file))
			}
			if _, err := tx.Exec(ctx, string(text), pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO applied (name) VALUES ($1)", filepath.Base(file))
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Base(file), err)
		}
	}
	return nil
}

// fillNames is a migration with a loop over rows.
func fillNames(ctx context.Context, tx pgx.Tx, name string) error {
	rows, err := tx.Query(ctx, "SELECT id FROM users")
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := tx.Exec(ctx, "UPDATE users SET name = $1 WHERE id = $2", "it's", id); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, "INSERT INTO applied (name) VALUES ($1)", name)
	return err
}

// project makes a directory with files, and a tree of it.
func project(t *testing.T, files map[string]string) (string, adapter.Tree) {
	t.Helper()
	root := gittest.NewDir(t, files)
	tree, err := gitrange.DirTree(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return root, gittree.Of(tree)
}

// newConfig is the configuration of a test. The command also writes a line to the file runs.
func newConfig(t *testing.T, home, runs string) *Config {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &Config{
		Command: fmt.Sprintf("sh -c 'echo run >>%s && exec %s migrate db'", runs, exe), Home: home, Major: onward.NewestMajor,
		HistoryTables: map[string]bool{"schema_migrations": true}, CacheDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
	}
}

var source = adapter.Source{Framework: "sql", Dir: "db"}

// sourceBelow is the source of a directory whose command writes beside the file runs.
func sourceBelow(dir, runs string) adapter.Source {
	return adapter.Source{Dir: dir, Options: adapter.Options{Sandbox: config.Sandbox{Write: []string{filepath.Dir(runs)}}}}
}

// sourceOf is the source of a configuration whose command is this test, and writes beside the file runs.
func sourceOf(t *testing.T, runs string) adapter.Source {
	t.Helper()
	s := source
	s.Options.Sandbox = config.Sandbox{Read: ownProgram(t).Read, Write: []string{filepath.Dir(runs)}}
	return s
}

// describeSet returns the migrations of a set with their statements.
func describeSet(set *adapter.Set) string {
	var b strings.Builder
	for _, m := range set.Migrations {
		fmt.Fprintf(&b, "%s %s %s\n", m.ID, m.Path, m.Source.Mode)
		for _, p := range m.Source.Parts {
			fmt.Fprintf(&b, "  %d %s\n", max(p.Block, p.Start), p.SQL)
		}
		for _, o := range m.Opaque {
			fmt.Fprintf(&b, "  not known: %s: %s\n", o.What, o.Why)
		}
	}
	return b.String()
}

// revisions are a base and a head, with a configuration whose command is this test. Its command also writes a line to the
// file runs.
type revisions struct {
	*Config
	t          *testing.T
	home, runs string
	base, head adapter.Tree
}

func newRevisions(t *testing.T, base, head map[string]string) *revisions {
	t.Helper()
	v := &revisions{t: t, runs: filepath.Join(t.TempDir(), "runs")}
	v.home, v.base = project(t, base)
	_, v.head = project(t, head)
	v.Config = newConfig(t, v.home, v.runs)
	return v
}

// run runs the command on both.
func (v *revisions) run() (*Run, error) {
	return v.RunBoth(v.t.Context(), v.base, v.head, sourceOf(v.t, v.runs))
}

// sets returns the migrations of both.
func (v *revisions) sets(r *Run) (before, after *adapter.Set) {
	return v.Sets(r, &Revision{Tree: v.base, Source: source}, Revision{Tree: v.head, Source: source})
}

// A team's own runner on the base and on the head: names by the table that gets the files' names, rows for a loop, and the
// cache.
func TestOwnRunner(t *testing.T) {
	t.Parallel()
	base := map[string]string{"db/1_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);"}
	head := map[string]string{
		"db/1_users.sql": base["db/1_users.sql"],
		"db/2_email.sql": "-- a comment\nALTER TABLE users ADD COLUMN email text;\nALTER TABLE users ADD UNIQUE (email);\n",
		"db/3_loop.sql":  "-- loop\n",
		"db/4_none.sql":  "SELECT 1",
		"db/5_zero.sql":  "UPDATE users SET name = 'x' WHERE id < 0",
	}
	v := newRevisions(t, base, head)
	load := func() (string, string) {
		r, err := v.run()
		if err != nil {
			t.Fatal(err)
		}
		before, after := v.sets(r)
		return describeSet(before), describeSet(after)
	}
	before, after := load()
	wantBase := "1_users.sql db/1_users.sql file\n  0 CREATE TABLE users (id bigint PRIMARY KEY, name text)\n"
	if diff := cmp.Diff(wantBase, before); diff != "" {
		t.Errorf("base (-want +got):\n%s", diff)
	}
	wantHead := wantBase + `2_email.sql db/2_email.sql file
  0 -- a comment
ALTER TABLE users ADD COLUMN email text;
ALTER TABLE users ADD UNIQUE (email)
3_loop.sql db/3_loop.sql file
  0 SELECT id FROM users
  0 UPDATE users SET name = 'it''s' WHERE id = 1
  0 UPDATE users SET name = 'it''s' WHERE id = 2
  0 UPDATE users SET name = 'it''s' WHERE id = 3
4_none.sql db/4_none.sql file
  not known: migration 4_none.sql: it sent no statement, with generated rows in the tables; what it does on other rows is not known
5_zero.sql db/5_zero.sql file
  0 UPDATE users SET name = 'x' WHERE id < 0
`
	if diff := cmp.Diff(wantHead, after); diff != "" {
		t.Errorf("head (-want +got):\n%s", diff)
	}
	countRuns := func(want int, reason string) {
		text, err := os.ReadFile(v.runs)
		if n := strings.Count(string(text), "run"); err != nil || n != want {
			t.Errorf("%d runs, want %d: %s (%v)", n, want, reason, err)
		}
	}
	countRuns(2, "one on each revision")
	if b, h := load(); b != before || h != after {
		t.Errorf("from the cache:\n%s%s", b, h)
	}
	countRuns(2, "nothing has changed")
	head["db/2_email.sql"] = "ALTER TABLE users ADD COLUMN email varchar(10);"
	_, v.head = project(t, head)
	if _, h := load(); !strings.Contains(h, "varchar(10)") || !strings.Contains(h, "WHERE id = 3") {
		t.Errorf("after a change:\n%s", h)
	}
	countRuns(3, "only the head has changed; what the base sent was sent again")
	if _, err := os.Stat(filepath.Join(v.home, "runs")); err == nil {
		t.Error("the command ran in the user's copy")
	}
}

// The rows of a table can stop a migration that ran on production's: it is judged on empty tables, and that is reported.
func TestGeneratedRowsRefused(t *testing.T) {
	t.Parallel()
	base := map[string]string{"db/1_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);"}
	head := map[string]string{"db/1_users.sql": base["db/1_users.sql"], "db/2_strict.sql": "ALTER TABLE users ADD COLUMN age int NOT NULL;"}
	v := newRevisions(t, base, head)
	r, err := v.run()
	if err != nil {
		t.Fatal(err)
	}
	_, after := v.sets(r)
	got := describeSet(after)
	if !strings.Contains(got, "ADD COLUMN age") || len(after.Opaque) != 1 || !strings.Contains(after.Opaque[0].Why, "contains null values") {
		t.Errorf("the release reads as\n%sopaque %+v\nwant ADD COLUMN age and its error", got, after.Opaque)
	}
}

// A dump or another command makes the base, if the history does not replay.
func TestBaseFromSnapshot(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const dump = "SET search_path = public;\nCREATE TABLE users (id bigint PRIMARY KEY, name text);\n" +
		"CREATE TABLE applied (name text PRIMARY KEY);\nCOPY applied (name) FROM stdin;\n1_broken.sql\n\\.\n"
	files := map[string]string{"db/1_broken.sql": "SELECT 1/0;", "dump.sql": dump,
		"load.sh": "#!/bin/sh\nexec " + exe + " migrate snapshot\n", "snapshot/0.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);\n" +
			"INSERT INTO applied VALUES ('1_broken.sql');"}
	head := maps.Clone(files)
	head["db/2_email.sql"] = "ALTER TABLE users ADD COLUMN email text;"
	v := newRevisions(t, files, head)
	_, err = v.run()
	var failed *Error
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "division by zero") || !strings.Contains(err.Error(), "capture_base:") {
		t.Errorf("a history that does not replay: %v", err)
	}
	for _, baseCommand := range []string{"dump.sql", "./load.sh"} {
		v.BaseCommand = baseCommand
		r, err := v.run()
		if err != nil {
			t.Fatalf("run with the base command %s: %v", baseCommand, err)
		}
		before, after := v.sets(r)
		if got := describeSet(after); got != "2_email.sql db/2_email.sql file\n  0 ALTER TABLE users ADD COLUMN email text\n" {
			t.Errorf("with the base command %s, the release reads as\n%s\nwant only 2_email.sql", baseCommand, got)
		}
		if before.Snapshot == nil || !slices.ContainsFunc(before.SchemaMigrations(), func(m *adapter.Migration) bool {
			return strings.Contains(fmt.Sprint(m.Source.Parts), "CREATE TABLE users")
		}) {
			t.Errorf("%s: no schema", baseCommand)
		}
	}
}

// The deployed database makes the base: its schema, and the rows of the history table.
func TestBaseFromDatabase(t *testing.T) {
	t.Parallel()
	deployed, conn := pgservertest.ConnectNew(t, onward.NewestMajor, `CREATE TYPE mood AS ENUM ('good');
		CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, size int GENERATED ALWAYS AS (length(name)) STORED);
		CREATE TABLE posts (id serial PRIMARY KEY, user_id bigint REFERENCES users, mood mood DEFAULT 'good');
		CREATE VIEW names AS SELECT name FROM users; INSERT INTO users (name) VALUES ('a secret of production');
		CREATE TABLE applied (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, at timestamptz DEFAULT now(), raw bytea DEFAULT '\x00ff');
		INSERT INTO applied (name) VALUES ('1_broken.sql')`)
	files := map[string]string{"db/1_broken.sql": "SELECT 1/0;"}
	head := maps.Clone(files)
	head["db/2_email.sql"] = "ALTER TABLE users ADD COLUMN email text;"
	v := newRevisions(t, files, head)
	v.HistoryTables = map[string]bool{"applied": true}
	v.BaseCommand = DeployedBase
	if _, err := v.run(); err == nil || !strings.Contains(err.Error(), "--db names its address") {
		t.Errorf("without a database: %v", err)
	}
	v.Database = deployed
	load := func() {
		t.Helper()
		r, err := v.run()
		if err != nil {
			t.Fatal(err)
		}
		before, after := v.sets(r)
		if got := describeSet(after); got != "2_email.sql db/2_email.sql file\n  0 ALTER TABLE users ADD COLUMN email text\n" || len(after.Opaque) != 0 || !r.Filled {
			t.Errorf("the release reads as\n%sopaque %+v, filled %t\nwant only 2_email.sql, on a filled base", got, after.Opaque, r.Filled)
		}
		schema := fmt.Sprint(before.Snapshot.Migration.Source.Parts)
		if !strings.Contains(schema, "TABLE public.users") || !strings.Contains(schema, "VIEW public.names") || strings.Contains(schema, "secret") {
			t.Errorf("the base: %s", schema)
		}
	}
	countRuns := func(want int) {
		t.Helper()
		if text, err := os.ReadFile(v.runs); err != nil || strings.Count(string(text), "run") != want {
			t.Errorf("%q %v, want %d runs", text, err, want)
		}
	}
	load()
	countRuns(1)
	load() // from the cache
	countRuns(1)
	pgservertest.Exec(t, conn, "ALTER TABLE posts ADD COLUMN title text")
	load()
	countRuns(2)
	v.HistoryTables = map[string]bool{"other": true}
	if _, err := v.run(); err == nil || !strings.Contains(err.Error(), "no table in which a known tool") {
		t.Errorf("without a history: %v", err)
	}
}
