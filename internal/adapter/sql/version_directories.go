package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A project with its own migration code often has a directory for each of its versions,
// with numbered files in it: migration/3.2/0001_x.sql comes before
// migration/3.10/0000_y.sql. They are one history.

var (
	// releaseDir matches the directory of a version: 3.16, v2.0.1, 82. dotted matches one with a point, such as 3.16.
	releaseDir = lazyregexp.New(`^v?\d+(?:\.\d+)*$`)
	dotted     = lazyregexp.New(`^v?\d+\.\d`)
	// ofReleases matches parents whose numbered directories are versions. Elsewhere they
	// may be chapters, years or servers.
	ofReleases = lazyregexp.New(`(?i)^(?:deltas?|versions?|upgrades?|updates?|patches|changes)$`)
)

// versionDirs maps each parent to the directories of versions in it, without the parent's
// path.
func versionDirs(t adapter.Tree) map[string][]string {
	return adapter.Memoize(t, "directories of versions", func() map[string][]string {
		found := map[string][]adapter.Dir{}
		for _, d := range adapter.ListDirs(t, ".sql") {
			base, parent := path.Base(d.Path), path.Dir(d.Path)
			if releaseDir.MatchString(base) && (dotted.MatchString(base) || hasReleaseNames(parent)) &&
				slices.ContainsFunc(d.Names, func(n string) bool { return numberLen(n) > 0 }) {
				found[parent] = append(found[parent], d)
			}
		}
		out := map[string][]string{}
		for parent, dirs := range found {
			if parent == "." || len(dirs) < 2 && !hasReleaseNames(parent) || areVariants(dirs) {
				continue
			}
			for _, d := range dirs {
				out[parent] = append(out[parent], path.Base(d.Path))
			}
			sortVersions(out[parent])
		}
		return out
	})
}

// hasReleaseNames reports whether a directory's name says that the numbered directories in
// it are versions.
func hasReleaseNames(dir string) bool {
	return ofReleases.MatchString(path.Base(dir)) || migrations.MatchString(path.Base(dir))
}

// areVariants reports whether directories hold the same files for different servers or
// products, without an order among them.
func areVariants(dirs []adapter.Dir) bool {
	repeated, all := 0, 0
	seen := map[string]bool{}
	for _, d := range dirs {
		for _, n := range d.Names {
			all++
			if seen[n] {
				repeated++
			}
			seen[n] = true
		}
	}
	return 2*repeated > all/2
}

// listDeepFiles lists the files of a source that includes its subdirectories. For a tool with
// locations these are files at any depth; otherwise they are files in directories of
// versions.
func listDeepFiles(t adapter.Tree, s adapter.Source) (ups []string, downs map[string]string, numbered int) {
	root := s.Dir
	downs = map[string]string{}
	var dirs []adapter.Dir
	var located *runner
	for _, d := range adapter.ListDirs(t, ".sql") {
		if s.Owns(d.Path) {
			dirs = append(dirs, d)
			for _, r := range tools {
				if located == nil && r.runs != nil && slices.ContainsFunc(d.Names, func(n string) bool { return r.runs(d.Join(n), n) }) {
					located = r
				}
			}
		}
	}
	for _, d := range dirs {
		if located == nil && d.Path != root && (path.Dir(d.Path) != root || !releaseDir.MatchString(path.Base(d.Path))) {
			continue
		}
		dirUps, undone, _ := separateUpsAndDowns(d)
		rest := strings.TrimPrefix(d.Path+"/", root+"/")
		for _, up := range dirUps {
			if located != nil && !located.runs(d.Join(up), up) || located == nil && numberLen(up) == 0 {
				continue // a callback, or a dump of the whole schema
			}
			numbered++
			ups = append(ups, rest+up)
			if down, ok := undone[up]; ok {
				downs[rest+up] = rest + down
			}
		}
	}
	sortVersions(ups)
	return ups, downs, numbered
}
