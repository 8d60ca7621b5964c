package progress

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/queue"
)

// EndRenewal ends the renewal of the lease.
func (r *Record) EndRenewal() {
	if r.stop != nil {
		r.stop()
		<-r.renewalDone
	}
}

// ReleaseLease releases the lease, if there is one. A lease that cannot be released ends by itself.
func (r *Record) ReleaseLease(ctx context.Context) {
	if r.session.Lease != nil {
		_ = r.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error { return r.session.Lease.Release(ctx, conn) })
	}
}

// TakeLease takes the lease, and waits for its holder. before is the epoch of a lease that this process has held; 0 for none.
func (r *Record) TakeLease(ctx context.Context, before int64, patience time.Duration) error {
	for end := time.Now().Add(patience); ; {
		err := r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			lease, err := r.Scope.TakeLease(ctx, conn, r.Who, r.session.Direct, before)
			if err == nil {
				r.session.Lease = lease
			}
			return err
		})
		heldError := new(ledger.HeldError)
		if !errors.As(err, &heldError) || time.Now().After(end) {
			return err
		}
		r.Tell(run.Event{Kind: run.Held, Words: heldError.Error()})
		if err := queue.Pause(ctx, min(time.Second, max(heldError.Left, 100*time.Millisecond))); err != nil {
			return err
		}
	}
}

// KeepLease renews the lease until the target is closed. If a renewal fails, the fence of the next transaction notices.
func (r *Record) KeepLease(ctx context.Context) {
	ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	r.renewalDone = make(chan struct{})
	go func() {
		defer close(r.renewalDone)
		for queue.Pause(ctx, min(ledger.Renewal, r.session.Silence.Limit()/4)) == nil {
			_ = r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return r.session.Lease.Renew(ctx, conn) })
		}
	}()
}
