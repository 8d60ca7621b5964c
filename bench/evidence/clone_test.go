package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRoom makes the base, a planted release and the deployed code with a release's migrations, from a clone that lacks a file's content.
func TestRoom(t *testing.T) {
	ctx := context.Background()
	source := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		out, err := runCommandIn(ctx, source, "", "git", append([]string{"-c", "user.name=a", "-c", "user.email=a@localhost"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(source, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "-q")
	write("app.py", "old")
	write("m/1.sql", "one")
	write("huge.bin", "huge")
	run("add", ".")
	run("commit", "-q", "-m", "base")
	base := run("rev-parse", "HEAD")
	huge := run("rev-parse", "HEAD:huge.bin")
	write("app.py", "new")
	write("m/2.sql", "two")
	run("add", ".")
	run("commit", "-q", "-m", "head")
	head := run("rev-parse", "HEAD")
	if err := os.Remove(filepath.Join(source, ".git", "objects", huge[:2], huge[2:])); err != nil {
		t.Fatal(err)
	}

	r, err := cloneRepository(ctx, source, filepath.Join(t.TempDir(), "room"), base)
	if err != nil {
		t.Fatal(err)
	}
	a := Application{
		Head: head, Migrations: []string{"m"}, Path: "m/9.sql", Lines: []string{"-- planted", "{{SQL}};"},
		Changes: []Change{{"one", "DROP TABLE t"}, {"other", "SELECT 1"}},
	}
	releases, err := commitReleases(ctx, r, a, "one,release")
	if err != nil {
		t.Fatal(err)
	}
	if len(releases) != 2 || releases[0].change != "one" || releases[1].change != "" {
		t.Fatalf("the releases are %+v", releases)
	}
	for _, c := range []struct {
		revision string
		want     map[string]string
	}{
		{r.base, map[string]string{"app.py": "old", "m/1.sql": "one", "m/9.sql": "", "huge.bin": ""}},
		{releases[0].head, map[string]string{"app.py": "old", "m/1.sql": "one", "m/9.sql": "-- planted\nDROP TABLE t;\n"}},
		{releases[1].head, map[string]string{"app.py": "new", "m/2.sql": "two", "huge.bin": ""}},
		{releases[1].old, map[string]string{"app.py": "old", "m/1.sql": "one", "m/2.sql": "two"}},
	} {
		dir, err := r.addWorktree(ctx, "tree", c.revision)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range c.want {
			if got, _ := os.ReadFile(filepath.Join(dir, path)); string(got) != want { //nolint:gosec // It is the test's directory.
				t.Errorf("%s of %s is %q, not %q", path, c.revision, got, want)
			}
		}
	}
}
