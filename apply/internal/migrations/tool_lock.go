package migrations

import (
	"context"
	"fmt"
	"time"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/queue"
)

// pollLock polls for an advisory lock until the migration tool releases it.
func (p *Pending) pollLock(ctx context.Context, key int64) error {
	reported := false
	for end := time.Now().Add(p.Within); ; {
		var got bool
		var pid int
		var app string
		if err := p.withOwnSettings(ctx, func() error {
			if err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&got); err != nil || got {
				return err
			}
			_ = p.conn.QueryRow(ctx, `SELECT l.pid, coalesce(a.application_name, '') FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid)
				WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = $1 LIMIT 1`, key).Scan(&pid, &app) // or released by now
			return nil
		}); err != nil || got {
			return err
		}
		words := fmt.Sprintf("process %d (%s) holds the lock of the migrations' own tool", pid, app)
		if time.Now().After(end) {
			return &run.UnfinishedError{Step: p.set.Migrations[0].ID, Why: words}
		}
		if !reported {
			reported = true
			p.Tell(run.Event{Kind: run.Held, Words: words})
		}
		if err := queue.Pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}
