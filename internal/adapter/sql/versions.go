package sql

import (
	"path"
	"regexp"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
)

// A project that migrates by itself often gives each of its own versions a
// directory, with numbered files in it: migration/3.2/0001_x.sql comes before
// migration/3.10/0000_y.sql. They are one history.

var (
	// releaseDir is the directory of a version: 3.16, v2.0.1, 82.
	releaseDir = regexp.MustCompile(`^v?\d+(?:\.\d+)*$`)
	dotted     = regexp.MustCompile(`^v?\d+\.\d`)
	// ofReleases is where versions are numbers, as chapters, years and servers are.
	ofReleases = regexp.MustCompile(`(?i)^(?:deltas?|versions?|upgrades?|updates?|patches|changes)$`)
)

// versionDirs lists the directories of versions, without their parent, by it.
func versionDirs(t adapter.Tree) map[string][]string {
	return adapter.Once(t, "directories of versions", func() map[string][]string {
		found := map[string][]adapter.Dir{}
		for _, d := range adapter.Dirs(t, ".sql") {
			base, parent := path.Base(d.Path), path.Dir(d.Path)
			if releaseDir.MatchString(base) && (dotted.MatchString(base) || holdsReleases(parent)) &&
				slices.ContainsFunc(d.Names, func(n string) bool { return numberLen(n) > 0 }) {
				found[parent] = append(found[parent], d)
			}
		}
		out := map[string][]string{}
		for parent, dirs := range found {
			if parent == "." || len(dirs) < 2 && !holdsReleases(parent) || variants(dirs) {
				continue
			}
			for _, d := range dirs {
				out[parent] = append(out[parent], path.Base(d.Path))
			}
			slices.SortFunc(out[parent], order)
		}
		return out
	})
}

// holdsReleases reports whether a directory's name says that its numbered ones are
// versions.
func holdsReleases(dir string) bool {
	return ofReleases.MatchString(path.Base(dir)) || migrations.MatchString(path.Base(dir))
}

// variants reports whether directories hold the same files, for different servers
// or products: there is no order among them.
func variants(dirs []adapter.Dir) bool {
	same, all := 0, 0
	seen := map[string]bool{}
	for _, d := range dirs {
		for _, n := range d.Names {
			all++
			if seen[n] {
				same++
			}
			seen[n] = true
		}
	}
	return 2*same > all/2
}
