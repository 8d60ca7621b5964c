package sql

import (
	"path"
	"regexp"
	"slices"
	"strings"

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

// deep lists the files of a source that holds the directories below it, with these: those
// of a tool with locations wherever they are, else those of its directories of versions.
func deep(t adapter.Tree, at string) (ups []string, downs map[string]string, numbered int) {
	downs = map[string]string{}
	var dirs []adapter.Dir
	var located *runner
	for _, d := range adapter.Dirs(t, ".sql") {
		if d.Path == at || strings.HasPrefix(d.Path, at+"/") {
			dirs = append(dirs, d)
			for _, r := range tools {
				if located == nil && r.runs != nil && slices.ContainsFunc(d.Names, func(n string) bool { return r.runs(d.Join(n), n) }) {
					located = r
				}
			}
		}
	}
	for _, d := range dirs {
		if located == nil && d.Path != at && (path.Dir(d.Path) != at || !releaseDir.MatchString(path.Base(d.Path))) {
			continue
		}
		own, undone, _ := forward(d)
		rest := strings.TrimPrefix(d.Path+"/", at+"/")
		for _, up := range own {
			if located != nil && !located.runs(d.Join(up), up) || located == nil && numberLen(up) == 0 {
				continue // a callback, the whole schema
			}
			numbered++
			ups = append(ups, rest+up)
			if down, ok := undone[up]; ok {
				downs[rest+up] = rest + down
			}
		}
	}
	slices.SortFunc(ups, order)
	return ups, downs, numbered
}
