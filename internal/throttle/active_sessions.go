package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// activeSessions is how many sessions are running. The server does not say how many processors it has.
var activeSessions = signal{name: "the number of sessions at work", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Active < 0 {
		return Verdict{}, nil
	}
	var count, most int
	err := conn.QueryRow(ctx, `SELECT count(*)::int, current_setting('max_connections')::int FROM pg_stat_activity
		WHERE state = 'active' AND backend_type = 'client backend' AND application_name NOT LIKE 'onward %' AND pid <> pg_backend_pid()`).Scan(&count, &most)
	if err != nil {
		return Verdict{}, err
	}
	limit := g.limits.Active
	if limit == 0 {
		limit = most / 2
	}
	return judgeLimit(float64(count), float64(limit), "%d sessions are at work", count), nil
}}
