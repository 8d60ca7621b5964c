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

// cancelledError says that this process cancelled its own statement, and why.
type cancelledError struct {
	why string
	err error
}

func (e *cancelledError) Error() string { return e.why }
func (e *cancelledError) Unwrap() error { return e.err }

// transactionSettings returns the SET LOCAL statements of a transaction. They override the settings of the role and of the
// database.
func (t *Target) transactionSettings(lock, statement time.Duration) string {
	set := func(name, value string) string {
		return fmt.Sprintf("SET LOCAL %s = %s; ", name, pgparse.QuoteLiteral(value))
	}
	out := live.OwnSettings() + set("lock_timeout", fmt.Sprintf("%dms", lock.Milliseconds())) +
		set("statement_timeout", fmt.Sprintf("%dms", statement.Milliseconds())) +
		set("idle_in_transaction_session_timeout", "60s")
	if t.autovacuumYields {
		out += set("deadlock_timeout", fmt.Sprintf("%dms", max(1, lock.Milliseconds()/2)))
	}
	return out + t.searchPathSQL()
}

// searchPathSQL returns a statement that sets the search_path of the plan for a transaction.
func (t *Target) searchPathSQL() string {
	return "SELECT pg_catalog.set_config('search_path', " + pgparse.QuoteLiteral(t.plan.Path) + ", true)"
}

// runInTransaction runs a step in one transaction with the ledger row that records it as done.
func (t *Target) runInTransaction(ctx context.Context, s *onward.PlanStep) error {
	statement := t.lockTimeout() + underLock
	switch s.Class {
	case onward.StepValidate, onward.StepWork:
		statement = 0 // StepValidate blocks nobody, and the queue of StepWork is watched
	default:
		ctx = context.WithoutCancel(ctx) // it takes an instant: an interrupt waits for it
	}
	sql, err := innerSQL(s)
	if err != nil {
		return err
	}
	var carried []string
	err = t.inGuardedTransaction(ctx, t.lockTimeout(), statement, func(ctx context.Context, tx pgx.Tx) error {
		before, err := t.copyProperties(ctx, tx, s)
		if err != nil {
			return err
		}
		if err := t.lockCursorSchema(ctx, tx, s); err != nil {
			return err
		}
		names, err := t.readNotNullNames(ctx, tx, s)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		after, err := t.copyProperties(ctx, tx, s)
		if err != nil {
			return err
		}
		renamed, err := renameNotNull(ctx, tx, names)
		if err != nil {
			return err
		}
		room, err := t.identifyRoom(ctx, tx, s)
		if err != nil {
			return err
		}
		carried = slices.Concat(before, after, renamed, room)
		return t.recordDone(ctx, tx, s)
	})
	if err != nil {
		return err
	}
	return t.reportCopiedProperties(ctx, s, carried)
}

// recordDone records in the transaction of a step that it is done, in the ledger and in the table of the migration
// tool.
func (t *Target) recordDone(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	return t.asLedgerOwner(ctx, tx, func() error {
		if err := recordStarted(ctx, tx, s); err != nil {
			return err
		}
		if s.Record != "" {
			if _, err := tx.Exec(ctx, s.Record, pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("note the migration as applied: %w", err)
			}
		}
		return ledger.FinishStep(ctx, tx, t.plan.ID, s.ID)
	})
}

// recordStarted records in the tool's table that a migration was started, if the step is its first one and the tool
// records that.
func recordStarted(ctx context.Context, tx pgx.Tx, s *onward.PlanStep) error {
	if s.Begin == "" {
		return nil
	}
	if _, err := tx.Exec(ctx, s.Begin, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("note the migration as begun: %w", err)
	}
	return nil
}

// asLedgerOwner writes in the transaction of a step, as the role that owns the ledger and not as the steps' role.
func (t *Target) asLedgerOwner(ctx context.Context, tx pgx.Tx, write func() error) error {
	if _, err := tx.Exec(ctx, "RESET ROLE; "+restoreOwnSettings); err != nil {
		return err
	}
	return write()
}

// inGuardedTransaction runs work in a transaction that checks the lease first, and watches its lock queue meanwhile.
func (t *Target) inGuardedTransaction(ctx context.Context, lock, statement time.Duration, work func(ctx context.Context, tx pgx.Tx) error) error {
	return t.guardTransaction(ctx, t.work, lock, statement, func(ctx context.Context, tx pgx.Tx, _ int) error { return work(ctx, tx) })
}

// guardTransaction is inGuardedTransaction on any session. work also receives the server's process.
func (t *Target) guardTransaction(ctx context.Context, session *pgx.Conn, lock, statement time.Duration,
	work func(ctx context.Context, tx pgx.Tx, pid int) error) (err error) {
	tx, err := t.beginOn(ctx, session, "", lock, statement)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && !session.IsClosed() {
			_ = tx.Rollback(context.WithoutCancel(ctx)) // the first error says more
		}
	}()
	// The setting is read back, because a pooler or somebody's trigger may have changed it.
	var set string
	var pid int
	if err := tx.QueryRow(ctx, "SELECT current_setting('lock_timeout'), pg_backend_pid()").Scan(&set, &pid); err != nil {
		return err
	}
	if want := formatTimeout(lock); set != want {
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
	defer t.silence.AllowLong()() // the step, or a COMMIT that waits for standbys, may take long
	watch := t.watchQueue(ctx, pid)
	err = work(ctx, tx, pid)
	if why := watch(); err != nil && why != "" {
		err = &cancelledError{why, err}
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// formatTimeout formats a timeout as the server shows it.
func formatTimeout(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// watchQueue observes the lock queue of one of onward's own sessions, and cancels its statement if the queue is too
// long. The returned function stops the watch and returns why it cancelled something, or "".
func (t *Target) watchQueue(ctx context.Context, pid int) func() string {
	ctx, stop := context.WithCancel(ctx)
	why := make(chan string, 1)
	go func() {
		reported := ""
		defer func() { why <- reported }()
		for queue.Pause(ctx, queue.WaiterPollInterval) == nil {
			_ = t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
				tail, err := queue.ReadWaiters(ctx, conn, pid)
				if err != nil || !tail.TooLong() {
					return err
				}
				reported = tail.String()
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

// innerSQL returns a step's SQL without its transaction, and without the lock_timeout for those who run it by hand.
func innerSQL(s *onward.PlanStep) (string, error) {
	f, err := pgparse.SplitText(s.SQL)
	if err != nil {
		return "", inputError(s.ID + ": " + err.Error())
	}
	var b strings.Builder
	for i, stmt := range f.Stmts {
		switch n := stmt.Node.GetNode().(type) {
		case *pgparse.Node_TransactionStmt:
			if i == 0 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_BEGIN ||
				i == len(f.Stmts)-1 && n.TransactionStmt.Kind == pgparse.TransactionStmtKind_TRANS_STMT_COMMIT {
				continue
			}
			return "", inputError(s.ID + ": a transaction ends in the midst of it")
		case *pgparse.Node_VariableSetStmt:
			if n.VariableSetStmt.Name == "lock_timeout" {
				continue
			}
		case nil:
			return "", errors.Join(inputError(s.ID+" cannot be read"), stmt.Err)
		}
		b.WriteString(f.Src[stmt.Start:stmt.End] + ";\n")
	}
	return b.String(), nil
}
