package plan_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// From Postgres 19 on a table is written anew while others use it, with the same schema, rows and mark of its order. The abort restores the mark.
func TestRepackIsProven(t *testing.T) {
	t.Parallel()
	pgservertest.Server(t, onward.PreviewMajor) // the test is left out without it
	for name, tc := range map[string]struct {
		base, release string
		steps         []string
	}{
		"vacuum":        {"", "VACUUM (FULL, ANALYZE, VERBOSE) orders;", []string{"REPACK (CONCURRENTLY, VERBOSE, ANALYZE) orders;\n"}},
		"two tables":    {"", "VACUUM FULL orders, customers;", []string{"REPACK (CONCURRENTLY) orders;\n", "REPACK (CONCURRENTLY) customers;\n"}},
		"cluster":       {"", "CLUSTER orders USING orders_pkey;", []string{"REPACK (CONCURRENTLY) orders USING INDEX orders_pkey;\n"}},
		"cluster again": {"ALTER TABLE orders CLUSTER ON orders_pkey;", "CLUSTER orders;", []string{"REPACK (CONCURRENTLY) orders USING INDEX;\n"}},
		"another order": {"ALTER TABLE orders CLUSTER ON orders_pkey;", "REPACK orders USING INDEX orders_total;",
			[]string{"REPACK (CONCURRENTLY) orders USING INDEX orders_total;\n"}},
		"as it was said": {"", "REPACK (CONCURRENTLY, ANALYZE) orders (total);", []string{"REPACK (CONCURRENTLY, ANALYZE) orders (total);\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, repackBase+tc.base, "-- +goose NO TRANSACTION\n"+tc.release, onward.PreviewMajor, &config.Config{Postgres: []int{onward.PreviewMajor}}, true)
			var got []string
			for i := range p.Steps {
				got = append(got, p.Steps[i].SQL)
			}
			if strings.Join(got, "") != strings.Join(tc.steps, "") || !p.Proof.Proven {
				t.Errorf("the steps are %q, want %q; the proof misses %q", got, tc.steps, p.Proof.Missing)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "gets no rows, without an error") ||
				!strings.Contains(notes, "meanwhile is not protected") {
				t.Errorf("the notes do not warn of reads without rows and of a missing protection:\n%s", notes)
			}
		})
	}
}

// No migration gets the statement: it is a script, which onward guard watches. Without the guard the script has a lock_timeout. The steps after it are
// written when it has run.
func TestRepackIsNotWritten(t *testing.T) {
	t.Parallel()
	settings := &config.Config{Postgres: []int{onward.PreviewMajor}}
	dir := gittest.Commits(t, map[string]string{"migrations/00001_a.sql": "-- +goose Up\n" + repackBase}, map[string]string{
		"migrations/00002_b.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nVACUUM FULL orders;\nCLUSTER orders USING orders_total;\n" +
			"ALTER TABLE orders ADD COLUMN note text;\n",
	})
	release := audit.Config{Dir: dir, Base: "main", Head: "feature", Settings: settings}
	p, _, err := plan.Make(t.Context(), plan.Config{Config: rehearse.Config{Config: release}, Sketch: true})
	if err != nil {
		t.Fatal(err)
	}
	d, err := plan.Write(t.Context(), audit.Config{Dir: dir, Base: "main", Settings: settings}, p)
	if err != nil {
		t.Fatal(err)
	}
	gittest.RunGit(t, dir, "checkout", "-q", "feature")
	fixes, err := plan.Fix(t.Context(), audit.Config{Dir: dir, Base: "main", Settings: settings}, nil)
	if err != nil || len(fixes.Edits) > 0 || fixes.Draft != nil && len(fixes.Draft.Files) > 0 {
		t.Errorf("Fix gives %v, %+v, want no edit and no file", err, fixes)
	}
	for _, want := range []string{"REPACK (CONCURRENTLY) orders;\n", "REPACK (CONCURRENTLY) orders USING INDEX orders_total;\n"} {
		if len(d.Files) > 0 || !d.IsWatched() || d.Script == nil || !strings.HasSuffix(d.Script.Text, "\n"+want) {
			t.Fatalf("the draft has the files %+v and the script %+v, want only a script that ends with %q", d.Files, d.Script, want)
		}
		if !strings.Contains(d.Script.Text, "SELECT set_config('lock_timeout', '5s', false) WHERE current_setting('lock_timeout') = '0';\n") {
			t.Errorf("the script sets no lock_timeout:\n%s", d.Script.Text)
		}
		save(t, d)
		if err := os.RemoveAll(filepath.Join(dir, "migrations", "00002_b.sql")); err != nil {
			t.Fatal(err)
		}
		next, err := plan.Next(t.Context(), audit.Config{Dir: dir, Settings: settings}, plan.Conditions{Filled: []string{"b"}})
		if err != nil {
			t.Fatal(err)
		}
		d = next[0]
	}
	if len(d.Files) != 1 || !strings.Contains(d.Files[0].Text, "ADD COLUMN note text") || d.Waits != nil || d.IsWatched() {
		t.Errorf("the draft has the files %+v and waits for %+v, want one file that adds the column note", d.Files, d.Waits)
	}
}

const repackBase = `CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
CREATE INDEX orders_total ON orders (total);
`
