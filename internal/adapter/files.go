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
	// Names are the base names, sorted, Others those for other databases.
	Names, Others []string
}

// Join is the path of one of the names.
func (d Dir) Join(name string) string {
	if d.Path == "" {
		return name
	}
	return d.Path + "/" + name
}

// Dirs lists the directories of a tree that hold files with one of the
// endings (".sql"), sorted by path. Directories of other people's code and of
// test data are left out.
//
// The result is shared: do not change it.
func Dirs(t Tree, endings ...string) []Dir {
	return Once(t, "dirs "+strings.Join(endings, " "), func() []Dir { return listDirs(t, endings) })
}

// Once makes something that depends on nothing but a tree, and makes it once
// when the tree has a memory (a method Memo, as gittree's have).
func Once[T any](t Tree, key string, make func() T) T {
	if m, ok := t.(interface {
		Memo(key string, make func() any) any
	}); ok {
		return m.Memo(key, func() any { return make() }).(T)
	}
	return make()
}

func listDirs(t Tree, endings []string) []Dir {
	var dirs []Dir
	at := map[string]int{} // path → index+1 in dirs; -1: left out
	for _, p := range t.Paths() {
		if !slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(p, e) }) {
			continue
		}
		dir, name := "", p
		if i := strings.LastIndexByte(p, '/'); i >= 0 {
			dir, name = p[:i], p[i+1:]
		}
		i := at[dir]
		if i == 0 {
			if i = -1; !vendored(dir) {
				dirs = append(dirs, Dir{Path: dir})
				i = len(dirs)
			}
			at[dir] = i
		}
		if i > 0 {
			dirs[i-1].Names = append(dirs[i-1].Names, name)
		}
	}
	slices.SortFunc(dirs, func(a, b Dir) int { return strings.Compare(a.Path, b.Path) })
	for i := range dirs {
		slices.Sort(dirs[i].Names)
		dirs[i].split()
	}
	return dirs
}

// ListDir lists the files of one directory, whatever its name.
func ListDir(t Tree, dir string, endings ...string) Dir {
	d := Dir{Path: dir}
	for _, rest := range Below(t, dir) {
		if !strings.Contains(rest, "/") &&
			slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(rest, e) }) {
			d.Names = append(d.Names, rest)
		}
	}
	d.split()
	return d
}

// Has reports whether a tree has a file.
func Has(t Tree, p string) bool {
	_, ok := slices.BinarySearch(t.Paths(), p)
	return ok
}

// Below lists the files below a directory, relative to it, sorted.
func Below(t Tree, dir string) []string {
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

// vendored reports whether a directory holds what is not this repository's to
// deploy.
func vendored(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		switch part {
		case "node_modules", "vendor", "third_party", "testdata", "fixtures", "__fixtures__",
			"site-packages", ".git", ".venv", "venv", ".tox", ".cargo":
			return true
		}
	}
	return false
}

// Deployed reports whether what is in a directory is for this repository to deploy, by its
// name: neither other people's code nor tests and examples.
func Deployed(dir string) bool { return !vendored(dir) && !secondary(dir) }

// secondary reports whether a directory counts only when there is nothing
// better: examples and tests of a project that has migrations of its own.
func secondary(dir string) bool {
	for part := range strings.SplitSeq(dir, "/") {
		part = strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(part, "_")), "-", "_")
		switch part {
		case "example", "examples", "sample", "samples", "demo", "demos",
			"test", "tests", "e2e", "spec", "benchmarks", "bench":
			return true
		}
		// An A/B test is none.
		if strings.HasPrefix(part, "test_") || strings.HasPrefix(part, "tests_") || strings.HasSuffix(part, "_tests") {
			return true
		}
	}
	return false
}

// Sample picks up to n of the names: the first, the last and some between.
func Sample(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	out := make([]string, 0, n)
	for i := range n {
		out = append(out, names[i*(len(names)-1)/(n-1)])
	}
	return out
}

// Nearest finds the closest file of that name in a directory or one above it.
func Nearest(t Tree, dir, name string) (string, bool) {
	for {
		p := path.Join(dir, name)
		if Has(t, p) {
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

// Natural compares names as people read them: numbers by value, "2" before
// "10"; letters byte by byte.
func Natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := digits(x), digits(y)
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

// digits is the length of the number that s begins with.
func digits(s string) int {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}
