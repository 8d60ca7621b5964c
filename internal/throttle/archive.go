package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgstat"
)

// archiveBacklog is how many WAL segments wait for the archiver.
var archiveBacklog = signal{name: "the archiver's backlog", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Archive < 0 {
		return Verdict{}, nil
	}
	var isArchiving bool
	if err := conn.QueryRow(ctx, "SELECT current_setting('archive_mode') <> 'off'").Scan(&isArchiving); err != nil || !isArchiving {
		return Verdict{}, err
	}
	var b pgstat.Backlog
	if err := conn.QueryRow(ctx, pgstat.BacklogSQL).Scan(b.Columns()...); err != nil {
		return Verdict{}, err
	}
	return judgeLimit(float64(b.Waiting), float64(g.limits.Archive), "%d segments of WAL wait for the archiver", b.Waiting), nil
}}
