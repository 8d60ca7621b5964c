package gitrange

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/onward-sql/onward/internal/component"
)

// plain is a directory outside git.
func plain(t *testing.T) fixture {
	t.Helper()
	return fixture{t, resolveLinks(t.TempDir())}
}

func TestDirTree(t *testing.T) {
	t.Parallel()
	f := plain(t)
	f.write("db/002.sql", "2")
	f.write("db/001.sql", "1")
	f.write("db/sub/ü 3.sql", "3")
	f.write("other/x.sql", "x")
	f.write("-dash.sql", "d")
	f.write("db/.git/config", "not a migration")
	for _, c := range []struct {
		name  string
		paths []string
		want  []string
	}{
		{"all", nil, []string{"-dash.sql", "db/001.sql", "db/002.sql", "db/sub/ü 3.sql", "other/x.sql"}},
		{"a directory", []string{"db/sub"}, []string{"db/sub/ü 3.sql"}},
		{"a file twice and its directory", []string{"db/002.sql", "./db/../db/002.sql", "db"}, []string{"db/001.sql", "db/002.sql", "db/sub/ü 3.sql"}},
		{"absolute", []string{f.path("other"), f.path("-dash.sql")}, []string{"-dash.sql", "other/x.sql"}},
		{"the root by its name", []string{f.dir}, []string{"-dash.sql", "db/001.sql", "db/002.sql", "db/sub/ü 3.sql", "other/x.sql"}},
	} {
		tree, err := DirTree(f.dir, c.paths)
		if err != nil {
			t.Errorf("%s: DirTree(%q): %v", c.name, c.paths, err)
			continue
		}
		same(t, paths(tree), c.want)
	}
	tree, err := DirTree(f.dir, []string{"db"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, content(t, tree, "db/sub/ü 3.sql"), "3")
	if _, err := tree.Read("other/x.sql"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read a file that is not in the tree: %v", err)
	}
	_, err = DirTree(f.dir, []string{"db", "missing"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing path: %v", err)
	}
	mentions(t, err, "missing")
	for _, p := range []string{"..", "../x", filepath.Dir(f.dir), "/"} {
		if _, err := DirTree(f.dir, []string{p}); err == nil {
			t.Errorf("listed %s, outside the root", p)
		}
	}
	if _, err := DirTree(f.path("-dash.sql"), nil); err == nil {
		t.Error("a file as root")
	}
}

func TestDirTreeLinks(t *testing.T) {
	t.Parallel()
	outside := plain(t)
	outside.write("secret.sql", "secret")
	f := plain(t)
	f.write("a/a.sql", "a")
	f.write("b/b.sql", "b")
	f.link("..", "a/loop")
	f.link(".", "a/self")
	f.link("../b", "a/tob")
	f.link("b.sql", "b/same.sql")
	f.link(outside.path("secret.sql"), "a/secret.sql")
	f.link(outside.dir, "a/outside")
	f.link("nowhere", "a/dangling.sql")
	f.link("ring", "a/ring")

	tree, err := DirTree(f.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Every directory is walked under its own name, so tob adds nothing.
	same(t, paths(tree), []string{"a/a.sql", "a/dangling.sql", "a/outside", "a/ring", "a/secret.sql", "b/b.sql", "b/same.sql"})
	same(t, content(t, tree, "b/same.sql"), "b")
	for _, path := range []string{"a/secret.sql", "a/outside"} {
		_, err := tree.Read(path)
		mentions(t, failsAs[*OutsideError](t, err), path)
	}
	for _, path := range []string{"a/dangling.sql", "a/ring"} {
		_, err := tree.Read(path)
		if err == nil {
			t.Fatalf("read %s", path)
		}
		mentions(t, err, path)
		if path == "a/dangling.sql" {
			mentions(t, err, "links to something that is not there")
		}
	}

	// Alone, a reaches b, and itself again through loop, by its links only.
	tree, err = DirTree(f.dir, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(tree), []string{"a/a.sql", "a/dangling.sql", "a/outside", "a/ring", "a/secret.sql", "a/tob/b.sql", "a/tob/same.sql"})
	same(t, content(t, tree, "a/tob/b.sql"), "b")
}

func TestDirTreeUnreadableDirectory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		component.Need(t, component.User, errors.New("root reads every directory"))
	}
	f := plain(t)
	f.write("open/a.sql", "a")
	f.write("shut/b.sql", "b")
	if err := os.Chmod(f.path("shut"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(f.path("shut"), 0o700)
	tree, err := DirTree(f.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(tree), []string{"open/a.sql", "shut"})
	if _, err := tree.Read("shut"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v", err)
	}
}
