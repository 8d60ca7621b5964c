package realrunners

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/sqitch"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/script"
)

// readStatements lists the statements of all migrations of a tree.
func readStatements(t *testing.T, a adapter.Adapter, tree adapter.Tree) (out []string) {
	t.Helper()
	set, err := a.Load(t.Context(), tree, a.Detect(tree)[0])
	if err != nil || len(set.Migrations) == 0 {
		t.Fatal(err, "no migrations")
	}
	for _, m := range set.Migrations {
		if m.Failed != "" || len(m.Opaque) > 0 {
			t.Errorf("%s: failed %q, opaque %v, want neither", m.ID, m.Failed, m.Opaque)
		}
		s, err := script.BuildScript(m.Source)
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range s.Statements {
			if st.Parent < 0 {
				out = append(out, strings.TrimSuffix(strings.TrimSpace(st.SQL), ";"))
			}
		}
	}
	return out
}

func upSqitch(t *testing.T) func(dir, url string) error {
	t.Helper()
	run := component.NeedProgram(t, component.Sqitch, "sqitch")
	return func(dir, at string) error {
		u, err := url.Parse(at)
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(t.Context(), run, "deploy", fmt.Sprintf("db:pg://%s@%s%s", u.User.Username(), u.Host, u.Path))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "SQITCH_FULLNAME=A", "SQITCH_EMAIL=a@example.com", "PGSSLMODE=disable", "NO_COLOR=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.New(err.Error() + ": " + string(out))
		}
		return nil
	}
}

// TestSqitchStatements compares the statements of a project with those that sqitch sends.
//
// Not parallel: it reads the end of the server's log.
func TestSqitchStatements(t *testing.T) {
	up := upSqitch(t)
	s := server(t)
	db, _ := database(t, s)
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("../sqitch/testdata/shop")); err != nil {
		t.Fatal(err)
	}
	if err := up(root, overTCP(t, s, db)); err != nil {
		t.Fatal(err)
	}
	read := readStatements(t, sqitch.Adapter, adaptertest.Disk(t, root))
	var sent []string
	for _, sql := range sentStatements(s, db) {
		switch whole, byPsql := strings.CutSuffix(sql, ";"); { // the messages of sqitch itself have no ';'
		case strings.Contains(sql, `"sqitch".`):
			sent = nil
		case byPsql:
			sent = append(sent, whole)
		}
	}
	// The registry's own script ends with COMMIT.
	if diff := cmp.Diff(append([]string{"COMMIT"}, read...), sent); diff != "" {
		t.Errorf("(-onward +sqitch):\n%s", diff)
	}
	t.Logf("%d statements", len(read))
}

// TestSqitchOnServer compares onward's findings with what sqitch does.
func TestSqitchOnServer(t *testing.T) {
	t.Parallel()
	up := upSqitch(t)
	line := func(change string) string { return change + " 2024-01-01T00:00:00Z A <a@example.com>\n" }
	const head = "%syntax-version=1.0.0\n%project=p\n\n"
	plan := func(changes ...string) string {
		text := head
		for _, c := range changes {
			text += line(c)
		}
		return text
	}
	base := map[string]string{
		"sqitch.conf": "[core]\n\tengine = pg\n", "sqitch.plan": plan("a", "b"),
		"deploy/a.sql": "CREATE TABLE a (id int);\n", "deploy/b.sql": "SELECT 1;\n",
		"revert/a.sql": "", "revert/b.sql": "", "revert/c.sql": "",
	}
	with := func(text string) map[string]string {
		return map[string]string{"sqitch.plan": plan("a", "b", "c"), "deploy/c.sql": text}
	}
	exercise(t, ".", table, map[string]releaseCase{
		"in a transaction": {base: base, head: with("BEGIN;\n" + concurrently + "COMMIT;\n"), fails: inBlock},
		"in a file that it reads": {
			base: base, head: both(with("BEGIN;\n\\ir ../lib/x.sql\nCOMMIT;\n"), map[string]string{"lib/x.sql": concurrently}), fails: inBlock,
		},
		"a value": {base: base, head: with("\\set t a\nCREATE TABLE :\"t\" (x int);\n"), fails: "already exists"},
		"a temporary table of each session": {
			base: both(base, map[string]string{"deploy/b.sql": "CREATE TEMP TABLE x (id int);\n"}), head: with("CREATE TEMP TABLE x (id bigint);\n"),
		},
		"a script twice":   {base: base, head: with(base["deploy/b.sql"]), fails: "duplicate key"},
		"an edited script": {base: base, head: map[string]string{"deploy/a.sql": "SELECT 1/0;\n"}},
		"a change before an applied one": {
			base: base, head: map[string]string{"sqitch.plan": plan("a", "c", "b"), "deploy/c.sql": "SELECT 1;"}, fails: "Cannot find",
		},
		"a script that is gone": {base: base, head: map[string]string{"sqitch.plan": plan("a", "b", "c")}, fails: "No such file"},
		"a requirement that is not planned": {
			base: base, head: map[string]string{"sqitch.plan": plan("a", "b", "c [d]"), "deploy/c.sql": "SELECT 1;"}, fails: "Unknown change",
		},
		"a change that is gone": {base: base, head: map[string]string{"sqitch.plan": plan("a"), "deploy/b.sql": gone}, fails: "Cannot find"},
		"a change that was reworked": {base: base, head: map[string]string{
			"sqitch.plan": plan("a", "b", "@t", "a [a@t]"), "deploy/a@t.sql": base["deploy/a.sql"], "deploy/a.sql": "ALTER TABLE a ADD x int;",
		}},
	}, perEach(up))
}

// perEach runs a tool for each of the runs.
func perEach(up func(dir, url string) error) func([][2]string) []string {
	return func(runs [][2]string) []string {
		out := make([]string, len(runs))
		for i, r := range runs {
			if err := up(r[0], r[1]); err != nil {
				out[i] = err.Error()
			}
		}
		return out
	}
}
