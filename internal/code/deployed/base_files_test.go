package deployed

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// The cached facts of the code give the same answers as the code, whatever happens to
// them on disk, and hold no text of it.
func TestCodeIsKept(t *testing.T) {
	t.Parallel()
	var files strings.Builder
	for i := range 40 {
		fmt.Fprintf(&files, "-- store/t%d.go --\npackage store\n\nconst q%d = `SELECT kind FROM table%d WHERE secret_remark = 1`\n%s", i, i, i,
			strings.Repeat("// not to be kept\n", 2000))
	}
	rng := baseOf(t, gittest.CommitArchives(t, files.String()))
	dir := filepath.Join(t.TempDir(), "cache")
	ask := func(c *Files) string {
		var out []string
		for i := range 40 {
			b := &index.Bound{Index: c.index}
			for _, u := range b.Column(catalog.Name{Name: fmt.Sprintf("table%d", i)}, "kind") {
				out = append(out, fmt.Sprint(u.Path, u.Line))
			}
		}
		return strings.Join(out, " ")
	}
	read := func() string {
		return ask(readBase(rng.Base, openStorage(dir, "x"), func(string) bool { return false }, nil))
	}
	want := read()
	if strings.Count(want, " ") != 39 {
		t.Fatalf("the code has the uses %q, want 40", want)
	}
	cacheFiles, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(cacheFiles) != 1 {
		t.Fatalf("the cache has the files %q (error %v), want one", cacheFiles, err)
	}
	data, err := os.ReadFile(cacheFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("not to be kept")) || bytes.Contains(data, []byte("SELECT")) {
		t.Error("text of the code is kept")
	}
	if got := read(); got != want {
		t.Errorf("kept: %s", got)
	}
	for i := 0; i < len(data); i += len(data)/25 + 1 {
		bad := bytes.Clone(data)
		bad[i] ^= 0x55
		for _, text := range [][]byte{data[:i], bad} {
			if err := os.WriteFile(cacheFiles[0], text, 0o600); err != nil {
				t.Fatal(err)
			}
			if got := read(); got != want {
				t.Fatalf("damaged at %d: %s", i, got)
			}
		}
	}
	// Two runs at once, and a directory that cannot be written to.
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if got := read(); got != want {
				t.Errorf("two at once: %s", got)
			}
		})
	}
	both.Wait()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir = file
	if got := read(); got != want {
		t.Errorf("nowhere to keep it: %s", got)
	}
}
