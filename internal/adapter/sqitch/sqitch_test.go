package sqitch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqitch"
)

const head = "%syntax-version=1.0.0\n%project=p\n\n"

// planLine is a line of a plan.
func planLine(change string) string { return change + " 2024-01-01T00:00:00Z A <a@example.com>\n" }

// Where a project has its plan and scripts, and for which database it is.
func TestProjects(t *testing.T) {
	t.Parallel()
	plan := head + planLine("a")
	for name, c := range map[string]struct {
		files map[string]string
		want  string // "DIR PATH" of the sources and their changes, or "DIR DATABASE"
	}{
		"no settings": {map[string]string{"sqitch.plan": plan, "deploy/a.sql": ""}, " deploy/a.sql"},
		"top_dir": {map[string]string{
			"x/sqitch.conf": "[core]\n\ttop_dir = db\n", "x/db/sqitch.plan": plan, "x/db/deploy/a.sql": "",
		}, "x/db x/db/deploy/a.sql"},
		"another plan": {map[string]string{
			"sqitch.conf": "[core]\nplan_file=db/p.plan\ndeploy_dir = up\n", "db/p.plan": plan, "up/a.sql": "",
		}, "db up/a.sql"},
		"an engine": {map[string]string{
			"sqitch.conf": "[core]\nengine = pg\n[engine \"pg\"]\n  top_dir = pg\n  extension = ddl\n", "pg/sqitch.plan": plan, "pg/deploy/a.ddl": "",
		}, "pg pg/deploy/a.ddl"},
		"another database": {map[string]string{"sqitch.conf": "[core]\n\tengine = mysql\n", "sqitch.plan": plan, "deploy/a.sql": ""}, " MySQL"},
		"two engines": {map[string]string{
			"sqitch.conf":    "[core]\n\tengine = pg\n[engine \"pg\"]\n\ttop_dir = pg\n[engine \"sqlite\"]\n\ttop_dir = lite\n",
			"pg/sqitch.plan": plan, "lite/sqitch.plan": plan, "pg/deploy/a.sql": "", "lite/deploy/a.sql": "",
		}, "lite SQLite|pg pg/deploy/a.sql"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(c.files)
			var got []string
			for _, s := range sqitch.Adapter.Detect(tree) {
				if s.Foreign != "" {
					got = append(got, s.Dir+" "+s.Foreign)
					continue
				}
				for _, m := range load(t, tree, s).Migrations {
					if m.Failed != "" {
						t.Errorf("%s does not load: %s", m.ID, m.Failed)
					}
					got = append(got, s.Dir+" "+m.Path)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, "|")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func load(t *testing.T, tree adapter.Tree, s adapter.Source) *adapter.Set {
	t.Helper()
	set, err := sqitch.Adapter.Load(t.Context(), tree, s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// The versions of a reworked change, in a plan with several tags.
func TestReworked(t *testing.T) {
	t.Parallel()
	plan := head
	for _, line := range []string{"a", "b", "@t1", "@t2", "a [a@t2]", "@t3", "+ a [a@t3]", "- b"} {
		plan += planLine(line)
	}
	tree := adaptertest.Text(map[string]string{
		"sqitch.plan": plan, "deploy/a@t2.sql": "SELECT 1", "deploy/a@t3.sql": "SELECT 2", "deploy/a.sql": "SELECT 3", "deploy/b.sql": "SELECT 4",
	})
	var got []string
	for _, m := range load(t, tree, sqitch.Adapter.Detect(tree)[0]).Migrations {
		got = append(got, m.ID+" "+m.Path)
	}
	want := []string{"a deploy/a@t2.sql", "b deploy/b.sql", "a#2 deploy/a@t3.sql", "a#3 deploy/a.sql"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Of many tags after a reworked change, the file has one of the last: sqitch tries the tags of the last change first, and those of one
// change in their order.
func TestReworkedAfterManyTags(t *testing.T) {
	t.Parallel()
	plan := head + planLine("a")
	for i := range 30 {
		plan += planLine(fmt.Sprintf("@t%d", i)) + planLine(fmt.Sprintf("b%d", i))
	}
	tree := adaptertest.Text(map[string]string{
		"sqitch.plan": plan + planLine("@first") + planLine("@second") + planLine("a [a@second]"), "deploy/a.sql": "SELECT 2",
		"deploy/a@t29.sql": "SELECT 0", "deploy/a@second.sql": "SELECT 1",
	})
	if got := load(t, tree, sqitch.Adapter.Detect(tree)[0]).Migrations[0].Path; got != "deploy/a@second.sql" {
		t.Errorf("the first a is read from %s, want deploy/a@second.sql", got)
	}
	tree["deploy/a@first.sql"] = tree["deploy/a@second.sql"]
	if got := load(t, tree, sqitch.Adapter.Detect(tree)[0]).Migrations[0].Path; got != "deploy/a@first.sql" {
		t.Errorf("the first a is read from %s, want deploy/a@first.sql", got)
	}
}

// listChanges returns lines of changes with different names.
func listChanges(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "c%d\n", i)
	}
	return b.String()
}

// Plans that are made to be slow.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 1 << 18
	for name, plan := range map[string]string{
		"reworks": strings.Repeat(planLine("a")+planLine("@t"), size/100),
		"tags":    planLine("a") + strings.Repeat(planLine("@t"), size/50) + strings.Repeat(planLine("a"), size/50),
		"changes": listChanges(size/20) + strings.Repeat("@t\n", size/6) + listChanges(size/20),
		"a line":  strings.Repeat("[", size),
		"blanks":  strings.Repeat(" ", size),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := strings.Repeat("[engine \"x\"]\n", size/15) + strings.Repeat("[", size)
			tree := adaptertest.Text(map[string]string{"sqitch.plan": head + plan, "sqitch.conf": conf})
			start := time.Now()
			for _, s := range sqitch.Adapter.Detect(tree) {
				t.Log(len(load(t, tree, s).Migrations), "changes")
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v, want at most 10s", took)
			} else {
				t.Log(took)
			}
		})
	}
}
