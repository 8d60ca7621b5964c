package audit

import (
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// pythonMoment is a moment in which three revisions differ: what the base, which is tagged v1, and the head did since they parted. A
// file without text is deleted.
type pythonMoment struct {
	base, head map[string]string
	// headDir is the project's directory at the head, if it moved.
	headDir string
	// want are the errors and warnings of the report. The real tool says which migrations run, and whether it refuses.
	want []string
	// skipped are migrations that the report calls new, and the tool does not run: an error says so, or a squash has their changes.
	skipped []string
	ahead   int
	// fails is the error of the audit if the project does not start at the head.
	fails string
}

// pythonTool is a tool of Python with a project. run brings a database to the newest migration; it returns the migrations that it ran,
// and its error.
type pythonTool struct {
	venvs   []string
	project func(t *testing.T, venv string) map[string]string
	run     func(t *testing.T, venv, dir string, database *url.URL) (ran []string, refused string)
	moments map[string]pythonMoment
}

// The real tool migrates a database to the tip of the base, and then to the merge of base and head: it runs the migrations that the
// report calls new, in this order, or it refuses where the report has an error.
func TestThreeRevisionsRealPython(t *testing.T) {
	t.Parallel()
	for name, tool := range map[string]pythonTool{"django": djangoRevisions, "alembic": alembicRevisions} {
		for _, moment := range rotation.Pick(t, 3, slices.Sorted(maps.Keys(tool.moments))) {
			for _, venv := range rotation.PickAfter(t, 3, len(tool.venvs), tool.venvs) {
				t.Run(name+"/"+moment+"/"+venv, func(t *testing.T) {
					t.Parallel()
					tool.testMoment(t, venv, tool.moments[moment])
				})
			}
		}
	}
}

func (tool pythonTool) testMoment(t *testing.T, venv string, m pythonMoment) {
	dir := gittest.Commits(t, tool.project(t, venv), map[string]string{"notes.txt": "the head parts here\n"})
	commit := func(files map[string]string) {
		t.Helper()
		for path, text := range files {
			if text == "" {
				gittest.RunGit(t, dir, "rm", "-q", path)
				delete(files, path)
			}
		}
		gittest.WriteFiles(t, dir, files)
		gittest.RunGit(t, dir, "add", "-A")
		gittest.RunGit(t, dir, "commit", "-q", "--allow-empty", "-m", "more")
	}
	if m.headDir != "" {
		var moved []string
		for path := range tool.project(t, venv) {
			if top, _, _ := strings.Cut(path, "/"); top != "onward.yaml" && !slices.Contains(moved, top) {
				moved = append(moved, top)
			}
		}
		if err := os.Mkdir(filepath.Join(dir, m.headDir), 0o755); err != nil {
			t.Fatal(err)
		}
		gittest.RunGit(t, dir, append(append([]string{"mv"}, moved...), m.headDir)...)
		text := strings.NewReplacer("dir: .\n", "dir: "+m.headDir+"\n", "dir: db", "dir: "+m.headDir+"/db", "render: cd .", "render: cd "+m.headDir)
		settings, err := os.ReadFile(filepath.Join(dir, "onward.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		commit(map[string]string{"onward.yaml": text.Replace(string(settings))})
	}
	commit(maps.Clone(m.head))
	gittest.RunGit(t, dir, "checkout", "-q", "-b", "deployed", "main")
	commit(maps.Clone(m.base))
	gittest.RunGit(t, dir, "tag", "v1")

	u, err := url.Parse(pgservertest.Database(t, onward.NewestMajor))
	if err != nil {
		t.Fatal(err)
	}
	copied := t.TempDir()
	gittest.RunGit(t, dir, "worktree", "add", "-q", copied, "v1")
	if ran, refused := tool.run(t, pgservertest.VenvPath(t, venv), copied, u); refused != "" || len(ran) == 0 {
		t.Fatalf("the base does not migrate: %v %s", ran, refused)
	}
	gittest.RunGit(t, copied, "-c", "merge.directoryRenames=true", "merge", "-q", "-X", "theirs", "-m", "merge", "feature")
	want, refused := tool.run(t, pgservertest.VenvPath(t, venv), filepath.Join(copied, m.headDir), u)

	gittest.RunGit(t, dir, "checkout", "-q", "feature")
	settings, err := config.Load(dir, Names())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the tool ran %v, and refused: %q", want, refused)
	r, err := Changelog(t.Context(), Config{Dir: dir, Base: "v1", Head: "feature", Settings: settings})
	if m.fails != "" && refused != "" {
		if err == nil || !strings.Contains(err.Error(), m.fails) {
			t.Errorf("got the error %v, want %s", err, m.fails)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	var got, found []string
	for _, x := range r.Migrations {
		if x.Status == onward.StatusNew {
			got = append(got, x.ID)
		}
	}
	for _, f := range r.Findings {
		if f.Severity >= onward.Warning && f.Rule != "transaction-lock-timeout-missing" {
			found = append(found, f.Severity.String()+" "+f.Rule)
			t.Logf("%s %s: %s: %s", f.Severity, f.Rule, f.Fact, f.Harm)
		}
	}
	got = slices.DeleteFunc(got, func(id string) bool { return slices.Contains(m.skipped, id) })
	if refused == "" {
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("(-ran +reported):\n%s", diff)
		}
	} else if r.Summary.Errors == 0 {
		t.Errorf("the tool refuses, and no error is reported: %s", refused)
	}
	if diff := cmp.Diff(m.want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(r.Opaque) > 0 {
		t.Errorf("not judged: %+v", r.Opaque)
	}
	wantAhead := &onward.Ahead{Migrations: m.ahead}
	if len(m.base) == 0 {
		wantAhead = r.Ahead
	}
	if diff := cmp.Diff(wantAhead, r.Ahead); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// runPython runs a program of a project, and returns what it printed.
func runPython(t *testing.T, dir string, environment []string, program string, args ...string) (talk string, failed bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1"), environment...)
	out, err := cmd.CombinedOutput()
	return string(out), err != nil
}

// lastLine returns the last line of what a program printed.
func lastLine(talk string) string {
	lines := strings.Split(strings.TrimSpace(talk), "\n")
	return lines[len(lines)-1]
}
