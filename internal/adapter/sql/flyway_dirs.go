package sql

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// Flyway looks for migrations in a location and in all directories below it, and
// runs them in the order of their versions, whatever directory they are in.

// ofOneKind are directories below a location that are no part of it, but of one
// kind of deployment: they are locations of their own.
var ofOneKind = regexp.MustCompile(`(?i)^(?:dev|devel|development|local|test|tests|testing|testdata|test[-_]data|it|ci|integration|qa|uat|stag(?:e|ing)|prod|production|demo|samples?|seeds?|data|common|shared|all|base|default|core|pg|psql|postgres|postgresql)$`)

// ofRelease are directories that hold the files of a time: one history goes through
// them.
var ofRelease = regexp.MustCompile(`(?i)^(?:v|r|rel|release|releases|version|sprint|year)?[-_.]?\d[\d._-]*$`)

// flywayLocations lists the directories with files of Flyway's that one location
// has, by its path: where it has several. Those that a configuration names are
// locations of their own, and so are those that number their files alike.
func flywayLocations(t adapter.Tree) map[string][]adapter.Dir {
	return adapter.Once(t, "flyway locations", func() map[string][]adapter.Dir {
		out := map[string][]adapter.Dir{}
		for _, d := range adapter.Dirs(t, ".sql") {
			if !slices.ContainsFunc(d.Names, func(n string) bool { return flywayRuns(d.Join(n), n) }) {
				continue
			}
			for at := d.Path; at != "."; at = path.Dir(at) {
				if migrations.MatchString(path.Base(at)) {
					out[at] = append(out[at], d)
					break
				}
			}
		}
		for at, dirs := range out {
			if len(dirs) < 2 || alike(dirs) || slices.ContainsFunc(dirs, func(d adapter.Dir) bool { return apart(t, at, d) }) {
				delete(out, at)
			}
		}
		return out
	})
}

// apart reports whether a directory below a location is a location of its own.
func apart(t adapter.Tree, at string, d adapter.Dir) bool {
	rest, _ := strings.CutPrefix(d.Path, at+"/")
	if d.Path == at {
		return false
	}
	for part := range strings.SplitSeq(rest, "/") {
		if ofOneKind.MatchString(part) || adapter.OtherDatabase(part) || strings.HasPrefix(part, "{") {
			return true
		}
	}
	first, _, _ := strings.Cut(rest, "/")
	name := path.Base(at) + "/" + first
	return slices.ContainsFunc(flywayConfigured(t).locations, func(l string) bool {
		return strings.HasSuffix(l, "/"+name) || l == name || strings.Contains(l, name+"/") || strings.Contains(l, path.Base(at)+"/{")
	})
}

// alike reports whether directories have histories of their own: one has half of
// its versions in common with another.
func alike(dirs []adapter.Dir) bool {
	dirs = slices.DeleteFunc(slices.Clone(dirs), func(d adapter.Dir) bool { return ofRelease.MatchString(path.Base(d.Path)) })
	for i, d := range dirs {
		has := map[string]bool{}
		for _, n := range d.Names {
			has[version(n)] = true
		}
		delete(has, "")
		for _, other := range dirs[i+1:] {
			count, common := 0, 0
			for _, n := range other.Names {
				if v := version(n); v != "" {
					count++
					if has[v] {
						common++
					}
				}
			}
			if common > 0 && 2*common >= min(count, len(has)) {
				return true
			}
		}
	}
	return false
}
