package gitrange

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMain keeps the configuration of whoever runs the tests, and of a hook
// that runs them, out of the repositories made here.
func TestMain(m *testing.M) {
	for name := range local {
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
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		os.Setenv("GIT_"+who+"_NAME", "Test")
		os.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
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
		if os.Getenv("ONWARD_REQUIRE") == "1" {
			t.Fatal("git is required (ONWARD_REQUIRE=1) and not in PATH")
		}
		t.Skip("SKIPPED: git is not in PATH")
	}
	f := fixture{t, resolved(t.TempDir())}
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
		f.t.Fatalf("%s: %v\n%s", command, err, out)
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
	dir := filepath.Join(resolved(f.t.TempDir()), "clone")
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
			same(t, r.Root(), resolved(f.path(c.root)))
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
	if runtime.GOOS == "windows" || os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can give a directory away")
	}
	f := repository(t)
	if err := os.Chown(f.path(".git"), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(f.dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), f.dir)
	mentions(t, failsAs[*OwnershipError](t, err), "safe.directory", f.dir)
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

// A hook gets GIT_DIR and GIT_INDEX_FILE. They count for its own repository,
// and not for another one that it opens.
func TestHookEnvironment(t *testing.T) {
	f := repository(t)
	f.write("sub/a.sql", "1")
	f.commit("first")
	f.write("sub/b.sql", "1")
	f.write(".gitignore", "*.sql\n")
	f.git("add", "-f", "sub/b.sql") // tracked in this index only
	if err := os.Rename(f.path(".git/index"), f.path(".git/next")); err != nil {
		t.Fatal(err)
	}
	f.git("read-tree", "HEAD")
	other := repository(t)
	other.write("other.sql", "1")
	other.commit("first")

	t.Chdir(f.dir)
	head := func(dir string) []string {
		tree, err := open(t, dir).Head(context.Background(), "")
		if err != nil {
			t.Fatal(err)
		}
		return paths(tree)
	}
	for _, gitDir := range []string{"", ".git", f.path(".git")} {
		t.Run("GIT_DIR="+filepath.Base(gitDir), func(t *testing.T) {
			if gitDir != "" {
				t.Setenv("GIT_DIR", gitDir)
			}
			t.Setenv("GIT_INDEX_FILE", ".git/next")
			same(t, head(f.dir), []string{".gitignore", "sub/a.sql", "sub/b.sql"})
			same(t, head(f.path("sub")), []string{".gitignore", "sub/a.sql", "sub/b.sql"})
			same(t, head(other.dir), []string{"other.sql"})
		})
	}
	same(t, head(f.dir), []string{".gitignore", "sub/a.sql"})

	t.Run("git directory elsewhere", func(t *testing.T) {
		work := resolved(t.TempDir())
		if err := os.WriteFile(filepath.Join(work, "x.sql"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GIT_DIR", other.path(".git"))
		t.Setenv("GIT_WORK_TREE", work)
		same(t, head(work), []string{"x.sql"})
	})
}

// Programs that a repository's own configuration names must not run.
func TestNothingOfTheRepositoryRuns(t *testing.T) {
	t.Parallel()
	f := repository(t)
	marker := filepath.Join(t.TempDir(), "ran")
	f.write("a.sql", "one column\n")
	f.write("old.sql", "line 1\nline 2\nline 3\nline 4\n")
	f.write("sub/a.sql", "two\n")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	run := "touch " + marker + "; cat"
	for _, key := range []string{"filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "filter.odd.name.clean", "diff.evil.textconv", "diff.evil.command", "diff.external", "core.fsmonitor", "core.pager", "core.sshCommand"} {
		f.git("config", key, run)
	}
	f.git("config", "filter.evil.required", "true")
	f.write("hooks/post-index-change", "#!/bin/sh\ntouch "+marker+"\n")
	if err := os.Chmod(f.path("hooks/post-index-change"), 0o755); err != nil {
		t.Fatal(err)
	}
	f.git("config", "core.hooksPath", f.path("hooks"))
	f.write(".gitattributes", "a.sql filter=evil diff=evil\nold.sql filter=odd.name\nnew.sql filter=evil\n")
	f.write("a.sql", "two column\n")
	if err := os.Rename(f.path("old.sql"), f.path("new.sql")); err != nil {
		t.Fatal(err)
	}
	os.Remove(marker)

	r := open(t, f.dir)
	rg := ranged(t, r, "main", "")
	want := []Change{
		{Kind: Added, Path: ".gitattributes"},
		{Kind: Modified, Path: "a.sql"},
		{Kind: Added, Path: "hooks/post-index-change"},
		{Kind: Renamed, Path: "new.sql", OldPath: "old.sql", Similarity: 100},
	}
	same(t, rg.Changes, want)
	if _, err := r.Grep(t.Context(), "", []string{"column"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Grep(t.Context(), "main", []string{"column"}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := rg.Base.Dir(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a program of the repository's configuration was run")
	}
	// The same configuration does run without our precautions.
	exec.Command("git", "-C", f.dir, "diff", "main").Run()
	if _, err := os.Stat(marker); err != nil {
		t.Error("the test proves nothing: plain git ran no program either")
	}
}

// What Range does must not be seen in the repository.
func TestRepositoryIsNotWritten(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "line 1\nline 2\nline 3\n")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	if err := os.Rename(f.path("a.sql"), f.path("b.sql")); err != nil {
		t.Fatal(err)
	}
	state := func() map[string]string {
		files := map[string]string{}
		err := filepath.Walk(f.dir, func(path string, info os.FileInfo, err error) error {
			if err == nil && info.Mode().IsRegular() {
				var data []byte
				data, err = os.ReadFile(path)
				files[path] = info.ModTime().String() + string(data)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	before := state()
	r := open(t, f.dir)
	rg := ranged(t, r, "main", "")
	same(t, rg.Changes, []Change{{Kind: Renamed, Path: "b.sql", OldPath: "a.sql", Similarity: 100}})
	dir, err := rg.Base.Dir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, state(), before)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Close left the checkout: %v", err)
	}
	if _, err := rg.Base.Read("a.sql"); !errors.Is(err, errClosed) {
		t.Errorf("read after Close: %v", err)
	}
	if _, err := rg.Base.Dir(t.Context()); err == nil {
		t.Error("checkout after Close")
	}
}
