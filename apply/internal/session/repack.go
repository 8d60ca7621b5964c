package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/queue"
)

// LostRepackError says that a REPACK (CONCURRENTLY) has lost its copy, and why.
type LostRepackError struct {
	Why string
	Err error
}

func (e *LostRepackError) Error() string { return e.Why }

func (e *LostRepackError) Unwrap() error { return &CancelledError{Why: e.Why, Err: e.Err} }

// ExecRepack sends a REPACK (CONCURRENTLY), and watches who waits for it. The server ends it if this process is gone: nobody would watch it.
func (s *Session) ExecRepack(ctx context.Context, sql string) error {
	if !s.Direct {
		return &run.RefusedError{Step: s.Tries.Step, Text: "a pooler that shares sessions is between onward and the database, so nobody can watch the queries that " +
			"wait for REPACK: name the server itself"}
	}
	limits := fmt.Sprintf("SET lock_timeout = '%dms'; "+checkClient, queue.RepackLockTimeout.Milliseconds(), false)
	for _, limit := range clientLimits {
		limits += "SET " + limit.Name + " = " + limit.Value + "; "
	}
	watch := func() (*queue.RepackWait, bool) { return nil, false }
	err := s.execWithoutTransaction(ctx, limits, sql, func(ctx context.Context, pid int) { watch = s.watchRepack(ctx, pid) })
	wait, cancelled := watch()
	refused := new(pgconn.PgError)
	switch {
	case err == nil || !errors.As(err, &refused):
	case cancelled:
		err = &LostRepackError{Why: wait.String(), Err: err}
	case refused.Code == "55P03" && wait != nil:
		err = &LostRepackError{Err: err, Why: fmt.Sprintf("it waited for its lock at the end for %s, and was ended", queue.RepackLockTimeout) +
			wait.DescribeLoss()}
	}
	return err
}

// watchRepack watches the REPACK of a process, and cancels it if queries wait for it too long. The returned function stops the watch. It returns the last
// wait for the lock at the end, nil if there was none, and whether it has cancelled the statement.
func (s *Session) watchRepack(ctx context.Context, pid int) func() (atEnd *queue.RepackWait, cancelled bool) {
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	var last *queue.RepackWait
	cancelled := false
	go func() {
		defer close(done)
		for queue.Pause(ctx, queue.RepackPollInterval) == nil {
			_ = s.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
				wait, err := queue.ReadRepackWait(ctx, conn, pid)
				if err != nil || cancelled {
					return err
				}
				if wait.AtEnd {
					last = wait
				}
				if !wait.TooLong() {
					return nil
				}
				tag, err := conn.Exec(ctx, cancelUncommitted, pid)
				if err == nil && tag.RowsAffected() > 0 {
					last, cancelled = wait, true
				}
				return err
			})
		}
	}()
	return func() (*queue.RepackWait, bool) {
		stop()
		<-done
		return last, cancelled
	}
}
