package apply

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// written makes steps of a migration as it stands: one for each of its transactions, and one
// for each statement that is in none.
type written struct {
	m       *audit.Folded
	measure func([]onward.Effect, *audit.Result) string
	steps   []onward.PlanStep
	// sets are the settings of the session that statements before have made.
	sets string
	// open is what is gathered for the transaction tx.
	open step
	tx   int
}

type step struct {
	sql      strings.Builder
	effects  []onward.Effect
	duration string
	line     int
}

// byTool refuses a migration that only its own tool can run.
func byTool(m, why string) error {
	return &RefusedError{Step: m, Text: why + ": run it with the tool itself, and then this again; what comes before it is run with --to and the name of the migration before it"}
}

// programs refuses a repository of which the migrations are programs of a tool that is not read, by its name.
func programs(err error) error {
	var none *audit.NotFoundError
	if !errors.As(err, &none) || len(none.Unread) == 0 {
		return err
	}
	return &RefusedError{Text: "there are no migrations here that onward runs" + underGuard(none.Unread)}
}

// underGuard says how migrations that are programs are run; "" where there are none.
func underGuard(list []audit.Unread) string {
	var b strings.Builder
	for _, u := range list {
		fmt.Fprintf(&b, ". Those in %s are programs of %s, which runs them itself, so that nobody waits, with\nonward guard --db ADDRESS -- %s", u.Dir, u.Tool, u.Command())
	}
	return b.String()
}

// asWritten makes the steps.
func asWritten(m *audit.Folded, measure func([]onward.Effect, *audit.Result) string) ([]onward.PlanStep, error) {
	w := &written{m: m, measure: measure}
	if m.Script.Open || len(m.Script.Rollback) > 0 || len(m.Script.Controls) > 0 {
		return nil, byTool(m.ID, "its transactions do not end as they begin")
	}
	for _, s := range m.Statements {
		if s.Parent >= 0 || s.In != "" {
			continue
		}
		if s.Node == nil {
			return nil, byTool(m.ID, fmt.Sprintf("line %d cannot be read", s.Line))
		}
		if err := w.statement(s.Node, s); err != nil {
			return nil, err
		}
	}
	w.commit()
	if len(w.steps) == 0 { // it is noted as applied all the same
		w.open.line = 1
		w.add(&w.open, onward.StepDDL, "", onward.TransactionFile)
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

// statement puts one into its transaction.
func (w *written) statement(n *pgparse.Node, s *audit.FoldedStatement) error {
	switch n := n.GetNode().(type) {
	case *pgparse.Node_TransactionStmt:
		switch n.TransactionStmt.Kind {
		case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START, pgparse.TransactionStmtKind_TRANS_STMT_COMMIT:
			return nil // each step has a transaction
		}
	case *pgparse.Node_CopyStmt:
		if n.CopyStmt.IsFrom && n.CopyStmt.Filename == "" {
			return byTool(w.m.ID, fmt.Sprintf("line %d copies rows that stand in the file", s.Line))
		}
	case *pgparse.Node_VariableSetStmt:
		if own[n.VariableSetStmt.Name] {
			return nil // each attempt has its own
		}
		if s.Statement.Tx == 0 {
			w.commit()
			w.sets += local(s.SQL) + ";\n"
			return nil
		}
	}
	alone := false
	for _, g := range s.Results {
		alone = alone || g.Result.NoTransaction != ""
	}
	if s.Statement.Tx == 0 || s.Statement.Tx != w.tx {
		w.commit()
	}
	w.tx = s.Statement.Tx
	if w.open.line == 0 {
		w.open.line = s.Line
	}
	w.locks(s)
	if alone {
		return w.outside(s)
	}
	text := s.SQL
	if set := n.GetVariableSetStmt(); set != nil && !set.IsLocal {
		w.sets += local(text) + ";\n" // for the transactions behind this one
		text = local(text)
	}
	w.open.sql.WriteString(text + ";\n")
	if s.Statement.Tx == 0 {
		w.commit()
	}
	return nil
}

// outside is a step for a statement that runs in no transaction.
func (w *written) outside(s *audit.FoldedStatement) error {
	if s.Statement.Tx != 0 && s.Origin != script.Alone {
		return byTool(w.m.ID, fmt.Sprintf("line %d cannot run inside a transaction block, and the file has one", s.Line))
	}
	if w.sets != "" {
		return byTool(w.m.ID, fmt.Sprintf("line %d runs outside of a transaction, with settings of the session", s.Line))
	}
	w.add(&w.open, onward.StepConcurrent, s.SQL+";\n", onward.TransactionNone)
	w.open = step{}
	return nil
}

// own are settings that each attempt of a step has of its own, or that change nothing but how
// fast it is.
var own = map[string]bool{
	"lock_timeout": true, "statement_timeout": true, "idle_in_transaction_session_timeout": true, "transaction_timeout": true,
	"client_min_messages": true, "maintenance_work_mem": true, "max_parallel_maintenance_workers": true, "work_mem": true, "synchronous_commit": true,
}

var setWord = regexp.MustCompile(`(?i)^SET\s+(?:SESSION\s+)?`)

// local is a SET as one for its transaction: what a file sets does not outlive its step.
func local(sql string) string {
	if at := setWord.FindStringIndex(sql); at != nil && !strings.HasPrefix(strings.ToUpper(sql[at[1]:]), "LOCAL") {
		return "SET LOCAL " + sql[at[1]:]
	}
	return sql
}

// locks adds what a statement does to other sessions.
func (w *written) locks(s *audit.FoldedStatement) {
	results := make([]effect.Result, len(s.Results))
	for i, g := range s.Results {
		results[i] = g.Result
	}
	if len(results) == 0 {
		return
	}
	worst := effect.Worst(results)
	felt := worst.Onward()
	switch d := w.measure(felt, &worst); {
	case d == "grows" || d == "waits" && w.open.duration != "grows" || w.open.duration == "":
		w.open.duration = d
	}
	for _, e := range felt {
		if !e.New {
			w.open.effects = append(w.open.effects, e)
		}
	}
}

// commit ends the transaction that is gathered.
func (w *written) commit() {
	if w.open.sql.Len() == 0 {
		return
	}
	class := onward.StepDDL
	if w.open.duration == "grows" {
		class = onward.StepWork
	}
	w.add(&w.open, class, "BEGIN;\n"+w.before()+w.open.sql.String()+"COMMIT;\n", onward.TransactionFile)
	w.open, w.tx = step{}, 0
}

// before are the settings that statements of other transactions made.
func (w *written) before() string {
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

func (w *written) add(s *step, class onward.StepClass, sql string, tx onward.Transaction) {
	if s.effects == nil {
		s.effects = []onward.Effect{}
	}
	w.steps = append(w.steps, onward.PlanStep{
		Phase: onward.Expand, Release: 1, Class: class, SQL: sql, Transaction: tx, Effects: s.effects, Duration: s.duration,
		Why: fmt.Sprintf("%s:%d", w.m.Path, s.line), Requires: []onward.Requirement{}, Migration: w.m.ID,
	})
}
