package sqlx

import (
	"path"
	"regexp"
	"slices"
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
	macro      = regexp.MustCompile(`\bmigrate!\(\s*"([^"]+)"|\bMigrator::new\(\s*(?:(?:[\w:]+::)?Path(?:Buf)?::(?:new|from)\(\s*)?"([^"]+)"`)
	sourceFlag = regexp.MustCompile(`\bsqlx\s+(?:migrate|mig|database|db)\s[^\n]*--source[ =]["']?([\w./-]+)`)
	command    = regexp.MustCompile(`(?m)^[^#\n]*\bsqlx\s+(?:(?:migrate|mig)\s+run|(?:database|db)\s+(?:setup|reset))\b`)
	ignoring   = regexp.MustCompile(`(?m)^[^#/\n]*(?:\bset_ignore_missing\(\s*true|\bsqlx\s+(?:migrate|mig)\s[^\n]*--ignore-missing)`)
	configured = regexp.MustCompile(`(?m)^\s*migrations-dir\s*=\s*"([^"]+)"`)
	rustHint   = regexp.MustCompile(`(^|/)(main|lib|build)\.rs$|migrat|database|(^|/)db|pool|state|postgres`)
)

// namedDirs finds the directories that sqlx.toml, sqlx::migrate!("…") and the like
// name, relative to their crate, and who names them.
func namedDirs(t adapter.Tree, crates []crate) map[string]string {
	out := map[string]string{}
	name := func(by, base, dir string) {
		if dir = path.Join(base, dir); dir != "." && dir != "" && !strings.HasPrefix(dir, "../") {
			out[dir] = by
		}
	}
	for _, p := range said(t) {
		pattern := macro
		if path.Base(p) == "sqlx.toml" {
			pattern = configured
		}
		for _, m := range pattern.FindAllStringSubmatch(adapter.ReadFile(t, p).Text, -1) {
			base := path.Dir(p)
			if c, near := nearest(crates, base); near {
				base = c.dir()
			}
			if len(m) > 2 && m[2] != "" {
				name(p, "", m[2]) // where the program was started
				m[1] = m[2]
			}
			name(p, base, m[1])
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

// said lists the files of Rust that are likely to say where the migrations are, and
// sqlx' own.
func said(t adapter.Tree) []string {
	return adapter.Once(t, "said of sqlx", func() []string {
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

// ignoresMissing reports whether sqlx is told to go on where a migration that was
// applied is gone.
func ignoresMissing(t adapter.Tree) bool {
	return adapter.Once(t, "sqlx ignores missing", func() bool {
		return adapter.Said(t, false, ignoring, "ignore") != "" || slices.ContainsFunc(said(t), func(p string) bool {
			f := adapter.ReadFile(t, p)
			return strings.Contains(f.Text, "ignore") && ignoring.MatchString(f.Text)
		})
	})
}
