package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// cancelledError says that this process had a statement of its own ended, and why.
type cancelledError struct {
	why string
	err error
}

func (e *cancelledError) Error() string { return e.why }
func (e *cancelledError) Unwrap() error { return e.err }

// settings are those of a transaction: nothing that the role or the database sets counts.
func (t *Target) settings(lock, statement time.Duration) string {
	set := func(name, value string) string {
		return fmt.Sprintf("SET LOCAL %s = %s; ", name, pgparse.QuoteLiteral(value))
	}
	out := live.OwnSettings() + set("lock_timeout", fmt.Sprintf("%dms", lock.Milliseconds())) + set("statement_timeout", fmt.Sprintf("%dms", statement.Milliseconds())) +
		set("idle_in_transaction_session_timeout", "60s")
	if t.yields {
		out += set("deadlock_timeout", fmt.Sprintf("%dms", max(1, lock.Milliseconds()/2)))
	}
	return out + "SELECT pg_catalog.set_config('search_path', " + pgparse.QuoteLiteral(t.plan.Path) + ", true)"
}

// together runs a step in one transaction with the row that says that it is done.
func (t *Target) together(ctx context.Context, s *onward.PlanStep) error {
	statement := t.stall() + underLock
	switch s.Class {
	case onward.StepValidate, onward.StepWork:
		statement = 0 // nobody waits behind the one, and those behind the other are watched
	default:
		ctx = context.WithoutCancel(ctx) // an instant: who interrupts waits for it
	}
	sql, err := inner(s)
	if err != nil {
		return err
	}
	var carried []string
	err = t.guarded(ctx, t.stall(), statement, func(ctx context.Context, tx pgx.Tx) error {
		before, err := t.carryOver(ctx, tx, s)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		after, err := t.carryOver(ctx, tx, s)
		if err != nil {
			return err
		}
		room, err := t.identifyRoom(ctx, tx, s)
		if err != nil {
			return err
		}
		carried = slices.Concat(before, after, room)
		return t.note(ctx, tx, s)
	})
	if err != nil {
		return err
	}
	return t.reportCarried(ctx, s, carried)
}

// note says in the transaction of a step that it is done: in the ledger, and in the table of the
// migrations' own tool.
func (t *Target) note(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	return t.noted(ctx, tx, func() error {
		if err := begins(ctx, tx, s); err != nil {
			return err
		}
		if s.Record != "" {
			if _, err := tx.Exec(ctx, s.Record, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("note the migration as applied: %w", err)
			}
		}
		return ledger.Finish(ctx, tx, t.plan.ID, s.ID)
	})
}

// begins tells the migrations' own tool that a migration was begun, where the step is its first one and the tool
// wants to know.
func begins(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	if s.Begin == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, s.Begin, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("note the migration as begun: %w", err)
	}
	return nil
}

// noted writes in the transaction of a step, as the role that has the ledger, not as the steps'.
func (t *Target) noted(ctx context.Context, tx pgx.Tx, write func() error) error {
	if _, err := tx.Exec(ctx, "RESET ROLE; "+ownAgain); err != nil {
		return err
	}
	return write()
}

// guarded runs work in a transaction behind the fence, while the queue behind it is watched.
func (t *Target) guarded(ctx context.Context, lock, statement time.Duration, work func(ctx context.Context, tx pgx.Tx) error) (err error) {
	tx, err := t.beginWork(ctx, "", lock, statement)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && !t.work.IsClosed() {
			_ = tx.Rollback(context.WithoutCancel(ctx)) // the first error says more
		}
	}()
	// Read back: a pooler, or a trigger of somebody's, may have another idea.
	var set string
	var pid int
	if err := tx.QueryRow(ctx, "SELECT current_setting('lock_timeout'), pg_backend_pid()").Scan(&set, &pid); err != nil {
		return err
	}
	if want := shown(lock); set != want {
		return &RefusedError{Step: t.tries.step, Text: fmt.Sprintf("lock_timeout is %s although it was set to %s: nothing is done without it", set, want)}
	}
	if err := t.lease.Fence(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, t.stepSettings()); err != nil {
		return err
	}
	if t.plan.Role != "" {
		if _, err := tx.Exec(ctx, "SET LOCAL ROLE "+pgparse.QuoteIdent(t.plan.Role)); err != nil {
			return err
		}
	}
	defer t.silence.Allow()() // the step, and a COMMIT that waits for standbys, may take long
	watch := t.watch(ctx, pid)
	err = work(ctx, tx)
	if why := watch(); err != nil && why != "" {
		err = &cancelledError{why, err}
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// shown is a timeout as the server shows it.
func shown(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// watch looks at the queue behind a session of our own, and has its statement ended when that is
// too long. The function that it returns stops it, and says why it ended something, or "".
func (t *Target) watch(ctx context.Context, pid int) func() string {
	ctx, stop := context.WithCancel(ctx)
	why := make(chan string, 1)
	go func() {
		said := ""
		defer func() { why <- said }()
		for queue.Pause(ctx, queue.Watch) == nil {
			_ = t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
				tail, err := queue.Behind(ctx, conn, pid)
				if err != nil || !tail.TooLong() {
					return err
				}
				said = tail.String()
				_, err = conn.Exec(ctx, "SELECT pg_cancel_backend($1)", pid)
				return err
			})
		}
	}()
	return func() string {
		stop()
		return <-why
	}
}

// inner is a step's SQL without its transaction, and without the lock_timeout that is for whoever
// runs it by hand.
func inner(s *onward.PlanStep) (string, error) {
	f, err := pgparse.Split(s.SQL)
	if err != nil {
		return "", input(s.ID + ": " + err.Error())
	}
	var b strings.Builder
	for i, stmt := range f.Stmts {
		switch n := stmt.Node.GetNode().(type) {
		case *pgparse.Node_TransactionStmt:
			if i == 0 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN ||
				i == len(f.Stmts)-1 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				continue
			}
			return "", input(s.ID + ": a transaction ends in the midst of it")
		case *pgparse.Node_VariableSetStmt:
			if n.VariableSetStmt.Name == "lock_timeout" {
				continue
			}
		case nil:
			return "", errors.Join(input(s.ID+" cannot be read"), stmt.Err)
		}
		b.WriteString(f.Src[stmt.Start:stmt.End] + ";\n")
	}
	return b.String(), nil
}
