package rails_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/rails"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// newest is the newest migration of an application.
const newest = "# frozen_string_literal: true\n\nclass Newest < ActiveRecord::Migration[7.1]\n  def change\n    create_table :orders\n  end\nend\n"

// writeStep writes a step of a plan into an application, and returns the file.
func writeStep(t *testing.T, files adaptertest.Files, s *onward.PlanStep) adapter.Written {
	t.Helper()
	source := adapter.Source{Framework: "rails", Dir: "db/migrate"}
	set, err := rails.Adapter{}.Load(t.Context(), files, source)
	if err != nil {
		t.Fatal(err)
	}
	w, err := adapter.NewWriting(files, set, rails.Adapter{}.Form(files, set), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if reason := w.Carries(s); reason != "" {
		t.Fatalf("the step is not written: %s", reason)
	}
	out, err := w.Files(&onward.Plan{Name: "p", Steps: []onward.PlanStep{*s}}, s, "HTML-Page_01")
	if err != nil || len(out) != 1 {
		t.Fatalf("write step %s: %v; its files: %+v, want one", s.ID, err, out)
	}
	return out[0]
}

// TestWriteReadsBack writes statements, and reads exactly these back from the file.
func TestWriteReadsBack(t *testing.T) {
	t.Parallel()
	statements := []string{
		"SET LOCAL lock_timeout = '2s'",
		`ALTER TABLE "Orders" ADD COLUMN "Wörd" text`,
		"ALTER TABLE orders ADD COLUMN a integer, ADD COLUMN b integer",
		"ALTER TABLE orders ADD COLUMN c numeric(10,2)",
		"ALTER TABLE orders ADD COLUMN IF NOT EXISTS d integer",
		"ALTER TABLE IF EXISTS orders ADD COLUMN d integer",
		"ALTER TABLE ONLY orders ADD COLUMN d integer",
		"ALTER TABLE orders DROP COLUMN a CASCADE",
		"ALTER TABLE orders ADD CONSTRAINT x CHECK (a <> ')' AND b > 0) NOT VALID",
		"ALTER TABLE orders ADD CONSTRAINT y CHECK (a > 0) NO INHERIT NOT VALID",
		"ALTER TABLE shop.orders ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES shop.customers (code) ON DELETE CASCADE ON UPDATE SET NULL NOT VALID",
		"ALTER TABLE orders ADD CONSTRAINT l FOREIGN KEY (a) REFERENCES customers (id) MATCH FULL NOT VALID",
		"ALTER TABLE orders ADD CONSTRAINT m FOREIGN KEY (a) REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED NOT VALID",
		"ALTER TABLE orders VALIDATE CONSTRAINT unknown",
		"ALTER TABLE orders ADD CONSTRAINT u UNIQUE USING INDEX u",
		"CREATE INDEX i ON orders USING gin (a, b)",
		"CREATE INDEX j ON orders (a DESC NULLS LAST, lower(b)) WHERE a > 0",
		"CREATE INDEX k ON orders (a) INCLUDE (b)",
		"CREATE INDEX l ON orders (a text_pattern_ops)",
		"CREATE INDEX ON orders (a)",
		"CREATE UNIQUE INDEX m ON orders (a) WHERE b = '\" #{x} \\ '",
		"INSERT INTO orders (note) VALUES ('#{raise} \\n \" #$0 #@a')",
		"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\n\tBEGIN\n\n  -- SQL\n   \nSQL\n  RETURN NEW; \\ #{x}\nEND\n$$",
		"DO 'BEGIN\n  PERFORM ''SQL_'';\nEND'",
	}
	for _, gems := range []string{"    activerecord (7.1.0)\n    strong_migrations (2.0)\n", "    activerecord (5.0.0)\n"} {
		files := adaptertest.Files{"db/migrate/20240101000000_newest.rb": []byte(newest), "Gemfile.lock": []byte(gems)}
		file := writeStep(t, files, &onward.PlanStep{
			ID: "01-expand", Phase: onward.Expand, Class: onward.StepDDL, Transaction: onward.TransactionFile, Why: "change",
			SQL: "BEGIN;\n" + strings.Join(statements, ";\n") + ";\nCOMMIT;\n",
		})
		set, err := rails.Adapter{}.Load(t.Context(), adaptertest.Files{file.Path: []byte(file.Text)}, adapter.Source{Framework: "rails", Dir: "db/migrate"})
		if err != nil || len(set.Migrations) != 1 || len(set.Migrations[0].Opaque) > 0 || len(set.Migrations[0].Source.Parts) != len(statements) {
			t.Fatalf("read back: %v; it reads %+v, want %d statements of one migration:\n%s", err, set, len(statements), file.Text)
		}
		for i, p := range set.Migrations[0].Source.Parts {
			if want := pgparse.ParseStatement(statements[i]); want == nil || !pgparse.Equal(want, pgparse.ParseStatement(p.SQL)) || p.Conditional {
				t.Errorf("%s is read back as\n%s", statements[i], p.SQL)
			}
		}
		bare := regexp.MustCompile(`(?m)^    execute`).FindString(file.Text)
		if assured := strings.Contains(gems, "strong"); assured == (bare != "") || strings.Contains(file.Text, "add_check_constraint") != assured {
			t.Errorf("safety_assured %t:\n%s", assured, file.Text)
		}
	}
}

// TestWriteAsTheProject writes a migration with the version, the comment and the acronyms of the application.
func TestWriteAsTheProject(t *testing.T) {
	t.Parallel()
	files := adaptertest.Files{
		"db/migrate/20240101000000_newest.rb": []byte(newest),
		"config/initializers/inflections.rb": []byte("ActiveSupport::Inflector.inflections do |inflect|\n" +
			"  inflect.acronym \"HTML\"\n  # inflect.acronym 'PAGE'\nend\n"),
	}
	got := writeStep(t, files, &onward.PlanStep{
		ID: "01-expand", Phase: onward.Expand, Class: onward.StepConcurrent, Transaction: onward.TransactionNone, Why: "build\nit",
		SQL: "CREATE INDEX CONCURRENTLY i ON orders (id);\n", Undo: "DROP INDEX CONCURRENTLY IF EXISTS i;\n",
	})
	want := adapter.Written{Path: "db/migrate/20260102030405_html_page_01.rb", Text: `# frozen_string_literal: true

# 01-expand of the plan p: build it.
class HTMLPage01 < ActiveRecord::Migration[7.1]
  disable_ddl_transaction!

  def up
    execute "DROP INDEX CONCURRENTLY IF EXISTS i"
    add_index :orders, :id, name: "i", algorithm: :concurrently
  end

  def down
    execute "DROP INDEX CONCURRENTLY IF EXISTS i"
  end
end
`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
