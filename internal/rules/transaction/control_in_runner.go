package transaction

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// ControlInRunner flags BEGIN, COMMIT and ROLLBACK that do not do what they
// say, because the runner has a transaction open or nothing has.
// https://www.postgresql.org/docs/current/sql-begin.html
var ControlInRunner = &rule.Rule{
	ID:       "transaction-control-in-runner",
	Category: onward.InTransaction,
	Severity: onward.Error,
	Summary:  "BEGIN or COMMIT in a file meddles with the transaction that the runner opened",
	Harm: "BEGIN inside a transaction is a warning and nothing else. COMMIT ends the runner's transaction: " +
		"what follows commits statement by statement, a failure there leaves half of the migration, " +
		"and the runner's record of it is no longer written together with it.",
	Instead:   "Leave the transaction to the runner, or switch its transaction off for the file.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-begin.html"},
	Migration: checkControlInRunner,
}

func checkControlInRunner(p *rule.Pass, m *rule.Migration) {
	var inside, first *rule.Stmt
	kind := script.ControlKind(0)
	for _, c := range m.Script.Controls {
		s := m.Statements[c.Statement]
		switch {
		case c.Kind == script.CommitOfRunner && isLeadingCommit(m, s):
		case c.Kind == script.CommitOfRunner && kind != script.CommitOfRunner:
			first, kind = s, c.Kind
		case c.Kind == script.BeginInside && inside == nil:
			inside = s
		case first == nil && c.Kind != script.BeginInside:
			first, kind = s, c.Kind
		}
	}
	if first == nil {
		first, kind = inside, script.BeginInside
	}
	if first == nil {
		return
	}
	r := rule.Report{Severity: onward.Warning, Instead: "remove it: " + runnerName(m) + " opens and commits the transaction"}
	switch kind {
	case script.CommitOfRunner:
		r.Fact = statementVerb(first) + " ends the transaction that " + runnerName(m) + " opened around the " + unitName(m)
		r.Harm = "the migration and " + runnerName(m) + "'s record of it no longer commit together: between the two, a crash makes it run again"
		switch n, needs := countStatementsAfter(m, first); {
		case n > 0 && needs == nil:
			r.Severity = onward.Off
			r.Harm = fmt.Sprintf("what follows (%s) runs without a transaction: when it fails, what came before stays, and the migration is not recorded",
				formatStatementCount(n))
			r.Instead = "remove it, or put what follows into " + first.SeparatePlace()
		case n > 0:
			r.Severity = onward.Info // written so on purpose
			r.Harm = needs.Result.NoTransaction + " runs without one, as it must; when it fails, what came before stays, and the migration is not recorded"
			r.Instead = adviseRunAlone(needs)
		case reopensTransaction(m, first):
			r.Harm = "what came before commits by itself: when what follows fails, it stays, and the migration is not recorded"
			r.Instead = "remove it, or put what follows into " + first.SeparatePlace()
		}
		if ended := m.Runner.Ended; ended != "" && m.Script.End == script.Alone {
			r.Severity = onward.Off
			r.Harm = runnerName(m) + " fails with \"" + ended + "\" when all of the file has run: the deploy stops, and what it did stays"
			r.Instead = "remove it, or switch the transaction off for the file"
		}
		if inside != nil {
			r.Instead = fmt.Sprintf("remove it, and the BEGIN at %s: %s opens and commits the transaction", inside.FormatPlace(), runnerName(m))
		}
	case script.BeginInside:
		r.Fact = statementVerb(first) + " is in the transaction that " + runnerName(m) + " opened, and does nothing there"
		r.Harm = "it says that a transaction begins here, and none does"
	case script.NestedBegin:
		r.Fact = statementVerb(first) + " is in a transaction that is open already, and does nothing there"
		r.Harm = "the next COMMIT ends the outer transaction; what follows runs without one"
		r.Instead = "remove it, or use SAVEPOINT"
	case script.CommitWithout:
		describeStrayCommit(m, first, &r)
	}
	p.Report(first, r)
}

// isLeadingCommit reports whether a COMMIT comes before everything that a migration changes, and a transaction begins right after it. It commits only the
// migrations before it, with the runner's record of them, and the runner commits the new transaction.
func isLeadingCommit(m *rule.Migration, commit *rule.Stmt) bool {
	if m.Script.Window > 0 { // what came before is not in these statements
		return false
	}
	for _, s := range m.Statements[:commit.Index] {
		if s.Node.GetVariableSetStmt() == nil {
			return false
		}
	}
	return m.Runner.Ended == "" && commit.Index+1 < len(m.Statements) && opensTransaction(m.Statements[commit.Index+1])
}

// describeStrayCommit completes the report on a COMMIT outside a transaction.
func describeStrayCommit(m *rule.Migration, commit *rule.Stmt, r *rule.Report) {
	r.Fact = statementVerb(commit) + " finds no transaction to end"
	r.Harm = "the statements before it committed one by one: a failure halfway leaves the first half"
	r.Instead = "put BEGIN before them, or remove it"
	if n, needs := countStatementsAfter(m, commit); n > 0 && needs != nil {
		r.Severity = onward.Info // it ends a transaction that may be there, for what cannot be in one
	}
}

// countStatementsAfter counts the statements after a COMMIT that change something outside any
// transaction. needs is the first of them if none could run in a transaction.
func countStatementsAfter(m *rule.Migration, commit *rule.Stmt) (n int, needs *rule.Stmt) {
	canRunInTx := false
	for _, s := range m.Statements[commit.Index+1:] {
		if s.Origin != script.Alone || s.Node.GetTransactionStmt() != nil || s.Node.GetVariableSetStmt() != nil {
			continue
		}
		n++
		canRunInTx = canRunInTx || s.Result.NoTransaction == ""
		if needs == nil {
			needs = s
		}
	}
	if canRunInTx {
		needs = nil
	}
	return n, needs
}

// reopensTransaction reports whether a transaction begins after a COMMIT.
func reopensTransaction(m *rule.Migration, commit *rule.Stmt) bool {
	return slices.ContainsFunc(m.Statements[commit.Index+1:], opensTransaction)
}

func formatStatementCount(n int) string {
	if n == 1 {
		return "1 statement"
	}
	return fmt.Sprintf("%d statements", n)
}
