package gitrange

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/component"
)

// TestMain keeps the configuration of whoever runs the tests, and of a hook
// that runs them, out of the repositories made here.
func TestMain(m *testing.M) {
	if report := os.Getenv("GITRANGE_HOOK_REPORT"); report != "" {
		os.Exit(hook(report))
	}
	for name := range repositoryVars {
		os.Unsetenv(name)
	}
	os.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	os.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	// No housekeeping in the background: it races with the removal of the clone.
	os.Setenv("GIT_CONFIG_COUNT", "2")
	os.Setenv("GIT_CONFIG_KEY_0", "gc.auto")
	os.Setenv("GIT_CONFIG_VALUE_0", "0")
	os.Setenv("GIT_CONFIG_KEY_1", "maintenance.auto")
	os.Setenv("GIT_CONFIG_VALUE_1", "false")
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		os.Setenv("GIT_"+role+"_NAME", "Test")
		os.Setenv("GIT_"+role+"_EMAIL", "test@example.com")
	}
	os.Exit(m.Run())
}

// fixture is a repository made by the real git program.
type fixture struct {
	t   testing.TB
	dir string
}

// repository makes an empty repository on branch main.
func repository(t testing.TB) fixture {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		component.NeedSetup(t, err)
	}
	f := fixture{t, resolveLinks(t.TempDir())}
	f.git("init", "-q", "-b", "main")
	f.git("config", "uploadpack.allowFilter", "true") // for clones of it
	f.git("config", "uploadpack.allowAnySHA1InWant", "true")
	return f
}

func (f fixture) git(args ...string) string {
	f.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = f.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// shell runs an advice of ours as a user would.
func (f fixture) shell(command string) {
	f.t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = f.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("sh -c %q: %v\n%s", command, err, out)
	}
}

func (f fixture) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f fixture) write(name, content string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

func (f fixture) link(target, name string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Symlink(target, f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// commit commits everything and returns the commit's id.
func (f fixture) commit(message string) string {
	f.t.Helper()
	f.git("add", "-A")
	f.git("commit", "-q", "--allow-empty", "-m", message)
	return f.git("rev-parse", "HEAD")
}

// clone clones f with the real transport, so that --depth and --filter count.
func (f fixture) clone(args ...string) fixture {
	f.t.Helper()
	dir := filepath.Join(resolveLinks(f.t.TempDir()), "clone")
	all := append([]string{"clone", "-q"}, args...)
	f.git(append(all, "file://"+f.dir, dir)...)
	return fixture{f.t, dir}
}

func open(t testing.TB, dir string) *Repo {
	t.Helper()
	r, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func ranged(t *testing.T, r *Repo, base, head string) *Range {
	t.Helper()
	rg, err := r.Range(t.Context(), base, head)
	if err != nil {
		t.Fatal(err)
	}
	return rg
}

func paths(tree Tree) []string {
	var names []string
	for _, f := range tree.Files() {
		names = append(names, f.Path)
	}
	return names
}

func content(t *testing.T, tree Tree, path string) string {
	t.Helper()
	data, err := tree.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// failsAs fails the test unless err is an E, and returns it.
func failsAs[E error](t *testing.T, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("got error %v (%T), want a %T", err, err, e)
	}
	return e
}

func mentions(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not mention %q", err, w)
		}
	}
}

func TestOpenFindsRoot(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("apps/größe/models.py", "")
	f.commit("first")
	f.git("worktree", "add", "-q", f.dir+"/../linked", "-b", "other")
	f.link("apps", "short")
	for _, c := range []struct{ dir, root, prefix string }{
		{".", ".", ""},
		{"apps/größe", ".", "apps/größe"},
		{"short/größe", ".", "apps/größe"},
		{"../linked/apps", "../linked", "apps"},
	} {
		t.Run(c.dir, func(t *testing.T) {
			r := open(t, f.path(c.dir))
			same(t, r.Root(), resolveLinks(f.path(c.root)))
			same(t, r.Prefix(), c.prefix)
		})
	}
	if err := os.RemoveAll(f.dir + "/../linked"); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.git("init", "-q", "--bare", "bare.git")
	_, err := Open(t.Context(), t.TempDir())
	mentions(t, failsAs[*NotRepositoryError](t, err), "not in a git repository")
	for _, dir := range []string{"bare.git", ".git"} {
		_, err = Open(t.Context(), f.path(dir))
		mentions(t, failsAs[*BareRepositoryError](t, err), "no working tree")
	}
	_, err = Open(t.Context(), f.path("nothing"))
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing directory gives %v", err)
	}
}

func TestOpenWithoutGit(t *testing.T) {
	f := repository(t)
	t.Setenv("PATH", t.TempDir())
	_, err := Open(t.Context(), f.dir)
	if !errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	mentions(t, err, "install git")
}

func TestOpenOfAnotherUser(t *testing.T) {
	f := repository(t)
	t.Setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1") // git's own switch for this
	_, err := Open(t.Context(), f.dir)
	mentions(t, failsAs[*OwnershipError](t, err), "safe.directory", f.dir)
}

func TestWorktreeOfBareRepository(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	f.commit("first")
	f.git("clone", "-q", "--bare", ".", "bare.git")
	bare := fixture{t, f.path("bare.git")}
	bare.git("worktree", "add", "-q", "work", "-b", "feature")
	work := fixture{t, bare.path("work")}
	work.write("b.sql", "1")
	r := open(t, work.dir)
	same(t, r.Root(), work.dir)
	same(t, ranged(t, r, "", "").Changes, []Change{{Kind: Added, Path: "b.sql"}})
}

func TestSHA256(t *testing.T) {
	t.Parallel()
	f := repository(t)
	if err := os.RemoveAll(f.path(".git")); err != nil {
		t.Fatal(err)
	}
	f.git("init", "-q", "-b", "main", "--object-format=sha256")
	f.write("old.sql", lines)
	id := f.commit("first")
	f.write("new.sql", lines+"select 1;\n")
	os.Remove(f.path("old.sql"))
	rg := ranged(t, open(t, f.dir), id, "")
	same(t, []any{len(rg.ParentRev), rg.BaseName, len(rg.Changes), rg.Changes[0].Kind}, []any{64, id[:7], 1, Renamed})
	same(t, content(t, rg.Base, "old.sql"), lines)
}

func TestDirectoryWithLineEnd(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	f.commit("first")
	odd := f.dir + "\nodd dir"
	if err := os.Rename(f.dir, odd); err != nil {
		t.Fatal(err)
	}
	defer os.Rename(odd, f.dir)
	r := open(t, odd)
	same(t, r.Root(), odd)
	tree, err := r.Head(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	same(t, content(t, tree, "a.sql"), "1")
}
