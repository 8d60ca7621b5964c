package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

const deployedFiles = `
-- db/migrations/00001_init.sql --
-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, name text, email text);
-- +goose Down
DROP TABLE users;
-- models.go --
package models

type User struct {
	ID       int64
	FullName string ` + "`db:\"name\"`" + `
}
`

func TestChangelog(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployedFiles, `
-- db/migrations/00002_rename.sql --
-- +goose Up
ALTER TABLE users RENAME COLUMN name TO full_name;
-- +goose Down
ALTER TABLE users RENAME COLUMN full_name TO name;
-- db/migrations/00003_add.sql --
-- +goose Up
SET LOCAL lock_timeout = '2s';
ALTER TABLE users ADD COLUMN nickname text;
`)
	r := changelog0(t, Config{Dir: filepath.Join(dir, "db")})
	if r.Base != "main" || r.Summary.Migrations != 2 || r.Summary.Safe {
		t.Errorf("the summary is %+v, want 2 migrations that are not safe", r.Summary)
	}
	if diff := cmp.Diff([]onward.Change{{Object: "users", Text: "adds column nickname text, nullable", Kind: "add"}}, r.Migrations[1].Changes); diff != "" {
		t.Error(diff)
	}
	if m := r.Migrations[0]; m.ID != "00002_rename" || m.Path != "db/migrations/00002_rename.sql" || m.Framework != "goose" || m.Verdict != "error" ||
		m.Transaction != onward.TransactionFile || m.Status != onward.StatusNew || len(m.Statements) != 1 {
		t.Errorf("the migration is %+v, want 00002_rename of goose with an error", m)
	}
	var rename *onward.Finding
	for i := range r.Findings {
		if r.Findings[i].Rule == "column-rename" {
			rename = &r.Findings[i]
		}
	}
	if rename == nil || rename.Severity != onward.Error || rename.Line != 2 {
		t.Fatalf("the findings are %v, want an error of column-rename at line 2", found(r))
	}
	if len(rename.Evidence) == 0 || rename.Evidence[0].Path != "models.go" || rename.Evidence[0].Line != 5 {
		t.Errorf("the line of the deployed code is the evidence: %+v", rename.Evidence)
	}
	if m := r.Migrations[1]; m.Verdict != "ok" {
		t.Errorf("%s is %s, want ok: %v", m.ID, m.Verdict, found(r))
	}
}

func TestUncommittedFilesCount(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployedFiles+"-- read.go --\npackage shop\n\nfunc read() (all []User) { return all }\n")
	if r := changelog0(t, Config{Dir: dir}); r.Summary.Migrations != 0 || !r.Summary.Safe || len(r.Findings) != 0 {
		t.Errorf("nothing new: %+v %v", r.Summary, found(r))
	}
	if err := os.WriteFile(filepath.Join(dir, "db/migrations/00002_x.sql"), []byte("-- +goose Up\nDROP TABLE users;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := changelog0(t, Config{Dir: dir}); r.Summary.Migrations != 1 || r.Summary.Errors == 0 {
		t.Errorf("the summary is %+v, want 1 migration with an error", r.Summary)
	}
	if r := changelog0(t, Config{Dir: dir, Head: "main"}); r.Summary.Migrations != 0 {
		t.Errorf("a revision has no uncommitted files: %+v", r.Summary)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployedFiles+`
-- db/migrations/00005_b.sql --
-- +goose Up
CREATE TABLE b (id int);
-- db/migrations/00006_c.sql --
-- +goose Up
CREATE TABLE c (id int);
-- db/migrations/00007_d.sql --
-- +goose Up
CREATE TABLE d (id int);
`, `
-- db/migrations/00001_init.sql --
-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, age int);
-- db/migrations/00003_late.sql --
-- +goose Up
CREATE TABLE late (id int);
-- db/migrations/00005_b.sql --
-- db/migrations/00006_c.sql --
-- +goose Up
-- a comment
CREATE TABLE c (id int);
-- db/migrations/00007_d.sql --
-- db/migrations/00008_d.sql --
-- +goose Up
CREATE TABLE d (id int);
`)
	r := changelog0(t, Config{Dir: dir})
	got := map[string]bool{}
	for _, f := range r.Findings {
		got[f.Rule+" "+filepath.Base(f.Path)] = true
		if f.Rule == "release-migration-edited" && filepath.Base(f.Path) == "00006_c.sql" && f.Severity == onward.Error {
			t.Error("a comment is no error")
		}
	}
	for _, want := range []string{
		"release-migration-edited 00001_init.sql", "release-out-of-order 00003_late.sql",
		"release-migration-deleted 00005_b.sql", "release-migration-renamed 00008_d.sql",
	} {
		if !got[want] {
			t.Errorf("%s is missing in %v", want, found(r))
		}
	}
}

func TestOneBadFileHidesNothing(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployedFiles, `
-- db/migrations/00002_a.sql --
-- +goose Up
ALTER TABEL users ADD x int;
CREATE INDEX users_email_idx ON users (email);
-- db/migrations/00003_b.sql --
-- +goose Up
DROP TABLE users;
`)
	r := changelog0(t, Config{Dir: dir})
	rules := strings.Join(found(r), "\n")
	if !strings.Contains(rules, "index-create-blocking 00002_a.sql:3") || !strings.Contains(rules, "table-drop 00003_b.sql:2") {
		t.Errorf("the findings lack index-create-blocking or table-drop:\n%s", rules)
	}
	if len(r.Opaque) != 1 || !r.Opaque[0].Failed || r.Opaque[0].Line != 2 || r.Summary.Safe {
		t.Errorf("the unread parts are %+v, want line 2 alone", r.Opaque)
	}
	accepted := changelog0(t, Config{Dir: dir, Settings: &config.Config{AcceptOpaque: config.Accept{All: true}}})
	if accepted.Opaque[0].Failed {
		t.Error("the configuration accepts it")
	}
}

// Unreadable parts of the deployed migrations are listed once, and fail nothing: they
// have run.
func TestUnreadBase(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployedFiles+`-- db/migrations/00001_x.sql --
-- +goose Up
CREATE TABEL lost (id int);
CREATE TABEL gone (id int);
`, `
-- db/migrations/00002_a.sql --
-- +goose Up
SET LOCAL lock_timeout = '2s';
ALTER TABLE lost ADD x int;
`)
	r := changelog0(t, Config{Dir: dir})
	want := []onward.Opaque{{
		Migration: "00001_x",
		Path:      "db/migrations/00001_x.sql",
		Line:      2,
		Column:    8,
		What:      "what deployed migrations made, 2 statements or files",
		Why:       `syntax error at or near "TABEL"`,
	}}
	if diff := cmp.Diff(want, r.Opaque); diff != "" || r.Summary.State != onward.StateSafeIf {
		t.Errorf("state: %s, (-want +got):\n%s", r.Summary.State, diff)
	}
}

func TestSchemaFile(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- migrations/1_a.up.sql --\nSELECT 1;\n", "-- migrations/2_b.up.sql --\nALTER TABLE app.t ALTER COLUMN v TYPE text;\n")
	dump := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(dump, []byte("SELECT pg_catalog.set_config('search_path', '', false);\nCREATE SCHEMA app;\n"+
		"CREATE TABLE app.t (v character varying(20));\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := changelog0(t, Config{Dir: dir, Deployed: Deployed{Schema: dump}})
	if n := len(r.Migrations); n != 1 {
		t.Fatalf("%d migrations", n)
	}
	if e := r.Migrations[0].Statements[0].Effects; len(e) != 1 || e[0].Relation != "app.t" || e[0].Work != onward.NoWork {
		t.Errorf("varchar(20) to text is free: %+v", e)
	}
	if _, err := Changelog(context.Background(), Config{Dir: dir, Deployed: Deployed{Schema: filepath.Join(dir, "nowhere.sql")}}); err == nil {
		t.Error("a schema that is not there")
	}
}

func TestNothingFound(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- main.go --\npackage main\n")
	_, err := Changelog(context.Background(), Config{Dir: dir})
	var notFound *adapter.NotFoundError
	if !errors.As(err, &notFound) || !strings.Contains(err.Error(), "goose") {
		t.Errorf("Changelog without migrations = %v, want a NotFoundError that lists goose", err)
	}
}

// DROP TABLE IF EXISTS before CREATE TABLE empties an existing table. If the schema is
// not known completely, the code tells which tables exist.
func TestDroppedFirst(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, `-- migrations/00002_more.sql --
-- +goose Up
ALTER TABLE made_elsewhere ADD COLUMN n int;
-- app/query.go --
const q = "SELECT id FROM carts"
`, `-- migrations/00003_new.sql --
-- +goose Up
DROP TABLE IF EXISTS carts;
CREATE TABLE carts (id int PRIMARY KEY);
DROP TABLE IF EXISTS archives;
CREATE TABLE archives (id int PRIMARY KEY);
`), Base: "main"})
	var got []string
	for _, f := range r.Findings {
		if f.Rule == "table-drop-first" {
			got = append(got, f.Severity.String()+" "+f.Fact)
		}
	}
	if diff := cmp.Diff([]string{"warning creating carts anew: :2 dropped it with all its rows, if it was there"}, got); diff != "" {
		t.Error(diff)
	}
}
