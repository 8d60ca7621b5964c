package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// mostQuarantined limits how many rows of a backfill may be in quarantine. With more, the plan is probably wrong and not the
// rows.
const mostQuarantined = 100

// forbidRowSecurity makes the server refuse a query from which row-level security would hide rows: a backfill processes all rows or is not
// done.
func forbidRowSecurity(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL row_security = off")
	return err
}

// isolateBadRow finds the row that makes a batch fail, by halving the batch. The row that fails alone is skipped.
func (t *Target) isolateBadRow(ctx context.Context, s *onward.PlanStep, limit int, err error) (int64, bool, error) {
	switch {
	case s.Backfill == nil || classifyError(err) != badRow:
		return 0, false, err
	case limit > 1:
		t.tries.narrowLimit = limit / 2
		return 0, false, nil
	}
	return t.quarantineNextRow(ctx, s, err)
}

// quarantineNextRow moves the cursor of a backfill past its next row without a change, and puts the row into quarantine, in one
// transaction.
func (t *Target) quarantineNextRow(ctx context.Context, s *onward.PlanStep, cause error) (rows int64, over bool, err error) {
	count := 0
	err = t.inGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
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
		return t.asLedgerOwner(ctx, tx, func() error {
			if count, err = t.quarantineRow(ctx, tx, s, key, cause); err != nil {
				return err
			}
			rows = 1
			return ledger.AddRows(ctx, tx, t.plan.ID, s.ID, 1)
		})
	})
	if err == nil && rows > 0 {
		t.reportEvent(Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", serverMessage(cause), count))
	}
	return rows, false, err
}

// roundTripSettings makes the server write values in a form that can be read back under any settings.
const roundTripSettings = "SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"

// nextKeyQuery returns a step's batch of one row without its work. The query returns the row's key.
func nextKeyQuery(s *onward.PlanStep) string {
	sql := strings.Replace(s.Sized(1), s.Backfill.Work, "SELECT", 1)
	return strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(sql), ";")), "SELECT count(*) FROM batch") +
		"SELECT " + keysAsText("batch", keyNames(s.Backfill.Keys)) + " FROM batch"
}

// keyNames returns the columns of a batch that hold the keys.
func keyNames(keys []string) []string {
	out := make([]string, len(keys))
	for i := range keys {
		out[i] = fmt.Sprintf("onward_key%d", i+1)
	}
	return out
}

// keysAsText returns an SQL array with columns of a row as text.
func keysAsText(row string, columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = row + "." + c + "::text"
	}
	return "ARRAY[" + strings.Join(out, ", ") + "]"
}

// quarantineQuery returns the query that finds the rows of a step in quarantine.
func (t *Target) quarantineQuery(s *onward.PlanStep) string { return quarantineQuery(t.plan.ID, s.ID) }

func quarantineQuery(plan, step string) string {
	return "SELECT key, code, message FROM " + ledger.Schema + ".quarantine WHERE plan = " + pgparse.QuoteLiteral(plan) + " AND step = " +
		pgparse.QuoteLiteral(step)
}

// retryQuarantine tries the rows in quarantine again, each in its own transaction. It returns how many were tried and how many are left.
func (t *Target) retryQuarantine(ctx context.Context, s *onward.PlanStep) (tried, left int, err error) {
	var list []ledger.QuarantinedRow
	err = t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = ledger.InQuarantine(ctx, conn, t.plan.ID, s.ID)
		return err
	})
	if err != nil || len(list) == 0 {
		return 0, 0, err
	}
	for _, q := range list {
		err := t.inGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
			if err := forbidRowSecurity(ctx, tx); err != nil {
				return err
			}
			types, err := typesOf(ctx, tx, s.Backfill.Table, s.Backfill.Keys)
			if err != nil {
				return err
			}
			batch, args := castPlaceholders(types, q.Key, nil)
			if _, err := tx.Exec(ctx, "WITH batch ("+strings.Join(keyNames(q.Key), ", ")+") AS MATERIALIZED (SELECT "+strings.Join(batch, ", ")+"), changed AS ("+
				s.Backfill.Work+") SELECT count(*) FROM batch", args...); err != nil {
				return err
			}
			return t.asLedgerOwner(ctx, tx, func() error { return ledger.ReleaseRow(ctx, tx, q.ID) })
		})
		switch {
		case classifyError(err) == badRow:
			left++
		case err != nil:
			return 0, 0, err
		}
	}
	return len(list), left, nil
}

// typesOf returns the types of columns.
func typesOf(ctx context.Context, tx pgx.Tx, table string, columns []string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) FROM unnest($2::text[]) WITH ORDINALITY AS k (name, place)
		JOIN pg_catalog.pg_attribute AS a ON a.attrelid = $1::text::regclass AND NOT a.attisdropped AND a.attname = (parse_ident(k.name))[1] ORDER BY k.place`, table, columns)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(list) != len(columns) {
		err = fmt.Errorf("the table %s has lost a column of its key (%s)", table, strings.Join(columns, ", "))
	}
	return list, err
}

// castPlaceholders returns placeholders that cast text to the given types, and the parameters, appended to those in before.
func castPlaceholders(types, values []string, before []any) (list []string, args []any) {
	args = before
	for i, typ := range types {
		args = append(args, values[i])
		list = append(list, fmt.Sprintf("$%d::text::%s", len(args), typ))
	}
	return list, args
}
