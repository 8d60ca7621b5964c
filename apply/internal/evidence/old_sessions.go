package evidence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// RefuseOldSessions refuses a contract step while a session of the old release exists.
func (o *OldCode) RefuseOldSessions(ctx context.Context, s *onward.PlanStep) error {
	if s.Phase != onward.Contract || o.Gone == "" {
		return nil
	}
	var count int
	var app, userName string
	var oldest float64
	err := o.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) OVER ()::int, application_name, coalesce(usename::text, ''), coalesce(extract(epoch FROM clock_timestamp() - backend_start), 0)::float8
			FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1 AND application_name NOT LIKE 'onward %' ORDER BY backend_start LIMIT 1`, o.Gone).
			Scan(&count, &app, &userName, &oldest)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	noun := "sessions"
	if count == 1 {
		noun = "session"
	}
	text := fmt.Sprintf("the release that must be gone has %d %s on this database: %s", count, noun, app)
	if userName != "" {
		text += fmt.Sprintf(" of %s, for %s", userName, queue.RoundDuration(time.Duration(oldest*float64(time.Second))))
	}
	return &run.RefusedError{Step: s.ID, Text: text + ". Stop what is left of it, then run this again"}
}
