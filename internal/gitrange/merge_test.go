package gitrange

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The head is read as after a merge into the base, and only what the head did counts as a change.
func TestMergedHead(t *testing.T) {
	t.Parallel()
	numbers := func(first, last string) string { return first + "\n" + strings.Repeat("same line\n", 8) + last + "\n" }
	f := repository(t)
	for _, name := range []string{"both.txt", "conflict.txt", "gone.txt", "kept.txt", "moved/a.sql", "moved/b.sql", "old/x.sql", "old/y.sql"} {
		f.write(name, numbers(name, "end"))
	}
	f.commit("ancestor")
	f.git("switch", "-q", "-c", "feature")
	f.write("both.txt", numbers("head", "end"))
	f.write("conflict.txt", numbers("head", "end"))
	f.write("picked.sql", "picked\n")
	f.write("new.sql", "new\n")
	f.write("old/z.sql", "beside the old ones\n")
	f.git("rm", "-q", "gone.txt")
	f.git("mv", "moved", "here")
	f.commit("head")
	f.git("switch", "-q", "main")
	f.write("both.txt", numbers("both.txt", "base"))
	f.write("conflict.txt", numbers("base", "end"))
	f.write("picked.sql", "picked\n")
	f.write("later.sql", "later\n")
	f.write("moved/c.sql", "follows the others\n")
	f.git("mv", "old", "young")
	f.commit("base")
	f.git("switch", "-q", "feature")
	f.write("untracked.sql", "untracked\n")

	wanted := []Change{
		{Kind: Modified, Path: "both.txt"},
		{Kind: Modified, Path: "conflict.txt"},
		{Kind: Deleted, Path: "gone.txt"},
		{Kind: Renamed, Path: "here/a.sql", OldPath: "moved/a.sql", Similarity: 100},
		{Kind: Renamed, Path: "here/b.sql", OldPath: "moved/b.sql", Similarity: 100},
		{Kind: Renamed, Path: "here/c.sql", OldPath: "moved/c.sql", Similarity: 100},
		{Kind: Added, Path: "new.sql"},
		{Kind: Added, Path: "young/z.sql"},
	}
	for head, extra := range map[string][]Change{"feature": nil, "": {{Kind: Added, Path: "untracked.sql"}}} {
		rg := ranged(t, open(t, f.dir), "main", head)
		want := append(wanted[:7:7], append(extra, wanted[7])...)
		same(t, rg.Changes, want)
		same(t, content(t, rg.Head, "both.txt"), numbers("head", "base"))
		same(t, content(t, rg.Head, "conflict.txt"), numbers("head", "end"))
		same(t, content(t, rg.Head, "later.sql"), "later\n")
		same(t, []bool{rg.Ancestor != nil, rg.Branch != nil}, []bool{true, true})
		dir, err := rg.Head.Dir(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range rg.Head.Files() {
			text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file.Path)))
			if err != nil || string(text) != content(t, rg.Head, file.Path) || file.ID == "" {
				t.Errorf("head %q: the written %s (id %q) differs from the tree's, or has no id: %v", head, file.Path, file.ID, err)
			}
		}
	}
}
