package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/django"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/onward"
)

// repository makes a git repository with one commit per archive; a file that
// an archive gives no content is deleted.
func repository(t *testing.T, commits ...string) string {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	for i, c := range commits {
		if i == 1 {
			git("checkout", "-q", "-b", "feature")
		}
		for _, f := range txtar.Parse([]byte(c)).Files {
			at := filepath.Join(dir, f.Name)
			if len(f.Data) == 0 {
				if err := os.Remove(at); err != nil {
					t.Fatal(err)
				}
				continue
			}
			if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		git("add", "-A")
		git("commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
	}
	return dir
}

func changelog0(t *testing.T, c Config) *onward.Report {
	t.Helper()
	r, err := Changelog(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found lists the findings as "severity rule file:line".
func found(r *onward.Report) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, fmt.Sprintf("%s %s %s:%d", f.Severity, f.Rule, filepath.Base(f.Path), f.Line))
	}
	return out
}

// severityOf is that of the last finding of a rule; "" for none.
func severityOf(r *onward.Report, id string) string {
	got := ""
	for _, f := range r.Findings {
		if f.Rule == id {
			got = f.Severity.String()
		}
	}
	return got
}

const deployed = `
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
	dir := repository(t, deployed, `
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
		t.Errorf("%+v", r.Summary)
	}
	if diff := cmp.Diff([]onward.Change{{Object: "users", Text: "adds column nickname text, nullable", Kind: "add"}}, r.Migrations[1].Changes); diff != "" {
		t.Error(diff)
	}
	if m := r.Migrations[0]; m.ID != "00002_rename" || m.Path != "db/migrations/00002_rename.sql" || m.Framework != "goose" || m.Verdict != "error" ||
		m.Transaction != onward.TransactionFile || m.Status != onward.StatusNew || len(m.Statements) != 1 {
		t.Errorf("%+v", m)
	}
	var rename *onward.Finding
	for i := range r.Findings {
		if r.Findings[i].Rule == "column-rename" {
			rename = &r.Findings[i]
		}
	}
	if rename == nil || rename.Severity != onward.Error || rename.Line != 2 {
		t.Fatalf("%v", found(r))
	}
	if len(rename.Evidence) == 0 || rename.Evidence[0].Path != "models.go" || rename.Evidence[0].Line != 5 {
		t.Errorf("the line of the deployed code is the evidence: %+v", rename.Evidence)
	}
	if m := r.Migrations[1]; m.Verdict != "ok" {
		t.Errorf("%s: %v", m.ID, found(r))
	}
}

func TestUncommittedFilesCount(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployed)
	if r := changelog0(t, Config{Dir: dir}); r.Summary.Migrations != 0 || !r.Summary.Safe || len(r.Findings) != 0 {
		t.Errorf("nothing new: %+v %v", r.Summary, found(r))
	}
	if err := os.WriteFile(filepath.Join(dir, "db/migrations/00002_x.sql"), []byte("-- +goose Up\nDROP TABLE users;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := changelog0(t, Config{Dir: dir}); r.Summary.Migrations != 1 || r.Summary.Errors == 0 {
		t.Errorf("%+v", r.Summary)
	}
	if r := changelog0(t, Config{Dir: dir, Head: "main"}); r.Summary.Migrations != 0 {
		t.Errorf("a revision has no uncommitted files: %+v", r.Summary)
	}
}

func TestHistory(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployed+`
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
	dir := repository(t, deployed, `
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
		t.Error(rules)
	}
	if len(r.Opaque) != 1 || !r.Opaque[0].Failed || r.Opaque[0].Line != 2 || r.Summary.Safe {
		t.Errorf("%+v", r.Opaque)
	}
	accepted := changelog0(t, Config{Dir: dir, Settings: &config.Config{AcceptOpaque: config.Accept{All: true}}})
	if accepted.Opaque[0].Failed {
		t.Error("the configuration accepts it")
	}
}

// What of the deployed migrations cannot be read is listed once, and fails nothing:
// it has run.
func TestUnreadBase(t *testing.T) {
	t.Parallel()
	dir := repository(t, deployed+`-- db/migrations/00001_x.sql --
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
	want := []onward.Opaque{{Migration: "00001_x", Path: "db/migrations/00001_x.sql", Line: 2, Column: 8, What: "what deployed migrations made, 2 statements or files", Why: `syntax error at or near "TABEL"`}}
	if diff := cmp.Diff(want, r.Opaque); diff != "" || !r.Summary.Safe {
		t.Errorf("safe: %t, (-want +got):\n%s", r.Summary.Safe, diff)
	}
}

func TestSchemaFile(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- migrations/1_a.up.sql --\nSELECT 1;\n", "-- migrations/2_b.up.sql --\nALTER TABLE app.t ALTER COLUMN v TYPE text;\n")
	dump := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(dump, []byte("SELECT pg_catalog.set_config('search_path', '', false);\nCREATE SCHEMA app;\nCREATE TABLE app.t (v character varying(20));\n"), 0o644); err != nil {
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

// One numbered file alone is not taken for migrations; with a second one beside
// it in the other tree it was one all along.
func TestFirstFileOfAPlainDirectory(t *testing.T) {
	t.Parallel()
	const first = `
-- sql/001_init.sql --
CREATE TABLE users (id bigint PRIMARY KEY, name text);
`
	t.Run("the release adds the second", func(t *testing.T) {
		t.Parallel()
		r := changelog0(t, Config{Dir: repository(t, first, "-- sql/002_name.sql --\nCREATE INDEX users_name ON users (name);\n"), Base: "main"})
		want := []string{"error index-create-blocking 002_name.sql:1"}
		if diff := cmp.Diff(want, found(r)); diff != "" {
			t.Error(diff)
		}
		if len(r.Migrations) != 1 {
			t.Errorf("%d migrations are new, want 1", len(r.Migrations))
		}
	})
	t.Run("the release deletes the second", func(t *testing.T) {
		t.Parallel()
		r := changelog0(t, Config{Dir: repository(t, first+"-- sql/002_name.sql --\nSELECT 1;\n", "-- sql/002_name.sql --\n"), Base: "main"})
		want := []string{"warning release-migration-deleted 002_name.sql:1"}
		if diff := cmp.Diff(want, found(r)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNothingFound(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- main.go --\npackage main\n")
	_, err := Changelog(context.Background(), Config{Dir: dir})
	var notFound *adapter.NotFoundError
	if !errors.As(err, &notFound) || !strings.Contains(err.Error(), "goose") {
		t.Errorf("%v", err)
	}
}

func TestConfiguredDirectory(t *testing.T) {
	t.Parallel()
	dir := repository(t, "-- odd/place/1.sql --\nCREATE TABLE t (id int, v int);\n", "-- odd/place/2.sql --\nALTER TABLE t DROP COLUMN v;\n")
	r := changelog0(t, Config{Dir: dir, Settings: &config.Config{
		Migrations: []config.Migrations{{Dir: "odd/place", Framework: "sql", Transaction: onward.TransactionFile, LockTimeout: 1000}},
	}})
	if len(r.Migrations) != 1 || r.Migrations[0].Transaction != onward.TransactionFile {
		t.Fatalf("%+v", r.Migrations)
	}
	for _, f := range r.Findings {
		if f.Rule == "transaction-lock-timeout-missing" {
			t.Error("the runner sets one")
		}
	}
}

func TestMovedDirectory(t *testing.T) {
	t.Parallel()
	const old, again = "-- server/migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\n",
		"-- core/server/migrations/00001_init.sql --\n-- +goose Up\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\n"
	r := changelog0(t, Config{Dir: repository(t, old,
		again+"-- core/server/migrations/00002_more.sql --\n-- +goose Up\nALTER TABLE a ADD COLUMN n int;\n-- server/migrations/00001_init.sql --\n"), Base: "main"})
	if len(r.Migrations) != 1 || r.Migrations[0].ID != "00002_more" {
		t.Errorf("the release has %d migrations, of which one is new", len(r.Migrations))
	}
	if diff := cmp.Diff([]string{"warning transaction-lock-timeout-missing 00002_more.sql:2"}, found(r)); diff != "" {
		t.Error(diff)
	}
}

// DROP TABLE IF EXISTS in front of CREATE TABLE empties a table that is there. Of a
// schema that is not known whole the code tells which ones are.
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

// Prisma's client names every column of its models by itself.
func TestPrismaModels(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, `-- prisma/migrations/migration_lock.toml --
provider = "postgresql"
-- prisma/migrations/1_a/migration.sql --
CREATE TABLE "users" ("id" INTEGER PRIMARY KEY, "state" TEXT);
-- prisma/schema.prisma --
model Post {
  state String
}
model User {
  id     Int     @id
  status String? @map("state")
  @@map("users")
}
`, `-- prisma/migrations/2_b/migration.sql --
ALTER TABLE "users" DROP COLUMN "state";
`), Base: "main"})
	var got []string
	for _, f := range r.Findings {
		for _, e := range f.Evidence {
			got = append(got, fmt.Sprintf("%s %s %s:%d %s", f.Severity, f.Rule, e.Path, e.Line, e.Text))
		}
	}
	if diff := cmp.Diff([]string{"error column-drop prisma/schema.prisma:6 User.status: each query of the model names the column"}, got); diff != "" {
		t.Error(diff)
	}
}

// A field of Prisma's that no migration makes breaks the new code.
func TestPrismaColumnMissing(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, `-- prisma/migrations/migration_lock.toml --
provider = "postgresql"
-- prisma/migrations/1_a/migration.sql --
CREATE TABLE "User" ("id" INTEGER PRIMARY KEY);
-- prisma/schema.prisma --
model User {
  id Int @id
}
`, `-- prisma/schema.prisma --
enum Mood {
  GOOD
}
model User {
  id    Int     @id
  nick  String?
  lost  String? @map("lost_one")
  posts Post[]
}
model Post {
  id    Int    @id
  mood  Mood   @map("the_mood")
  users User[]
  @@map("posts")
}
-- prisma/migrations/2_b/migration.sql --
ALTER TABLE "User" ADD COLUMN "nick" TEXT;
CREATE TYPE "Mood" AS ENUM ('GOOD');
CREATE TABLE "posts" ("id" INTEGER PRIMARY KEY, "the_mood" "Mood" NOT NULL);
CREATE TABLE "_PostToUser" ("A" INTEGER NOT NULL, "B" INTEGER NOT NULL);
`), Base: "main"})
	if diff := cmp.Diff([]string{"error release-column-missing schema.prisma:7", "warning transaction-lock-timeout-missing migration.sql:1"}, found(r)); diff != "" {
		t.Error(diff)
	}
	if r.Summary.Verdict != "This release is not safe to deploy: new code breaks at schema.prisma:7." {
		t.Error(r.Summary.Verdict)
	}
}

// What the head knows for another database's was one at the base too.
func TestMovedToAnotherDatabase(t *testing.T) {
	t.Parallel()
	const files = "20210101000000_a.sql --\nCREATE TABLE history (id text PRIMARY KEY, at integer);\n"
	r := changelog0(t, Config{Dir: repository(t,
		"-- Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- client/Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- client/migrations/"+files+
			"-- server/Cargo.toml --\n[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n-- server/migrations/20210101000000_b.sql --\nCREATE TABLE users (id int);\n",
		"-- client/Cargo.toml --\n-- client/migrations/20210101000000_a.sql --\n-- crates/client/Cargo.toml --\n[dependencies]\nsqlx = { version = \"0.8\", features = [\"sqlite\"] }\n-- crates/client/migrations/"+files), Base: "main"})
	if got := found(r); len(got) > 0 {
		t.Error(got)
	}
}

// Prisma's lock file is the same in each directory: it has moved nowhere.
func TestAnotherDirectory(t *testing.T) {
	t.Parallel()
	const lock = "provider = \"postgresql\"\n"
	r := changelog0(t, Config{Dir: repository(t,
		"-- old/prisma/migrations/1_a/migration.sql --\nCREATE TABLE a (id int);\n-- old/prisma/migrations/migration_lock.toml --\n"+lock,
		"-- old/prisma/migrations/1_a/migration.sql --\n-- old/prisma/migrations/migration_lock.toml --\n-- new/prisma/migrations/1_b/migration.sql --\nCREATE TABLE b (n int);\n-- new/prisma/migrations/migration_lock.toml --\n"+lock), Base: "main"})
	var got []string
	for _, f := range r.Findings {
		got = append(got, f.Rule+": "+f.Fact)
	}
	if diff := cmp.Diff([]string{"release-migration-deleted: no migration is left in old/prisma/migrations (the base has 1)"}, got); diff != "" {
		t.Error(diff)
	}
}

// A service that was given up has had a database of its own: a new one makes a table
// of the same name in another.
func TestEndedService(t *testing.T) {
	t.Parallel()
	const crate, files = "/Cargo.toml --\n[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n-- ", "CREATE TABLE files_processed (name text PRIMARY KEY);\n"
	for name, left := range map[string]string{"nothing left": "", "code left": "-- boost/src/main.rs --\nfn main() {}\n"} {
		r := changelog0(t, Config{Dir: repository(t,
			"-- boost"+crate+"boost/migrations/1_setup.sql --\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\nCREATE TABLE c (id int);\n-- boost/migrations/2_files.sql --\n"+files+left+
				"-- reward"+crate+"reward/migrations/1_setup.sql --\nCREATE TABLE d (id int);\n",
			"-- boost/Cargo.toml --\n-- boost/migrations/1_setup.sql --\n-- boost/migrations/2_files.sql --\n-- price"+crate+"price/migrations/1_files.sql --\n"+files), Base: "main"})
		var got []string
		for _, f := range r.Findings {
			got = append(got, f.Severity.String()+" "+f.Rule)
		}
		want := []string{"info release-migration-deleted"}
		if left != "" {
			want = []string{"warning release-migration-deleted", "error release-statement-fails"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", name, diff)
		}
	}
}

func TestTwoDatabases(t *testing.T) {
	t.Parallel()
	const base = `-- app/migrations/00001_init.sql --
-- +goose Up
CREATE TABLE runs (id int PRIMARY KEY);
CREATE TABLE users (id int PRIMARY KEY);
`
	// A second database gets some of the first one's tables; a third directory
	// alters what the first one makes.
	r := changelog0(t, Config{Dir: repository(t, base, `-- analytics/migrations/00001_init.sql --
-- +goose Up
CREATE TABLE runs (id int PRIMARY KEY, took int);
-- analytics/migrations/00002_more.sql --
-- +goose Up
CREATE INDEX ON runs (took);
-- billing/migrations/00001_more.sql --
-- +goose Up
CREATE INDEX ON users (id);
`), Base: "main"})
	var errors, order []string
	for _, f := range found(r) {
		if strings.HasPrefix(f, "error") {
			errors = append(errors, f)
		}
	}
	for _, m := range r.Migrations {
		order = append(order, m.Path)
	}
	if diff := cmp.Diff([]string{"error index-create-blocking 00001_more.sql:2"}, errors); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"analytics/migrations/00001_init.sql", "analytics/migrations/00002_more.sql", "billing/migrations/00001_more.sql"}, order); diff != "" {
		t.Error(diff)
	}
	if r.Summary.Migrations != 3 || r.Summary.Errors != 1 || r.Summary.Statements != 3 {
		t.Errorf("summed up as %+v", r.Summary)
	}
}

// A repeatable migration runs again under another name, as it is made to; Flyway
// misses the one of the old name.
func TestRepeatableUnderAnotherName(t *testing.T) {
	t.Parallel()
	dir := repository(t, `-- db/migration/V1__init.sql --
CREATE TABLE a (id int);
-- db/migration/R__2_views.sql --
CREATE OR REPLACE VIEW v AS SELECT id FROM a;
`, `-- db/migration/R__1_views.sql --
CREATE OR REPLACE VIEW v AS SELECT id FROM a;
-- db/migration/R__2_views.sql --
`)
	r := changelog0(t, Config{Dir: dir, Base: "main"})
	if r.Migrations[0].ID != "R__1_views" {
		t.Errorf("%d migrations, first %s", len(r.Migrations), r.Migrations[0].ID)
	}
	if diff := cmp.Diff([]string{"error release-migration-deleted R__2_views.sql:1"}, found(r)); diff != "" {
		t.Error(diff)
	}
}

// A unique constraint goes: that matters to ON CONFLICT, where there is one.
func TestUpserts(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{
		"_, err := db.Exec(`INSERT INTO a (n) VALUES (1) ON CONFLICT (n) DO NOTHING`)": true,
		"db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&a)":                    true,
		"db.Clauses(clause.OnConflict{DoNothing: true}).Create(&a)":                    false, // asks for no index
		"return http.StatusConflict":                                                   false,
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- db/migrations/00001_a.sql --\n-- +goose Up\nCREATE TABLE a (n int, m int);\nCREATE UNIQUE INDEX a_n ON a (n);\n-- store/a.go --\npackage store\n\nfunc x() {\n"+code+"\n}\n",
			"-- db/migrations/00002_b.sql --\n-- +goose NO TRANSACTION\n-- +goose Up\nDROP INDEX CONCURRENTLY a_n;\n"), Base: "main"})
		if got := strings.Contains(strings.Join(found(r), "\n"), "constraint-drop-on-conflict"); got != want {
			t.Errorf("%s: %v: %v", code, got, found(r))
		}
	}
}

// The table of a relation between many and many has a name that no code has.
func TestPrismaJoinTable(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		"model Post {\n  id Int @id\n  tags Tag[]\n}\nmodel Tag {\n  id Int @id\n  posts Post[]\n}\n":                                   "error",
		"model Post {\n  id Int @id\n  tag Tag @relation(fields: [tagId])\n}\nmodel Tag {\n  id Int @id\n  posts Post[]\n}\n":           "info",
		"model Post {\n  id Int @id\n  tags Tag[] @relation(\"x\")\n}\nmodel Tag {\n  id Int @id\n  posts Post[] @relation(\"x\")\n}\n": "info",
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- prisma/migrations/1_a/migration.sql --\nCREATE TABLE \"Post\" (id int);\nCREATE TABLE \"_PostToTag\" (\"A\" int, \"B\" int);\n-- prisma/schema.prisma --\n"+schema,
			"-- prisma/migrations/2_b/migration.sql --\nSET lock_timeout = '2s';\nDROP TABLE \"_PostToTag\";\n"), Base: "main"})
		got := severityOf(r, "table-drop")
		if got != want {
			t.Errorf("%s: %q: %v", schema, got, found(r))
		}
	}
}

// SQL beside the migrations of a Django app is what sqlmigrate has printed: to the
// hand that runs it, and not to be judged twice, be the app in a module of another
// kind.
func TestSQLInDjangoApps(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')", "cl/package.json": "{}",
		"cl/api/migrations/__init__.py": "", "cl/api/migrations/0001_initial.py": "",
		"cl/api/migrations/0001_initial.sql": "CREATE TABLE t ();", "cl/api/migrations/0001_initial_replica.sql": "CREATE TABLE t ();",
		"cl/node/migrations/1_a.sql": "CREATE TABLE t ();", "cl/node/migrations/2_b.sql": "SELECT 1;",
	})
	found, _ := adapter.Detect(tree, []adapter.Adapter{&django.Adapter{}, sql.Adapter{}})
	kept, out := runners(tree, found)
	var got []string
	for _, s := range kept {
		got = append(got, s.Framework+" "+s.Dir)
	}
	for _, o := range out {
		got = append(got, "! "+o.Path)
	}
	if diff := cmp.Diff([]string{"django ", "sql cl/node/migrations", "! cl/api/migrations"}, got); diff != "" {
		t.Error(diff)
	}
}
