package gitrange

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

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
	other.write(".gitignore", "*.sql\n") // only its own index knows other.sql

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
			same(t, head(other.dir), []string{".gitignore", "other.sql"})
		})
	}
	same(t, head(f.dir), []string{".gitignore", "sub/a.sql"})

	t.Run("git directory elsewhere", func(t *testing.T) {
		work := resolveLinks(t.TempDir())
		if err := os.WriteFile(filepath.Join(work, "x.sql"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GIT_DIR", other.path(".git"))
		t.Setenv("GIT_WORK_TREE", work)
		same(t, head(work), []string{"x.sql"})
	})
}

// hook is what this test binary does when git runs it as a hook: it writes the
// changes since main to report.
func hook(report string) int {
	r, err := Open(context.Background(), "sub")
	if err == nil {
		defer r.Close()
		var rg *Range
		if rg, err = r.Range(context.Background(), "main", ""); err == nil {
			err = os.WriteFile(report, fmt.Append(nil, rg.Changes, r.Prefix()), 0o600)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func TestRunAsHook(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("sub/a.sql", "1")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	linked := fixture{t, f.dir + "-linked"}
	f.git("worktree", "add", "-q", linked.dir, "-b", "other")
	defer os.RemoveAll(linked.dir)
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f.link(executable, ".git/hooks/pre-commit")
	for _, worktree := range []fixture{f, linked} {
		worktree.write("sub/a.sql", "changed")
		worktree.write("sub/new.sql", "new")
		report := filepath.Join(t.TempDir(), "report")
		cmd := exec.Command("git", "commit", "-q", "-a", "-m", "second") // -a: with an index of its own
		cmd.Dir = worktree.path("sub")
		cmd.Env = append(os.Environ(), "GITRANGE_HOOK_REPORT="+report)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git commit: %v\n%s", err, out)
		}
		got, err := os.ReadFile(report)
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Append(nil, []Change{{Kind: Modified, Path: "sub/a.sql"}, {Kind: Added, Path: "sub/new.sql"}}, "sub")
		same(t, string(got), string(want))
	}
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
	for _, key := range []string{
		"filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "filter.odd.name.clean", "diff.evil.textconv",
		"diff.evil.command", "diff.external", "core.fsmonitor", "core.pager", "core.sshCommand",
	} {
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
	for _, tree := range []Tree{rg.Base, rg.Head} {
		if _, err := tree.ReadAll(paths(tree)); err != nil {
			t.Fatal(err)
		}
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
	f.write("touched.sql", "the index has another time for it, which git likes to put right")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	if err := os.Rename(f.path("a.sql"), f.path("b.sql")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.path("touched.sql"), fixedTime, fixedTime); err != nil {
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
