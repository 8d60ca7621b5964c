package adapter

import (
	"path"
	"slices"
	"strings"
)

// Dir is a directory with the files that an adapter may care about.
type Dir struct {
	// Path is relative to the root, "" for the root itself.
	Path string
	// Names are the sorted base names. Others are those for other databases.
	Names, Others []string
}

// Join is the path of one of the names.
func (d Dir) Join(name string) string {
	if d.Path == "" {
		return name
	}
	return d.Path + "/" + name
}

// ListDirs lists the directories of a tree that hold files with one of the
// endings (".sql"), sorted by path. Directories of other people's code and of
// test data are left out.
//
// The result is shared: do not change it.
func ListDirs(t Tree, endings ...string) []Dir {
	return Memoize(t, "dirs "+strings.Join(endings, " "), func() []Dir { return listDirs(t, endings) })
}

// Memoize computes something that depends only on a tree. If the tree has a cache (a method
// Memo, as gittree's have), it is computed once.
func Memoize[T any](t Tree, key string, make func() T) T {
	if m, ok := t.(interface {
		Memo(key string, make func() any) any
	}); ok {
		return m.Memo(key, func() any { return make() }).(T)
	}
	return make()
}

func listDirs(t Tree, endings []string) []Dir {
	var dirs []Dir
	indexByDir := map[string]int{} // path → index+1 in dirs; -1: left out
	for _, p := range t.Paths() {
		if !slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(p, e) }) {
			continue
		}
		dir, name := "", p
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			dir, name = p[:i], p[i+1:]
		}
		i := indexByDir[dir]
		if i == 0 {
			if i = -1; !isVendored(dir) {
				dirs = append(dirs, Dir{Path: dir})
				i = len(dirs)
			}
			indexByDir[dir] = i
		}
		if i > 0 {
			dirs[i-1].Names = append(dirs[i-1].Names, name)
		}
	}
	slices.SortFunc(dirs, func(a, b Dir) int { return strings.Compare(a.Path, b.Path) })
	for i := range dirs {
		slices.Sort(dirs[i].Names)
		dirs[i].splitByDatabase()
	}
	return dirs
}

// ListDir lists the files of one directory, whatever the directory's name is.
func ListDir(t Tree, dir string, endings ...string) Dir {
	d := Dir{Path: dir}
	for _, rest := range FilesBelow(t, dir) {
		if !strings.Contains(rest, "/") &&
			slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(rest, e) }) {
			d.Names = append(d.Names, rest)
		}
	}
	d.splitByDatabase()
	return d
}

// HasFile reports whether a tree has a file.
func HasFile(t Tree, p string) bool {
	_, ok := slices.BinarySearch(t.Paths(), p)
	return ok
}

// FilesBelow lists the files below a directory, relative to it, sorted.
func FilesBelow(t Tree, dir string) []string {
	paths := t.Paths()
	if dir == "" {
		return paths
	}
	prefix := dir + "/"
	from, _ := slices.BinarySearch(paths, prefix)
	var out []string
	for _, p := range paths[from:] {
		rest, ok := strings.CutPrefix(p, prefix)
		if !ok {
			break
		}
		out = append(out, rest)
	}
	return out
}

// isVendored reports whether a directory holds code that this repository does not deploy.
func isVendored(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		switch part {
		case "node_modules", "vendor", "third_party", "testdata", "fixtures", "__fixtures__",
			"site-packages", ".git", ".venv", "venv", ".tox", ".cargo":
			return true
		}
	}
	return false
}

// IsDeployed reports whether this repository deploys the content of a directory, judged by
// its name: it holds neither other people's code nor tests and examples.
func IsDeployed(dir string) bool { return !isVendored(dir) && !isSecondary(dir) }

// isSecondary reports whether a directory counts only if there is nothing better: examples
// and tests of a project that has migrations of its own.
func isSecondary(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		part = strings.ReplaceAll(strings.ToLower(strings.Trim(part, "_")), "-", "_")
		switch part {
		case "example", "examples", "sample", "samples", "demo", "demos",
			"test", "tests", "stub", "stubs", "mock", "mocks", "e2e", "spec", "benchmarks", "bench":
			return true
		}
		// A directory for A/B tests does not match.
		if strings.HasPrefix(part, "test_") || strings.HasPrefix(part, "tests_") || strings.HasSuffix(part, "_tests") {
			return true
		}
	}
	return false
}

// SampleNames picks up to n of the names: the first, the last and some between.
func SampleNames(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, names[i*(len(names)-1)/(n-1)])
	}
	return out
}

// CountSample reads up to four of the files of a directory, and returns how many of them have a text that satisfies match.
func CountSample(t Tree, d Dir, names []string, match func(text string) bool) (count, total int) {
	sample := SampleNames(names, 4)
	for _, f := range ReadFiles(t, d, sample) {
		if match(f.Text) {
			count++
		}
	}
	return count, len(sample)
}

// NearestFile finds the closest file of that name in a directory or in one of its parents.
func NearestFile(t Tree, dir, name string) (string, bool) {
	for {
		p := path.Join(dir, name)
		if HasFile(t, p) {
			return p, true
		}
		if dir == "" || dir == "." {
			return "", false
		}
		dir = path.Dir(dir)
		if dir == "." {
			dir = ""
		}
	}
}

// CompareNatural compares names as people read them: numbers by value, "2" before
// "10"; letters byte by byte.
func CompareNatural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := countLeadingDigits(x), countLeadingDigits(y)
		if dx > 0 && dy > 0 {
			nx, ny := strings.TrimLeft(x[:dx], "0"), strings.TrimLeft(y[:dy], "0")
			if len(nx) != len(ny) {
				return len(nx) - len(ny)
			}
			if c := strings.Compare(nx, ny); c != 0 {
				return c
			}
			x, y = x[dx:], y[dy:]
			continue
		}
		if x[0] != y[0] {
			return int(x[0]) - int(y[0])
		}
		x, y = x[1:], y[1:]
	}
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	return strings.Compare(a, b)
}

// countLeadingDigits returns the length of the number that s begins with.
func countLeadingDigits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
