package audit

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

func check(t *testing.T, c CheckConfig) *onward.Report {
	t.Helper()
	r, err := Check(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheckOrderAndDeployed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		"1.sql": "CREATE TABLE t (id int, v text);", "2.sql": "CREATE INDEX ON t (v);", "10.sql": "DROP TABLE t;", "notes.txt": "no SQL",
	})
	r := check(t, CheckConfig{Dir: dir})
	var paths []string
	for _, m := range r.Migrations {
		paths = append(paths, m.Path)
	}
	if strings.Join(paths, " ") != "1.sql 2.sql 10.sql" {
		t.Errorf("natural order: %v", paths)
	}
	if r.Summary.Errors != 0 {
		t.Errorf("the table is new in this release: %v", found(r))
	}
	r = check(t, CheckConfig{Dir: dir, Paths: []string{"2.sql"}, Applied: []string{"1.sql"}})
	if len(r.Migrations) != 1 || !strings.Contains(strings.Join(found(r), " "), "index-create-blocking 2.sql:1") {
		t.Errorf("the findings are %v, want index-create-blocking in 2.sql", found(r))
	}
}

// A file for another database is judged if it is named, but not if it was only found in a
// directory.
func TestCheckOtherDatabases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"m/1.postgres.sql": "SELECT 1;", "m/1.mysql.sql": "SELECT 2;", "m/1.sql": "SELECT 3;", "m/2.sql": "SELECT 4;"})
	for _, tc := range []struct{ paths, want string }{{"m", "m/1.postgres.sql m/2.sql"}, {"m/1.mysql.sql", "m/1.mysql.sql"}} {
		var got []string
		for _, m := range check(t, CheckConfig{Dir: dir, Paths: []string{tc.paths}}).Migrations {
			got = append(got, m.Path)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("Check of %s reads %v, want %s", tc.paths, got, tc.want)
		}
	}
}

func TestCheckStdinAndTransaction(t *testing.T) {
	t.Parallel()
	sql := "CREATE INDEX CONCURRENTLY i ON t (v);\nSELECT 1;\n"
	for mode, want := range map[onward.Transaction]bool{onward.TransactionNone: false, onward.TransactionFile: true, onward.TransactionMessage: true} {
		r := check(t, CheckConfig{Paths: []string{"-"}, Stdin: strings.NewReader(sql), Transaction: mode})
		got := strings.Contains(strings.Join(found(r), " "), "transaction-concurrently-in-block")
		if got != want {
			t.Errorf("transaction %s: transaction-concurrently-in-block wanted: %v, got %v", mode, want, found(r))
		}
	}
}

func TestCheckInput(t *testing.T) {
	t.Parallel()
	_, err := Check(context.Background(), CheckConfig{Dir: t.TempDir(), Paths: []string{"nowhere.sql"}})
	var input *config.InputError
	if !errors.As(err, &input) {
		t.Errorf("Check of a missing file = %v, want an InputError", err)
	}
	_, err = Check(context.Background(), CheckConfig{Dir: t.TempDir(), Framework: "gooose"})
	if !errors.As(err, &input) {
		t.Errorf("Check with an unknown framework = %v, want an InputError", err)
	}
}

func TestCheckFramework(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"m/00001_a.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nDROP TABLE a;\n-- +goose Down\nDROP TABLE b;\n"})
	r := check(t, CheckConfig{Dir: dir, Paths: []string{"m"}})
	if len(r.Migrations) != 1 || r.Migrations[0].Framework != "goose" || r.Migrations[0].Transaction != onward.TransactionNone ||
		len(r.Migrations[0].Statements) != 1 {
		t.Errorf("the migrations are %+v, want 1 of goose without a transaction", r.Migrations)
	}
}

// The user names the framework: its programs are found, or else all SQL files are its.
func TestCheckNamedFramework(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		"app/db/migrate/20240101000000_add_a.rb": "class AddA < ActiveRecord::Migration[7.1]\n" +
			"  def change\n    create_table(:as) { |t| t.string :name }\n  end\nend\n",
		"app/db/structure.sql": "CREATE TABLE as_it_is (id bigint);\n", "sql/1_a.sql": "CREATE TABLE b (id bigint);\n",
	})
	for framework, want := range map[string]string{"rails": "app/db/migrate/20240101000000_add_a.rb", "goose": "sql/1_a.sql"} {
		for _, p := range []string{".", path.Dir(want)} {
			r := check(t, CheckConfig{Dir: dir, Paths: []string{p}, Framework: framework})
			if len(r.Migrations) == 0 || !slices.ContainsFunc(r.Migrations, func(m onward.Migration) bool { return m.Path == want && m.Framework == framework }) {
				t.Errorf("%s in %s: %+v", framework, p, r.Migrations)
			}
		}
	}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"schema.sql": "CREATE TABLE users (id bigint PRIMARY KEY); CREATE TABLE orders (user_id bigint);"})
	out, err := Locks(context.Background(), LocksConfig{
		SQL: "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users (id); SELEKT", Deployed: Deployed{Schema: filepath.Join(dir, "schema.sql")},
	})
	if err != nil || len(out) != 2 {
		t.Fatalf("Locks = %v, %v, want 2 statements", out, err)
	}
	if len(out[0].Variants) != 1 || len(out[0].Variants[0].Postgres) != 6 {
		t.Errorf("the same on all versions: %+v", out[0].Variants)
	}
	got := map[string]onward.Lock{}
	for _, e := range out[0].Effects {
		got[e.Relation] = e.Lock
	}
	if got["public.orders"] != onward.ShareRowExclusiveLock || got["public.users"] != onward.ShareRowExclusiveLock {
		t.Errorf("the locks are %v, want SHARE ROW EXCLUSIVE on both tables", got)
	}
	if !strings.Contains(out[1].Note, "syntax error") {
		t.Errorf("the statement is %+v, want a note about its syntax error", out[1])
	}
}

// In UTC a timestamp becomes a timestamptz without a rewrite.
func TestLocksFollowTheTimeZone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"schema.sql": "CREATE TABLE users (a timestamp, b timestamp, c timestamp, d timestamp, e timestamp);"})
	change := func(column string) string { return "ALTER TABLE users ALTER " + column + " TYPE timestamptz; " }
	out, err := Locks(context.Background(), LocksConfig{
		SQL: change("a") + "SET LOCAL TIME ZONE 'UTC'; " + change("b") + "RESET timezone; " + change("c") +
			"SELECT set_config('TimeZone', 'UTC', false); " + change("d") + "DISCARD ALL; " + change("e"),
		Deployed: Deployed{Schema: filepath.Join(dir, "schema.sql")},
	})
	if err != nil || len(out) != 9 {
		t.Fatalf("Locks = %v, %v, want 9 statements", out, err)
	}
	var got []string
	for _, s := range out {
		if strings.HasPrefix(s.SQL, "ALTER") {
			got = append(got, s.Effects[0].Work.String())
		}
	}
	if want := "rewrite none rewrite none rewrite"; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestBlocksAreJudged(t *testing.T) {
	t.Parallel()
	judge := func(sql string) *onward.Report {
		return check(t, CheckConfig{Dir: t.TempDir(), Paths: []string{"-"}, Stdin: strings.NewReader(sql)})
	}
	r := judge("DO $$ BEGIN IF EXISTS (SELECT 1 FROM t) THEN ALTER TABLE t ADD COLUMN c int; END IF; END $$;")
	if len(r.Opaque) != 0 || len(r.Migrations[0].Statements) != 2 {
		t.Errorf("a block of plain statements hides nothing: %+v, %d statements", r.Opaque, len(r.Migrations[0].Statements))
	}
	r = judge("DO $$ BEGIN EXECUTE 'DROP TABLE ' || quote_ident(current_user); END $$;")
	if len(r.Opaque) != 1 || !strings.HasPrefix(r.Opaque[0].What, "EXECUTE of") {
		t.Errorf("what the block executes is not known: %+v", r.Opaque)
	}
	r = judge("EXECUTE plan;")
	if len(r.Opaque) != 1 || r.Opaque[0].Why != "EXECUTE: the prepared statement is not in the text" {
		t.Errorf("the unread parts are %+v, want EXECUTE of an unknown statement", r.Opaque)
	}
}

// The case that a block guards against has not happened: existing objects stay unchanged.
func TestGuardedStatements(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"BEGIN CREATE TYPE mood AS ENUM ('sad', 'ok'); EXCEPTION WHEN duplicate_object THEN NULL; END":    "",
		"BEGIN CREATE TYPE fresh AS ENUM ('sad'); EXCEPTION WHEN duplicate_object THEN NULL; END":         "new enum fresh (sad)",
		"BEGIN IF NOT EXISTS (SELECT 1) THEN CREATE TABLE t (id bigint); END IF; END":                     "",
		"BEGIN IF NOT EXISTS (SELECT 1) THEN ALTER TABLE t ADD COLUMN id bigint; END IF; END":             "",
		"BEGIN IF NOT EXISTS (SELECT 1) THEN ALTER TABLE t ADD CONSTRAINT c CHECK (id > 9); END IF; END":  "",
		"BEGIN IF NOT EXISTS (SELECT 1) THEN ALTER TABLE t ADD COLUMN b int; END IF; END":                 "adds column b integer, nullable",
		"BEGIN CREATE INDEX i ON t (lower(id::text)); EXCEPTION WHEN duplicate_table THEN NULL; END":      "",
		"BEGIN CREATE SCHEMA s; CREATE TABLE s.t (a int); EXCEPTION WHEN duplicate_schema THEN NULL; END": "",
	} {
		dir := repository(t, "-- m/1_a.sql --\nCREATE TYPE mood AS ENUM ('sad');\nCREATE SCHEMA s;\nCREATE TABLE s.t (a int);\n"+
			"CREATE TABLE t (id int, CONSTRAINT c CHECK (id > 0));\nCREATE INDEX i ON t (id);\nDO 'BEGIN PERFORM 1; END';\n",
			"-- m/2_b.sql --\nDO $$ "+sql+" $$;\n")
		var got []string
		for _, c := range changelog0(t, Config{Dir: dir, Base: "main"}).Migrations[0].Changes {
			got = append(got, c.Text)
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s: the changes are %q, want %q", sql, got, want)
		}
	}
}

// The package.json above a directory says which tool runs its programs.
func TestCheckFindsPackageAbove(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		".git/HEAD":              "",
		"api/package.json":       `{"dependencies": {"db-migrate": "0.11", "db-migrate-pg": "1.5"}}`,
		"api/migrations/1-a.js":  "exports.up = async (db) => {\n  await db.removeColumn('users', 'nick')\n}\n",
		"package.json":           `{"dependencies": {"node-pg-migrate": "9"}}`,
		"api/migrations/2-b.sql": "DROP TABLE orders;",
	})
	for _, paths := range [][]string{{"migrations"}, {"migrations/1-a.js"}, {"../api"}, {"."}} {
		r := check(t, CheckConfig{Dir: filepath.Join(dir, "api"), Paths: paths})
		if got := strings.Join(found(r), " "); !strings.Contains(got, "column-drop api/migrations/1-a.js:2") && !strings.Contains(got, "column-drop 1-a.js:2") {
			t.Errorf("Check of %v finds %s, want column-drop; its unread parts: %+v", paths, got, r.Opaque)
		}
	}
}

func TestCheckRunsNoProject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		"manage.py": "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')\nopen('ran', 'w')\n", "shop/migrations/0001_initial.py": "from django.db import migrations\n\nclass Migration(migrations.Migration):\n    operations = []\n",
		"sql/1.sql": "DROP TABLE users;",
	})
	r := check(t, CheckConfig{Dir: dir})
	if len(r.Opaque) != 1 || r.Opaque[0].Failed || !strings.Contains(r.Opaque[0].Why, "onward changelog") {
		t.Errorf("the unread parts are %+v, want 1 with onward changelog as advice", r.Opaque)
	}
	if !strings.Contains(strings.Join(found(r), " "), "table-drop 1.sql:1") {
		t.Errorf("the findings are %v, want table-drop in 1.sql", found(r))
	}
	if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
		t.Error("the project's code ran")
	}
}
