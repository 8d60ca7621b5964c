package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Flyway looks for migrations in a location and in all directories below it. It runs them
// in the order of their versions, whatever directory they are in.

// ofOneKind matches directories below a location that belong to one kind of deployment
// only: they are locations of their own.
var ofOneKind = lazyregexp.New(`(?i)^(?:dev|devel|development|local|test|tests|testing|testdata|test[-_]data|it|ci|integration|qa|uat|stag(?:e|ing)|prod|production|demo|samples?|seeds?|data|common|shared|all|base|default|core|pg|psql|postgres|postgresql)$`)

// ofRelease matches directories that hold the files of one release or year: they share
// one history.
var ofRelease = lazyregexp.New(`(?i)^(?:v|r|rel|release|releases|version|sprint|year)?[-_.]?\d[\d._-]*$`)

// location is a directory with all files of a history in directories below it.
type location struct {
	at   string
	dirs []adapter.Dir
	// named are the directories in it that a setting names; nil if nothing names them.
	named []string
	// file has this setting.
	file string
}

// groupFlywayDirs returns the histories with several directories of Flyway's files; a directory with a history of its own is not among
// them. The directories of a group are those that one setting names, or, without a setting, those below one directory with a name like
// "migrations". Directories that a configuration names apart, or whose files have the same numbers, are not joined.
func groupFlywayDirs(t adapter.Tree) []location {
	return adapter.Memoize(t, "flyway locations", func() []location {
		var dirs []adapter.Dir
		for _, d := range adapter.ListDirs(t, ".sql") {
			if hasFlywayFiles(d) {
				dirs = append(dirs, d)
			}
		}
		joined := joinLocations(t, dirs)
		dirsByRoot := map[string][]adapter.Dir{}
		for _, d := range dirs {
			if slices.ContainsFunc(joined, func(l location) bool { return l.hasDir(d) }) {
				continue
			}
			for root := d.Path; root != "."; root = path.Dir(root) {
				if migrations.MatchString(path.Base(root)) {
					dirsByRoot[root] = append(dirsByRoot[root], d)
					break
				}
			}
		}
		for root, dirs := range dirsByRoot {
			if len(dirs) > 1 && !haveSeparateHistories(dirs) && !slices.ContainsFunc(dirs, func(d adapter.Dir) bool { return isOwnLocation(t, root, d) }) {
				joined = append(joined, location{at: root, dirs: dirs})
			}
		}
		return joined
	})
}

func (l *location) hasDir(d adapter.Dir) bool {
	return slices.ContainsFunc(l.dirs, func(other adapter.Dir) bool { return other.Path == d.Path })
}

// isOwnLocation reports whether a directory below a location is a location of its own.
func isOwnLocation(t adapter.Tree, root string, d adapter.Dir) bool {
	rest, _ := strings.CutPrefix(d.Path, root+"/")
	if d.Path == root {
		return false
	}
	for part := range strings.SplitSeq(rest, "/") {
		if ofOneKind.MatchString(part) || adapter.OtherDatabase(part) || strings.HasPrefix(part, "{") {
			return true
		}
	}
	first, _, _ := strings.Cut(rest, "/")
	name := path.Base(root) + "/" + first
	return slices.ContainsFunc(readFlywaySettings(t).locations, func(l string) bool {
		return strings.HasSuffix(l, "/"+name) || l == name || strings.Contains(l, name+"/") || strings.Contains(l, path.Base(root)+"/{")
	})
}

// haveSeparateHistories reports whether directories have separate histories: two of them share half of
// one's versions.
func haveSeparateHistories(dirs []adapter.Dir) bool {
	dirs = slices.DeleteFunc(slices.Clone(dirs), func(d adapter.Dir) bool { return ofRelease.MatchString(path.Base(d.Path)) })
	for i, d := range dirs {
		versions := map[string]bool{}
		for _, n := range d.Names {
			versions[leadingVersion(n)] = true
		}
		delete(versions, "")
		for _, other := range dirs[i+1:] {
			count, common := 0, 0
			for _, n := range other.Names {
				if v := leadingVersion(n); v != "" {
					count++
					if versions[v] {
						common++
					}
				}
			}
			if common > 0 && 2*common >= min(count, len(versions)) {
				return true
			}
		}
	}
	return false
}
