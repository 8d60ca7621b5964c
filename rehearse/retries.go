package rehearse

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// A migration with a lock_timeout gives up if others block it, and should:
// whoever deploys it runs it again.
const (
	mostAttempts = 5
	afterAttempt = 250 * time.Millisecond // longer than the traffic's long reader holds its lock
)

// runWithRetries runs a migration. If it timed out because the traffic blocked it, it
// is run again, after the end of the long transaction if that was the blocker.
func (s *releaseRun) runWithRetries(ctx context.Context, step *step) (*migrationFailure, error) {
	for n := 1; ; n++ {
		stop, err := s.runner.runMigration(ctx, step.Migration, step.script)
		if err != nil && stop != nil && stop.statement != nil {
			err = fmt.Errorf("%s:%d: the server went away while the statement ran: %w", step.Path, stop.statement.Line, err)
		}
		if stop == nil || err != nil {
			return stop, err
		}
		if s.load == nil || n == mostAttempts || !hasSQLState(stop.err, lockTimeout) || stop.statement == nil || isPartCommitted(step.script, stop.statement) {
			return stop, nil
		}
		s.recordFailure(stop)
		pause := afterAttempt
		if left := time.Until(s.startTime.Add(s.LongTransaction)); left > 0 {
			pause += left
		}
		s.addNote(fmt.Sprintf("%s gave up waiting for a lock after its lock_timeout, as it is meant to, and was run again: its deploy must do so too", step.ID))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// isPartCommitted reports whether a part of the migration is committed when a
// statement fails.
func isPartCommitted(sc *script.Script, statement *script.Statement) bool {
	for _, s := range sc.Statements[:statement.Index] {
		if s.Parent < 0 && !takesNoLocks(s) && (s.Tx != statement.Tx || s.Origin == script.Alone) {
			return true
		}
	}
	return false
}

// uncommittedPart returns the part of a migration that is not committed when a
// statement fails: its transaction, and everything after it.
func uncommittedPart(sc *script.Script, statement *script.Statement) *script.Script {
	if statement == nil || !isPartCommitted(sc, statement) {
		return sc
	}
	from := statement.Index
	for from > 0 && statement.Origin != script.Alone {
		s := sc.Statements[from-1]
		if s.Parent < 0 && (s.Tx != statement.Tx || s.Origin == script.Alone) && !beginsTransaction(s) {
			break
		}
		from--
		if beginsTransaction(s) {
			break
		}
	}
	rest := *sc
	rest.Statements = sc.Statements[from:]
	return &rest
}

// beginsTransaction reports whether a statement opens a transaction.
func beginsTransaction(s *script.Statement) bool {
	switch s.Node.GetTransactionStmt().GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		return true
	}
	return false
}

// The SQLSTATEs of a session that others block.
const (
	lockTimeout = "55P03"
	deadlock    = "40P01"
)

func hasSQLState(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
