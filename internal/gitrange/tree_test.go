package gitrange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func commitOf(t *testing.T, r *Repo, rev string) Tree {
	t.Helper()
	tree, err := r.Head(t.Context(), rev)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestLineEndsAsStored(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.git("config", "core.autocrlf", "true")
	f.write(".gitattributes", "stored.sql -text\n")
	f.write("unix.sql", "a\nb\n")
	f.write("stored.sql", "a\r\nb\r\n")
	f.write("dos.sql", "a\r\nb\r\n")
	f.commit("first")
	os.Remove(f.path("unix.sql"))
	f.git("checkout", "-q", "--", "unix.sql")
	r := open(t, f.dir)
	rg := ranged(t, r, "main", "")
	same(t, len(rg.Changes), 0)
	for path, want := range map[string][2]string{
		"unix.sql":   {"a\nb\n", "a\r\nb\r\n"},
		"dos.sql":    {"a\nb\n", "a\r\nb\r\n"},
		"stored.sql": {"a\r\nb\r\n", "a\r\nb\r\n"},
	} {
		same(t, [2]string{content(t, rg.Base, path), content(t, rg.Head, path)}, want)
	}
	dir, err := rg.Base.Dir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "unix.sql"))
	if err != nil {
		t.Fatal(err)
	}
	same(t, string(data), "a\nb\n")
}

func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	f := repository(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.write("real/deep/a.sql", "content")
	f.link("real/deep/a.sql", "file.sql")
	f.link("file.sql", "chain.sql")
	f.link("real/deep", "dir")
	f.link("../dir/../deep/a.sql", "real/through.sql")
	f.link(secret, "absolute.sql")
	f.link("../../../../../../../.."+secret, "relative.sql")
	// Lexically inside, physically outside.
	f.link("../../..", "x/y/z/up")
	f.link("x/y/z/up/../etc/passwd", "sly.sql")
	f.link("loop2", "loop1")
	f.link("loop1", "loop2")
	f.link("nowhere", "dangling.sql")
	f.commit("first")
	r := open(t, f.dir)
	rg := ranged(t, r, "main", "")
	for name, tree := range map[string]Tree{"commit": rg.Base, "working tree": rg.Head} {
		for _, path := range []string{"file.sql", "chain.sql", "real/through.sql"} {
			same(t, content(t, tree, path), "content")
		}
		for _, path := range []string{"absolute.sql", "relative.sql", "sly.sql"} {
			data, err := tree.Read(path)
			if err == nil {
				t.Fatalf("%s: read %s: %q", name, path, data)
			}
			failsAs[*OutsideError](t, err)
			mentions(t, err, path, "leads out of the tree")
		}
		for _, path := range []string{"dir", "loop1", "dangling.sql"} {
			if _, err := tree.Read(path); err == nil {
				t.Errorf("%s: read %s", name, path)
			} else {
				mentions(t, err, path)
			}
		}
		for _, file := range tree.Files() {
			if file.Symlink == (file.Path == "real/deep/a.sql") {
				t.Errorf("%s: %s: Symlink is %v", name, file.Path, file.Symlink)
			}
		}
	}

	dir, err := rg.Base.Dir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"file.sql", "chain.sql", "dir/a.sql"} {
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		same(t, string(data), "content")
	}
	for _, path := range []string{"absolute.sql", "relative.sql", "sly.sql"} {
		if _, err := os.Lstat(filepath.Join(dir, path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("checked out %s: %v", path, err)
		}
	}
}

func TestCheckout(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("run.sh", "#!/bin/sh\n")
	if err := os.Chmod(f.path("run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range checkoutBatch + 3 {
		f.write(fmt.Sprintf("app %d/ü\n%d.sql", i%7, i), fmt.Sprint(i))
	}
	f.write("empty", "")
	f.write(".gitattributes", "empty export-ignore\nrun.sh export-subst\n")
	f.commit("first")
	f.write("run.sh", "changed")
	r := open(t, f.dir)
	tree := commitOf(t, r, "main")
	var dirs [3]string
	var callers sync.WaitGroup
	for i := range dirs {
		callers.Go(func() {
			dir, err := tree.Dir(t.Context())
			if err != nil {
				t.Error(err)
			}
			dirs[i] = dir
		})
	}
	callers.Wait()
	same(t, dirs, [3]string{dirs[0], dirs[0], dirs[0]})
	copied, err := DirTree(dirs[0], nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(copied), paths(tree))
	want, err := tree.ReadAll(paths(tree))
	if err != nil {
		t.Fatal(err)
	}
	got, err := copied.ReadAll(paths(copied))
	if err != nil {
		t.Fatal(err)
	}
	same(t, got, want)
	info, err := os.Stat(filepath.Join(dirs[0], "run.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&0o100 == 0 {
		t.Error("run.sh is not executable")
	}
}

// Trees with such paths exist: anyone can make one with git mktree.
func TestHostileTree(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	f.commit("first")
	blob := f.git("rev-parse", "HEAD:a.sql")
	mktree := func(lines string) string {
		cmd := exec.Command("git", "mktree")
		cmd.Dir, cmd.Stdin = f.dir, strings.NewReader(lines)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	inner := mktree("100644 blob " + blob + "\tevil\n")
	tree := mktree("040000 tree " + inner + "\t..\n040000 tree " + inner + "\t.GIT\n040000 tree " + inner + "\tgood\n")
	id := f.git("commit-tree", "-m", "evil", tree)
	dir, err := commitOf(t, open(t, f.dir), id).Dir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copied, err := DirTree(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(copied), []string{"good/evil"})
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "evil")); err == nil {
		t.Error("wrote outside")
	}
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	f := repository(t)
	// Larger than the pipes in both directions, so that sending and receiving must overlap.
	want := map[string][]byte{}
	var names []string
	for i := range 2000 {
		name := fmt.Sprintf("d/%04d.sql", i)
		want[name] = []byte(strings.Repeat(fmt.Sprintf("%d\x00\n", i), i%100))
		names = append(names, name)
		f.write(name, string(want[name]))
	}
	f.commit("first")
	rg := ranged(t, open(t, f.dir), "main", "")
	for name, tree := range map[string]Tree{"commit": rg.Base, "working tree": rg.Head} {
		got, err := tree.ReadAll(append([]string{"not there"}, names...))
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: error is %v", name, err)
		}
		mentions(t, err, "not there")
		if !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d files read, or their contents, are wrong", name, len(got))
		}
		if _, err := tree.Read("not there"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: error is %v", name, err)
		}
		none, err := tree.ReadAll(nil)
		same(t, []any{len(none), err}, []any{0, nil})
	}
}

func TestFilesOfCommit(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "12345")
	f.write("a/b.sql", "")
	f.write("a-b.sql", "1")
	f.commit("first")
	r := open(t, f.path("a"))
	same(t, commitOf(t, r, "main").Files(), []File{
		{Path: "a-b.sql", ID: f.git("rev-parse", "HEAD:a-b.sql"), Size: 1},
		{Path: "a.sql", ID: f.git("rev-parse", "HEAD:a.sql"), Size: 5},
		{Path: "a/b.sql", ID: "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
	})
	same(t, commitOf(t, r, "").Files(), []File{
		{Path: "a-b.sql", Size: 1},
		{Path: "a.sql", Size: 5},
		{Path: "a/b.sql"},
	})
}

func TestSparseCheckout(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("in/a.sql", "a")
	f.write("out/b.sql", "b")
	f.commit("first")
	f.git("sparse-checkout", "set", "in")
	if _, err := os.Stat(f.path("out/b.sql")); err == nil {
		t.Fatal("not sparse")
	}
	rg := ranged(t, open(t, f.dir), "main", "")
	same(t, len(rg.Changes), 0)
	same(t, paths(rg.Head), []string{"in/a.sql", "out/b.sql"})
	same(t, content(t, rg.Head, "out/b.sql"), "b")
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		// Root reads everything; a file that vanished is as unreadable.
		f := repository(t)
		f.write("a.sql", "1")
		f.write("b.sql", "1")
		head := commitOf(t, open(t, f.dir), "")
		os.Remove(f.path("a.sql"))
		got, err := head.ReadAll(paths(head))
		mentions(t, err, "read a.sql")
		same(t, got, map[string][]byte{"b.sql": []byte("1")})
		return
	}
	dir := t.TempDir()
	for _, name := range []string{"a.sql", "b.sql"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "a.sql"), 0); err != nil {
		t.Fatal(err)
	}
	tree, err := DirTree(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tree.ReadAll(paths(tree))
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v", err)
	}
	same(t, got, map[string][]byte{"b.sql": []byte("1")})
}

func TestTooLarge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "huge.sql")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, MaxFileSize+1); err != nil { // sparse: takes no space
		t.Fatal(err)
	}
	tree, err := DirTree(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tree.Read("huge.sql")
	mentions(t, failsAs[*TooLargeError](t, err), "huge.sql", "limit")
}

func TestContextEndsTheRepository(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	f.commit("first")
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Open(ctx, f.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tree := commitOf(t, r, "main")
	content(t, tree, "a.sql")
	cancel()
	_, err = tree.Read("a.sql")
	if !errors.Is(err, ctx.Err()) {
		t.Errorf("read after cancel: %v", err)
	}
	if _, err := tree.Dir(ctx); !errors.Is(err, ctx.Err()) {
		t.Errorf("checkout after cancel: %v", err)
	}
	if _, err := r.Range(ctx, "", ""); !errors.Is(err, ctx.Err()) {
		t.Errorf("range after cancel: %v", err)
	}
}

// A damaged clone costs what it lacks, as long as that is nothing to import.
func TestCheckoutOfDamagedClone(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("docs/picture.xcf", "picture")
	f.write("app/models.py", "models")
	f.write("app/kept.py", "kept")
	f.commit("first")
	lose := func(path string) {
		id := strings.TrimSpace(f.git("rev-parse", "main:"+path))
		if err := os.Remove(f.path(filepath.Join(".git", "objects", id[:2], id[2:]))); err != nil {
			t.Fatal(err)
		}
	}
	lose("docs/picture.xcf")
	dir, err := commitOf(t, open(t, f.dir), "main").Dir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	copied, err := DirTree(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, paths(copied), []string{"app/kept.py", "app/models.py"})
	lose("app/models.py")
	_, err = commitOf(t, open(t, f.dir), "main").Dir(t.Context())
	if err == nil {
		t.Fatal("a Python file is missing, and nobody says so")
	}
	mentions(t, err, "app/models.py", "object missing")
}
