package sql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// Liquibase's formatted SQL, by its manual and by running it (4.24, 4.33 and 5.0;
// TestLiquibaseOnServer of internal/adapter/realrunners):
//
//   - A file holds changesets, which are recorded by themselves: one that is new
//     in an old file runs, one whose text differs from what was applied stops it,
//     unless it has runOnChange.
//   - Each runs in a transaction, statement by statement, unless it has
//     runInTransaction:false; with splitStatements:false it is sent whole.
//   - It knows strings and comments, but no dollar quotes: a ';' in a body cuts
//     the statement, unless it stands between BEGIN and END, where it takes every
//     END for that of a block: of CASE, IF and LOOP, too.
//   - A file under another name has other changesets, which run again.
//   - A changeset for other databases (dbms:) does not run.
//   - Rollbacks and preconditions stand in comments.
var (
	liquibaseHead = regexp.MustCompile(`(?i)^\s*--\s*liquibase\s+formatted\s+sql\b`)
	changelogDir  = regexp.MustCompile(`(?i)(?:^|[/._-])(?:db[._-]?)?(?:change-?logs?|liquibase)(?:[/._-]|$)`)
	// A path that the changesets of a file are known by in the place of its own.
	logicalPath = regexp.MustCompile(`(?i)\blogicalFilePath:`)
	// What may hold the order of the files.
	changelogFile = regexp.MustCompile(`(?i)\.(?:xml|ya?ml|json)$`)
)

var liquibase = runner{
	name: "Liquibase", unit: "changeset", apart: "a changeset of its own with\nrunInTransaction:false",
	habits: adapter.Habits{
		Renamed:    "Liquibase knows a changeset by the path of its file: databases that have its changesets run them again",
		Edited:     "Liquibase refuses to run: \"Validation Failed: … changesets check sum\"",
		OutOfOrder: "Liquibase " + runsAfter,
	},
	books: []adapter.Book{{Table: "databasechangelog"}},
	found: func(t adapter.Tree, d adapter.Dir) string {
		if !changelog(t, d) {
			return ""
		}
		return "SQL files of Liquibase"
	},
	within:     func(p *place) bool { return p.half(formatted) },
	list:       func(p *place, _ *adapter.Set) { p.sort(func(names []string) { inChangelog(p.tree, p.Path, names) }) },
	sure:       formatted,
	loose:      true,
	unnumbered: true, // it records changesets
	send: func(f *file) {
		if formatted(f.text) {
			sendChangesets(f)
		}
	},
	finish: func(_ adapter.Tree, set *adapter.Set) {
		if slices.ContainsFunc(set.Migrations, func(m *adapter.Migration) bool { return logicalPath.MatchString(m.Source.Text) }) {
			set.Habits.Renamed = ""
		}
	},
}

// formatted reports whether a text is Liquibase's formatted SQL.
func formatted(text string) bool {
	return strings.HasPrefix(strings.TrimLeft(text, " \t\r\n\f\v"), "--") && liquibaseHead.MatchString(text)
}

// changelog reports whether a directory is one of Liquibase's: by its path and
// the first lines of its files.
func changelog(t adapter.Tree, d adapter.Dir) bool {
	return changelogDir.MatchString(d.Path) && slices.ContainsFunc(d.Names, func(n string) bool {
		return liquibaseHead.MatchString(adapter.ReadFile(t, d.Join(n)).Text)
	})
}

// inChangelog puts the files of a directory in the order in which a changelog
// that names them has them. Liquibase sorts those of an includeAll by their
// paths, as texts.
func inChangelog(t adapter.Tree, dir string, names []string) {
	slices.Sort(names)
	at := map[string]int{}
	for _, p := range t.Paths() {
		if !changelogFile.MatchString(p) || !changelogDir.MatchString(p) {
			continue
		}
		text := adapter.ReadFile(t, p).Text
		for _, n := range names {
			if i := strings.Index(text, n); i >= 0 && at[n] == 0 {
				at[n] = i + 1
			}
		}
		if len(at) > 0 {
			break
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		if at[a] == 0 || at[b] == 0 {
			return 0
		}
		return at[a] - at[b]
	})
}
