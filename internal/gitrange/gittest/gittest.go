// Package gittest makes git repositories for tests.
package gittest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// CommitArchives is like [Commits], with a txtar archive for each set of files. A file that an archive gives no content is
// deleted.
func CommitArchives(t testing.TB, archives ...string) string {
	t.Helper()
	var commits []map[string]string
	for _, a := range archives {
		commits = append(commits, ReadArchive(a))
	}
	return Commits(t, commits...)
}

// ReadArchive returns the texts of a txtar archive by name.
func ReadArchive(archive string) map[string]string {
	files := map[string]string{}
	for _, f := range txtar.Parse([]byte(archive)).Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// Commits creates a repository with a commit for each set of files, by name, and returns its
// directory. The first commit is on main. The others are on the branch feature, which is then
// checked out. A file without text is deleted.
func Commits(t testing.TB, commits ...map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	RunGit(t, dir, "init", "-q", "-b", "main")
	for i, files := range commits {
		if i == 1 {
			RunGit(t, dir, "checkout", "-q", "-b", "feature")
		}
		changeFiles(t, dir, files)
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

// changeFiles writes files into a directory; one without text is deleted.
func changeFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	written := map[string]string{}
	for name, text := range files {
		if text != "" {
			written[name] = text
		} else if err := os.Remove(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	WriteFiles(t, dir, written)
}

// NewDir writes files, by name, into a new directory.
func NewDir(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	WriteFiles(t, dir, files)
	return dir
}

// NewFile writes a file into a new directory, and returns its path.
func NewFile(t testing.TB, name, text string) string {
	t.Helper()
	return filepath.Join(NewDir(t, map[string]string{name: text}), name)
}

// WriteFiles writes files, by name, into a directory. A script, which begins with #!, can be executed.
func WriteFiles(t testing.TB, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
}
