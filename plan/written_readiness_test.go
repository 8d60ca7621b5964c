package plan_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

const (
	oldQueries = "package store\n\nconst find = `SELECT id, country FROM customers WHERE country = $1`\n"
	newQueries = "package store\n\nconst find = `SELECT id, nation FROM customers WHERE nation = $1`\n"
	newWrite   = "package store\n\nconst add = `INSERT INTO customers (id, nation) VALUES ($1, $2)`\n"
	newToken   = "package store\n\nconst find = `SELECT id, token FROM customers`\n"
)

// writeRelease makes a repository with a release and its code, and replaces the release by the first files of its plan, as
// onward plan --write prints it.
func writeRelease(t *testing.T, release, code string) (string, *plan.Draft) {
	t.Helper()
	dir := laid(t, "goose", release)
	gittest.RunGit(t, dir, "checkout", "-q", "main")
	gittest.WriteFiles(t, dir, map[string]string{"store/store.go": oldQueries})
	if err := os.Rename(filepath.Join(dir, "m/00002_b.sql"), filepath.Join(dir, "later")); err != nil {
		t.Fatal(err)
	}
	gittest.RunGit(t, dir, "add", "m", "store")
	gittest.RunGit(t, dir, "commit", "-q", "-m", "deployed")
	gittest.RunGit(t, dir, "checkout", "-q", "-B", "feature")
	if err := os.Rename(filepath.Join(dir, "later"), filepath.Join(dir, "m/00002_b.sql")); err != nil {
		t.Fatal(err)
	}
	d := written(t, dir)
	save(t, d)
	if err := os.Remove(filepath.Join(dir, "m/00002_b.sql")); err != nil {
		t.Fatal(err)
	}
	gittest.WriteFiles(t, dir, map[string]string{"store/store.go": code})
	return dir, d
}

func judgeTree(t *testing.T, dir, base string) *onward.Report {
	t.Helper()
	r, err := audit.Changelog(t.Context(), audit.Config{Dir: dir, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The files of a plan are safe before its backfill; new code that reads what the backfill fills is not. A use that only writes is kept
// right by the trigger.
func TestUnfilledColumn(t *testing.T) {
	t.Parallel()
	const (
		rename = "ALTER TABLE customers RENAME COLUMN country TO nation;"
		token  = "ALTER TABLE customers ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL;"
	)
	for name, c := range map[string]struct {
		release, code string
		unsafe        bool
	}{
		"files alone":                 {rename, oldQueries, false},
		"code that reads":             {rename, newQueries, true},
		"code that writes":            {rename, newWrite, false},
		"volatile default, no code":   {token, oldQueries, false},
		"volatile default, with code": {token, newToken, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, d := writeRelease(t, c.release, c.code)
			r := judgeTree(t, dir, "main")
			if d.Waits == nil || d.Waits.Phase != onward.Backfill {
				t.Fatalf("it waits for %+v", d.Waits)
			}
			var found []string
			for _, f := range r.Findings {
				if f.Rule == "release-column-unfilled" {
					found = append(found, f.Severity.String()+" "+f.Path)
				}
			}
			if got := strings.Join(found, ", "); (got == "error store/store.go") != c.unsafe || !c.unsafe && got != "" {
				t.Errorf("findings: %q", got)
			}
			if len(r.Summary.Readiness) != 1 || r.Summary.Readiness[0].NewCode || !strings.Contains(r.Summary.Verdict, r.Summary.Readiness[0].Text) {
				t.Errorf("the summary is %+v, want one readiness, not for new code, in the verdict", r.Summary)
			}
			if (r.Summary.Errors > 0) != c.unsafe || !c.unsafe && !strings.HasPrefix(r.Summary.Verdict, "These files are safe to deploy. The new code must wait for ") {
				t.Errorf("%d errors: %s", r.Summary.Errors, r.Summary.Verdict)
			}
			next, err := plan.Next(t.Context(), audit.Config{Dir: dir}, plan.Conditions{Filled: []string{d.Plan.Name}})
			if err != nil {
				t.Fatal(err)
			}
			save(t, next[0])
			if r = judgeTree(t, dir, "main"); r.Summary.Errors > 0 || !r.Summary.Readiness[0].NewCode {
				t.Errorf("after the backfill: %s %+v", r.Summary.Verdict, r.Findings)
			}
		})
	}
}

// The contract's files audit clean when the new code is deployed: what onward keeps in onward/plans is no code. A plan is not written twice.
func TestWrittenContract(t *testing.T) {
	t.Parallel()
	dir, d := writeRelease(t, "ALTER TABLE customers RENAME COLUMN country TO nation;", newQueries)
	c := audit.Config{Dir: dir, Base: "main"}
	var input *config.InputError
	if _, err := plan.Write(t.Context(), c, &onward.Plan{Migrations: []onward.PlannedMigration{{ID: "x", Path: d.Files[0].Path}}}); !errors.As(err, &input) ||
		!strings.Contains(err.Error(), "onward plan next --filled "+d.Plan.Name) {
		t.Errorf("written twice: %v", err)
	}
	next, err := plan.Next(t.Context(), audit.Config{Dir: dir}, plan.Conditions{Filled: []string{d.Plan.Name}})
	if err != nil {
		t.Fatal(err)
	}
	save(t, next[0])
	gittest.RunGit(t, dir, "add", "-A")
	gittest.RunGit(t, dir, "commit", "-q", "-m", "the new code")
	gittest.RunGit(t, dir, "tag", "v2")
	if next, err = plan.Next(t.Context(), audit.Config{Dir: dir}, plan.Conditions{Gone: "main"}); err != nil {
		t.Fatal(err)
	}
	save(t, next[0])
	r := judgeTree(t, dir, "v2")
	if r.Summary.Errors > 0 || len(r.Migrations) == 0 || !strings.Contains(r.Summary.Verdict, "No process of main") {
		t.Errorf("the verdict is %q, want no errors and a condition on the processes of main; findings: %+v", r.Summary.Verdict, r.Findings)
	}
	if r := judgeTree(t, dir, "main"); r.Summary.Errors == 0 {
		t.Errorf("the old code is still deployed: %s", r.Summary.Verdict)
	}
}
