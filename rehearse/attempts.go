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

// A migration with a lock_timeout gives up where others stand in its way, and
// is meant to: whoever deploys it runs it again.
const (
	mostAttempts = 5
	afterAttempt = 250 * time.Millisecond // longer than the traffic's long reader holds its lock
)

// attempts runs a migration. One that gave up waiting for a lock behind the
// traffic is run again, after the long transaction if that was what stood in
// its way.
func (s *scene) attempts(ctx context.Context, step *step) (*stopped, error) {
	for n := 1; ; n++ {
		stop, err := s.runner.migration(ctx, step.Migration, step.script)
		if err != nil && stop != nil && stop.statement != nil {
			err = fmt.Errorf("%s:%d: the server went away while the statement ran: %w", step.Path, stop.statement.Line, err)
		}
		if stop == nil || err != nil {
			return stop, err
		}
		if s.load == nil || n == mostAttempts || !refusedWith(stop.err, lockTimeout) || stop.statement == nil || committedBefore(step.script, stop.statement) {
			return stop, nil
		}
		s.fail(stop)
		pause := afterAttempt
		if left := time.Until(s.zero.Add(s.LongTransaction)); left > 0 {
			pause += left
		}
		s.note(fmt.Sprintf("%s gave up waiting for a lock after its lock_timeout, as it is meant to, and was run again: its deploy must do so too", step.ID))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// committedBefore reports whether something of the migration has committed when
// a statement fails.
func committedBefore(sc *script.Script, at *script.Statement) bool {
	for _, s := range sc.Statements[:at.Index] {
		if s.Parent < 0 && !plain(s) && (s.Tx != at.Tx || s.Origin == script.Alone) {
			return true
		}
	}
	return false
}

// uncommitted is what of a migration has not committed when a statement fails:
// its transaction, and what comes behind.
func uncommitted(sc *script.Script, at *script.Statement) *script.Script {
	if at == nil || !committedBefore(sc, at) {
		return sc
	}
	from := at.Index
	for from > 0 && at.Origin != script.Alone {
		s := sc.Statements[from-1]
		if s.Parent < 0 && (s.Tx != at.Tx || s.Origin == script.Alone) && !begins(s) {
			break
		}
		from--
		if begins(s) {
			break
		}
	}
	rest := *sc
	rest.Statements = sc.Statements[from:]
	return &rest
}

// begins reports whether a statement opens a transaction.
func begins(s *script.Statement) bool {
	switch s.Node.GetTransactionStmt().GetKind() {
	case pgparse.TransactionStmtKind_TRANS_STMT_BEGIN, pgparse.TransactionStmtKind_TRANS_STMT_START:
		return true
	}
	return false
}

// The SQLSTATEs of a session that others stand in the way of.
const (
	lockTimeout = "55P03"
	deadlock    = "40P01"
)

func refusedWith(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}
