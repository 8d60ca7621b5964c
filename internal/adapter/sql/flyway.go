package sql

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Flyway was read in its source (13.0.0: PostgreSQLParser, ParserSqlScript,
// MigrationInfoImpl, ChecksumCalculator, SqlScriptMetadata):
//
//   - A file runs in a transaction, unless it has a statement that Flyway knows
//     to refuse one. A file with such statements and others is refused, unless
//     mixed is set; FILE.sql.conf may say executeInTransaction.
//   - Before it migrates, it validates: a file whose checksum differs from that
//     of the one that was applied (comments count, line ends do not), one that
//     is missing, and one that sorts before an applied one all stop it.
//   - group runs everything that is pending in one transaction.

// What Flyway takes for refusing transactions, and the words without which no
// statement need be looked at.
var (
	flywayAlone = regexp.MustCompile(`^(?i)(?:(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)|ALTER SYSTEM|(?:CREATE|DROP)(?: UNIQUE)? INDEX CONCURRENTLY|REINDEX(?: VERBOSE)? (?:SCHEMA|DATABASE|SYSTEM)|VACUUM|DISCARD ALL)\b`)
	flywayWords = []string{"concurrently", "vacuum", "database", "tablespace", "subscription", "system", "reindex", "discard"}
	flywayConf  = regexp.MustCompile(`(?m)^\s*executeInTransaction\s*=\s*(true|false)\b`)
)

var flyway = runner{
	name:   "Flyway",
	habits: flywaySettings{}.habits(),
	books:  []adapter.Book{{Table: flywayTable, Columns: flywayColumns}},
	beside: func(p *place) bool {
		return slices.ContainsFunc(p.ups, func(n string) bool { return flywayRuns(p.Join(n), path.Base(n)) })
	},
	locations: flywayLocations,
	runs:      flywayRuns,
	aside:     flywayAside,
	id:        path.Base, // directories count for nothing
	send:      flywaySends,
	twice: func(version string) string {
		return "Flyway refuses to run: \"Found more than one migration with version " + version + "\""
	},
	form: &adapter.Form{
		Up: ".sql", Between: "__", Transaction: onward.TransactionFile, Lone: true,
		Knows: func(sql string) bool { return flywayAlone.MatchString(pgparse.Squeeze(sql)) },
	},
	finish: func(t adapter.Tree, set *adapter.Set) {
		c := flywayConfigured(t)
		set.Habits, set.Together = c.habits(), c.group
		set.Count = flywayCount(c, set.Habits, set.Source.Dir)
		set.Beyond = func() []adapter.Beyond { return flywayBeyond(t, set) }
		flywayMisnamed(t, set)
		doubtMixed(set)
		hangs(t, set)
	},
}

// flywayRuns reports whether Flyway runs a file: by its name, or by the double
// underscore behind the number where the prefix is configured away, in the
// directory where Flyway looks.
func flywayRuns(file, name string) bool {
	if strings.HasPrefix(name, "R__") || len(name) > 1 && name[0] == 'V' && name[1] >= '0' && name[1] <= '9' {
		return strings.Contains(name, "__")
	}
	n := numberLen(name)
	return n > 0 && strings.HasPrefix(name[n:], "__") && strings.Contains("/"+file, "/db/migration/")
}

// flywaySends is how Flyway sends a file.
func flywaySends(f *file) {
	if !flywayRuns(f.m.Path, f.name) {
		return
	}
	var mixed int
	f.mode, mixed = flywayMode(f.tree, f.m.Path, f.text)
	// What its checksum covers: line ends count for nothing.
	f.hash = strings.NewReplacer("\r", "", "\n", "").Replace(f.text)
	f.m.Source.Rows = true
	flywayRows(f)
	if mixed >= 0 && !flywayConfigured(f.tree).mixed {
		f.m.Refuse(mixed, mixedFile,
			"Flyway stops: \"Detected both transactional and non-transactional statements within the same migration\", unless mixed is set",
			"give what cannot run in a transaction a file of its own, without SET beside it")
	}
}

var rowsEnd = regexp.MustCompile(`(?m)^\\\.\r?$`)

// flywayRows notes what Flyway does with COPY … FROM STDIN: it sends the lines behind
// it as rows, passes over what else stands on its line, and looks without end for a
// line that ends the rows.
func flywayRows(f *file) {
	if !strings.Contains(strings.ToLower(f.text), "stdin") {
		return
	}
	cut, err := pgparse.Split(f.text)
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
				"it reads on behind the end of the file, without end and without an error", "end the rows with a line that is \\. alone")
			return
		}
		if line = strings.TrimLeft(line, "; \t\r"); line != "" && !strings.HasPrefix(line, "--") {
			f.m.Refuse(s.Start, "Flyway passes over what stands on one line with COPY … FROM STDIN: "+line,
				"the statement never runs, and Flyway records the migration as done", "put it on a line of its own, behind the rows")
		}
	}
}

const mixedFile = "Flyway refuses a file in which statements that run in a transaction stand beside one that cannot"

// doubtMixed makes less of what Flyway refuses where it is several files with both kinds
// of statements: one was run, so something that is not seen allows it.
func doubtMixed(set *adapter.Set) {
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

// flywayMode is how Flyway sends a file; mixed, where it is not -1, the offset
// of the statement at which it finds that the file has both kinds.
func flywayMode(t adapter.Tree, file, text string) (mode onward.Transaction, mixed int) {
	if conf := file + ".conf"; adapter.Has(t, conf) {
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
	cut, err := pgparse.Split(text)
	if err != nil {
		return onward.TransactionFile, -1
	}
	alone, others := false, false
	for _, s := range cut.Stmts {
		if flywayAlone.MatchString(pgparse.Squeeze(text[s.Start:s.End])) {
			alone = true
		} else {
			others = true
		}
		if alone && others {
			return onward.TransactionNone, s.Start
		}
	}
	if alone {
		return onward.TransactionNone, -1
	}
	return onward.TransactionFile, -1
}
