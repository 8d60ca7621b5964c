package backfill

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// mostQuarantined limits how many rows of a backfill may be in quarantine. With more, the plan is probably wrong and not the
// rows.
const mostQuarantined = 100

// isolateBadRow finds the row that makes a batch fail, by halving the batch. The row that fails alone is skipped.
func (fill *Backfill) isolateBadRow(ctx context.Context, s *onward.PlanStep, limit int, err error) (int64, bool, error) {
	switch {
	case s.Backfill == nil || session.ClassifyError(err) != session.BadRow:
		return 0, false, err
	case limit > 1:
		fill.state.narrowLimit = limit / 2
		return 0, false, nil
	}
	return fill.quarantineNextRow(ctx, s, err)
}

// quarantineNextRow moves the cursor of a backfill past its next row without a change, and puts the row into quarantine, in one
// transaction.
func (fill *Backfill) quarantineNextRow(ctx context.Context, s *onward.PlanStep, cause error) (rows int64, finished bool, err error) {
	count := 0
	err = fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, roundTripSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		var key []string
		err := tx.QueryRow(ctx, nextKeyQuery(s), pgx.QueryExecModeSimpleProtocol).Scan(&key)
		if errors.Is(err, pgx.ErrNoRows) { // it is gone
			return nil
		}
		if err != nil {
			return err
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() error {
			if count, err = fill.quarantineRow(ctx, tx, s, key, cause); err != nil {
				return err
			}
			rows = 1
			return ledger.AddRows(ctx, tx, fill.record.Row.ID, s.ID, 1)
		})
	})
	if err == nil && rows > 0 {
		fill.record.ReportEvent(run.Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", session.ServerMessage(cause), count))
	}
	return rows, false, err
}

// nextKeyQuery returns a step's batch of one row without its work. The query returns the row's key.
func nextKeyQuery(s *onward.PlanStep) string {
	sql := strings.Replace(s.Sized(1), s.Backfill.Work, "SELECT", 1)
	return strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(sql), ";")), "SELECT count(*) FROM batch") +
		"SELECT " + keysAsText("batch", keyNames(s.Backfill.Keys)) + " FROM batch"
}

// retryQuarantine tries the rows in quarantine again, each in its own transaction. It returns how many were tried and how many are left.
func (fill *Backfill) retryQuarantine(ctx context.Context, s *onward.PlanStep) (tried, left int, err error) {
	var list []ledger.QuarantinedRow
	err = fill.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = ledger.InQuarantine(ctx, conn, fill.record.Row.ID, s.ID)
		return err
	})
	if err != nil || len(list) == 0 {
		return 0, 0, err
	}
	for _, q := range list {
		err := fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
			if err := forbidRowSecurity(ctx, tx); err != nil {
				return err
			}
			types, err := readColumnTypes(ctx, tx, s.Backfill.Table, s.Backfill.Keys)
			if err != nil {
				return err
			}
			batch, args := castPlaceholders(types, q.Key, nil)
			if _, err := tx.Exec(ctx, "WITH batch ("+strings.Join(keyNames(q.Key), ", ")+") AS MATERIALIZED (SELECT "+strings.Join(batch, ", ")+"), changed AS ("+
				s.Backfill.Work+") SELECT pg_catalog.count(*) FROM batch", args...); err != nil {
				return err
			}
			return fill.session.AsLedgerOwner(ctx, tx, func() error { return ledger.ReleaseRow(ctx, tx, q.ID) })
		})
		switch {
		case session.ClassifyError(err) == session.BadRow:
			left++
		case err != nil:
			return 0, 0, err
		}
	}
	return len(list), left, nil
}
