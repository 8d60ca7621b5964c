package adapter

import (
	"path"
	"slices"
	"strings"
)

// Dirs returns the directories that the runner of a source reads.
func (s *Source) Dirs() []string {
	if len(s.Locations) > 0 {
		return s.Locations
	}
	return []string{s.Dir}
}

// Owns reports whether a file or directory is in a directory of the source, at any depth.
func (s *Source) Owns(file string) bool {
	return slices.ContainsFunc(s.Dirs(), func(dir string) bool {
		return dir == "" || file == dir || strings.HasPrefix(file, dir+"/")
	})
}

// FilesOf lists the files below the directories of a source, relative to its own, sorted.
func FilesOf(t Tree, s Source) []string {
	return slices.DeleteFunc(slices.Clone(FilesBelow(t, s.Dir)), func(name string) bool { return !s.Owns(path.Join(s.Dir, name)) })
}
