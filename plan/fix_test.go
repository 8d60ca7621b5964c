package plan_test

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

func fixes(t *testing.T, dir string, paths ...string) *plan.Fixes {
	t.Helper()
	f, err := plan.Fix(t.Context(), audit.Config{Dir: dir, Base: "main"}, paths)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// fixed checks the result of a fix: no error, and nothing that another fix would change.
func fixed(t *testing.T, dir string, f *plan.Fixes) {
	t.Helper()
	if len(f.Left) > 0 {
		t.Fatalf("left: %q", f.Left)
	}
	if err := f.Save(); err != nil {
		t.Fatal(err)
	}
	r, err := audit.Changelog(t.Context(), audit.Config{Dir: dir, Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Migrations) == 0 || len(r.Opaque) > 0 {
		t.Errorf("%d migrations, not judged: %+v", len(r.Migrations), r.Opaque)
	}
	for _, x := range r.Findings {
		if x.Severity == onward.Error {
			t.Errorf("the fixed release has the error %s at %s:%d: %s", x.Rule, x.Path, x.Line, x.Fact)
		}
	}
	if secondFix := fixes(t, dir); len(secondFix.Edits) > 0 || secondFix.Draft != nil || len(secondFix.Left) > 0 {
		t.Errorf("another fix would do more: %+v", secondFix)
	}
}

func text(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// A build of an index stays one file, with the words that its runner wants to hear, for each
// runner of SQL files; nothing else of the file changes. A program is replaced by others.
func TestFixInPlace(t *testing.T) {
	t.Parallel()
	for runner, l := range layouts {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			dir := laid(t, runner, "-- quick by note\nCREATE INDEX customers_note_idx ON customers (note); -- kept")
			f := fixes(t, dir)
			if runner == "Diesel" || path.Ext(l.release) != ".sql" { // Diesel hears it in a second file
				if len(f.Edits) > 0 || f.Draft == nil || len(f.Removed) != 1 {
					t.Fatalf("fix gives %+v, want a draft and one removed file", f)
				}
				fixed(t, dir, f)
				return
			}
			if len(f.Edits) != 1 || f.Draft != nil || len(f.Removed) > 0 {
				t.Fatalf("fix gives %+v, want one edit alone", f)
			}
			patched(t, dir, f)
			fixed(t, dir, f)
			got := text(t, dir, l.release)
			if !strings.Contains(got, "-- quick by note\nCREATE INDEX CONCURRENTLY customers_note_idx ON customers (note); -- kept") {
				t.Errorf("the fixed file lost its comments, or does not build the index concurrently:\n%s", got)
			}
			if l.alone != eachAlone && l.alone != oneMessage && !strings.HasPrefix(got, l.alone) {
				t.Errorf("it begins otherwise:\n%s", got)
			}
		})
	}
}

// patched holds what --diff shows against what git makes of it.
func patched(t *testing.T, dir string, f *plan.Fixes) {
	t.Helper()
	diff, err := f.Diff()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "-C", dir, "apply", "--check", "-")
	cmd.Stdin = strings.NewReader(diff)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("git apply: %v\n%s%s", err, out, diff)
	}
}

// A fix that needs several files is written as a plan, which replaces the migration.
func TestFixWithAPlan(t *testing.T) {
	t.Parallel()
	for runner, l := range layouts {
		t.Run(runner, func(t *testing.T) {
			t.Parallel()
			dir := laid(t, runner, unsafe["rename"])
			f := fixes(t, dir)
			if len(f.Edits) > 0 || f.Draft == nil || len(f.Removed) != 1 || f.Draft.Plan.Proof.Proven {
				t.Fatalf("fix gives %+v, want an unproven draft and one removed file", f)
			}
			patched(t, dir, f)
			fixed(t, dir, f)
			if _, err := os.Stat(filepath.Join(dir, l.release)); err == nil {
				t.Error("the migration is still there")
			}
			if _, err := plan.Next(t.Context(), audit.Config{Dir: dir}, plan.Conditions{Filled: []string{f.Draft.Plan.Name}}); err != nil {
				t.Errorf("the plan does not go on: %v", err)
			}
		})
	}
}

// Where a runner opens no transaction, and each statement commits, several steps are one file.
func TestFixStatementByStatement(t *testing.T) {
	t.Parallel()
	dir := laid(t, "plain SQL", "ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);\n")
	f := fixes(t, dir)
	if len(f.Edits) != 1 || f.Draft != nil {
		t.Fatalf("fix gives %+v, want one edit and no draft", f)
	}
	fixed(t, dir, f)
	got := text(t, dir, layouts["plain SQL"].release)
	if !strings.Contains(got, "NOT VALID;") || strings.Index(got, "NOT VALID;") > strings.Index(got, "VALIDATE CONSTRAINT") {
		t.Errorf("the fixed file does not add the constraint as NOT VALID and validate it afterwards:\n%s", got)
	}
}

// Files of the base, migrations without a safe form, and files that changed meanwhile stay as
// they are.
func TestFixLeaves(t *testing.T) {
	t.Parallel()
	l := layouts["goose"]
	writeMigration := func(dir, name, sql string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(l.text, "%s", sql, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	left := func(label, dir, words string) {
		t.Helper()
		f := fixes(t, dir)
		if len(f.Left) == 0 || !strings.Contains(strings.Join(f.Left, "\n"), words) || f.Draft != nil || len(f.Edits) > 0 {
			t.Errorf("%s: %+v, want %q left", label, f, words)
		}
	}
	dir := laid(t, "goose", "SELECT 1;")
	writeMigration(dir, l.base, base+"CREATE INDEX ON customers (note);")
	if f := fixes(t, dir); len(f.Edits) > 0 || f.Draft != nil {
		t.Errorf("the base is rewritten: %+v", f)
	}
	left("no safe form", laid(t, "goose", "ALTER TABLE orders ADD CONSTRAINT one EXCLUDE (total WITH =);"), "takes no index that was built before")
	dir = laid(t, "goose", "CREATE INDEX ON customers (note);")
	if f := fixes(t, dir, filepath.Join(dir, l.base)); len(f.Edits) > 0 {
		t.Errorf("what was not named is rewritten: %+v", f)
	}
	f := fixes(t, dir, filepath.Join(dir, l.release))
	writeMigration(dir, l.release, "SELECT 2;")
	if err := f.Save(); err == nil || !strings.Contains(err.Error(), "was changed meanwhile") {
		t.Errorf("Save after the file was edited: %v, want an error", err)
	}
	if got := text(t, dir, l.release); !strings.Contains(got, "SELECT 2;") {
		t.Errorf("the user's edit was overwritten; the file is now:\n%s", got)
	}
	if _, err := plan.Fix(t.Context(), audit.Config{Dir: dir, Base: "main"}, []string{os.TempDir()}); err == nil {
		t.Error("what lies outside of the repository is rewritten")
	}
	if _, err := plan.Fix(t.Context(), audit.Config{Dir: dir, Base: "main", Head: "main"}, nil); err == nil {
		t.Error("a commit is rewritten")
	}
}
