package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/live"
)

// The durations of a lease, by the server's clock.
const (
	// Term is how long a lease is valid after its last renewal.
	Term = 30 * time.Second
	// Renewal is how often its holder renews it.
	Renewal = 5 * time.Second
)

// Lease is the right to work on a scope of a database, which one process holds at a time. It is a row and
// no advisory lock, because a session-level lock has no definite owner if a transaction pooler
// is in between. A takeover increments the epoch. A transaction of an earlier epoch commits
// before the takeover, or not at all: see [Fence].
type Lease struct {
	Epoch  int64
	Holder string
	scope  Scope
}

// HeldError says which other process is working on the database.
type HeldError struct {
	Holder string
	PID    int
	// Left is how long the lease is valid without another renewal.
	Left time.Duration
}

// Error names the holder.
func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is at work on this database (process %d of the server); without a sign of life its lease ends in %s", e.Holder, e.PID,
		e.Left.Round(time.Second))
}

// LostError says that another process has the lease now. Nothing that this process had in
// progress was committed.
type LostError struct{ Epoch int64 }

// Error names the epoch that another process took over.
func (e *LostError) Error() string {
	return fmt.Sprintf("another onward has taken over the work on this database (this one was number %d); nothing of this one is under way any more", e.Epoch)
}

// TakeLease takes the lease. If another process has it, the error is a [*HeldError]. before is the
// epoch of a lease that this process held itself and may take again, else 0. direct: no pooler
// is in between, so the holder's session ends with the holder.
func (s Scope) TakeLease(ctx context.Context, conn *pgx.Conn, holder string, direct bool, before int64) (_ *Lease, err error) {
	table, row := s.leaseTable()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: live.BeginOwn(conn)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rollBackTx(ctx, tx)) }()
	// A transaction of the last holder that is still open locks the row: nobody can take over
	// before its outcome is known.
	if _, err := tx.Exec(ctx, "SET LOCAL lock_timeout = '300ms'"); err != nil {
		return nil, err
	}
	if err := s.insertLease(ctx, tx); err != nil {
		return nil, err
	}
	var epoch int64
	var pid *int
	var name string
	var left float64
	var isHolderGone bool
	err = tx.QueryRow(ctx, `
		SELECT epoch, holder, pid, coalesce(extract(epoch FROM seen + $1 * interval '1 second' - clock_timestamp()), 0)::float8,
			direct AND NOT EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = l.pid AND (a.backend_start = l.began OR a.backend_start IS NULL))
		FROM `+table+` AS l WHERE `+row+` FOR UPDATE`, Term.Seconds()).Scan(&epoch, &name, &pid, &left, &isHolderGone)
	if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code == "55P03" {
		return nil, &HeldError{Holder: "a transaction that is still under way", Left: Term}
	}
	if err != nil {
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	if before != 0 && epoch != before {
		return nil, &LostError{before}
	}
	if left > 0 && !isHolderGone && before == 0 {
		heldErr := &HeldError{Holder: name, Left: time.Duration(left * float64(time.Second))}
		if pid != nil {
			heldErr.PID = *pid
		}
		if left > Term.Seconds() { // the server's clock was set back: the term starts now, and not when the old time is reached again
			if _, err := tx.Exec(ctx, "UPDATE "+table+" SET seen = clock_timestamp() WHERE "+row); err != nil {
				return nil, err
			}
			if err := tx.Commit(ctx); err != nil {
				return nil, err
			}
			heldErr.Left = Term
		}
		return nil, heldErr
	}
	if _, err := tx.Exec(ctx, `
		UPDATE `+table+` SET epoch = $1, holder = $2, pid = pg_backend_pid(), direct = $3, seen = clock_timestamp(),
			began = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()) WHERE `+row, epoch+1, holder, direct); err != nil {
		return nil, fmt.Errorf("take the lease: %w", err)
	}
	return &Lease{Epoch: epoch + 1, Holder: holder, scope: s}, tx.Commit(ctx)
}

// insertLease creates the row of a schema's lease. The row of a database exists since the ledger does.
func (s Scope) insertLease(ctx context.Context, tx pgx.Tx) error {
	if s.IsDatabase() {
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO onward_ledger.schema_lease (schema) VALUES ($1::bigint::oid) ON CONFLICT DO NOTHING", int64(s.OID))
	if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code == "55P03" {
		return &HeldError{Holder: "a transaction that is still under way", Left: Term}
	}
	return err
}

// Renew extends the lease. The error is a [*LostError] if the process no longer holds it.
func (l *Lease) Renew(ctx context.Context, conn Conn) error {
	table, row := l.scope.leaseTable()
	tag, err := conn.Exec(ctx, "UPDATE "+table+" SET seen = clock_timestamp() WHERE epoch = $1 AND "+row, l.Epoch)
	if err == nil && tag.RowsAffected() == 0 {
		return &LostError{l.Epoch}
	}
	return err
}

// Release gives up the lease.
func (l *Lease) Release(ctx context.Context, conn Conn) error {
	table, row := l.scope.leaseTable()
	_, err := conn.Exec(ctx, "UPDATE "+table+" SET seen = NULL, holder = '', pid = NULL, direct = false WHERE epoch = $1 AND "+row, l.Epoch)
	return err
}

// Fence locks the lease's row in a transaction, so that nobody takes over before its end. The
// error is a [*LostError] if another process has taken over.
func (l *Lease) Fence(ctx context.Context, conn Conn) error {
	table, row := l.scope.leaseTable()
	var isHeld bool
	// KEY SHARE does not conflict with the holder's own renewals, only with a takeover.
	err := conn.QueryRow(ctx, "SELECT true FROM "+table+" WHERE epoch = $1 AND "+row+" FOR KEY SHARE", l.Epoch).Scan(&isHeld)
	if errors.Is(err, pgx.ErrNoRows) {
		return &LostError{l.Epoch}
	}
	return err
}
