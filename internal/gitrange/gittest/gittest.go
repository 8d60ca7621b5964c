// Package gittest makes git repositories for tests.
package gittest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Commits is the directory of a new repository with a commit for each set of files, by their
// names: the first is main's, the others are those of the branch feature, which is checked out
// where there are any.
func Commits(t testing.TB, commits ...map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	Git(t, dir, "init", "-q", "-b", "main")
	for i, files := range commits {
		if i == 1 {
			Git(t, dir, "checkout", "-q", "-b", "feature")
		}
		Lay(t, dir, files)
		Git(t, dir, "add", "-A")
		Git(t, dir, "commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
	}
	return dir
}

// Git runs git in a directory.
func Git(t testing.TB, dir string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// Lay writes files into a directory; one without text is removed.
func Lay(t testing.TB, dir string, files map[string]string) {
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
