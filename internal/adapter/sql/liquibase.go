package sql

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/onward-sql/onward/internal/adapter"
	changesets "github.com/onward-sql/onward/internal/adapter/liquibase"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Liquibase's formatted SQL is described from its manual and from running it (4.24, 4.33
// and 5.0; TestLiquibaseOnServer of internal/adapter/realrunners):
//
//   - A file holds changesets, which are recorded one by one. A new changeset in an old
//     file runs. A changeset whose text differs from the applied one stops Liquibase,
//     unless it has runOnChange.
//   - Each runs in a transaction, statement by statement, unless it has
//     runInTransaction:false. With splitStatements:false it is sent whole.
//   - It knows strings and comments, but no dollar quotes: a ';' in a body cuts the
//     statement. The exception is a ';' between BEGIN and END. It takes every END as the
//     end of a block, including the END of CASE, IF and LOOP.
//   - A file under another name has other changesets, which run again.
//   - A changeset for other databases (dbms:) does not run.
//   - Rollbacks and preconditions are in comments.
var (
	changelogDir = lazyregexp.New(`(?i)(?:^|[/._-])(?:db[._-]?)?(?:change-?logs?|liquibase)(?:[/._-]|$)`)
	// logicalPath matches the attribute that replaces the file's own path in the identity
	// of its changesets.
	logicalPath = lazyregexp.New(`(?i)\blogicalFilePath:`)
	// changelogFile matches files that may hold the order of the SQL files.
	changelogFile = lazyregexp.New(`(?i)\.(?:xml|ya?ml|json)$`)
)

var liquibase = runner{
	name: "Liquibase", unit: "changeset", apart: "a changeset of its own with\nrunInTransaction:false",
	historyBehavior: adapter.HistoryBehavior{
		Renamed:    "Liquibase knows a changeset by the path of its file: databases that have its changesets run them again",
		Edited:     "Liquibase refuses to run: \"Validation Failed: … changesets check sum\"",
		OutOfOrder: "Liquibase " + runsAfter,
	},
	historyTables: []adapter.HistoryTable{{Table: "databasechangelog"}},
	found: func(t adapter.Tree, d adapter.Dir) string {
		if !isLiquibaseDir(t, d) {
			return ""
		}
		return "SQL files of Liquibase"
	},
	detectInside: func(p *migrationDir) bool { return p.isHalfOfKind(changesets.IsFormattedSQL) },
	list: func(p *migrationDir, _ *adapter.Set) {
		p.reorderFiles(func(names []string) { sortByChangelog(p.tree, names) })
	},
	sure:  changesets.IsFormattedSQL,
	loose: true,
	// Liquibase records changesets; the number in a file's name means nothing to it.
	unnumbered: true,
	send: func(f *file) {
		if changesets.IsFormattedSQL(f.text) {
			setChangesetParts(f)
		}
	},
	finish: func(_ adapter.Tree, set *adapter.Set) {
		if slices.ContainsFunc(set.Migrations, func(m *adapter.Migration) bool { return logicalPath.MatchString(m.Source.Text) }) {
			set.HistoryBehavior.Renamed = ""
		}
	},
}

// setChangesetParts sets the parts of a migration to its changesets.
func setChangesetParts(f *file) {
	var cut []int
	f.m.Source.Parts, cut = changesets.SplitChangesets(f.text)
	changesets.RefuseCuts(f.m, cut)
	// Liquibase runs the file again after a failure, without the changesets that it has recorded.
	f.m.Runner.Rerun = true
	var whole strings.Builder
	for _, p := range f.m.Source.Parts {
		whole.WriteString(p.Name + "\x00" + p.Sum + "\x00")
	}
	// Each changeset has its own transaction, and Liquibase ignores an edit outside of their text.
	f.mode, f.regions, f.hash = onward.TransactionNone, nil, "changesets\x00"+whole.String()
}

// isLiquibaseDir reports whether a directory is one of Liquibase's, judged by its path and the
// first lines of its files.
func isLiquibaseDir(t adapter.Tree, d adapter.Dir) bool {
	return slices.ContainsFunc(d.Names, func(n string) bool {
		return changelogDir.MatchString(d.Join(n)) && changesets.IsFormattedSQL(adapter.ReadFile(t, d.Join(n)).Text)
	})
}

// sortByChangelog sorts the files of a directory in the order of a changelog that names them. Files that it does not name keep their
// places: Liquibase sorts the files of an includeAll by their paths, as texts.
func sortByChangelog(t adapter.Tree, names []string) {
	slices.Sort(names)
	offsets := map[string]int{} // in the changelog, of the files that it names
	for _, p := range t.Paths() {
		if !changelogFile.MatchString(p) || !changelogDir.MatchString(p) {
			continue
		}
		text := adapter.ReadFile(t, p).Text
		for _, n := range names {
			if offset := findFileName(text, n); offset >= 0 {
				offsets[n] = offset
			}
		}
		if len(offsets) > 0 {
			break
		}
	}
	var listedNames []string
	var places []int // of the named files
	for i, n := range names {
		if _, isNamed := offsets[n]; isNamed {
			listedNames, places = append(listedNames, n), append(places, i)
		}
	}
	slices.SortStableFunc(listedNames, func(a, b string) int { return offsets[a] - offsets[b] })
	for i, place := range places {
		names[place] = listedNames[i]
	}
}

// findFileName returns the offset of the first whole name of a file in a text, or -1: 11.sql does not name 1.sql.
func findFileName(text, name string) int {
	belongsToName := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-.", r) }
	for start := 0; ; {
		i := strings.Index(text[start:], name)
		if i < 0 {
			return -1
		}
		offset := start + i
		before, _ := utf8.DecodeLastRuneInString(text[:offset])
		after, _ := utf8.DecodeRuneInString(text[offset+len(name):])
		if !belongsToName(before) && !belongsToName(after) {
			return offset
		}
		start = offset + len(name)
	}
}
