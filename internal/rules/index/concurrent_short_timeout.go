package index

import (
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgtime"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConcurrentShortTimeout flags a concurrent build, drop or detach under a
// lock_timeout or statement_timeout that is likely to cancel it: its waits for
// older transactions count as waits for locks.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var ConcurrentShortTimeout = &rule.Rule{
	ID:       "index-concurrent-short-timeout",
	Category: onward.Locking,
	Severity: onward.Error,
	MayFail:  true,
	Summary:  "a short lock_timeout or statement_timeout is in force for a statement that waits for every older transaction",
	Harm: "A concurrent build waits for all transactions that are older than it, and lock_timeout counts that wait: " +
		"one open transaction cancels the build, and it leaves an INVALID index. So does each later try. statement_timeout counts the build itself. " +
		"A lock_timeout of seconds is an error, unless the table is small, the file first drops what a cancelled build left, the file sets both " +
		"timeouts for the statement, or the runner sets it for all migrations; a longer one, and statement_timeout, are warnings. " +
		"So is DETACH CONCURRENTLY, which leaves no index: the partition is hidden already, and FINALIZE ends it.",
	Instead: "Clear both for this statement. It blocks nobody while it waits.",
	Manual: []string{
		"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY",
		"https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-LOCK-TIMEOUT",
	},
	Statement: checkConcurrentShortTimeout,
}

// Below these, in milliseconds, a timeout counts as short.
const (
	shortLock      = 5 * 60_000
	secondsLock    = 60_000 // a transaction of the deployed code may well be open for as long
	shortStatement = 30 * 60_000
)

func checkConcurrentShortTimeout(p *rule.Pass, s *rule.Stmt) {
	e := findWaitingEffect(p, &s.Result)
	if e == nil || s.Result.Refused != nil || s.InBlock() { // there it fails at once
		return
	}
	setting, value, setter := "lock_timeout", s.Settings.LockTimeout, s.Settings.LockTimeoutBy
	// That the runner bounds all waits is the team's choice, and no reason to
	// keep quiet about a build that is cut off in the middle.
	cut := s.Settings.StatementTimeout != 0 && s.Settings.StatementTimeout < shortStatement
	if value == 0 || value >= shortLock || setter == nil && cut {
		setting, value, setter = "statement_timeout", s.Settings.StatementTimeout, s.Settings.StatementTimeoutBy
		if value == 0 || value >= shortStatement {
			return
		}
	}
	if isFromOtherMigration(s, setter) {
		return // index-concurrent-left-timeout's
	}
	origin := "that the runner sets"
	// A backend that bounds each of its statements puts back what it found.
	setByOperation := setter != nil && s.Operation.IsRendered() && setter.Operation == s.Operation
	if setByOperation {
		origin = "that the operation itself sets"
	} else if setter != nil {
		origin = "set at " + setter.FormatPlace()
	}
	report := describeCancellation(s, setting, value, setter != nil && !setByOperation)
	report.Fact = setting + " = " + pgtime.Format(value) + ", " + origin + ", holds for " + s.Result.NoTransaction + " on " + e.Name.String()
	if s.Operation.IsRendered() || setByOperation {
		report.Way = advice.ClearTimeout{Setting: setting, Own: setByOperation}
	}
	switch {
	case setting != "lock_timeout":
		report.Severity = onward.Warning
	case setter == nil || setByOperation:
		report.Severity = onward.Info // the team's choice for all migrations, not this one's slip
	case value >= secondsLock || p.IsSmall(e.Name) || removesLeftover(s) || s.Node.GetAlterTableStmt() != nil || clearsStatementTimeout(s):
		report.Severity = onward.Warning
	}
	if setter != nil {
		report.Evidence = []onward.Evidence{setter.NewEvidence("sets " + setting)}
	}
	report.Cause = "and so does one for %d others"
	p.Report(s, report)
}

// removesLeftover reports whether running the migration again is enough after a cancelled statement: it drops what is left, if it exists.
func removesLeftover(s *rule.Stmt) bool {
	if s.Node.GetDropStmt().GetMissingOk() {
		return true
	}
	name := s.Node.GetIndexStmt().GetIdxname()
	return name != "" && slices.ContainsFunc(s.Migration.Statements[:s.Index], func(priorStmt *rule.Stmt) bool {
		if priorStmt.Node.GetDoStmt() != nil {
			return dropsInvalid.MatchString(priorStmt.SQL) && slices.Contains(identifier.FindAllString(priorStmt.SQL, -1), name)
		}
		drop := priorStmt.Node.GetDropStmt()
		return drop.GetRemoveType() == pgparse.ObjectType_OBJECT_INDEX && drop.GetMissingOk() &&
			slices.ContainsFunc(droppedNames(drop), func(n catalog.Name) bool { return n.Name == name })
	})
}

var (
	// dropsInvalid matches a block that asks for an invalid index, and drops it.
	dropsInvalid = lazyregexp.New(`(?is)\bindisvalid\b.*\bdrop\s+index\b`)
	identifier   = lazyregexp.New(`[\pL_][\pL\pN_$]*`)
)

// clearsStatementTimeout reports whether the migration clears statement_timeout for a statement: its lock_timeout is no oversight.
func clearsStatementTimeout(s *rule.Stmt) bool {
	setter := s.Settings.StatementTimeoutBy
	return s.Settings.StatementTimeout == 0 && setter != nil && setter.Migration == s.Migration
}

// findWaitingEffect returns the first effect on an existing relation whose lock is held while the
// statement waits for older transactions.
func findWaitingEffect(p *rule.Pass, r *effect.Result) *effect.Effect {
	if r.NoTransaction == "" {
		return nil
	}
	for i := range r.Effects {
		if e := &r.Effects[i]; e.Waits && p.IsExisting(e) {
			return e
		}
	}
	return nil
}

// describeCancellation returns a report of what a setting does to a statement, and how to clear it. The session's
// own value, in milliseconds, is set again after the statement; restore says that it has one.
func describeCancellation(s *rule.Stmt, setting string, value int, restore bool) rule.Report {
	left := "the statement has to be run again"
	if s.Node.GetAlterTableStmt() != nil {
		left = "the partition stays attached, hidden from queries, until DETACH PARTITION … FINALIZE"
	} else if s.Node.GetIndexStmt() != nil || s.Node.GetReindexStmt() != nil {
		left = "an INVALID index is left"
	} else if s.Node.GetDropStmt() != nil {
		left = "the index stays, INVALID"
	}
	harm := "one transaction that stays open for longer cancels it, and " + left
	if setting == "statement_timeout" {
		harm = "on a big table it takes longer and is cancelled, and " + left
	}
	before, after := "SET "+setting+" = 0", "RESET "+setting
	if restore {
		after = "SET " + setting + " = '" + pgtime.Format(value) + "'"
	}
	return rule.Report{
		Harm:    harm,
		Instead: "clear it for this statement, which blocks nobody while it waits:\n" + before + ";\n" + s.SQL + ";\n" + after + ";",
	}
}
