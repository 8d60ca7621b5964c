// Package transaction holds the rules about what runs together, and under
// which settings.
package transaction

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// describeTransaction says which transaction a statement runs in: "the transaction that
// goose opens around the file".
func describeTransaction(s *rule.Stmt) string {
	switch {
	case s.In != "":
		return "a function, which is a transaction"
	case s.Parent >= 0:
		return "a DO block, which is a transaction"
	case s.Origin == script.Explicit:
		if b := findBegin(s); b != nil {
			return "the transaction that BEGIN opens at " + b.FormatPlace()
		}
		return "a transaction block"
	case s.Origin == script.Message && s.Migration.Mode == onward.TransactionPipeline:
		return "the pipeline in which the file is sent, which is one transaction"
	case s.Origin == script.Message:
		return "several statements in one simple-query message, which Postgres runs as one transaction"
	}
	return "the transaction that " + runnerName(s.Migration) + " opens around the " + unitName(s.Migration)
}

// runnerName is the name of the migration tool in a sentence.
func runnerName(m *rule.Migration) string { return cmp.Or(m.Runner.Name, "the runner") }

func unitName(m *rule.Migration) string { return cmp.Or(m.Runner.Unit, "file") }

// adviseRunAlone says how to run a statement outside a transaction, by who opened
// the one it runs in.
func adviseRunAlone(s *rule.Stmt) string {
	if way := s.Migration.WriteFix(s.Operation, advice.RunAlone{Message: s.Origin == script.Message}); way != "" {
		return way
	}
	if s.Migration.Mode == onward.TransactionPipeline {
		return "move it to the head of the file, or into a file of its own:"
	}
	fileAdvice := s.Migration.Runner.NonTransactionalFileAdvice()
	switch {
	case s.Parent >= 0:
		return "take it out of the DO block, into " + fileAdvice
	case s.Origin == script.Explicit && s.Migration.Mode == onward.TransactionNone:
		return "move it before BEGIN or after COMMIT:"
	}
	return "move it into " + fileAdvice
}

// formatSettingAround returns SQL that bounds a statement by a setting: until the transaction ends, or, if alone, for the statement only.
func formatSettingAround(s *rule.Stmt, setting, value string) (sql string, alone bool) {
	if s.Origin == script.Alone || s.Parent >= 0 {
		// A second statement makes another transaction of a lone one.
		return "SET " + setting + " = '" + value + "';\n" + s.SQL + ";\nRESET " + setting + ";", true
	}
	return "SET LOCAL " + setting + " = '" + value + "';", false
}

// adviseBound is advice on how to bound the wait for locks, in the words of the framework if it has some.
func adviseBound(m *rule.Migration, otherwise string) string {
	return cmp.Or(m.WriteFix(script.Operation{}, advice.BoundWaits{}), otherwise)
}

// findBegin is the command that opened the transaction a statement runs in; nil
// when there is none in the file.
func findBegin(s *rule.Stmt) *rule.Stmt {
	for _, x := range s.Tx.Statements {
		if opensTransaction(x) {
			return x
		}
	}
	return nil
}

func opensTransaction(s *rule.Stmt) bool {
	ctl := s.Node.GetTransactionStmt()
	return ctl != nil && (ctl.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN || ctl.Kind == pgparse.TransactionStmtKind_TRANS_STMT_START)
}

func endsTransaction(s *rule.Stmt) bool {
	ctl := s.Node.GetTransactionStmt()
	return ctl != nil && (ctl.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT || ctl.Kind == pgparse.TransactionStmtKind_TRANS_STMT_ROLLBACK)
}

// isConcurrent reports whether a command that refuses transactions is one that
// does so because it waits for others.
func isConcurrent(command string) bool { return strings.Contains(command, "CONCURRENTLY") }

// describeBlocked says whom a lock makes wait: "reads and writes".
func describeBlocked(l onward.Lock) string {
	if l.BlocksReads() {
		return "reads and writes"
	}
	return "writes"
}

// findStrongLock finds the first existing table on which a statement and its writers wait for
// each other's locks; nil if there is none.
func findStrongLock(p *rule.Pass, s *rule.Stmt) *effect.Effect {
	if s.Result.NoTransaction != "" || s.Result.Refused != nil {
		return nil
	}
	for i := range s.Result.Effects {
		e := &s.Result.Effects[i]
		if e.Lock >= onward.ShareRowExclusiveLock && analysis.IsBlocking(e) && p.IsExisting(e) {
			return e
		}
	}
	return nil
}

// statementVerb is what a statement is called in a sentence: its first word or two.
func statementVerb(s *rule.Stmt) string {
	words := strings.Fields(strings.ToUpper(s.SQL))
	n := 1
	if len(words) > 1 {
		switch words[0] {
		case "ALTER", "CREATE", "DROP", "REFRESH", "LOCK":
			n = 2
			if len(words) > 2 && (words[1] == "UNIQUE" || words[1] == "MATERIALIZED") {
				n = 3
			}
		}
	}
	return strings.Join(words[:min(n, len(words))], " ")
}
