package sqlx

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// crate is a Cargo.toml that depends on sqlx.
type crate struct {
	path    string // of Cargo.toml
	version string // as written, "" when the workspace decides
	// databases are the features that name one.
	postgres bool
	other    string // "SQLite", "MySQL"
}

func (c crate) dir() string {
	if d := path.Dir(c.path); d != "." {
		return d
	}
	return ""
}

var number = regexp.MustCompile(`(\d+)(?:\.(\d+))?`)

// before reports whether the version is known and older.
func (c crate) before(major, minor int) bool {
	m := number.FindStringSubmatch(c.version)
	if m == nil || m[2] == "" {
		return false
	}
	x, _ := strconv.Atoi(m[1])
	y, _ := strconv.Atoi(m[2])
	return x < major || x == major && y < minor
}

var (
	// The dependency in its three spellings: a version, a table in one line
	// (or several), a section.
	dependency = regexp.MustCompile(`(?m)^\s*sqlx(?:-core)?\s*=\s*("[^"]*"|\{[^}]*\})|^\s*sqlx\.workspace\s*=`)
	versionOf  = regexp.MustCompile(`^"([^"]*)"|version\s*=\s*"([^"]*)"`)
)

// findCrates lists the crates of a tree that depend on sqlx.
func findCrates(t adapter.Tree) []crate {
	return adapter.Once(t, "crates with sqlx", func() []crate { return readCrates(t) })
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
		spec := ""
		if m := dependency.FindStringSubmatch(text); m != nil {
			spec = m[1] + " "
		} else if _, rest, ok := strings.Cut(text, "dependencies.sqlx]"); ok {
			spec, _, _ = strings.Cut(rest, "\n[")
			spec += " "
		}
		if spec == "" {
			continue
		}
		c := crate{path: p, postgres: strings.Contains(spec, `"postgres"`)}
		if m := versionOf.FindStringSubmatch(spec); m != nil {
			c.version = m[1] + m[2]
		}
		switch {
		case strings.Contains(spec, `"sqlite`):
			c.other = "SQLite"
		case strings.Contains(spec, `"mysql"`):
			c.other = "MySQL"
		}
		out = append(out, c)
	}
	return out
}

// nearest is the crate that a directory belongs to: the one in the closest
// directory above. near is false when none is above, and any is given.
func nearest(crates []crate, dir string) (c crate, near bool) {
	if len(crates) == 0 {
		return crate{}, false
	}
	best := -1
	for _, x := range crates {
		at := x.dir()
		if (at == "" || dir == at || strings.HasPrefix(dir, at+"/")) && len(at) > best {
			c, best = x, len(at)
		}
	}
	if best < 0 {
		return crates[0], false
	}
	return c, true
}

// foreign is the database of a directory whose crate, or of a repository all of
// whose crates, use sqlx for another one than Postgres; "" otherwise, also when
// that is not said.
func foreign(crates []crate, dir string) string {
	if c, near := nearest(crates, dir); near && c.other != "" && !c.postgres && !above(crates, c) {
		return c.other
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

// above reports whether a crate in a directory above, whose features a member
// of its workspace inherits, names Postgres.
func above(crates []crate, c crate) bool {
	for _, x := range crates {
		if x.postgres && x.path != c.path && (x.dir() == "" || strings.HasPrefix(c.dir(), x.dir()+"/")) {
			return true
		}
	}
	return false
}

var (
	macro      = regexp.MustCompile(`\bmigrate!\(\s*"([^"]+)"`)
	configured = regexp.MustCompile(`(?m)^\s*migrations-dir\s*=\s*"([^"]+)"`)
	rustHint   = regexp.MustCompile(`(^|/)(main|lib|build)\.rs$|migrat|database|(^|/)db|pool|state|postgres`)
)

// namedDirs finds the directories that sqlx.toml or sqlx::migrate!("…") name,
// relative to their crate, and who names them.
func namedDirs(t adapter.Tree, crates []crate) map[string]string {
	out := map[string]string{}
	read := 0
	for _, p := range t.Paths() {
		pattern := macro
		switch {
		case path.Base(p) == "sqlx.toml":
			pattern = configured
		case strings.HasSuffix(p, ".rs") && read < 200 && rustHint.MatchString(strings.ToLower(p)):
			read++
		default:
			continue
		}
		for _, m := range pattern.FindAllStringSubmatch(adapter.ReadFile(t, p).Text, -1) {
			base := path.Dir(p)
			if c, near := nearest(crates, base); near {
				base = c.dir()
			}
			if dir := path.Join(base, m[1]); dir != "." && !strings.HasPrefix(dir, "../") {
				out[dir] = p
			}
		}
	}
	return out
}
