package deployed

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// unread is a tree whose files must not be read.
type unread struct {
	gitrange.Tree
	t *testing.T
}

func (u unread) ReadAll(paths []string) (map[string][]byte, error) {
	u.t.Errorf("%d files were read again", len(paths))
	return u.Tree.ReadAll(paths)
}

// The names in the code come from the cache as they were read, and a damaged cache is read again.
func TestIdentifiersAreCached(t *testing.T) {
	t.Parallel()
	var files strings.Builder
	for i := range 40 {
		fmt.Fprintf(&files, "-- store/t%d.go --\npackage store\n\nvar name%d = kind\n%s", i, i, strings.Repeat("// more of it\n", 3000))
	}
	files.WriteString("-- logo.go --\n\x00binary\n-- small.go --\npackage x\n")
	rng := baseOf(t, gittest.CommitArchives(t, files.String()))
	dir := filepath.Join(t.TempDir(), "cache")
	openCode := func() *Files {
		return readBase(rng.Base, openStorage(dir, "x"), func(string) bool { return false }, nil)
	}
	want := openCode().readIdentifiers()
	if n := len(want); n != 42 {
		t.Fatalf("%d files", n)
	}
	for i, f := range openCode().files {
		number, isStore := strings.CutPrefix(strings.TrimSuffix(f.Path, ".go"), "store/t")
		if containsName := newMarks([]string{"name" + number}).isAnyIn(want[i]); containsName != isStore {
			t.Errorf("%s has its name: %v", f.Path, containsName)
		}
	}
	equal := func(a, b [][]uint32) bool { return slices.EqualFunc(a, b, slices.Equal[[]uint32]) }
	cachedCode := openCode()
	cachedCode.base = unread{rng.Base, t}
	if got := cachedCode.readIdentifiers(); !equal(got, want) {
		t.Error("the cache has other names than the code")
	}
	cacheFiles, err := filepath.Glob(filepath.Join(dir, "*-names"))
	if err != nil || len(cacheFiles) != 1 {
		t.Fatalf("the cache has the files of names %q (error %v), want one", cacheFiles, err)
	}
	data, err := os.ReadFile(cacheFiles[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0x55
	if err := os.WriteFile(cacheFiles[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openCode().readIdentifiers(); !equal(got, want) {
		t.Error("a damaged cache has other names than the code")
	}
}

// A set of marks finds what a comparison of each pair finds, in short and in long lists.
func TestMarksAreFound(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	words := func(n int) (out []string) {
		for range n {
			out = append(out, fmt.Sprint("word", random.IntN(20_000)))
		}
		return out
	}
	found := map[bool]int{}
	for range 2000 {
		looked, inFile := words(random.IntN(60)), words(random.IntN(400))
		var file []uint32
		for _, w := range inFile {
			file = append(file, facts.HashText(w))
		}
		slices.Sort(file)
		want := slices.ContainsFunc(looked, func(w string) bool { return slices.Contains(inFile, w) })
		if got := newMarks(looked).isAnyIn(slices.Compact(file)); got != want {
			t.Fatalf("%v for %v in %v", got, looked, inFile)
		}
		found[want]++
	}
	if found[true] < 100 || found[false] < 100 {
		t.Errorf("the lists are one-sided: %v", found)
	}
}
