package migrations

import (
	"errors"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// stepMaker makes steps of an unchanged migration: one for each of its transactions, and one for each statement
// that runs outside of a transaction.
type stepMaker struct {
	m *audit.Folded
	// measure is [audit.Release.Measure]. It returns an [onward.Statement].Duration.
	measure func([]onward.Effect, *audit.Result) string
	steps   []onward.PlanStep
	// sets are the session settings that earlier statements have made.
	sets string
	// open collects the statements of the transaction tx.
	open openTransaction
	tx   int
}

// Durations of statements and steps, as [onward.Statement].Duration.
const (
	growsWithTable = "grows"
	waitsForOthers = "waits"
)

// openTransaction has the statements of a transaction that is not a step yet.
type openTransaction struct {
	sql      strings.Builder
	effects  []onward.Effect
	duration string
	line     int
}

// makeUnchangedSteps returns the steps that run a migration as it is written.
func makeUnchangedSteps(m *audit.Folded, measure func([]onward.Effect, *audit.Result) string) ([]onward.PlanStep, error) {
	w := &stepMaker{m: m, measure: measure}
	if m.Script.Open || len(m.Script.Rollback) > 0 || len(m.Script.Controls) > 0 {
		return nil, refuseToolOnly(m.ID, "its transactions do not end as they begin")
	}
	for _, s := range m.Statements {
		if s.Parent >= 0 || s.In != "" {
			continue
		}
		if s.Node == nil {
			return nil, refuseToolOnly(m.ID, fmt.Sprintf("line %d cannot be read", s.Line))
		}
		if err := w.addStatement(s.Node, s); err != nil {
			return nil, err
		}
	}
	w.closeTransaction()
	if len(w.steps) == 0 { // the migration is recorded as applied all the same
		w.open.line = 1
		w.addStep(&w.open, onward.StepDDL, "", onward.TransactionFile)
	}
	for i := range w.steps {
		s := &w.steps[i]
		s.ID = m.ID
		if len(w.steps) > 1 {
			s.ID = fmt.Sprintf("%s/%d", m.ID, i+1)
		}
	}
	return w.steps, nil
}

// addStatement adds a statement to its transaction, and ends the transaction before it if it has another one. BEGIN and COMMIT
// are left out, because each step has its own. Settings are kept for the later transactions of the migration.
func (w *stepMaker) addStatement(n *pgparse.Node, s *audit.FoldedStatement) error {
	switch n := n.GetNode().(type) {
	case *pgparse.Node_TransactionStmt:
		switch n.TransactionStmt.Kind {
		case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START, pgparse.TransactionStmtKind_TRANS_STMT_COMMIT:
			return nil // each step has a transaction
		}
	case *pgparse.Node_CopyStmt:
		if n.CopyStmt.IsFrom && n.CopyStmt.Filename == "" {
			return refuseToolOnly(w.m.ID, fmt.Sprintf("line %d copies rows that the file holds", s.Line))
		}
	case *pgparse.Node_VariableSetStmt:
		if ownSettings[n.VariableSetStmt.Name] {
			return nil // each attempt has its own
		}
		if s.Statement.Tx == 0 {
			w.closeTransaction()
			w.sets += makeSetLocal(s.SQL) + ";\n"
			return nil
		}
	}
	alone := false
	for _, g := range s.Results {
		alone = alone || g.Result.NoTransaction != ""
	}
	if s.Statement.Tx == 0 || s.Statement.Tx != w.tx {
		w.closeTransaction()
	}
	w.tx = s.Statement.Tx
	if w.open.line == 0 {
		w.open.line = s.Line
	}
	w.addEffects(s)
	if alone {
		return w.addWithoutTransaction(s)
	}
	text := s.SQL
	if set := n.GetVariableSetStmt(); set != nil && !set.IsLocal {
		w.sets += makeSetLocal(text) + ";\n" // for later transactions
		text = makeSetLocal(text)
	}
	w.open.sql.WriteString(text + ";\n")
	if s.Statement.Tx == 0 {
		w.closeTransaction()
	}
	return nil
}

// addWithoutTransaction adds a step for a statement that runs in no transaction.
func (w *stepMaker) addWithoutTransaction(s *audit.FoldedStatement) error {
	if s.Statement.Tx != 0 && s.Origin != script.Alone {
		return refuseToolOnly(w.m.ID, fmt.Sprintf("line %d cannot run inside a transaction block, and the file has one", s.Line))
	}
	if w.sets != "" {
		return refuseToolOnly(w.m.ID, fmt.Sprintf("line %d runs outside of a transaction, with settings of the session", s.Line))
	}
	w.addStep(&w.open, onward.StepConcurrent, s.SQL+";\n", onward.TransactionNone)
	w.open = openTransaction{} // it had only this statement's line and effects
	return nil
}

// ownSettings are settings that each attempt of a step sets itself, or that only change its speed.
var ownSettings = map[string]bool{
	"lock_timeout": true, "statement_timeout": true, "idle_in_transaction_session_timeout": true, "transaction_timeout": true,
	"client_min_messages": true, "maintenance_work_mem": true, "max_parallel_maintenance_workers": true, "work_mem": true, "synchronous_commit": true,
}

var setWord = lazyregexp.New(`(?i)^SET\s+(?:SESSION\s+)?`)

// makeSetLocal turns a SET into SET LOCAL: a file's settings end with its step.
func makeSetLocal(sql string) string {
	if match := setWord.FindStringIndex(sql); match != nil && !strings.HasPrefix(strings.ToUpper(sql[match[1]:]), "LOCAL") {
		return "SET LOCAL " + sql[match[1]:]
	}
	return sql
}

// addEffects adds the effects of a statement on other sessions.
func (w *stepMaker) addEffects(s *audit.FoldedStatement) {
	results := make([]effect.Result, len(s.Results))
	for i, g := range s.Results {
		results[i] = g.Result
	}
	if len(results) == 0 {
		return
	}
	worst := effect.MergeResults(results)
	felt := worst.PublicEffects()
	switch d := w.measure(felt, &worst); {
	case d == growsWithTable || d == waitsForOthers && w.open.duration != growsWithTable || w.open.duration == "":
		w.open.duration = d
	}
	for _, e := range felt {
		if !e.New {
			w.open.effects = append(w.open.effects, e)
		}
	}
}

// closeTransaction closes the current transaction.
func (w *stepMaker) closeTransaction() {
	if w.open.sql.Len() == 0 {
		return
	}
	class := onward.StepDDL
	if w.open.duration == growsWithTable {
		class = onward.StepWork
	}
	w.addStep(&w.open, class, "BEGIN;\n"+w.startingSettings()+w.open.sql.String()+"COMMIT;\n", onward.TransactionFile)
	w.open, w.tx = openTransaction{}, 0
}

// startingSettings returns the settings with which a transaction starts: the tool's time zone, and what earlier transactions have set,
// unless it sets the same itself.
func (w *stepMaker) startingSettings() string {
	text := w.open.sql.String()
	var b strings.Builder
	if zone := w.m.Runner.TimeZone; zone != "" {
		b.WriteString("SET LOCAL TimeZone = " + pgparse.QuoteLiteral(zone) + ";\n")
	}
	for line := range strings.Lines(w.sets) {
		if !strings.Contains(text, line) {
			b.WriteString(line)
		}
	}
	return b.String()
}

func (w *stepMaker) addStep(s *openTransaction, class onward.StepClass, sql string, tx onward.Transaction) {
	if s.effects == nil {
		s.effects = []onward.Effect{}
	}
	w.steps = append(w.steps, onward.PlanStep{
		Phase: onward.Expand, Release: 1, Class: class, SQL: sql, Transaction: tx, Effects: s.effects, Duration: s.duration,
		Why: fmt.Sprintf("%s:%d", w.m.Path, s.line), Requires: []onward.Requirement{}, Migration: w.m.ID,
	})
}

// refuseToolOnly refuses a migration that only its own tool can run.
func refuseToolOnly(m, reason string) error {
	return &run.RefusedError{
		Step: m,
		Text: reason + ": run it with the tool itself, and then this again; what comes before it is run with --to and the name " +
			"of the migration before it",
	}
}

// refusePrograms refuses a repository whose migrations are programs of a tool that onward does not read. It names
// the tool.
func refusePrograms(err error) error {
	var none *audit.NotFoundError
	if !errors.As(err, &none) || len(none.Unread) == 0 {
		return err
	}
	return &run.RefusedError{Text: "there are no migrations here that onward runs" + adviseGuard(none.Unread)}
}

// adviseGuard says how to run migrations that are programs; "" if there are none.
func adviseGuard(list []audit.Unread) string {
	var b strings.Builder
	for _, u := range list {
		fmt.Fprintf(&b,
			". Those in %s are programs of %s, which runs them itself, so that nobody waits, with\nonward guard --db ADDRESS -- %s",
			u.Dir, u.Tool, u.Command())
	}
	return b.String()
}
