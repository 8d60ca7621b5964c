package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
)

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
