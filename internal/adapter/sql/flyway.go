package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Flyway is described from its source (13.0.0: PostgreSQLParser, ParserSqlScript,
// MigrationInfoImpl, ChecksumCalculator, SqlScriptMetadata):
//
//   - A file runs in a transaction, unless it has a statement that Flyway knows cannot
//     run in one. It refuses a file with such statements and others, unless mixed is set.
//     FILE.sql.conf may set executeInTransaction.
//   - It validates before it migrates. It stops if the checksum of an applied file
//     differs (comments count, line ends do not), if an applied file is missing, or if a
//     new file sorts before an applied one.
//   - group runs all pending migrations in one transaction.

// Statements that Flyway runs without a transaction, and words that each of them has: a
// statement with none of these words needs no further check.
var (
	flywayAlone = lazyregexp.New(`^(?i)(?:(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER SYSTEM|(?:CREATE|DROP)(?: UNIQUE)? INDEX CONCURRENTLY|REINDEX(?: VERBOSE)? (?:SCHEMA|DATABASE|SYSTEM)|VACUUM|DISCARD ALL)\b`)
	flywayWords = []string{"concurrently", "vacuum", "database", "tablespace", "subscription", "system", "reindex", "discard"}
	flywayConf  = lazyregexp.New(`(?m)^\s*executeInTransaction\s*=\s*(true|false)\b`)
)

var flyway = runner{
	name: "Flyway", apart: "a file of its own, with this in a second file whose name ends with .conf:\nexecuteInTransaction=false",
	historyBehavior: flywaySettings{}.describeBehavior(),
	historyTables:   []adapter.HistoryTable{{Table: flywayTable, Columns: flywayColumns}},
	found: func(t adapter.Tree, d adapter.Dir) string {
		if file := configuredLocation(t, d); file != "" {
			return "SQL files in a location of " + file
		}
		return ""
	},
	detectNearby: func(p *migrationDir) bool {
		return slices.ContainsFunc(p.ups, func(n string) bool { return isRunByFlyway(p.Join(n), path.Base(n)) })
	},
	locations: groupFlywayDirs,
	runs:      isRunByFlyway,
	aside:     isDevelopmentLocation,
	id:        func(_, name string) string { return path.Base(name) }, // directories do not matter
	send:      setFlywaySendMode,
	twice: func(version string) string {
		return "Flyway refuses to run: \"Found more than one migration with version " + version + "\""
	},
	form: &adapter.Form{
		Up: ".sql", Between: "__", Transaction: onward.TransactionFile, Lone: true, Splits: true,
		Knows: func(sql string) bool { return flywayAlone.MatchString(pgparse.SqueezeSQL(sql)) },
	},
	warns: warnOfHangingBuild,
	finish: func(t adapter.Tree, set *adapter.Set) {
		insertFlywayClasses(t, set)
		c := readFlywaySettings(t)
		set.HistoryBehavior, set.Together, set.TakesOver = c.describeBehavior(), c.group, c.describeTakenOver
		if c.group {
			for _, m := range set.Migrations {
				m.Runner.Apart = "a step of the deploy of its own: with group, Flyway runs all new migrations in one transaction"
			}
		}
		set.Count = describeFlywayTable(c, set.HistoryBehavior, set.Source)
		set.Beyond = func() []adapter.Beyond { return listFlywayOnlyFiles(t, set) }
		reportFlywayMisnamed(t, set)
		weakenMixedRefusals(set)
		if file := locationsFile(t, set.Source); file != "" {
			set.Evidence.FoundIn = file
		}
		reportHangingBuild(t, set)
	},
}

// isRunByFlyway reports whether Flyway runs a file. Its name says so. If the prefix is
// configured away, a double underscore after the number says so, in the directory that
// Flyway reads by default.
func isRunByFlyway(file, name string) bool {
	if strings.HasPrefix(name, "R__") || isFlywayBaseline(name) || len(name) > 1 && name[0] == 'V' && name[1] >= '0' && name[1] <= '9' {
		return strings.Contains(name, "__")
	}
	n := numberLen(name)
	return n > 0 && strings.HasPrefix(name[n:], "__") && strings.Contains("/"+file, "/db/migration/")
}

// setFlywaySendMode sets how Flyway sends a file.
func setFlywaySendMode(f *file) {
	if !isRunByFlyway(f.m.Path, f.name) {
		return
	}
	var mixed int
	f.mode, mixed = flywaySendMode(f.tree, f.m.Path, f.text)
	// The text that its checksum covers: line ends do not count.
	f.hash = strings.NewReplacer("\r", "", "\n", "").Replace(f.text)
	f.m.Source.Rows = true
	reportCopyRows(f)
	if mixed >= 0 && !readFlywaySettings(f.tree).mixed {
		f.m.Refuse(mixed, mixedFile,
			"Flyway stops: \"Detected both transactional and non-transactional statements within the same migration\", unless mixed is set",
			"give what cannot run in a transaction a file of its own, without SET beside it")
	}
}

var rowsEnd = lazyregexp.New(`(?m)^\\\.\r?$`)

// reportCopyRows reports how Flyway handles COPY … FROM STDIN: it sends the lines after it as
// rows and ignores the rest of its line. It reads on until a line that ends the rows, and
// hangs if there is none.
func reportCopyRows(f *file) {
	if !strings.Contains(strings.ToLower(f.text), "stdin") {
		return
	}
	cut, err := pgparse.SplitText(f.text)
	if err != nil {
		return
	}
	for _, s := range cut.Stmts {
		c := s.Node.GetCopyStmt()
		if !c.GetIsFrom() || c.GetFilename() != "" {
			continue
		}
		line, rest, _ := strings.Cut(f.text[s.End:], "\n")
		if !rowsEnd.MatchString(rest) {
			f.m.Refuse(s.Start, "Flyway looks for the line that ends the rows of this COPY, and there is none",
				"it reads past the end of the file, for ever and without an error", "end the rows with a line that is \\. alone")
			return
		}
		if line = strings.TrimLeft(line, "; \t\r"); line != "" && !strings.HasPrefix(line, "--") {
			f.m.Refuse(s.Start, "Flyway skips text on the line of COPY … FROM STDIN: "+line,
				"the statement never runs, and Flyway records the migration as done", "put it on a line of its own, after the rows")
		}
	}
}

const mixedFile = "Flyway refuses a file that has statements that run in a transaction, and one that cannot"

// weakenMixedRefusals weakens Flyway's refusals if several files mix both kinds of statements: one
// of them has run, so a setting that is not in the repository must allow it.
func weakenMixedRefusals(set *adapter.Set) {
	var mixed []*history.Refusal
	for _, m := range set.Migrations {
		for i := range m.Problems {
			if m.Problems[i].Message == mixedFile {
				mixed = append(mixed, &m.Problems[i])
			}
		}
	}
	if len(mixed) > 1 {
		for _, r := range mixed {
			r.Severity = onward.Warning
		}
	}
}

// flywaySendMode returns how Flyway sends a file. mixed is the offset of the statement at
// which Flyway finds that the file has both kinds; -1 if it has not.
func flywaySendMode(t adapter.Tree, file, text string) (mode onward.Transaction, mixed int) {
	if conf := file + ".conf"; adapter.HasFile(t, conf) {
		if m := flywayConf.FindStringSubmatch(adapter.ReadFile(t, conf).Text); m != nil {
			if m[1] == "true" {
				return onward.TransactionFile, -1
			}
			return onward.TransactionNone, -1
		}
	}
	lower := strings.ToLower(text)
	if !slices.ContainsFunc(flywayWords, func(w string) bool { return strings.Contains(lower, w) }) {
		return onward.TransactionFile, -1
	}
	cut, err := pgparse.SplitText(text)
	if err != nil {
		return onward.TransactionFile, -1
	}
	alone, hasOthers := false, false
	for _, s := range cut.Stmts {
		if flywayAlone.MatchString(pgparse.SqueezeSQL(text[s.Start:s.End])) {
			alone = true
		} else {
			hasOthers = true
		}
		if alone && hasOthers {
			return onward.TransactionNone, s.Start
		}
	}
	if alone {
		return onward.TransactionNone, -1
	}
	return onward.TransactionFile, -1
}
