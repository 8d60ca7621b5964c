package sql

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
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

// flyway reports whether Flyway runs a file: by its name, or by the double
// underscore behind the number where the prefix is configured away, in the
// directory where Flyway looks.
func flyway(file, name string) bool {
	if strings.HasPrefix(name, "R__") || len(name) > 1 && name[0] == 'V' && name[1] >= '0' && name[1] <= '9' {
		return strings.Contains(name, "__")
	}
	n := numberLen(name)
	return n > 0 && strings.HasPrefix(name[n:], "__") && strings.Contains("/"+file, "/db/migration/")
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

// refuseMixed notes that Flyway refuses the files that have both kinds of
// statements. Of several, one was run: something that is not seen allows it.
func refuseMixed(list []*adapter.Migration, at []int) {
	several := 0
	for _, offset := range at {
		if offset >= 0 {
			several++
		}
	}
	for i, offset := range at {
		if offset < 0 {
			continue
		}
		m := list[i]
		m.Refuse(offset, "Flyway refuses a file in which statements that run in a transaction stand beside one that cannot",
			"Flyway stops: \"Detected both transactional and non-transactional statements within the same migration\", unless mixed is set",
			"give what cannot run in a transaction a file of its own, without SET beside it")
		if several > 1 {
			m.Problems[len(m.Problems)-1].Severity = onward.Warning
		}
	}
}

// flywaySettings are what a project's files set of what matters here: whether,
// in any of them.
type flywaySettings struct {
	mixed, outOfOrder, unvalidated, ignores, group bool
	// locations are paths that end in a directory below one called migration.
	locations []string
}

var (
	// The names of files that may hold them, in lower case. Without one of the
	// words the pattern is not tried: a repository has many files.
	flywayFileWords   = []string{"flyway", "application", "bootstrap", "pom.xml", "build.gradle", "compose", ".env", "makefile", "dockerfile"}
	flywayFile        = regexp.MustCompile(`^(?:.*flyway.*\.(?:conf|toml|properties|ya?ml|gradle|kts?|java|groovy|scala|sh)|(?:application|bootstrap).*\.(?:properties|ya?ml)|pom\.xml|build\.gradle(?:\.kts)?|(?:docker-)?compose.*\.ya?ml|\.env.*|makefile|dockerfile.*)$`)
	flywayMixed       = setting(`mixed`)
	flywayOutOfOrder  = setting(`out[-_]?of[-_]?order`)
	flywayGroup       = setting(`flyway[._]group|\bgroup`)
	flywayIgnores     = regexp.MustCompile(`(?i)ignore[-_]?migration[-_]?patterns|ignore[-_]?(missing|ignored)[-_]?migrations`)
	flywayLocation    = regexp.MustCompile(`[\w./-]*migrations?/[\w.{}-]+(?:/[\w.{}-]+)*`)
	flywayUnvalidated = regexp.MustCompile(`(?i)validate[-_]?on[-_]?migrate["'>]?\s*[=:(>]?\s*["']?false`)
)

// setting matches a switch that is on: a property, a key of YAML, an element, a
// call, a variable.
func setting(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(?:` + name + `)["'>]?\s*[=:(>]?\s*["']?true`)
}

func flywayConfigured(t adapter.Tree) flywaySettings {
	return adapter.Once(t, "flyway settings", func() flywaySettings {
		var out flywaySettings
		for _, p := range t.Paths() {
			base := strings.ToLower(path.Base(p))
			if !slices.ContainsFunc(flywayFileWords, func(w string) bool { return strings.Contains(base, w) }) || !flywayFile.MatchString(base) {
				continue
			}
			text, err := t.Read(p)
			if err != nil || !bytes.Contains(bytes.ToLower(text), []byte("flyway")) {
				continue
			}
			out.mixed = out.mixed || flywayMixed.Match(text)
			out.outOfOrder = out.outOfOrder || flywayOutOfOrder.Match(text)
			out.unvalidated = out.unvalidated || flywayUnvalidated.Match(text)
			out.ignores = out.ignores || flywayIgnores.Match(text)
			for _, l := range flywayLocation.FindAll(text, -1) {
				out.locations = append(out.locations, string(l))
			}
			out.group = out.group || flywayGroup.Match(text)
		}
		return out
	})
}

// habits are what Flyway does about a history that changed.
func (s flywaySettings) habits() adapter.Habits {
	h := adapter.Habits{
		Edited:     "Flyway refuses to migrate: the checksum of the file is no longer that of the one that was applied, and comments count",
		Deleted:    "Flyway refuses to migrate (\"Detected applied migration not resolved locally\") until it is repaired",
		Forgets:    true,
		Renamed:    "Flyway refuses to migrate: it compares the version and the description with those of the one that was applied",
		OutOfOrder: "Flyway refuses to migrate (\"Detected resolved migration not applied to database\") unless outOfOrder is set",
	}
	switch {
	case s.unvalidated:
		h.Edited, h.Deleted, h.Renamed = "Flyway does not run it again: databases that have it keep what the old text did", "", ""
		h.OutOfOrder = "Flyway skips it for good unless outOfOrder is set"
	case s.ignores:
		h.Deleted, h.OutOfOrder = "", "Flyway runs it or not as ignoreMigrationPatterns says"
	}
	if s.outOfOrder {
		h.OutOfOrder = "Flyway runs it after the later one, as outOfOrder is set; new databases run it before"
	}
	return h
}

// flywayHash is what a file's checksum covers: line ends count for nothing.
func flywayHash(text string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(text) }

func refusal(message, harm, instead string) rule.Refusal {
	return rule.Refusal{Line: 1, Column: 1, Message: message, Harm: harm, Instead: instead}
}
