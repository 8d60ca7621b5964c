package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
)

// errorClass is the class of an error of an attempt.
type errorClass int

const (
	none           errorClass = iota
	Final                     // not a known class: the step fails
	RetryLock                 // a lost lock race: try again
	ConnectionLost            // the connection is lost: check the ledger, then try again
	TimedOut                  // the server cancelled the statement without a request of this process: a timeout, or somebody else's cancel
	Recheck                   // rows may have gone wrong since the check of the step: check again
	BadRow                    // caused by the data of a row: a value, a constraint, or an exception of a trigger
)

// errorClasses classifies SQLSTATEs by their prefix.
var errorClasses = []struct {
	code  string
	class errorClass
}{
	{"55P03", RetryLock}, {"40P01", RetryLock}, {"40001", RetryLock},
	{recheckCode, Recheck},
	{"57014", TimedOut},
	{
		"57P01", ConnectionLost,
	}, {
		"57P02", ConnectionLost,
	}, {"57P03", ConnectionLost}, {"57P05", ConnectionLost}, {"25P03", ConnectionLost}, {"25P04", ConnectionLost}, {"08", ConnectionLost},
	{"22", BadRow}, {"23", BadRow}, {"44", BadRow}, {"P0", BadRow},
}

// catalogRace begins the messages of a server when two transactions have written the same row of a catalog, as GRANT does. They are never translated.
const catalogRace = "tuple concurrently "

// ClassifyError classifies an error. A statement that onward cancelled itself counts as a lost lock race. An error without a server message is a
// connection error.
func ClassifyError(err error) errorClass {
	if err == nil {
		return none
	}
	refused, cancelled := new(pgconn.PgError), new(CancelledError)
	if !errors.As(err, &refused) {
		return ConnectionLost
	}
	if refused.Code == "XX000" && strings.HasPrefix(refused.Message, catalogRace) {
		return RetryLock
	}
	for _, m := range errorClasses {
		if !strings.HasPrefix(refused.Code, m.code) {
			continue
		}
		if m.class == TimedOut && errors.As(err, &cancelled) {
			return RetryLock
		}
		return m.class
	}
	return Final
}

// ToolAtWork is the error that makes the last step of a plan wait while the tool holds its lock.
const ToolAtWork = "the migrations' own tool is at work"

// ServerMessage returns the server's message, without values of rows.
func ServerMessage(err error) string {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) {
		return err.Error()
	}
	text := redact.MessageWithCode(refused)
	if refused.Message == ToolAtWork { // onward's own message
		text = ToolAtWork
	}
	if cancelled := new(CancelledError); errors.As(err, &cancelled) {
		text = cancelled.Why
	}
	return text
}

// CancelledError says that this process cancelled its own statement, and why.
type CancelledError struct {
	Why string
	Err error
}

func (e *CancelledError) Error() string { return e.Why }

func (e *CancelledError) Unwrap() error { return e.Err }

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
