package plan_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// django is a project in a repository of its own, and what brings a database to the end of
// its migrations.
type django struct {
	t            *testing.T
	python, root string
	audit        audit.Config
}

// newDjango lays out a project at its base; release brings its head.
func newDjango(t *testing.T, base map[string]string) *django {
	t.Helper()
	d := &django{t: t, python: pgservertest.VenvPath(t, "django-5.2-psycopg", "bin", "python"), root: t.TempDir()}
	d.put("testdata/django/base")
	for name, text := range base {
		d.write(name, text)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-qm", "base"}} {
		gittest.RunGit(t, d.root, args...)
	}
	settings := config.Default()
	settings.Migrations = []config.Migrations{{Framework: "django", Python: d.python}}
	d.audit = audit.Config{Dir: d.root, Base: "HEAD", Settings: settings}
	return d
}

// put copies a directory of files over the project.
func (d *django) put(dir string) {
	d.t.Helper()
	files, err := filepath.Glob(dir + "/*")
	if err != nil || len(files) == 0 {
		d.t.Fatalf("list the files of %s: %v (%d files)", dir, err, len(files))
	}
	if err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		d.write(rel, string(text))
		return err
	}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *django) write(name, text string) {
	d.t.Helper()
	gittest.WriteFiles(d.t, d.root, map[string]string{name: text})
}

// migrate runs the project's migrations, and looks whether its models are ahead of them.
func (d *django) migrate(database string, args ...string) {
	d.t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		d.t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/django/run.py")
	if err != nil {
		d.t.Fatal(err)
	}
	cmd := exec.CommandContext(d.t.Context(), d.python, append([]string{script, d.root}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1",
		"SHOP_DB_NAME="+strings.TrimPrefix(u.Path, "/"), "SHOP_DB_HOST="+u.Query().Get("host"),
		"SHOP_DB_PORT="+u.Query().Get("port"), "SHOP_DB_USER="+u.User.Username())
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("django migrate %q: %v\n%s", args, err, out)
	}
}

// plan makes and writes the plan, and removes the migrations that it replaces.
func (d *django) plan() *plan.Draft {
	d.t.Helper()
	p := makePlan(d.t, plan.Config{Sketch: true, Config: rehearse.Config{Config: d.audit}})
	return writePlan(d.t, d.audit, d.root, p)
}

// writtenRelease is a release of the project in testdata/django, and what its rows must be like at the end.
type writtenRelease struct {
	dir      string
	contents []string
	byHand   int    // the steps that a person runs
	keeps    string // an operation that stays as it was written; "" for none
}

// The twelve changes that lock, break or rewrite if they run unchanged.
var twelveChanges = writtenRelease{dir: "release", byHand: 5, contents: []string{
	"note, token IS NOT NULL FROM shop_ticket", "id, note, carrier FROM shop_parcel", "id, country FROM shop_customer", "id, count FROM shop_stock",
	"id, customer_id FROM shop_order", "id, code FROM shop_coupon", "code FROM shop_country", "id, at FROM shop_event", "id, hits FROM shop_visit",
	"id, full_name FROM shop_author", "id, title FROM shop_product", "id, text FROM shop_note",
}}

// Two functions between changes, of which one needs the rows of the other, and one reads a column that is dropped later.
var changesWithCode = writtenRelease{
	dir: "code", contents: []string{"id, note, code FROM shop_ticket", "id, text, whole FROM shop_note"},
	keeps: "\n        migrations.AddField(\n            model_name='parcel',\n            name='size',",
}

func TestDjangoTwelve(t *testing.T) {
	t.Parallel()
	if rotation.IsDue(t, 3) {
		runWrittenRelease(t, &twelveChanges)
	}
}

func TestDjangoCode(t *testing.T) {
	t.Parallel()
	if rotation.IsDue(t, 2) {
		runWrittenRelease(t, &changesWithCode)
	}
}

// runWrittenRelease plans a release, writes the steps as migrations of the project, and lets Django run them to their end. The
// result is the same as the release's, and makemigrations never finds a change.
func runWrittenRelease(t *testing.T, release *writtenRelease) {
	t.Helper()
	ctx := context.Background()
	d := newDjango(t, nil)
	want, got := pgservertest.Database(t, 17), pgservertest.Database(t, 17)
	d.migrate(got)
	rows, err := os.ReadFile("testdata/django/rows.sql")
	if err != nil {
		t.Fatal(err)
	}
	conn := pgservertest.Connect(t, got)
	pgservertest.Exec(t, conn, string(rows))
	d.put("testdata/django/" + release.dir)
	first, err := filepath.Abs("testdata/django/rows.sql")
	if err != nil {
		t.Fatal(err)
	}
	d.migrate(want, first)
	draft := d.plan()
	if !slices.ContainsFunc(draft.Files, func(f audit.Written) bool { return strings.Contains(f.Text, release.keeps) }) {
		t.Errorf("no file has %s", release.keeps)
	}
	byHand := carryOut(t, d.audit, draft, conn, func() { d.migrate(got) })
	differ, err := plan.Differ(ctx, want, got)
	if err != nil || len(differ) > 0 {
		t.Errorf("compare the written migrations with Django's own: %v; differences:\n%s", err, strings.Join(differ, "\n"))
	}
	if diff := cmp.Diff(contents(t, want, release.contents), contents(t, got, release.contents)); diff != "" {
		t.Errorf("rows (-release +plan):\n%s", diff)
	}
	if byHand != release.byHand {
		t.Errorf("%d steps were run by hand, want %d", byHand, release.byHand)
	}
}

// carryOut brings a written plan to its end: migrate runs the tool, and the test does what a person does. It returns how many steps were run
// by hand.
func carryOut(t *testing.T, c audit.Config, draft *plan.Draft, conn *pgx.Conn, migrate func()) (byHand int) {
	t.Helper()
	for {
		if len(draft.Files) > 0 {
			migrate()
		}
		if draft.Waits == nil {
			return byHand
		}
		passed := plan.Conditions{}
		if draft.Waits.ByHand != "" {
			byHand++
			fill(t, conn, draft.Waits.SQL)
			passed.Filled = []string{draft.Plan.Name}
		} else {
			passed.Gone = "main"
		}
		next, err := plan.Next(t.Context(), c, passed)
		if err != nil {
			t.Fatal(err)
		}
		draft = next[0]
		save(t, draft)
	}
}

// contents are the rows that the release leaves, but for values that differ each time.
func contents(t *testing.T, database string, queries []string) []string {
	t.Helper()
	conn := pgservertest.Connect(t, database)
	var out []string
	for _, columns := range queries {
		var sum string
		if err := conn.QueryRow(t.Context(), "SELECT count(*) || ' ' || md5(string_agg(r::text, ',' ORDER BY r::text)) FROM (SELECT "+columns+
			") AS r").Scan(&sum); err != nil {
			t.Fatalf("read the rows of %s: %v", columns, err)
		}
		out = append(out, columns+": "+sum)
	}
	return out
}

// fill runs a backfill until it passes no row.
func fill(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	for n := 1; n > 0; {
		if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}
