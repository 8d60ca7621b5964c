package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

func TestErrorClasses(t *testing.T) {
	t.Parallel()
	server := func(code string) error { return fmt.Errorf("run: %w", &pgconn.PgError{Code: code, Message: "no"}) }
	for _, c := range []struct {
		err  error
		want errorClass
	}{
		{nil, none},
		{errors.New("the line is dead"), ConnectionLost},
		{server("55P03"), RetryLock},
		{server("57014"), TimedOut},
		{&CancelledError{Why: "the queue is too long", Err: server("57014")}, RetryLock},
		{server("57P01"), ConnectionLost},
		{server("23514"), BadRow},
		{server("42P01"), Final},
		{server("XX000"), Final},
		{&pgconn.PgError{Code: "XX000", Message: "tuple concurrently updated"}, RetryLock},
	} {
		if got := ClassifyError(c.err); got != c.want {
			t.Errorf("%v: %d instead of %d", c.err, got, c.want)
		}
	}
	if got := ServerMessage(&CancelledError{Why: "the queue is too long", Err: server("57014")}); got != "the queue is too long" {
		t.Errorf("ServerMessage of a cancelled statement = %q, want its reason", got)
	}
}

// openSession opens the sessions of a target, with its lease.
func openSession(t *testing.T, major int) *Session {
	t.Helper()
	s := NewSession(t.Context(), pgservertest.Database(t, major), &run.Tries{Step: "a", MaxStall: time.Second})
	s.Direct, s.Path = true, "public"
	t.Cleanup(func() { s.Close(context.Background()) })
	if err := s.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Control.Do(t.Context(), func(ctx context.Context, conn *pgx.Conn) (err error) {
		if err := ledger.CreateLedger(ctx, conn, ""); err != nil {
			return err
		}
		s.Lease, err = ledger.Scope{}.TakeLease(ctx, conn, "a test", true, 0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// A guarded transaction has the settings of its step, and nothing of it stays if the lease is lost.
func TestGuardedTransaction(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := openSession(t, major)
		var got string
		err := s.InGuardedTransaction(t.Context(), 250*time.Millisecond, 3*time.Second, func(ctx context.Context, tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, "SELECT concat_ws(' ', current_setting('lock_timeout'), current_setting('statement_timeout'), "+
				"current_setting('search_path'))").Scan(&got); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "CREATE TABLE kept ()")
			return err
		})
		if err != nil || got != "250ms 3s public" {
			t.Errorf("Postgres %d: %q %v", major, got, err)
		}
		s.Lease.Epoch--
		lost := new(ledger.LostError)
		if err := s.InGuardedTransaction(t.Context(), queue.FirstStall, UnderLock, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "DROP TABLE kept")
			return err
		}); !errors.As(err, &lost) {
			t.Errorf("Postgres %d: %v", major, err)
		}
		var tableExists bool
		if err := s.ReadRow(t.Context(), "SELECT $1::oid <> 0", []any{PlannedRelation("kept")}, &tableExists); err != nil || !tableExists {
			t.Errorf("Postgres %d: the table is gone (%v)", major, err)
		}
		if _, err := s.CountRows(t.Context(), "DROP TABLE kept"); err == nil || !strings.Contains(err.Error(), "read-only") {
			t.Errorf("Postgres %d: a check may write: %v", major, err)
		}
	})
}

// The server ends a transaction whose client is away, and looks for the client while a statement runs.
func TestClientAway(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := openSession(t, major)
		var checks string
		start := time.Now()
		err := s.InGuardedTransaction(t.Context(), queue.FirstStall, UnderLock, func(ctx context.Context, tx pgx.Tx) error {
			if err := tx.QueryRow(ctx, "SELECT coalesce(current_setting('client_connection_check_interval', true), '')").Scan(&checks); err != nil {
				return err
			}
			time.Sleep(clientAway + time.Second) // as a frozen process does
			_, err := tx.Exec(ctx, "CREATE TABLE late ()")
			return err
		})
		if ClassifyError(err) != ConnectionLost || time.Since(start) > 10*time.Second {
			t.Errorf("Postgres %d: %v", major, err)
		}
		if want := map[bool]string{true: "500ms"}[major >= 14]; checks != want {
			t.Errorf("Postgres %d checks for its client every %q", major, checks)
		}
	})
}

// SQL is committed in the message that has it. It reports texts, and may refuse its step; then nothing of it stays.
func TestCommitSQL(t *testing.T) {
	t.Parallel()
	s := openSession(t, onward.NewestMajor)
	texts, err := s.CommitSQL(t.Context(), queue.FirstStall, UnderLock, "CREATE TABLE kept (); SELECT 'one' AS "+ReportedColumn+", 'x'; SELECT 'no'")
	if err != nil || len(texts) != 1 || texts[0] != "one" || s.Work.PgConn().TxStatus() != 'I' {
		t.Errorf("CommitSQL = %q, %v, want the text one and a committed transaction", texts, err)
	}
	refused := new(run.RefusedError)
	_, err = s.CommitSQL(t.Context(), queue.FirstStall, UnderLock, "DROP TABLE kept; "+
		"DO 'BEGIN RAISE EXCEPTION USING ERRCODE = ''"+RefusedCode+"'', MESSAGE = ''not so''; END'")
	if !errors.As(err, &refused) || refused.Text != "not so" || refused.Step != "a" {
		t.Errorf("CommitSQL = %v, want the refusal \"not so\" of step a", err)
	}
	var tableExists bool
	if err := s.ReadRow(t.Context(), "SELECT $1::oid <> 0", []any{PlannedRelation("kept")}, &tableExists); err != nil || !tableExists {
		t.Errorf("the table is gone (%v)", err)
	}
}

// A role whose settings would change what the steps do is refused.
func TestSettingsOfRole(t *testing.T) {
	t.Parallel()
	s := openSession(t, onward.NewestMajor)
	for _, c := range []struct {
		role roleSettings
		plan onward.Plan
		want string
	}{
		{roleSettings{replicates: "origin"}, onward.Plan{}, ""},
		{roleSettings{replicates: "origin", readOnly: true}, onward.Plan{}, "default_transaction_read_only is on"},
		{roleSettings{replicates: "replica"}, onward.Plan{}, "session_replication_role is replica"},
		{roleSettings{replicates: "origin", escapes: true}, onward.Plan{Steps: []onward.PlanStep{{ID: "a", SQL: `SELECT '\'`}}}, "standard_conforming_strings is off"},
	} {
		s.role = &c.role
		err := s.CheckRoleSettings(&c.plan)
		if refused := new(run.RefusedError); (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &refused) || !strings.HasPrefix(refused.Text, c.want)) {
			t.Errorf("CheckRoleSettings = %v, want %q", err, c.want)
		}
	}
}
