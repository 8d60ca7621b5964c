package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
)

const (
	// UnderLock limits how long a step that should be instant may hold its lock.
	UnderLock = 5 * time.Second
	// clientAway is how long a transaction waits for the next message of this process, which may be frozen, or whose line may be dead.
	clientAway = 2 * time.Second
)

// clientLimits make the server end a transaction whose client is gone: between two messages, and while a statement runs. A socket of the same
// machine has no limits of TCP.
var clientLimits = []live.Setting{
	{Name: "idle_in_transaction_session_timeout", Value: fmt.Sprintf("'%dms'", clientAway.Milliseconds())},
	{Name: "tcp_user_timeout", Value: "'3s'"},
	{Name: "tcp_keepalives_idle", Value: "'1s'"},
	{Name: "tcp_keepalives_interval", Value: "'1s'"},
}

// checkClient makes a statement that runs look for its client: in a transaction (true), or in the session (false). The setting exists from 14
// on, and not on each system.
const checkClient = "SELECT pg_catalog.set_config('client_connection_check_interval', '500ms', %t) " +
	"WHERE pg_catalog.current_setting('client_connection_check_interval', true) IS NOT NULL AND pg_catalog.version() OPERATOR(pg_catalog.~) 'linux'; "

// PlannedRelation is an argument of a query: the name of a relation in the plan, whose OID the server gets.
type PlannedRelation string

// ReadRow runs a query that returns one row. The search_path of the plan decides what a [PlannedRelation] means.
func (s *Session) ReadRow(ctx context.Context, sql string, args []any, targets ...any) (err error) {
	tx, err := s.beginWorkTransaction(ctx, "READ ONLY", queue.FirstStall, UnderLock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreTxClosed(tx.Rollback(context.WithoutCancel(ctx)))) }()
	var names []string
	for _, a := range args {
		if name, ok := a.(PlannedRelation); ok {
			names = append(names, string(name))
		}
	}
	if len(names) > 0 {
		ids, err := live.FindRelationsIn(ctx, tx, s.Path, names...)
		if err != nil {
			return err
		}
		for i, a := range args {
			if _, ok := a.(PlannedRelation); ok {
				args[i], ids = ids[0], ids[1:]
			}
		}
	}
	return tx.QueryRow(ctx, sql, args...).Scan(targets...)
}

// beginWorkTransaction begins a transaction of the work session, under onward's own settings. mode is "" or "READ ONLY".
func (s *Session) beginWorkTransaction(ctx context.Context, mode string, lock, statement time.Duration) (pgx.Tx, error) {
	return s.beginTransactionOn(ctx, s.Work, mode, lock, statement)
}

// beginTransactionOn is beginWorkTransaction on any session.
func (s *Session) beginTransactionOn(ctx context.Context, session *pgx.Conn, mode string, lock, statement time.Duration) (pgx.Tx, error) {
	begin := "BEGIN ISOLATION LEVEL READ COMMITTED"
	if mode != "" {
		begin += ", " + mode
	}
	return session.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin + "; " + s.transactionSettings(session, lock, statement)})
}

// CountRows counts the rows of a read-only query.
func (s *Session) CountRows(ctx context.Context, sql string) (rows int64, err error) {
	tx, err := s.beginWorkTransaction(ctx, "READ ONLY", queue.FirstStall, 0)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, ignoreTxClosed(tx.Rollback(context.WithoutCancel(ctx)))) }()
	if _, err := tx.Exec(ctx, s.stepSettings(tx.Conn())); err != nil {
		return 0, err
	}
	defer s.Silence.AllowLong()() // it may read a whole table
	tag, err := tx.Exec(ctx, sql)
	return tag.RowsAffected(), err
}

func ignoreTxClosed(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return nil
	}
	return err
}

// transactionSettings returns the SET LOCAL statements of a transaction. They override the settings of the role and of the
// database.
func (s *Session) transactionSettings(session *pgx.Conn, lock, statement time.Duration) string {
	set := func(name, value string) string {
		return fmt.Sprintf("SET LOCAL %s = %s; ", name, pgparse.QuoteLiteral(value))
	}
	out := live.OwnSettings(session) + live.SetLocal(clientLimits) + fmt.Sprintf(checkClient, true) + set("lock_timeout", fmt.Sprintf("%dms", lock.Milliseconds())) +
		set("statement_timeout", fmt.Sprintf("%dms", statement.Milliseconds()))
	if s.AutovacuumYields {
		out += set("deadlock_timeout", fmt.Sprintf("%dms", max(1, lock.Milliseconds()/2)))
	}
	return out
}

// SearchPathSQL returns a statement that sets the search_path of the plan for a transaction.
func (s *Session) SearchPathSQL() string {
	return "SELECT pg_catalog.set_config('search_path', " + pgparse.QuoteLiteral(s.Path) + ", true)"
}

// EndStep has the deferred triggers of a step's rows run now, with the step's role and search_path, and not at the commit, with onward's.
const EndStep = "SET CONSTRAINTS ALL IMMEDIATE; "

// LedgerOwnerSQL returns the statements after which the transaction of a step writes as the role that owns the ledger, and not as the steps' role. The
// workers of a backfill call it at the same time.
func (s *Session) LedgerOwnerSQL() string {
	return EndStep + "RESET ROLE; " + live.OwnPath + live.SetLocal(s.readSettings, live.ValueSettings)
}

// AsLedgerOwner writes in the transaction of a step, as the role that owns the ledger and not as the steps' role.
func (s *Session) AsLedgerOwner(ctx context.Context, tx pgx.Tx, write func() error) error {
	if _, err := tx.Exec(ctx, s.LedgerOwnerSQL()); err != nil {
		return err
	}
	return write()
}

// InGuardedTransaction runs work in a transaction that checks the lease first, and watches its lock queue meanwhile.
func (s *Session) InGuardedTransaction(ctx context.Context, lock, statement time.Duration, work func(ctx context.Context, tx pgx.Tx) error) error {
	return s.GuardTransaction(ctx, s.Work, lock, statement, func(ctx context.Context, tx pgx.Tx, _ int) error { return work(ctx, tx) })
}

// GuardTransaction is [Session.InGuardedTransaction] on any session. work also receives the server's process.
func (s *Session) GuardTransaction(ctx context.Context, session *pgx.Conn, lock, statement time.Duration,
	work func(ctx context.Context, tx pgx.Tx, pid int) error) (err error) {
	tx, pid, err := s.beginGuardedTransaction(ctx, session, lock, statement)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && !session.IsClosed() {
			_ = tx.Rollback(context.WithoutCancel(ctx)) // the first error says more
		}
	}()
	defer s.Silence.AllowLong()() // the step, or a COMMIT that waits for standbys, may take long
	watch := s.watchQueue(ctx, pid)
	err = work(ctx, tx, pid)
	if err == nil {
		err = tx.Commit(ctx) // the watch may end later, over a slow line
	}
	if reason := watch(); err != nil && reason != "" {
		err = &CancelledError{Why: reason, Err: err}
	}
	return err
}

// ReportedColumn is the name of a column whose texts [Session.CommitGuarded] returns.
const ReportedColumn = "onward_reported"

// CommitGuarded runs SQL in a guarded transaction and commits it, all in one message: the locks of the SQL wait for no other message of this process,
// however slow the line is. prepare returns the SQL; it may read in the transaction, and must not lock what others use. The result are the texts that the
// SQL selects as [ReportedColumn].
func (s *Session) CommitGuarded(ctx context.Context, session *pgx.Conn, lock, statement time.Duration,
	prepare func(ctx context.Context, tx pgx.Tx, pid int) (sql string, err error)) (texts []string, err error) {
	tx, pid, err := s.beginGuardedTransaction(ctx, session, lock, statement)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && !session.IsClosed() {
			_ = tx.Rollback(context.WithoutCancel(ctx)) // the first error says more
		}
	}()
	defer s.Silence.AllowLong()()
	sql, err := prepare(ctx, tx, pid)
	if err != nil {
		return nil, err
	}
	watch := s.watchQueue(ctx, pid)
	results := session.PgConn().Exec(ctx, sql+"; COMMIT")
	for results.NextResult() {
		rows := results.ResultReader()
		reports := slices.ContainsFunc(rows.FieldDescriptions(), func(f pgconn.FieldDescription) bool { return f.Name == ReportedColumn })
		for rows.NextRow() {
			if reports {
				texts = append(texts, string(rows.Values()[0]))
			}
		}
		_, _ = rows.Close() // results has its error
	}
	err = results.Close()
	if reason := watch(); err != nil && reason != "" {
		err = &CancelledError{Why: reason, Err: err}
	}
	if refused := new(pgconn.PgError); errors.As(err, &refused) && refused.Code == RefusedCode {
		err = &run.RefusedError{Step: s.Tries.Step, Text: refused.Message}
	}
	return texts, err
}

// CommitSQL is [Session.CommitGuarded] for SQL that is known.
func (s *Session) CommitSQL(ctx context.Context, lock, statement time.Duration, sql string) (texts []string, err error) {
	return s.CommitGuarded(ctx, s.Work, lock, statement, func(context.Context, pgx.Tx, int) (string, error) { return sql, nil })
}

// RefusedCode is the SQLSTATE with which the SQL of [Session.CommitGuarded] refuses a step.
const RefusedCode = "OW001"

// recheckCode is the SQLSTATE with which the SQL of [Session.CommitGuarded] has the conditions of a step checked again.
const recheckCode = "OW002"

// RecheckIf returns a statement after which the conditions of a step are checked again if a condition holds.
func RecheckIf(condition, message string) string {
	return "DO LANGUAGE plpgsql " + pgparse.DollarQuote("\nBEGIN\n  IF "+condition+" THEN\n    RAISE EXCEPTION USING ERRCODE = '"+recheckCode+
		"', MESSAGE = "+pgparse.QuoteLiteral(message)+";\n  END IF;\nEND\n") + ";\n"
}

// TriggerGuard is a table whose triggers keep rows right. Query selects their state, and State is the state when the rows were checked.
type TriggerGuard struct{ Table, Query, State string }

// beginGuardedTransaction begins a transaction that holds the lease, with the settings and the role of a step. It returns the server's process, too.
func (s *Session) beginGuardedTransaction(ctx context.Context, session *pgx.Conn, lock, statement time.Duration) (_ pgx.Tx, pid int, err error) {
	tx, err := s.beginTransactionOn(ctx, session, "", lock, statement)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if err != nil && !session.IsClosed() {
			_ = tx.Rollback(context.WithoutCancel(ctx)) // the first error says more
		}
	}()
	// The setting is read back, because a pooler or somebody's trigger may have changed it.
	var set string
	if err := tx.QueryRow(ctx, "SELECT current_setting('lock_timeout'), pg_backend_pid()").Scan(&set, &pid); err != nil {
		return nil, 0, err
	}
	if want := formatTimeout(lock); set != want {
		text := fmt.Sprintf("lock_timeout is %s although it was set to %s: nothing is done without it", set, want)
		return nil, 0, &run.RefusedError{Step: s.Tries.Step, Text: text}
	}
	if err := s.Lease.Fence(ctx, tx); err != nil {
		return nil, 0, err
	}
	settings := s.stepSettings(tx.Conn())
	if s.Role != "" {
		settings += "; SET LOCAL ROLE " + pgparse.QuoteIdent(s.Role)
	}
	_, err = tx.Exec(ctx, settings)
	return tx, pid, err
}

// formatTimeout formats a timeout as the server shows it.
func formatTimeout(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d.Milliseconds())
}

// cancelUncommitted cancels the statement of a process. A COMMIT that waits for a standby goes on: it would end as if the standby had confirmed it.
const cancelUncommitted = "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE pid = $1 AND wait_event IS DISTINCT FROM 'SyncRep'"

// watchQueue observes the lock queue of one of onward's own sessions, and cancels its statement if the queue is too
// long. The returned function stops the watch and returns why it cancelled something, or "".
func (s *Session) watchQueue(ctx context.Context, pid int) func() string {
	ctx, stop := context.WithCancel(ctx)
	reasons := make(chan string, 1)
	go func() {
		reported := ""
		defer func() { reasons <- reported }()
		for queue.Pause(ctx, queue.WaiterPollInterval) == nil {
			_ = s.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
				tail, err := queue.ReadWaiters(ctx, conn, pid)
				if err != nil || !tail.TooLong() {
					return err
				}
				tag, err := conn.Exec(ctx, cancelUncommitted, pid)
				if err == nil && tag.RowsAffected() > 0 {
					reported = tail.String()
				}
				return err
			})
		}
	}()
	return func() string {
		stop()
		return <-reasons
	}
}

// prepareSession sets what a statement outside of a transaction needs. If a transaction pooler is in
// between it sets nothing, because the settings would stay with the pooled session. Such a
// statement blocks nobody while it waits.
func (s *Session) prepareSession(ctx context.Context) error {
	if !s.Direct {
		return nil
	}
	sets := []string{
		fmt.Sprintf("SET lock_timeout = '%dms'", queue.Drain.Milliseconds()), "SET statement_timeout = 0",
		"SELECT pg_catalog.set_config('search_path', " + pgparse.QuoteLiteral(s.Path) + ", false)",
	}
	if s.Major >= 17 {
		sets = append(sets, "SET transaction_timeout = 0")
	}
	sets = append(sets, s.sessionSettings()...)
	if s.Role != "" {
		sets = append(sets, "SET ROLE "+pgparse.QuoteIdent(s.Role))
	}
	for _, sql := range sets {
		if _, err := s.Work.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// ExecWithoutTransaction sends a statement outside of a transaction, with the session's settings and role.
func (s *Session) ExecWithoutTransaction(ctx context.Context, sql string) (err error) {
	return s.execWithoutTransaction(ctx, "", sql, func(context.Context, int) {})
}

// execWithoutTransaction does it with more settings. begin is called with the server's process before the statement is sent.
func (s *Session) execWithoutTransaction(ctx context.Context, settings, sql string, begin func(ctx context.Context, pid int)) (err error) {
	if s.Direct && s.Role != "" {
		defer func() {
			if !s.Work.IsClosed() {
				_, reset := s.Work.Exec(context.WithoutCancel(ctx), "RESET ROLE")
				err = errors.Join(err, reset)
			}
		}()
	}
	if err := s.prepareSession(ctx); err != nil {
		return err
	}
	if settings != "" {
		if _, err := s.Work.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	defer s.Silence.AllowLong()()
	begin(ctx, int(s.Work.PgConn().PID()))
	_, err = s.Work.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}
