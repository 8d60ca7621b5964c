// Package gittest makes git repositories for tests.
package gittest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"
)

// CommitArchives is like [Commits], with a txtar archive for each set of files. A file that an archive gives no content is
// deleted.
func CommitArchives(t testing.TB, archives ...string) string {
	t.Helper()
	var commits []map[string]string
	for _, a := range archives {
		files := map[string]string{}
		for _, f := range txtar.Parse([]byte(a)).Files {
			files[f.Name] = string(f.Data)
		}
		commits = append(commits, files)
	}
	return Commits(t, commits...)
}

// Commits creates a repository with a commit for each set of files, by name, and returns its
// directory. The first commit is on main. The others are on the branch feature, which is then
// checked out.
func Commits(t testing.TB, commits ...map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	RunGit(t, dir, "init", "-q", "-b", "main")
	for i, files := range commits {
		if i == 1 {
			RunGit(t, dir, "checkout", "-q", "-b", "feature")
		}
		WriteFiles(t, dir, files)
		RunGit(t, dir, "add", "-A")
		RunGit(t, dir, "commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
	}
	return dir
}

// RunGit runs git in a directory.
func RunGit(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// WriteFiles writes files into a directory; one without text is removed.
func WriteFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		var err error
		if text == "" {
			err = os.Remove(at)
		} else if err = os.MkdirAll(filepath.Dir(at), 0o755); err == nil {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
