package adapter

import (
	"path"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Names matches a pattern against names in paths. A match must not cross a slash. It is
// used for all paths of a tree: the answer for a directory holds for all files in it, and
// is computed once.
type Names struct {
	pattern *lazyregexp.Regexp
	dirs    map[string]bool
}

// NewNames returns a matcher for one loop over paths; it is not safe for concurrent use.
func NewNames(pattern *lazyregexp.Regexp) *Names {
	return &Names{pattern: pattern, dirs: make(map[string]bool)}
}

// Match reports whether the name of a file, or of a directory that it is in, matches the
// pattern.
func (n *Names) Match(p string) bool {
	dir, name := path.Split(p)
	in, known := n.dirs[dir]
	if !known {
		in = n.pattern.MatchString(dir)
		n.dirs[dir] = in
	}
	return in || n.pattern.MatchString(name)
}

// NearestAbove returns the nearest directory, from one upwards, for which a function is true; "" for none.
func NearestAbove(dir string, matches func(dir string) bool) string {
	for !matches(dir) {
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
	return dir
}

// CountCommonDirs returns the number of directories that have both of two directories.
func CountCommonDirs(a, b string) int {
	first, second := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < min(len(first), len(second)) && first[n] == second[n] {
		n++
	}
	return n
}
