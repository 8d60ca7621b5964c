package adapter

import (
	"path"
	"regexp"
)

// Names is a pattern of names in paths, one that no slash stands in the middle of. It
// is asked about all paths of a tree: what it says of a directory goes for all files
// there, and is found out once.
type Names struct {
	pattern *regexp.Regexp
	dirs    map[string]bool
}

// NewNames is a pattern that one loop over paths asks; it is not for two goroutines.
func NewNames(pattern *regexp.Regexp) *Names {
	return &Names{pattern: pattern, dirs: make(map[string]bool)}
}

// Match reports whether the name of a file, or of a directory that it is in, has the
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
