package gitrange

import (
	"os"
	"strings"
	"testing"
	"time"
)

// lines is text long enough for rename detection.
const lines = "create table a (id bigint);\ncreate table b (id bigint);\ncreate table c (id bigint);\ncreate table d (id bigint);\n"

func TestRangeOfCommits(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("keep.sql", "keep")
	f.write("edit.sql", "one")
	f.write("gone.sql", "gone")
	f.write("db/001_old.sql", lines)
	base := f.commit("first")
	f.git("switch", "-q", "-c", "feature/x")
	f.write("edit.sql", "two")
	f.write("new.sql", "new")
	f.git("rm", "-q", "gone.sql")
	f.git("mv", "db/001_old.sql", "db/002_new.sql")
	f.write("db/002_new.sql", lines+"select 1;\n")
	head := f.commit("second")
	f.git("switch", "-q", "main")
	f.write("later.sql", "main moved on")
	f.commit("third")
	f.write("uncommitted.sql", "not part of feature/x")

	rg := ranged(t, open(t, f.dir), "main", "feature/x")
	for i, c := range rg.Changes {
		if c.Kind == Renamed && (c.Similarity < 50 || c.Similarity > 99) {
			t.Errorf("similarity %d", c.Similarity)
		}
		rg.Changes[i].Similarity = 0
	}
	same(t, rg.Changes, []Change{
		{Kind: Renamed, Path: "db/002_new.sql", OldPath: "db/001_old.sql"},
		{Kind: Modified, Path: "edit.sql"},
		{Kind: Deleted, Path: "gone.sql"},
		{Kind: Added, Path: "new.sql"},
	})
	same(t, []string{rg.BaseName, rg.HeadName, rg.ParentRev, rg.HeadRev}, []string{"main", "feature/x", base, head})
	same(t, []string{rg.Base.Name(), rg.Head.Name()}, []string{"main", "feature/x"})
	same(t, paths(rg.Base), []string{"db/001_old.sql", "edit.sql", "gone.sql", "keep.sql", "later.sql"})
	same(t, paths(rg.Head), []string{"db/002_new.sql", "edit.sql", "keep.sql", "later.sql", "new.sql"})
	same(t, content(t, rg.Base, "edit.sql")+content(t, rg.Head, "edit.sql"), "onetwo")
}

// Renames of pictures are not looked for: that takes most of git's time, and nobody asks.
func TestRenamesOfMedia(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("logo.png", lines)
	f.write("a/[x]*.sql", lines)
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.git("mv", "logo.png", "sign.PNG")
	f.git("mv", "a/[x]*.sql", "a/y.sql")
	f.commit("second")
	same(t, ranged(t, open(t, f.dir), "main", "feature").Changes, []Change{
		{Kind: Renamed, Path: "a/y.sql", OldPath: "a/[x]*.sql", Similarity: 100},
		{Kind: Deleted, Path: "logo.png"},
		{Kind: Added, Path: "sign.PNG"},
	})
}

func TestRangeOfWorkingTree(t *testing.T) {
	t.Parallel()
	f := repository(t)
	for _, name := range []string{"staged.sql", "edited.sql", "gone.sql", "removed.sql", "untracked-again.sql", "touched.sql"} {
		f.write(name, name)
	}
	f.write("moved-old.sql", lines)
	f.write("dir/file.sql", "a file in a directory")
	base := f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.write(".gitignore", "ignored.sql\n")
	head := f.commit("second")

	f.write("staged.sql", "changed")
	f.write("added.sql", "added")
	f.git("add", "staged.sql", "added.sql")
	f.write("edited.sql", "changed")
	f.git("rm", "-q", "removed.sql")
	f.git("rm", "-q", "--cached", "untracked-again.sql")
	os.Remove(f.path("gone.sql"))
	f.write("new\nline.sql", "1")
	f.write("-dash.sql", "2")
	f.write("ignored.sql", "3")
	f.write("a b/größe 界.sql", "4")
	if err := os.Rename(f.path("moved-old.sql"), f.path("moved-new.sql")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.path("touched.sql"), fixedTime, fixedTime); err != nil {
		t.Fatal(err)
	}
	os.RemoveAll(f.path("dir"))
	f.link("a b", "dir")
	f.git("init", "-q", "nested")
	f.write("nested/inner.sql", "another repository's")

	rg := ranged(t, open(t, f.path("a b")), "main", "")
	same(t, rg.Changes, []Change{
		{Kind: Added, Path: "-dash.sql"},
		{Kind: Added, Path: ".gitignore"},
		{Kind: Added, Path: "a b/größe 界.sql"},
		{Kind: Added, Path: "added.sql"},
		{Kind: Added, Path: "dir"},
		{Kind: Deleted, Path: "dir/file.sql"},
		{Kind: Modified, Path: "edited.sql"},
		{Kind: Deleted, Path: "gone.sql"},
		{Kind: Renamed, Path: "moved-new.sql", OldPath: "moved-old.sql", Similarity: 100},
		{Kind: Added, Path: "new\nline.sql"},
		{Kind: Deleted, Path: "removed.sql"},
		{Kind: Modified, Path: "staged.sql"},
	})
	same(t, []string{rg.HeadName, rg.ParentRev, rg.HeadRev}, []string{"feature", base, head})
	same(t, paths(rg.Head), []string{"-dash.sql", ".gitignore", "a b/größe 界.sql", "added.sql", "dir", "edited.sql",
		"moved-new.sql", "new\nline.sql", "staged.sql", "touched.sql", "untracked-again.sql"})
	same(t, content(t, rg.Head, "new\nline.sql"), "1")
	same(t, content(t, rg.Head, "a b/größe 界.sql"), "4")
	dir, err := rg.Head.Dir(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, dir, f.dir)
}

func TestUntrackedOnly(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1")
	f.commit("first")
	f.write("empty.sql", "")
	f.write("z.sql", "1")
	want := []Change{{Kind: Added, Path: "empty.sql"}, {Kind: Added, Path: "z.sql"}}
	same(t, ranged(t, open(t, f.dir), "", "").Changes, want)
}

func TestRangeAcrossMerges(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("001.sql", "1")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.write("003.sql", "3")
	f.commit("feature")
	f.git("switch", "-q", "main")
	f.write("002.sql", "2")
	main := f.commit("main")
	f.git("switch", "-q", "feature")
	f.git("merge", "-q", "--no-edit", "main")

	rg := ranged(t, open(t, f.dir), "main", "feature")
	same(t, rg.ParentRev, main)
	same(t, rg.Changes, []Change{{Kind: Added, Path: "003.sql"}})
}

func TestConflictInProgress(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "1\n")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.write("a.sql", "2\n")
	f.commit("feature")
	f.git("switch", "-q", "main")
	f.write("a.sql", "3\n")
	f.commit("main")
	f.git("switch", "-q", "feature")
	merge := program{dir: f.dir, env: append(os.Environ(), "LC_ALL=C")}
	if _, err := merge.runForOutput(t.Context(), "merge", "main"); err == nil {
		t.Fatal("no conflict")
	}
	rg := ranged(t, open(t, f.dir), "main", "")
	same(t, rg.Changes, []Change{{Kind: Modified, Path: "a.sql"}})
	same(t, paths(rg.Head), []string{"a.sql"})
	if got := content(t, rg.Head, "a.sql"); !strings.Contains(got, "<<<<<<<") {
		t.Errorf("read %q", got)
	}
}

func TestSubmodulesAreSkipped(t *testing.T) {
	t.Parallel()
	inner := repository(t)
	inner.write("inner.sql", "1")
	inner.commit("inner")
	f := repository(t)
	f.write("a.sql", "1")
	f.write("becomes-file", "x")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.dir, "vendor/inner")
	f.commit("second")
	f.write("vendor/inner/inner.sql", "changed")
	f.write("vendor/inner/new.sql", "new")

	r := open(t, f.dir)
	for _, head := range []string{"feature", ""} {
		rg := ranged(t, r, "main", head)
		same(t, rg.Changes, []Change{{Kind: Added, Path: ".gitmodules"}})
		same(t, paths(rg.Head), []string{".gitmodules", "a.sql", "becomes-file"})
		same(t, rg.Modules, []string{"vendor/inner"})
	}
	// Run inside the submodule, that is the repository.
	same(t, open(t, f.path("vendor/inner")).Root(), f.path("vendor/inner"))
}

func TestUserConfigurationDoesNotChangeTheAnswer(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("sub/a.sql", lines)
	f.write("b.sql", "1 word\n")
	f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.git("mv", "sub/a.sql", "sub/c.sql")
	f.write("b.sql", "2 word\n")
	f.commit("second")
	for _, kv := range []string{
		"diff.renames false", "diff.relative true", "diff.orderFile /nonexistent", "diff.noprefix true", "color.ui always",
		"core.quotepath true", "core.abbrev 4", "submodule.recurse true", "status.showUntrackedFiles no",
		"diff.autoRefreshIndex false",
	} {
		key, value, _ := strings.Cut(kv, " ")
		f.git("config", key, value)
	}
	r := open(t, f.path("sub"))
	want := []Change{{Kind: Modified, Path: "b.sql"}, {Kind: Renamed, Path: "sub/c.sql", OldPath: "sub/a.sql", Similarity: 100}}
	same(t, ranged(t, r, "main", "feature").Changes, want)
	same(t, ranged(t, r, "main", "").Changes, want)
	same(t, content(t, ranged(t, r, "main", "feature").Base, "b.sql"), "1 word\n")
}

var fixedTime = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// A file that changed in the tick of the clock in which the index was written,
// and kept its size, has changed: with and without untracked files.
func TestChangedInTheSameTick(t *testing.T) {
	t.Parallel()
	for _, untracked := range []bool{false, true} {
		f := repository(t)
		f.git("config", "core.checkStat", "minimal") // nobody can set when a file was changed
		tick := time.Now().Add(-time.Hour)
		setTime := func(name string) {
			if err := os.Chtimes(f.path(name), tick, tick); err != nil {
				t.Fatal(err)
			}
		}
		f.write("a.sql", "SELECT 1;\n")
		setTime("a.sql")
		f.commit("first")
		f.write("a.sql", "SELECT 2;\n")
		setTime("a.sql")
		setTime(".git/index")
		want := []Change{{Kind: Modified, Path: "a.sql"}}
		if untracked {
			f.write("b.sql", "SELECT 3;\n")
			want = append(want, Change{Kind: Added, Path: "b.sql"})
		}
		same(t, ranged(t, open(t, f.dir), "main", "").Changes, want)
	}
}
