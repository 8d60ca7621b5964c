package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// nonMigrationDir matches names of directories, next to migrations, that hold no migrations for
// any runner.
var nonMigrationDir = lazyregexp.New(`(?i)^(seeds?|fixtures?|testdata|tests?|quer(y|ies)|samples?|examples?|data|dumps?|backups?|downs?|downgrades?|rollbacks?|undo|reverts?|verify|snapshots?|reports?)$`)

// migrationLikeFile matches names of files, with their directory, that look like migrations
// anywhere: with a leading number, or in a directory that has one.
var migrationLikeFile = lazyregexp.New(`(?i)(?:^|/)(?:\d+(?:[._-][^/]*)?|[VR]\d*(?:[._]\d+)*__[^/]*|\d[^/]*/(?:up|migration))\.(?:[^/]*\.)?(?:sql|pgsql|psql|ddl)(?:\.\w+)?$`)

// listUnclaimedFiles lists changed files that look like migrations, and that no known runner
// reads:
//   - SQL files in a directory of their own below the migrations, or with numbers
//     anywhere
//   - SQL files whose names do not end in .sql
//   - programs with numbers among SQL files
//   - migrations of tools without an adapter
//   - submodules, whose files are in another repository
func (a *changelog) listUnclaimedFiles(pairs []pair) {
	u := unclaimedFinder{tree: a.head, claimed: map[string]bool{}, twins: map[string]bool{}, listed: map[string]bool{}}
	for _, p := range pairs {
		for _, dir := range p.source.Dirs() {
			if dir != "" {
				u.dirs = append(u.dirs, dir)
			}
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
		u.listed[o.Path] = true
	}
	programs := slices.ContainsFunc(a.rng.Changes, func(c gitrange.Change) bool {
		return path.Ext(c.Path) != ".sql" && programMigrationDir.MatchString(path.Dir(c.Path))
	})
	if programs {
		u.unread = adapter.UnreadIn(a.head)
	}
	for _, c := range a.rng.Changes {
		if c.Kind == gitrange.Deleted || u.claimed[c.Path] {
			continue
		}
		if o, ok := u.describeFile(c.Path); ok && !u.isListed(o.Path) {
			u.listed[o.Path] = true
			a.opaque = append(a.opaque, o)
		}
	}
	for _, module := range a.rng.Modules {
		if _, ok := u.cutMigrationDir(module + "/x"); ok || strings.Contains(strings.ToLower(path.Base(module)), "migrat") {
			a.opaque = append(a.opaque, onward.Opaque{
				Path: module, What: "a git submodule among the migrations",
				Why: "its files are in another repository; run onward there, or give them to onward check",
			})
		}
	}
}

// numberedProgram matches names of programs with a number.
var numberedProgram = lazyregexp.New(`^[Vv]?\d+[._-].*\.(?:py|[cm]?[jt]s|go|rb|php|pl|sh|exs?|java|kt|groovy|cs)$`)

// programMigrationDir matches directories in which tools without an adapter have their migrations.
var programMigrationDir = lazyregexp.New(`(?i)migrat[^/]*$|(?:^|/)versions$`)

type unclaimedFinder struct {
	tree    adapter.Tree
	claimed map[string]bool // files
	twins   map[string]bool // SQL migrations, without the extension: a program with this name is the same migration
	listed  map[string]bool // files and directories
	dirs    []string        // of migrations
	unread  []adapter.Unread
}

// isListed reports whether a path, or a directory above it, is already listed.
func (u *unclaimedFinder) isListed(p string) bool {
	for ; p != "." && p != "/"; p = path.Dir(p) {
		if u.listed[p] {
			return true
		}
	}
	return false
}

// cutMigrationDir returns a path relative to a directory of migrations.
func (u *unclaimedFinder) cutMigrationDir(file string) (rest string, ok bool) {
	for _, dir := range u.dirs {
		if rest, ok := strings.CutPrefix(file, dir+"/"); ok {
			return rest, true
		}
	}
	return "", false
}

// dataFile matches names of files that are no programs, such as the description of a schema beside migrations.
var dataFile = lazyregexp.New(`(?i)\.(?:ya?ml|json|toml|md|txt|lock)$`)

// describeFile returns the report on a file that the release changes.
func (u *unclaimedFinder) describeFile(file string) (o onward.Opaque, ok bool) {
	dir, name := path.Dir(file), path.Base(file)
	if dir == PlansDir || adapter.IsNoProgram(name) {
		return o, false
	}
	for _, x := range u.unread {
		if x.Dir == dir && !dataFile.MatchString(name) && !u.twins[strings.TrimSuffix(file, path.Ext(file))] {
			if slices.Contains(u.dirs, dir) {
				return onward.Opaque{
					Path: file, What: "a program among the migrations of " + x.Tool,
					Why: "its function up does not get the connection: what it does is known only when it runs",
				}, true
			}
			return onward.Opaque{Path: dir, What: "migrations of " + x.Tool + ", such as " + name, Why: x.Why(), Failed: true}, true
		}
	}
	rest, isBelow := u.cutMigrationDir(file)
	parent := path.Dir(file)
	if isBelow {
		parent = path.Dir(rest)
	}
	numbered := migrationLikeFile.MatchString(file) && adapter.IsDeployed(dir)
	switch {
	case slices.ContainsFunc(strings.Split(parent, "/"), nonMigrationDir.MatchString):
		return o, false
	case adapter.OtherSQL(name) && (isBelow || numbered):
		return onward.Opaque{
			Path: file,
			What: "a file that holds SQL by its name, which does not end in .sql",
			Why:  "it does not count as a migration; if it is one, give it to onward check",
		}, true
	case isBelow && numberedProgram.MatchString(name) && !adapter.IsTest(name) && !u.twins[strings.TrimSuffix(file, path.Ext(file))]:
		return onward.Opaque{
			Path: file, What: "a program among numbered SQL files",
			Why: "what it does is known only when it runs; onward capture -- COMMAND judges what it sends to a throwaway Postgres",
		}, true
	case !strings.EqualFold(path.Ext(name), ".sql"):
		return o, false
	case isBelow && strings.Contains(rest, "/"):
		return onward.Opaque{
			Path: dir, What: "SQL files in a directory below the migrations, such as " + name,
			Why: "onward assumes that the runner reads none of them; if it does, name the directory in onward.yaml",
		}, true
	case !isBelow && numbered && adapter.DatabaseNamed(dir) != "":
		database := adapter.DatabaseNamed(dir)
		return onward.Opaque{
			Path: dir, What: "migrations for " + database, Database: database,
			Why: "only Postgres is judged; if they are for Postgres, name the directory in onward.yaml",
		}, true
	case !isBelow && numbered && adapter.IsAside(dir, all.ListAdapters()) && all.IsConfiguredAside(u.tree, dir):
		return o, false // rows for developers
	case !isBelow && numbered && !undoing.MatchString(name):
		return onward.Opaque{
			Path: dir, What: "SQL files with numbers, such as " + name, Failed: u.isSiblingLocation(dir, name),
			Why: "not taken for migrations; if they are, name the directory in onward.yaml",
		}, true
	}
	return o, false
}

// locationFile matches names of files that Flyway runs from any of its locations.
var locationFile = lazyregexp.New(`^[VR]\d*(?:[._]\d+)*__.+\.sql$`)

// isSiblingLocation reports whether a directory beside one of migrations looks like another location of the same runner.
func (u *unclaimedFinder) isSiblingLocation(dir, name string) bool {
	return locationFile.MatchString(name) && slices.ContainsFunc(u.dirs, func(d string) bool { return path.Dir(d) == path.Dir(dir) })
}

// undoing matches names of files that undo a migration.
var undoing = lazyregexp.New(`(?i)(?:^|[._-])(?:down|undo|rollback|revert)(?:[._-]|$)`)
