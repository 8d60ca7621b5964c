package stalls

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/bench/measure"
	"github.com/onward-sql/onward/onward"
)

// readBackfillStep returns the backfill step of a change's plan.
func (b *bench) readBackfillStep(c *change) *onward.PlanStep {
	var p onward.Plan
	measure.Check(json.Unmarshal(measure.Must(os.ReadFile(b.planFile(c))), &p))
	i := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.Backfill != nil })
	if i < 0 || len(p.Steps[i].Backfill.Keys) != 1 {
		measure.Check(fmt.Errorf("the plan for %s has no backfill along a key of one column", c.name))
	}
	return &p.Steps[i]
}

// runPlainLoop does the work of a backfill as people do who write the loop themselves: batches along the key, one after the other, each
// in its own transaction, without a rest, a ledger or a comparison. It returns how long that took.
func (b *bench) runPlainLoop(c *change, url string) time.Duration {
	f := b.readBackfillStep(c).Backfill
	conn := measure.Must(pgx.Connect(b, url))
	defer conn.Close(context.WithoutCancel(b))
	sql := fmt.Sprintf("WITH batch AS MATERIALIZED (SELECT t.%[1]s AS onward_key1 FROM %[2]s AS t WHERE t.%[1]s > $1 ORDER BY t.%[1]s LIMIT %[3]d), "+
		"changed AS (%[4]s) SELECT coalesce(max(onward_key1), 0), count(*) FROM batch", f.Keys[0], f.Table, batch, f.Work)
	start := time.Now()
	for last, rows, total := 0, 1, 0; ; total += rows {
		measure.Check(conn.QueryRow(b, sql, last).Scan(&last, &rows))
		if rows > 0 {
			continue
		}
		if total != b.rows {
			measure.Check(fmt.Errorf("the plain loop changed %d of %d rows", total, b.rows))
		}
		return time.Since(start)
	}
}
