package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

// TestMain is also a team's own runner: "migrate DIR" runs the SQL files of a directory that the table applied lacks,
// each in a transaction, and appends a line to DIR's runs.log.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "migrate" {
		if err := migrate(os.Args[2]); err != nil {
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
		var has bool
		if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM applied WHERE name = $1)", filepath.Base(file)).Scan(&has); err != nil || has {
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
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
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
	home, baseTree := project(t, base)
	_, headTree := project(t, head)
	runs := filepath.Join(t.TempDir(), "runs")
	c := newConfig(t, home, runs)
	load := func() (string, string) {
		r, err := c.RunBoth(t.Context(), baseTree, headTree, source)
		if err != nil {
			t.Fatal(err)
		}
		before, after := c.Sets(r, &Revision{Tree: baseTree, Source: source}, Revision{Tree: headTree, Source: source})
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
	countRuns := func(want int, why string) {
		text, err := os.ReadFile(runs)
		if n := strings.Count(string(text), "run"); err != nil || n != want {
			t.Errorf("%d runs, want %d: %s (%v)", n, want, why, err)
		}
	}
	countRuns(2, "one on each revision")
	if b, h := load(); b != before || h != after {
		t.Errorf("from the cache:\n%s%s", b, h)
	}
	countRuns(2, "nothing has changed")
	head["db/2_email.sql"] = "ALTER TABLE users ADD COLUMN email varchar(10);"
	_, headTree = project(t, head)
	if _, h := load(); !strings.Contains(h, "varchar(10)") || !strings.Contains(h, "WHERE id = 3") {
		t.Errorf("after a change:\n%s", h)
	}
	countRuns(3, "only the head has changed; what the base sent was sent again")
	if _, err := os.Stat(filepath.Join(home, "runs")); err == nil {
		t.Error("the command ran in the user's copy")
	}
}

// The rows of a table can stop a migration that ran on production's: it is judged on empty tables, and that is reported.
func TestGeneratedRowsRefused(t *testing.T) {
	t.Parallel()
	base := map[string]string{"db/1_users.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);"}
	head := map[string]string{"db/1_users.sql": base["db/1_users.sql"], "db/2_strict.sql": "ALTER TABLE users ADD COLUMN age int NOT NULL;"}
	home, baseTree := project(t, base)
	_, headTree := project(t, head)
	c := newConfig(t, home, filepath.Join(t.TempDir(), "runs"))
	r, err := c.RunBoth(t.Context(), baseTree, headTree, source)
	if err != nil {
		t.Fatal(err)
	}
	_, after := c.Sets(r, &Revision{Tree: baseTree, Source: source}, Revision{Tree: headTree, Source: source})
	got := describeSet(after)
	if !strings.Contains(got, "ADD COLUMN age") || len(after.Opaque) != 1 || !strings.Contains(after.Opaque[0].Why, "contains null values") {
		t.Errorf("%s%+v", got, after.Opaque)
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
	home, baseTree := project(t, files)
	files["db/2_email.sql"] = "ALTER TABLE users ADD COLUMN email text;"
	_, headTree := project(t, files)
	c := newConfig(t, home, filepath.Join(t.TempDir(), "runs"))
	_, err = c.RunBoth(t.Context(), baseTree, headTree, source)
	var failed *Error
	if !errors.As(err, &failed) || !strings.Contains(err.Error(), "division by zero") || !strings.Contains(err.Error(), "capture_base:") {
		t.Errorf("a history that does not replay: %v", err)
	}
	for _, with := range []string{"dump.sql", "./load.sh"} {
		c.BaseCommand = with
		r, err := c.RunBoth(t.Context(), baseTree, headTree, source)
		if err != nil {
			t.Fatalf("%s: %v", with, err)
		}
		before, after := c.Sets(r, &Revision{Tree: baseTree, Source: source}, Revision{Tree: headTree, Source: source})
		if got := describeSet(after); got != "2_email.sql db/2_email.sql file\n  0 ALTER TABLE users ADD COLUMN email text\n" {
			t.Errorf("%s: %s", with, got)
		}
		if before.Snapshot == nil || !slices.ContainsFunc(before.SchemaMigrations(), func(m *adapter.Migration) bool {
			return strings.Contains(fmt.Sprint(m.Source.Parts), "CREATE TABLE users")
		}) {
			t.Errorf("%s: no schema", with)
		}
	}
}

// segments returns what migrations sent, of statements that one client sent: the number of the transaction, a blank, and SQL.
func segments(files []string, list ...string) string {
	var sent []*ordered.Statement
	for _, text := range list {
		st := &ordered.Statement{Session: 1, Message: true}
		number, sql, _ := strings.Cut(text, " ")
		st.Transaction, st.SQL = int(number[0]-'0'), sql
		sent = append(sent, st)
	}
	var b strings.Builder
	tables := map[string]bool{"schema_migrations": true, "alembic_version": true, "_prisma_migrations": true, "migrations": true, "django_migrations": true}
	for i, s := range newBooks(tables, files, sent).cutSegments(sent) {
		fmt.Fprintf(&b, "%s:", s.segmentName(i))
		for _, st := range s.Statements {
			fmt.Fprintf(&b, " %s;", st.SQL)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// How tools record their migrations.
func TestSegments(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files, list []string
		want        string
	}{
		"a row after each (Rails)": {
			list: []string{
				"0 SELECT pg_try_advisory_lock(1)", `0 SELECT "schema_migrations"."version" FROM "schema_migrations"`, "0 SET lock_timeout = '5s'",
				"1 CREATE TABLE a ()", `1 INSERT INTO "schema_migrations" ("version") VALUES ('20240101')`,
				"2 CREATE TABLE b ()", "2 SELECT c.relname FROM pg_class c", `2 INSERT INTO "schema_migrations" ("version") VALUES ('20240102')`,
				`0 UPDATE "ar_internal_metadata" SET "value" = 'x'`,
			},
			want: "20240101: SET lock_timeout = '5s'; CREATE TABLE a ();\n20240102: CREATE TABLE b ();\n",
		},
		"one row that changes (Alembic)": {
			list: []string{
				"1 CREATE TABLE alembic_version (version_num varchar(32))", "1 CREATE TABLE a ()", "1 INSERT INTO alembic_version (version_num) VALUES ('a1')",
				"1 CREATE TABLE b ()", "1 UPDATE alembic_version SET version_num='b2' WHERE alembic_version.version_num = 'a1'",
			},
			want: "a1: CREATE TABLE a ();\nb2: CREATE TABLE b ();\n",
		},
		"a row before and after (golang-migrate)": {
			list: []string{
				"1 TRUNCATE schema_migrations", "1 INSERT INTO schema_migrations (version, dirty) VALUES (20240101000000, true)", "0 CREATE TABLE a ()",
				"2 TRUNCATE schema_migrations", "2 INSERT INTO schema_migrations (version, dirty) VALUES (20240101000000, false)",
			},
			want: "20240101000000: CREATE TABLE a ();\n",
		},
		"a row that is found by another value (Prisma)": {
			list: []string{
				"0 INSERT INTO _prisma_migrations (id, migration_name) VALUES ('7f3a0a70-6a5b', '1_init')", "0 CREATE TABLE a ()",
				"0 UPDATE _prisma_migrations SET finished_at = now() WHERE id = '7f3a0a70-6a5b'",
				"0 INSERT INTO _prisma_migrations (id, migration_name) VALUES ('8f3a0a70-6a5b', '2_next')", "0 CREATE TABLE b ()",
				"0 UPDATE _prisma_migrations SET finished_at = now() WHERE id = '8f3a0a70-6a5b'",
			},
			want: "1_init: CREATE TABLE a ();\n2_next: CREATE TABLE b ();\n",
		},
		"a row only before": {
			files: []string{"db/1", "db/2"},
			list:  []string{"0 INSERT INTO done VALUES ('1')", "0 CREATE TABLE a ()", "0 INSERT INTO done VALUES ('2')", "0 CREATE TABLE b ()"},
			want:  "1: CREATE TABLE a ();\n2: CREATE TABLE b ();\n",
		},
		"two columns (Django)": {
			list: []string{"1 CREATE TABLE a ()", "1 INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '0001_initial', '2024-01-01'::timestamptz)"},
			want: "shop.0001_initial: CREATE TABLE a ();\n",
		},
		"an empty one, and work afterwards (TypeORM)": {
			list: []string{
				`1 INSERT INTO "migrations"("timestamp", "name") VALUES (1700000000000, 'A1700000000000')`,
				"1 CREATE TABLE b ()", `1 INSERT INTO "migrations"("timestamp", "name") VALUES (1700000000001, 'B1700000000001')`, "0 SELECT create_hypertable('b')",
			},
			want: "A1700000000000:\nB1700000000001: CREATE TABLE b ();\nafter B1700000000001: SELECT create_hypertable('b');\n",
		},
		"a table of the team's own": {
			files: []string{"db/001_a.sql", "db/002_b.sql"},
			list: []string{
				"0 CREATE TABLE IF NOT EXISTS done (file text)", "1 CREATE TABLE a ()", "1 INSERT INTO done VALUES ('001_a.sql', now())",
				"2 CREATE TABLE b ()", "2 INSERT INTO done SELECT '002_b'",
			},
			want: "001_a.sql: CREATE TABLE a ();\n002_b: CREATE TABLE b ();\n",
		},
		"no table": {
			list: []string{"1 CREATE TABLE a ()", "1 CREATE TABLE b ()", "0 CREATE INDEX ON a ((1))", "0 CREATE INDEX ON b ((1))", "2 DROP TABLE a"},
			want: "transaction 1: CREATE TABLE a (); CREATE TABLE b ();\n" +
				"transaction 2: CREATE INDEX ON a ((1)); CREATE INDEX ON b ((1));\ntransaction 3: DROP TABLE a;\n",
		},
		"text that is no SQL": {list: []string{"0 CREATE TABEL a", "0 ;"}, want: "transaction 1: CREATE TABEL a;\n"},
	} {
		if diff := cmp.Diff(tc.want, segments(tc.files, tc.list...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A hostile file of 5 MB whose statements are all sent, and found in it.
func TestConvertLargeFile(t *testing.T) {
	t.Parallel()
	s := &Segment{ID: "1_x.sql"}
	var text strings.Builder
	for i := range 40_000 {
		sql := fmt.Sprintf("CREATE TABLE t%d (%s int)", i, strings.Repeat("x", 100))
		s.Statements = append(s.Statements, &ordered.Statement{SQL: sql, Sent: sql})
		text.WriteString(sql + ";\n")
	}
	_, tree := project(t, map[string]string{"db/1_x.sql": text.String()})
	known := &adapter.Migration{ID: "1_x", Path: "db/1_x.sql"}
	for _, st := range s.Statements {
		known.Source.Parts = append(known.Source.Parts, script.Part{SQL: st.SQL, Line: 1, Start: -1})
	}
	c := &converter{
		books: newBooks(nil, nil, s.Statements), files: listMigrationFiles(tree, "db"), source: source, left: maxSearched,
		known: map[string]*adapter.Migration{known.Path: known},
	}
	began := time.Now()
	m := c.convertSegments([]*Segment{s}, 0)[0]
	t.Logf("%d statements of %d MB in %v", len(m.Source.Parts), text.Len()>>20, time.Since(began))
	if len(m.Source.Parts) != 40_000 || m.ID != "1_x" || time.Since(began) > 30*time.Second {
		t.Errorf("%d parts of %s in %v", len(m.Source.Parts), m.ID, time.Since(began))
	}
}

// A hostile run: many statements of all kinds are cut in time.
func TestSegmentsOfMany(t *testing.T) {
	t.Parallel()
	var list []*ordered.Statement
	var files []string
	for i := range 40_000 {
		list = append(list,
			&ordered.Statement{SQL: fmt.Sprintf("INSERT INTO t%d VALUES ('%s')", i%7, strings.Repeat("x", 100))},
			&ordered.Statement{SQL: fmt.Sprintf("INSERT INTO schema_migrations VALUES ('%d')", i)})
		files = append(files, fmt.Sprintf("db/%d_x.sql", i))
	}
	began := time.Now()
	b := newBooks(map[string]bool{"schema_migrations": true}, files, list)
	n := len(b.cutSegments(list))
	t.Logf("%d segments of 8 MB in %v", n, time.Since(began))
	if n != 40_000 || time.Since(began) > 30*time.Second {
		t.Errorf("%d segments in %v", n, time.Since(began))
	}
}

// What ran zero times in a program is reported.
func TestUnmatched(t *testing.T) {
	t.Parallel()
	_, tree := project(t, map[string]string{"db/9_x.js": "// code"})
	s := &Segment{ID: "9_x.js"}
	for _, text := range [][2]string{
		{"SELECT 0", "SELECT id FROM users"}, {"UPDATE 0", "UPDATE users SET a = 1"}, {"DELETE 0", "DELETE FROM users"}, {"INSERT 0 0", "INSERT INTO a SELECT 1 WHERE false"},
		{"SELECT 2", "SELECT id FROM teams"}, {"UPDATE 1", "UPDATE teams SET a = 1"},
	} {
		s.Statements = append(s.Statements, &ordered.Statement{SQL: text[1], Tags: []string{text[0]}})
	}
	c := &converter{books: newBooks(nil, nil, nil), files: listMigrationFiles(tree, "db"), source: source, left: maxSearched}
	var got []string
	for _, o := range c.convertSegments([]*Segment{s}, 0)[0].Opaque {
		got = append(got, o.What+": "+o.Why)
	}
	want := []string{
		"migration 9_x.js: 3 of its statements changed no row on empty tables; they are judged, and code that depends on their result is not",
		"SELECT id FROM users: the query found no row on empty tables; what the migration does with rows is not known",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Settings of the session do not hide that a migration, or several, ran in one transaction.
func TestTransactionsOfRun(t *testing.T) {
	t.Parallel()
	statement := func(number int, sql string) *ordered.Statement {
		return &ordered.Statement{Transaction: number, SQL: sql}
	}
	first := &Segment{ID: "1", Statements: []*ordered.Statement{statement(0, "SET lock_timeout = '5s'"), statement(1, "CREATE TABLE a ()")}}
	second := &Segment{ID: "2", Statements: []*ordered.Statement{statement(1, "CREATE TABLE b ()"), statement(1, "SET LOCAL lock_timeout = '1s'")}}
	third := &Segment{ID: "3", Statements: []*ordered.Statement{statement(0, "CREATE INDEX CONCURRENTLY ON a ((1))")}}
	b := newBooks(nil, nil, nil)
	for _, tc := range []struct {
		of   *Segment
		want onward.Transaction
	}{{first, onward.TransactionFile}, {second, onward.TransactionFile}, {third, onward.TransactionNone}} {
		if got := b.sendMode(tc.of.Statements); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.of.ID, got, tc.want)
		}
	}
	if !b.runTogether([]*Segment{first, second}) || b.runTogether([]*Segment{first, second, third}) || b.runTogether([]*Segment{first}) {
		t.Error("the first two ran in one transaction")
	}
}
