package gitrange

import (
	"os"
	"path/filepath"
	"testing"
)

// A replace reference or a graft in the repository does not change what the commits have, whatever the environment says.
func TestReplacedObjects(t *testing.T) {
	t.Parallel()
	f := repository(t)
	f.write("a.sql", "SELECT 1;\n")
	first := f.commit("first")
	f.git("switch", "-q", "-c", "feature")
	f.write("b.sql", "DROP TABLE t;\n")
	second := f.commit("second")
	f.write("harmless.sql", "SELECT 2;\n")
	f.git("replace", f.git("rev-parse", second+":b.sql"), f.git("hash-object", "-w", "harmless.sql"))
	if err := os.Remove(f.path("harmless.sql")); err != nil {
		t.Fatal(err)
	}
	want := []Change{{Kind: Added, Path: "b.sql"}}
	check := func(label string) {
		t.Helper()
		rg := ranged(t, open(t, f.dir), "main", "feature")
		same(t, rg.Changes, want)
		if got := content(t, rg.Head, "b.sql"); got != "DROP TABLE t;\n" {
			t.Errorf("%s: b.sql is %q, want the original object's text", label, got)
		}
	}
	check("a file")
	f.git("replace", f.git("rev-parse", second+"^{tree}"), f.git("rev-parse", first+"^{tree}"))
	check("a tree")
	f.git("replace", first, second)
	check("a commit")
	if err := os.WriteFile(filepath.Join(f.dir, ".git", "info", "grafts"), []byte(second+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("a graft")
}
