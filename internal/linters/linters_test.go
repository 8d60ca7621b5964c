package linters_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/gittree"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/linters"
	"github.com/onward-sql/onward/onward"
)

func read(t *testing.T, archive string) *linters.Settings {
	t.Helper()
	root, files := t.TempDir(), adaptertest.Files{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		files[f.Name] = f.Data
	}
	files.WriteTo(t, root)
	dir, err := gitrange.DirTree(root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return linters.Read(gittree.Of(dir))
}

// lines are entries as a person reads them.
func lines(list []linters.Entry) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Place()+" "+e.Theirs+" | "+e.Ours)
	}
	return out
}

func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSquawk(t *testing.T) {
	t.Parallel()
	s := read(t, `
-- .squawk.toml --
# a comment
pg_version = "15.2" # with one behind it
excluded_rules = [
  "ban-drop-column", # for now
  'no-such-rule',
]
assume_in_transaction = true
excluded_paths = ["old/*.sql"]
[upload_to_github]
fail_on_violations = true
-- node_modules/x/.squawk.toml --
pg_version = "13"
-- db/1.sql --
-- squawk-ignore-file renaming-column
SELECT 1; -- squawk-ignore ban-drop-column, prefer-text-field
/* squawk-ignore */
-- onward:ignore column-drop: gone
-- this is not: squawk-ignore
`)
	same(t, []string{"squawk"}, s.Tools)
	same(t, 15, s.Postgres)
	same(t, true, s.InTransaction)
	same(t, []linters.Rule{{ID: "column-drop", Severity: onward.Off, By: "ban-drop-column in excluded_rules of .squawk.toml"}}, s.Rules)
	same(t, []string{
		".squawk.toml:2 pg_version 15.2 | postgres: 15",
		".squawk.toml:3 excluded_rules ban-drop-column | rules: column-drop: off",
		".squawk.toml:3 excluded_rules no-such-rule | ",
		".squawk.toml:7 assume_in_transaction | transaction: file",
		".squawk.toml:8 excluded_paths old/*.sql | ",
		".squawk.toml:10 fail_on_violations true | ",
	}, lines(s.Settings))
	same(t, []string{
		"db/1.sql:1 squawk-ignore-file renaming-column | -- onward:ignore-file column-rename: REASON",
		"db/1.sql:2 squawk-ignore ban-drop-column prefer-text-field | -- onward:ignore column-drop, column-type-varchar-limited: REASON",
		"db/1.sql:3 squawk-ignore | -- onward:ignore RULE: REASON",
	}, lines(s.Comments))
	for _, e := range s.Settings {
		if e.Ours == "" && e.Why == "" {
			t.Errorf("%s %s: neither a counterpart nor a reason", e.Place(), e.Theirs)
		}
	}
}

func TestStrongMigrations(t *testing.T) {
	t.Parallel()
	s := read(t, `
-- config/initializers/strong_migrations.rb --
StrongMigrations.start_after = 20240101000000
StrongMigrations.lock_timeout = 10.seconds
StrongMigrations.statement_timeout = 1.hour
# StrongMigrations.disable_check(:rename_table)
StrongMigrations.target_version = 14
StrongMigrations.disable_check(:add_index)
StrongMigrations.disable_check :execute
StrongMigrations.lock_timeout_retries = 3
-- db/migrate/1_a.rb --
class A < ActiveRecord::Migration[7.1]
  def change
    # safety_assured is not needed
    safety_assured { remove_column :users, :name }
-- lib/other.rb --
safety_assured { x }
`)
	same(t, []string{"strong_migrations"}, s.Tools)
	same(t, 14, s.Postgres)
	same(t, []string{"10s", "1h"}, []string{s.LockTimeout, s.StatementTimeout})
	const at = "config/initializers/strong_migrations.rb:"
	same(t, []string{
		at + "1 start_after 20240101000000 | ",
		at + "2 lock_timeout 10.seconds | assume: lock_timeout: 10s",
		at + "3 statement_timeout 1.hour | assume: statement_timeout: 1h",
		at + "5 target_version 14 | postgres: 14",
		at + "6 disable_check add_index | rules: index-create-blocking: off",
		at + "7 disable_check execute | ",
		at + "8 lock_timeout_retries 3 | ",
	}, lines(s.Settings))
	same(t, []string{"db/migrate/1_a.rb:4 safety_assured | # onward:ignore RULE: REASON"}, lines(s.Comments))
}

func TestPython(t *testing.T) {
	t.Parallel()
	s := read(t, `
-- setup.cfg --
[flake8]
exclude_migration_tests = NOT_NULL
[django_migration_linter]
exclude_apps = users
exclude_migration_tests =
    ALTER_COLUMN
    RUNPYTHON_REVERSIBLE
-- pyproject.toml --
[tool.django_migration_linter]
warnings_as_errors = ["CREATE_INDEX"]
git_commit_id = "v1.2"
-- shop/settings.py --
DEBUG = {"exclude_migration_tests": ["DROP_INDEX"]}
MIGRATION_LINTER_OPTIONS = {
    "exclude_migration_tests": ["ADD_UNIQUE", "ALTER_COLUMN"],
    "ignore_name": ["0002_x"],
}
OTHER = {"no_cache": True}
-- app/migrations/0002_x.py --
operations = [
    linter.IgnoreMigration(),
`)
	same(t, []string{"django-migration-linter"}, s.Tools)
	same(t, "v1.2", s.Base)
	same(t, []string{
		"pyproject.toml:2 warnings_as_errors CREATE_INDEX | rules: index-create-blocking: error",
		"pyproject.toml:3 git_commit_id v1.2 | base: v1.2",
		"setup.cfg:4 exclude_apps users | ",
		"setup.cfg:5 exclude_migration_tests ALTER_COLUMN | rules: column-type-rewrite: off",
		"setup.cfg:5 exclude_migration_tests RUNPYTHON_REVERSIBLE | ",
		"shop/settings.py:3 exclude_migration_tests ADD_UNIQUE | rules: constraint-unique-blocking: off",
		"shop/settings.py:3 exclude_migration_tests ALTER_COLUMN | rules: column-type-rewrite: off",
		"shop/settings.py:4 ignore_name 0002_x | ",
	}, lines(s.Settings))
	same(t, 3, len(s.Rules))
	same(t, []string{"app/migrations/0002_x.py:2 IgnoreMigration() | # onward:ignore-file RULE: REASON"}, lines(s.Comments))
}

func TestAtlas(t *testing.T) {
	t.Parallel()
	s := read(t, `
-- atlas.hcl --
data "hcl_schema" "app" { path = "schema.hcl" }
lint {
  destructive { error = false } // for now
  # incompatible { error = true }
  concurrent_index {
    check_create = true
    check_drop   = false
  }
  naming {
    match = "^[a-z]+{2}$"
    index { match = "x" }
  }
}
env "ci" {
  url = "postgres://x"
  lint {
    git { base = "main" }
  }
}
-- m/1.sql --
-- atlas:nolint DS103 MF102
-- atlas:nolint
-- atlas:nolint incompatible
`)
	same(t, []string{"atlas"}, s.Tools)
	same(t, "main", s.Base)
	same(t, []string{
		"atlas.hcl:3 lint.destructive.error false | rules: table-drop, column-drop, schema-drop: warning",
		"atlas.hcl:6 lint.concurrent_index.check_create true | ",
		"atlas.hcl:7 lint.concurrent_index.check_drop false | rules: index-drop-blocking: off",
		"atlas.hcl:10 lint.naming.match ^[a-z]+{2}$ | ",
		"atlas.hcl:11 lint.naming.index.match x | ",
		"atlas.hcl:17 lint.git.base main | base: main",
	}, lines(s.Settings))
	same(t, []string{
		"m/1.sql:1 atlas:nolint DS103 MF102 | -- onward:ignore column-drop: REASON",
		"m/1.sql:2 atlas:nolint | -- onward:ignore RULE: REASON",
		"m/1.sql:3 atlas:nolint incompatible | -- onward:ignore table-rename, column-rename: REASON",
	}, lines(s.Comments))
}

// A file that is no configuration causes no error.
func TestNonsense(t *testing.T) {
	t.Parallel()
	s := read(t, "-- .squawk.toml --\n= \n]\n[\npg_version = \npg_version = \"x\"\nexcluded_rules = [\n-- atlas.hcl --\n}}} lint { = } {\n-- settings.py --\n"+
		"MIGRATION_LINTER_OPTIONS = {\n-- setup.cfg --\n[\n  x\n")
	same(t, 0, s.Postgres)
	same(t, 0, len(s.Rules))
	same(t, []string{".squawk.toml:1 the file | ", "atlas.hcl:1 the file | "}, lines(s.Settings))
}

// Settings of atlas that its syntax hides from a search: lists, heredocs, expressions and braces in texts.
func TestAtlasSyntax(t *testing.T) {
	t.Parallel()
	s := read(t, `
-- atlas.hcl --
locals {
  note = <<EOT
lint { destructive { error = true } }
EOT
}
/*
lint { git { base = "old" } }
*/
env "ci" {
  name = "} lint {"
  lint {
    destructive { error = var.strict }
    format = [
      "a",
      "b",
    ]
    git { base = "ma${"in"}" }
  }
}
`)
	same(t, []string{
		"atlas.hcl:12 lint.destructive.error var.strict | rules: table-drop, column-drop, schema-drop: warning",
		"atlas.hcl:13 lint.format a b | ",
	}, lines(s.Settings)[:2])
}
