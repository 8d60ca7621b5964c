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

// findRenames finds migrations of the base that the head has under another ID: with the same
// content, or a rename according to git. The result has the old migration by the new ID.
func findRenames(p pair, base map[string]*adapter.Migration, head map[string]bool, changes []gitrange.Change) map[string]*adapter.Migration {
	byHash, byPath := map[string]*adapter.Migration{}, map[string]*adapter.Migration{}
	for id, m := range base {
		if !head[id] {
			byHash[m.Hash] = m
			byPath[m.Path] = m
		}
	}
	from := map[string]string{}
	for _, c := range changes {
		if c.Kind == gitrange.Renamed {
			from[c.Path] = c.OldPath
		}
	}
	out := map[string]*adapter.Migration{}
	for _, m := range p.head.Migrations {
		if base[m.ID] != nil || m.Hash == "" || m.Repeatable || m.Baseline || len(m.Replaces) > 0 {
			continue // it is configured to run again, runs in new databases only, or lists itself what it replaces
		}
		if old := byHash[m.Hash]; old != nil {
			out[m.ID] = old
		} else if old := byPath[from[m.Path]]; old != nil && haveSameStatements(old, m) {
			out[m.ID] = old
		}
	}
	addRenumbered(p, base, head, out)
	return out
}

// addRenumbered adds migrations to renames that kept their name except its number, and were
// edited too. If there are few, half of their statements must be the same. If many others
// have another number, the name alone is enough.
func addRenumbered(p pair, base map[string]*adapter.Migration, head map[string]bool, renames map[string]*adapter.Migration) {
	if p.base == nil || all.Traits(p.source.Framework).Graph {
		return
	}
	renamedFrom := map[*adapter.Migration]bool{}
	for _, old := range renames {
		renamedFrom[old] = true
	}
	// The key is the part after the number; nil if two have the same.
	removed, come := map[string]*adapter.Migration{}, map[string]*adapter.Migration{}
	note := func(in map[string]*adapter.Migration, m *adapter.Migration) {
		if name := trimNumber(m.ID); name != "" && !m.Repeatable {
			if _, exists := in[name]; exists {
				m = nil
			}
			in[name] = m
		}
	}
	for _, m := range p.base.Migrations {
		if !head[m.ID] && !renamedFrom[m] {
			note(removed, m)
		}
	}
	for _, m := range p.head.Migrations {
		if base[m.ID] == nil && renames[m.ID] == nil && len(m.Replaces) == 0 {
			note(come, m)
		}
	}
	hasManyRenames := len(renames) >= manyRenames
	for name, m := range come {
		if old := removed[name]; old != nil && m != nil && (hasManyRenames || shareHalfOfStatements(old, m)) {
			renames[m.ID] = old
		}
	}
}

// manyRenames is how many migrations that only changed their number show that a whole
// directory was renumbered.
const manyRenames = 3

// numbered matches a migration's leading number, Flyway's with its letter, and its name.
var numbered = lazyregexp.New(`^V?\d[\d._-]*(.*\pL.*)$`)

// trimNumber returns the name of a migration without its leading number: "" if it has no
// number, or nothing else.
func trimNumber(id string) string {
	if m := numbered.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// shareHalfOfStatements reports whether at least half of the statements of a migration are also in
// another.
func shareHalfOfStatements(old, m *adapter.Migration) bool {
	oldSQL := map[string]bool{}
	for _, s := range normalizeStatements(old) {
		oldSQL[s.sql] = true
	}
	now, shared := normalizeStatements(m), 0
	for _, s := range now {
		if oldSQL[s.sql] {
			shared++
		}
	}
	return shared > 0 && 2*shared >= len(now)
}

// haveSameStatements reports whether two migrations have the same statements. A rename according to
// git may be another migration made from the same template.
func haveSameStatements(old, m *adapter.Migration) bool {
	_, cosmetic := firstDifference(old, m)
	return cosmetic && len(normalizeStatements(m)) > 0
}
