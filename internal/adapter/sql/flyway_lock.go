package sql

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// From 9.1.2 on, Flyway locks out other runs with pg_try_advisory_xact_lock: a second
// connection keeps a transaction open until the last migration is done, and with it the
// snapshot of its last query. A concurrent build waits for all transactions with an older
// snapshot, so it waits for that one without end: flyway/flyway#3508, #3682. Read in the
// source of 9.22, 10 and 13, and run: 13.12.1 waits so, also for a file with executeInTransaction=false.

var (
	waitsForSnapshots = lazyregexp.New(`(?i)\b(?:create\s+(?:unique\s+)?index|reindex\s+(?:\([^)]*\)\s*)?(?:index|table|schema|database|system))\s+concurrently\b`)
	flywayInCode      = lazyregexp.New(`^.*(?:flyway|config|migrat|database|datasource|persistence|application|main).*\.(?:java|kt|scala|groovy|clj)$`)
	// The setting as a property, in YAML, TOML or XML, in a map, as a call or a variable.
	flywaySessionLock = lazyregexp.New(`(?i)transactional[\]\s:."'_-]{0,16}lock["'>\])\s,:=(]{0,16}(?:to\s+)?["']?false`)
)

// reportHangingBuild reports the first concurrent build of a directory that Flyway runs with its
// default lock. Later builds are not reported: the first one got through, or is already
// reported.
func reportHangingBuild(t adapter.Tree, set *adapter.Set) {
	for _, m := range set.Migrations {
		refused := slices.ContainsFunc(m.Problems, func(r history.Refusal) bool { return r.Severity != onward.Warning })
		if m.Source.Mode != onward.TransactionNone || refused {
			continue // this file has no build that hangs
		}
		match := waitsForSnapshots.FindStringIndex(m.Source.Text)
		if match == nil {
			continue
		}
		if mayUseSessionLock(t) {
			return
		}
		m.Refuse(match[0], "Flyway waits for itself: its own lock is a transaction that stays open beside the concurrent build",
			"from Flyway 9.1.2 on, the build waits for that transaction and the migration hangs without an error; "+
				"what is left when it is killed is an INVALID index",
			lockBySession)
		m.Problems[len(m.Problems)-1].Severity = onward.Warning
		return
	}
}

const lockBySession = "let Flyway lock by its session:\nflyway.postgresql.transactional.lock=false\nor in Spring's application.properties:\n" +
	"spring.flyway.postgresql.transactional-lock=false"

// warnOfHangingBuild returns what must be set before Flyway can run a statement; "" for nothing.
func warnOfHangingBuild(t adapter.Tree, sql string) string {
	if !waitsForSnapshots.MatchString(sql) || mayUseSessionLock(t) {
		return ""
	}
	return "Flyway waits for itself in this build, without an error, unless this is set. So " + lockBySession
}

// mayUseSessionLock reports whether the setting is made, or whether nothing in the
// repository says that Flyway runs the files: other tools use its names.
func mayUseSessionLock(t adapter.Tree) bool {
	return adapter.Memoize(t, "flyway lock", func() bool {
		seen := false
		for _, p := range t.Paths() {
			base := strings.ToLower(path.Base(p))
			settings := flywayFile.MatchString(base)
			if !settings && !flywayInCode.MatchString(base) {
				continue
			}
			text, err := t.Read(p)
			if err != nil || !bytes.Contains(bytes.ToLower(text), []byte("flyway")) {
				continue
			}
			if flywaySessionLock.Match(text) {
				return true
			}
			seen = true
		}
		return !seen
	})
}
