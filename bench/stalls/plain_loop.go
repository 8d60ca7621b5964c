package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// readBackfill returns the backfill step of a change's plan.
func (b *bench) readBackfill(c *change) (*onward.PlanStep, error) {
	text, err := os.ReadFile(b.planFile(c))
	if err != nil {
		return nil, err
	}
	var p onward.Plan
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(p.Steps, func(s onward.PlanStep) bool { return s.Backfill != nil })
	if i < 0 || len(p.Steps[i].Backfill.Keys) != 1 {
		return nil, fmt.Errorf("the plan for %s has no backfill along a key of one column", c.name)
	}
	return &p.Steps[i], nil
}

// runPlainLoop does the work of a backfill as people do who write the loop themselves: batches along the key, one after the other, each
// in its own transaction, without a rest, a ledger or a comparison. It returns how long that took.
func (b *bench) runPlainLoop(ctx context.Context, c *change, url string) (took time.Duration, err error) {
	step, err := b.readBackfill(c)
	if err != nil {
		return 0, err
	}
	f := step.Backfill
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	key := f.Keys[0]
	sql := fmt.Sprintf("WITH batch AS MATERIALIZED (SELECT t.%[1]s AS onward_key1 FROM %[2]s AS t WHERE t.%[1]s > $1 ORDER BY t.%[1]s LIMIT %[3]d), "+
		"changed AS (%[4]s) SELECT coalesce(max(onward_key1), 0), count(*) FROM batch", key, f.Table, batch, f.Work)
	begun := time.Now()
	for last, total := 0, 0; ; {
		var rows int
		if err := conn.QueryRow(ctx, sql, last).Scan(&last, &rows); err != nil {
			return 0, err
		}
		if rows == 0 {
			if total != b.rows {
				return 0, fmt.Errorf("the plain loop changed %d of %d rows", total, b.rows)
			}
			return time.Since(begun), nil
		}
		total += rows
	}
}
