package sqlx

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/code/rust"
	"github.com/onward-sql/onward/internal/configfile"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// crate is a Cargo.toml that depends on sqlx.
type crate struct {
	path    string // of Cargo.toml
	version string // as written, "" if the workspace sets it
	// postgres and other are the databases that its features name: other is "SQLite", "MySQL" or "".
	postgres bool
	other    string
}

func (c crate) crateDir() string {
	if d := path.Dir(c.path); d != "." {
		return d
	}
	return ""
}

var number = lazyregexp.New(`(\d+)(?:\.(\d+))?`)

// isOlderThan reports whether the version is known and older.
func (c crate) isOlderThan(major, minor int) bool {
	m := number.FindStringSubmatch(c.version)
	if m == nil || m[2] == "" {
		return false
	}
	x, _ := strconv.Atoi(m[1])
	y, _ := strconv.Atoi(m[2])
	return x < major || x == major && y < minor
}

// findCrates lists the crates of a tree that depend on sqlx.
func findCrates(t adapter.Tree) []crate {
	return adapter.Memoize(t, "crates with sqlx", func() []crate { return readCrates(t) })
}

func readCrates(t adapter.Tree) []crate {
	var out []crate
	for _, p := range t.Paths() {
		if p != "Cargo.toml" && !strings.HasSuffix(p, "/Cargo.toml") {
			continue
		}
		text := adapter.ReadFile(t, p).Text
		if !strings.Contains(text, "sqlx") {
			continue
		}
		if c, ok := readCrate(p, text); ok {
			out = append(out, c)
		}
	}
	return out
}

// readCrate reads a Cargo.toml. ok is false if it does not depend on sqlx.
func readCrate(p, text string) (c crate, ok bool) {
	c.path = p
	for _, d := range configfile.ReadDependencies(text) {
		if d.Name != "sqlx" && d.Name != "sqlx-core" {
			continue
		}
		ok = true
		c.version = cmp.Or(c.version, d.Version)
		for _, f := range d.Features {
			switch {
			case f == "postgres":
				c.postgres = true
			case strings.HasPrefix(f, "sqlite"):
				c.other = "SQLite"
			case f == "mysql":
				c.other = cmp.Or(c.other, "MySQL")
			}
		}
	}
	return c, ok
}

// nearestCrate returns the crate of a directory: the one in the closest directory above. ok
// is false if none is above; it is then any crate.
func nearestCrate(crates []crate, dir string) (c crate, ok bool) {
	if len(crates) == 0 {
		return crate{}, false
	}
	best := -1
	for _, x := range crates {
		root := x.crateDir()
		if (root == "" || dir == root || strings.HasPrefix(dir, root+"/")) && len(root) > best {
			c, best = x, len(root)
		}
	}
	if best < 0 {
		return crates[0], false
	}
	return c, true
}

// foreignDatabase returns the other database of a directory: the one whose types the file that names the directory, or else
// the crate's code, uses alone; else if its crate uses sqlx for one and not for Postgres, or if all crates of the repository
// do. It is "" otherwise, also if no crate names a database. file is the one that names the directory, "" for none.
func foreignDatabase(t adapter.Tree, crates []crate, dir, file string) string {
	c, ok := nearestCrate(crates, dir)
	if strings.HasSuffix(file, ".rs") {
		if db, sure := rust.FindDatabase(adapter.ReadFile(t, file).Text); sure {
			return db
		}
	}
	if ok && c.other != "" && !c.postgres && !isInheritedFrom(crates, c) {
		return c.other
	}
	if ok {
		if db, sure := findCodeDatabase(t, crates, c); sure {
			return db
		}
	}
	other := ""
	for _, c := range crates {
		if c.postgres {
			return ""
		}
		if c.other != "" {
			other = c.other
		}
	}
	return other
}

// mostSources bounds the Rust files of a crate that are read for the types of its database.
const mostSources = 300

// findCodeDatabase is [rust.FindDatabase] of a crate's files together, without its tests and the crates below it.
func findCodeDatabase(t adapter.Tree, crates []crate, c crate) (database string, sure bool) {
	type result struct {
		database string
		sure     bool
	}
	r := adapter.Memoize(t, "database of "+c.path, func() (r result) {
		read := 0
		for _, name := range adapter.FilesBelow(t, path.Join(c.crateDir(), "src")) {
			p := path.Join(c.crateDir(), "src", name)
			if !strings.HasSuffix(p, ".rs") || adapter.IsTest(name) {
				continue
			}
			if nearest, _ := nearestCrate(crates, path.Dir(p)); nearest.path != c.path {
				continue
			}
			if read++; read > mostSources {
				return result{}
			}
			text := adapter.ReadFile(t, p).Text
			if !rust.NamesDatabase(text) {
				continue
			}
			db, sure := rust.FindDatabase(text)
			if !sure || r.sure && db != r.database {
				return result{}
			}
			r = result{db, true}
		}
		return r
	})
	return r.database, r.sure
}

// isInheritedFrom reports whether a crate in a directory above, whose features a member of its
// workspace inherits, names Postgres.
func isInheritedFrom(crates []crate, c crate) bool {
	for _, x := range crates {
		if x.postgres && x.path != c.path && (x.crateDir() == "" || strings.HasPrefix(c.crateDir(), x.crateDir()+"/")) {
			return true
		}
	}
	return false
}

var (
	macro      = lazyregexp.New(`\bmigrate!\(\s*"([^"]+)"|\bMigrator::new\(\s*(?:(?:[\w:]+::)?Path(?:Buf)?::(?:new|from)\(\s*)?"([^"]+)"`)
	sourceFlag = lazyregexp.New(`\bsqlx\s+(?:migrate|mig|database|db)\s[^\n]*--source[ =]["']?([\w./-]+)`)
	command    = lazyregexp.New(`(?m)^[^#\n]*\bsqlx\s+(?:(?:migrate|mig)\s+run|(?:database|db)\s+(?:setup|reset))\b`)
	ignoring   = lazyregexp.New(`(?m)^[^#/\n]*(?:\bset_ignore_missing\(\s*true|\bsqlx\s+(?:migrate|mig)\s[^\n]*--ignore-missing)`)
	rustHint   = lazyregexp.New(`(^|/)(main|lib|build)\.rs$|migrat|database|(^|/)db|pool|state|postgres`)
)

// findNamedDirs finds the directories that sqlx.toml, sqlx::migrate!("…") and similar code
// name, relative to their crate, and which file names them.
func findNamedDirs(t adapter.Tree, crates []crate) map[string]string {
	out := map[string]string{}
	name := func(file, base, dir string) {
		if dir == "" {
			return
		}
		if dir = path.Join(base, dir); dir != "." && dir != "" && !strings.HasPrefix(dir, "../") {
			out[dir] = file
		}
	}
	for _, p := range listMentioningFiles(t) {
		base := path.Dir(p)
		if c, ok := nearestCrate(crates, base); ok {
			base = c.crateDir()
		}
		text := adapter.ReadFile(t, p).Text
		if path.Base(p) == "sqlx.toml" {
			settings, _ := configfile.ReadTOML(text)
			name(p, base, configfile.Find(settings, "migrate", "migrations-dir"))
			continue
		}
		for _, m := range macro.FindAllStringSubmatch(text, -1) {
			if m[2] != "" {
				name(p, "", m[2]) // relative to the directory in which the program starts
			}
			name(p, base, m[1]+m[2])
		}
	}
	for _, p := range adapter.RunnerFiles(t, false) {
		if f := adapter.RunnerFile(t, p); strings.Contains(f.Text, "--source") {
			for _, m := range sourceFlag.FindAllStringSubmatch(f.Text, -1) {
				name(p, "", m[1])
				name(p, path.Dir(p), m[1])
			}
		}
	}
	return out
}

// listMentioningFiles lists the Rust files that probably name the directory of the migrations, and
// sqlx's own configuration.
func listMentioningFiles(t adapter.Tree) []string {
	return adapter.Memoize(t, "said of sqlx", func() []string {
		var out []string
		read := 0
		for _, p := range t.Paths() {
			switch {
			case path.Base(p) == "sqlx.toml":
			case strings.HasSuffix(p, ".rs") && read < 200 && rustHint.MatchString(strings.ToLower(p)):
				read++
			default:
				continue
			}
			out = append(out, p)
		}
		return out
	})
}

var (
	ownMigrate = lazyregexp.New(`\bimpl(?:<[^>]*>)?\s+(?:\w+::)*Migrate\s+for\b`)
	// aloneText matches statements that cannot run in a transaction.
	aloneText = lazyregexp.New(`(?i)\b(?:concurrently|vacuum|reindex|alter\s+system)\b`)
)

// implementsMigrate reports whether a crate implements sqlx's trait Migrate. Such a program sends some files in its own way.
// It is assumed to do that for those with statements that cannot run in sqlx's transaction.
func implementsMigrate(t adapter.Tree, c crate) bool {
	return adapter.Memoize(t, "implements Migrate "+c.path, func() bool {
		return slices.ContainsFunc(listMentioningFiles(t), func(p string) bool {
			if nearest, _ := nearestCrate(findCrates(t), path.Dir(p)); nearest.path != c.path || !strings.HasSuffix(p, ".rs") {
				return false
			}
			text := adapter.ReadFile(t, p).Text
			return strings.Contains(text, "sqlx") && ownMigrate.MatchString(text)
		})
	})
}

// ignoresMissing reports whether sqlx is configured to continue if an applied migration
// is gone.
func ignoresMissing(t adapter.Tree) bool {
	return adapter.Memoize(t, "sqlx ignores missing", func() bool {
		return adapter.FindMentioned(t, false, ignoring, "ignore") != "" || slices.ContainsFunc(listMentioningFiles(t), func(p string) bool {
			f := adapter.ReadFile(t, p)
			return strings.Contains(f.Text, "ignore") && ignoring.MatchString(f.Text)
		})
	})
}
