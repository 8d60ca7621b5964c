package audit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// otherwise are the names of directories beside migrations that hold no migrations,
// whoever runs them.
var otherwise = regexp.MustCompile(`(?i)^(seeds?|fixtures?|testdata|tests?|quer(y|ies)|samples?|examples?|data|dumps?|backups?|downs?|downgrades?|rollbacks?|undo|reverts?|verify|snapshots?|reports?)$`)

// stepped are the names of files that look like migrations wherever they stand, with
// their directory: with a number in front, or in a directory that has one.
var stepped = regexp.MustCompile(`(?i)(?:^|/)(?:\d+(?:[._-][^/]*)?|[VR]\d*(?:[._]\d+)*__[^/]*|\d[^/]*/(?:up|migration))\.(?:[^/]*\.)?(?:sql|pgsql|psql|ddl)(?:\.\w+)?$`)

// unclaimed lists what the release changes that looks like a migration, and no runner
// that is known reads: SQL files in a directory of their own below the migrations, or
// with numbers anywhere; files whose names do not end in .sql; the migrations of tools
// that are not read; and submodules, the files of which are in another repository.
func (a *changelog) unclaimed(pairs []pair) {
	u := unclaimed{claimed: map[string]bool{}, twins: map[string]bool{}, told: map[string]bool{}}
	for _, p := range pairs {
		if p.source.Dir != "" {
			u.dirs = append(u.dirs, p.source.Dir)
		}
		for _, m := range p.head.Migrations {
			u.claimed[m.Path], u.claimed[m.DownPath] = true, true
			u.twins[strings.TrimSuffix(m.Path, ".sql")] = true
		}
		for _, o := range p.head.Opaque {
			u.claimed[o.Path] = true
		}
		for _, x := range p.head.Problems {
			u.claimed[x.Path] = true
		}
	}
	for _, o := range a.opaque {
		u.told[o.Path] = true
	}
	programs := slices.ContainsFunc(a.rng.Changes, func(c gitrange.Change) bool {
		return path.Ext(c.Path) != ".sql" && ofPrograms.MatchString(path.Dir(c.Path))
	})
	if programs {
		u.unread = adapter.UnreadIn(a.head)
	}
	for _, c := range a.rng.Changes {
		if c.Kind == gitrange.Deleted || u.claimed[c.Path] {
			continue
		}
		if o, ok := u.of(c.Path); ok && !u.known(o.Path) {
			u.told[o.Path] = true
			a.opaque = append(a.opaque, o)
		}
	}
	for _, module := range a.rng.Modules {
		if _, ok := u.below(module + "/x"); ok || strings.Contains(strings.ToLower(path.Base(module)), "migrat") {
			a.opaque = append(a.opaque, onward.Opaque{
				Path: module, What: "a git submodule among the migrations",
				Why: "its files are in another repository; run onward there, or give them to onward check",
			})
		}
	}
}

// ofPrograms are directories in which tools that are not read have their migrations.
var ofPrograms = regexp.MustCompile(`(?i)migrat[^/]*$|(?:^|/)versions$`)

type unclaimed struct {
	claimed map[string]bool // files
	twins   map[string]bool // migrations of SQL, without the ending: a program of the name is the same one
	told    map[string]bool // files and directories
	dirs    []string        // of migrations
	unread  []adapter.Unread
}

// known reports whether a path was listed, or a directory that holds it.
func (u *unclaimed) known(p string) bool {
	for ; p != "." && p != "/"; p = path.Dir(p) {
		if u.told[p] {
			return true
		}
	}
	return false
}

// below is a path as it is named from a directory of migrations.
func (u *unclaimed) below(file string) (rest string, ok bool) {
	for _, dir := range u.dirs {
		if rest, ok := strings.CutPrefix(file, dir+"/"); ok {
			return rest, true
		}
	}
	return "", false
}

// of is what there is to say of a file that the release changes.
func (u *unclaimed) of(file string) (o onward.Opaque, ok bool) {
	dir, name := path.Dir(file), path.Base(file)
	for _, x := range u.unread {
		if x.Dir == dir && !u.twins[strings.TrimSuffix(file, path.Ext(file))] {
			return onward.Opaque{Path: dir, What: "migrations of " + x.Tool + ", such as " + name, Why: x.Tool + " is not read yet; " + x.Instead()}, true
		}
	}
	rest, below := u.below(file)
	within := path.Dir(file)
	if below {
		within = path.Dir(rest)
	}
	numbered := stepped.MatchString(file) && adapter.Deployed(dir)
	switch {
	case slices.ContainsFunc(strings.Split(within, "/"), otherwise.MatchString):
		return o, false
	case adapter.OtherSQL(name) && (below || numbered):
		return onward.Opaque{Path: file, What: "a file that holds SQL by its name, which does not end in .sql", Why: "it was not taken for a migration; if it is one, give it to onward check"}, true
	case !strings.EqualFold(path.Ext(name), ".sql"):
		return o, false
	case below && strings.Contains(rest, "/"):
		return onward.Opaque{
			Path: dir, What: "SQL files in a directory below the migrations, such as " + name,
			Why: "the runner is taken to read none of them; if it does, name the directory in onward.yaml",
		}, true
	case !below && numbered && !undoing.MatchString(name):
		return onward.Opaque{
			Path: dir, What: "SQL files with numbers, such as " + name,
			Why: "not taken for migrations; if they are, name the directory in onward.yaml",
		}, true
	}
	return o, false
}

// undoing are the names of files that undo a migration.
var undoing = regexp.MustCompile(`(?i)(?:^|[._-])(?:down|undo|rollback|revert)(?:[._-]|$)`)
