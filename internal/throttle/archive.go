package throttle

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/dbchecks"
)

// archiveBacklog is how many WAL segments wait for the archiver.
var archiveBacklog = signal{name: "the archiver's backlog", look: func(ctx context.Context, g *Gauge, conn *pgx.Conn) (Verdict, error) {
	if g.limits.Archive < 0 {
		return Verdict{}, nil
	}
	var on bool
	if err := conn.QueryRow(ctx, "SELECT current_setting('archive_mode') <> 'off'").Scan(&on); err != nil || !on {
		return Verdict{}, err
	}
	var waiting int
	var oldest float64
	if err := conn.QueryRow(ctx, dbchecks.WaitingSQL).Scan(&waiting, &oldest); err != nil {
		return Verdict{}, err
	}
	return judgeLimit(float64(waiting), float64(g.limits.Archive), "%d segments of WAL wait for the archiver", waiting), nil
}}
