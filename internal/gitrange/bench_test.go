package gitrange

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// manyFiles makes a repository of n files with git fast-import, which writes
// one pack instead of n files.
func manyFiles(t testing.TB, n int) fixture {
	t.Helper()
	f := repository(t)
	var in bytes.Buffer
	in.WriteString("commit refs/heads/main\ncommitter Test <test@example.com> 1700000000 +0000\ndata 5\nfirst\n")
	for i := range n {
		text := fmt.Sprintf("ALTER TABLE t%d ADD COLUMN c%d text;\n%s", i, i, strings.Repeat("-- comment\n", i%200))
		fmt.Fprintf(&in, "M 100644 inline db/%03d/%06d.sql\ndata %d\n%s\n", i%500, i, len(text), text)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = f.dir, &in
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v\n%s", err, out)
	}
	return f
}

func BenchmarkReadBlobs(b *testing.B) {
	f := manyFiles(b, 5000)
	r := open(b, f.dir)
	tree, err := r.Head(b.Context(), "main")
	if err != nil {
		b.Fatal(err)
	}
	names := make([]string, 0, 5000)
	for _, file := range tree.Files() {
		names = append(names, file.Path)
	}
	for b.Loop() {
		got, err := tree.ReadAll(names)
		if err != nil || len(got) != len(names) {
			b.Fatalf("read %d blobs, error %v, want %d", len(got), err, len(names))
		}
	}
}

func BenchmarkListCommit(b *testing.B) {
	f := manyFiles(b, 100_000)
	r := open(b, f.dir)
	id := f.git("rev-parse", "main")
	for b.Loop() {
		tree, err := r.listCommit(b.Context(), id, "main")
		if err != nil || len(tree.files) != 100_000 {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadWorkingTree(b *testing.B) {
	f := manyFiles(b, 5000)
	f.git("checkout", "-q", "main", "--", ".")
	r := open(b, f.dir)
	for b.Loop() {
		tree, err := r.listWorkingTree(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		names := make([]string, 0, 5000)
		for _, file := range tree.files {
			names = append(names, file.Path)
		}
		got, err := tree.ReadAll(names)
		if err != nil || len(got) != 5000 {
			b.Fatalf("read %d files, error %v, want 5000", len(got), err)
		}
	}
}
