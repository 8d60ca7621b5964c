package transaction

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// IdempotencyPartialFailure flags a migration of several commits that cannot run again
// from the top when one of the later ones fails.
// https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
var IdempotencyPartialFailure = &rule.Rule{
	ID:       "idempotency-partial-failure",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "a migration without a transaction cannot run again when a later statement fails",
	Harm: "Each statement commits by itself. When one fails (a concurrent build that meets a duplicate, a deadlock or a timeout is enough), " +
		"what came before stays, the migration is not recorded, and the next run fails at its first statement: somebody has to mend the database by hand.",
	Instead:   "Give the statement that may fail a migration of its own, or let the statements before it skip what exists: IF NOT EXISTS, IF EXISTS.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY"},
	Migration: checkPartialFailure,
}

func checkPartialFailure(p *rule.Pass, m *rule.Migration) {
	if m.Runner.Resumes {
		return
	}
	for _, migration := range m.Outside {
		failingStmt, reason := findLikelyFailure(p, true, m.Txs)
		if failingStmt == nil {
			break
		}
		if first, answer := findRerunFailure(migration.Txs, failingStmt.Tx.Before); first != nil {
			reportLostRecord(p, first, failingStmt, answer, reason)
			return
		}
	}
	for _, txs := range groupByRecord(m) {
		if reportStuckStatement(p, m, txs) {
			return
		}
	}
}

// maxReruns bounds how many failures of one migration are tried.
const maxReruns = 20

// reportStuckStatement reports the first statement that a second run of transactions comes to
// a stop at, after one of them has failed.
func reportStuckStatement(p *rule.Pass, m *rule.Migration, txs []*rule.Tx) bool {
	for start, tries := 0, 0; start+1 < len(txs) && tries < maxReruns; tries++ {
		failingStmt, reason := findLikelyFailure(p, m.Runner.Rerun, txs[start+1:])
		if failingStmt == nil {
			return false
		}
		start = slices.Index(txs, failingStmt.Tx)
		committed := slices.DeleteFunc(slices.Clone(txs[:start]), func(t *rule.Tx) bool {
			return t.First == failingStmt.Tx.First || slices.ContainsFunc(failingStmt.Beside, func(open *rule.Tx) bool { return t.First == open.First })
		})
		if first, answer := findRerunFailure(committed, failingStmt.Tx.Before); first != nil {
			reportPartialFailure(p, first, failingStmt, answer, reason)
			return true
		}
	}
	return false
}

// reportLostRecord reports a statement whose failure rolls back the record of a migration that has committed on another connection.
func reportLostRecord(p *rule.Pass, first, failingStmt *rule.Stmt, answer, reason string) {
	place := first.RelativePlace(failingStmt)
	p.Report(failingStmt, rule.Report{
		Fact: fmt.Sprintf("if this statement fails, the migration of %s cannot run again: %s has recorded it in the transaction that is rolled back", place,
			runnerName(failingStmt.Migration)),
		Harm:     "the statement at " + place + " has committed on another connection; the second run answers " + answer,
		Instead:  "move the migration of " + place + " to a release of its own" + formatGuardHint(first),
		Evidence: []onward.Evidence{first.NewEvidence("has committed"), failingStmt.NewEvidence("may fail: " + reason)},
	})
}

func reportPartialFailure(p *rule.Pass, first, failingStmt *rule.Stmt, answer, reason string) {
	severity := onward.Warning
	sameOperation := isSameOperation(first, failingStmt)
	if sameOperation {
		severity = onward.Info
	}
	if leavesOnlyIndex(first, failingStmt) {
		severity = onward.Info
	}
	p.Report(first, rule.Report{
		Severity: severity,
		Fact:     fmt.Sprintf("if the statement at %s fails, the migration cannot run again: it stops here", failingStmt.FormatPlace()),
		Harm:     "this statement has committed by then; the second run answers " + answer,
		Instead:  "move the statement at " + failingStmt.FormatPlace() + " to a migration of its own" + formatGuardHint(first),
		Way:      advice.Separate{Where: failingStmt.FormatPlace(), Same: sameOperation},
		Evidence: []onward.Evidence{failingStmt.NewEvidence("may fail: " + reason)},
	})
}

// isSameOperation reports whether a framework made both statements of one operation:
// nobody can part them.
func isSameOperation(first, second *rule.Stmt) bool {
	return first.Operation.Class != "" && first.Operation == second.Operation &&
		first.Line == second.Line && first.Column == second.Column
}

// groupByRecord groups the transactions of a migration by what the runner records
// them as: all of them, unless it records the parts of a file by themselves.
func groupByRecord(m *rule.Migration) [][]*rule.Tx {
	var out [][]*rule.Tx
	last := ""
	for _, t := range m.Txs {
		name := ""
		if s := t.Statements[0]; s.Part() < len(m.Script.Source.Parts) {
			name = m.Script.Source.Parts[s.Part()].Name
		}
		if len(out) == 0 || name != last {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], t)
		last = name
	}
	return out
}

// leavesOnlyIndex reports whether a failure leaves only an index behind: the later statement
// builds or drops another index and cannot fail because of a row. The code does not notice
// that, and one DROP INDEX repairs it.
func leavesOnlyIndex(first, second *rule.Stmt) bool {
	if first.Node.GetIndexStmt() == nil {
		return false
	}
	index := second.Node.GetIndexStmt()
	return index != nil && !index.GetUnique() || second.Node.GetReindexStmt() != nil ||
		second.Node.GetDropStmt().GetRemoveType() == pgparse.ObjectType_OBJECT_INDEX
}
