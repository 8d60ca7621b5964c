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

// mostQuarantined is how many rows of a backfill may be in quarantine: with more of them something is wrong with the
// plan and not with the rows.
const mostQuarantined = 100

// whole has the server refuse a query that row-level security would hide rows from, instead of hiding them: a backfill
// is of all rows, or not done.
func whole(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, "SET LOCAL row_security = off")
	return err
}

// poisoned finds the row that a batch failed by: fewer and fewer are tried, and the one alone that fails is passed over.
func (t *Target) poisoned(ctx context.Context, s *onward.PlanStep, limit int, err error) (int64, bool, error) {
	switch {
	case s.Backfill == nil || means(err) != ofRow:
		return 0, false, err
	case limit > 1:
		t.tries.narrow = limit / 2
		return 0, false, nil
	}
	return t.passOver(ctx, s, err)
}

// passOver moves a backfill behind its next row without changing it, and puts that into quarantine, in one transaction.
func (t *Target) passOver(ctx context.Context, s *onward.PlanStep, cause error) (rows int64, over bool, err error) {
	count := 0
	err = t.guarded(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		if err := whole(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, plainly, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		var key []string
		err := tx.QueryRow(ctx, passing(s), pgx.QueryExecModeSimpleProtocol).Scan(&key)
		if errors.Is(err, pgx.ErrNoRows) { // it is gone
			return nil
		}
		if err != nil {
			return err
		}
		return t.noted(ctx, tx, func() error {
			if count, err = t.setAside(ctx, tx, s, key, cause); err != nil {
				return err
			}
			rows = 1
			return ledger.Passed(ctx, tx, t.plan.ID, s.ID, 1)
		})
	})
	if err == nil && rows > 0 {
		t.tell(Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", said(cause), count))
	}
	return rows, false, err
}

// plainly has values written so that they can be read back whatever the settings are.
const plainly = "SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1"

// passing is a step's batch of one row that does nothing to it, and gives its key.
func passing(s *onward.PlanStep) string {
	sql := strings.Replace(s.Sized(1), s.Backfill.Work, "SELECT", 1)
	return strings.TrimSuffix(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(sql), ";")), "SELECT count(*) FROM batch") +
		"SELECT " + asText("batch", keyNames(s.Backfill.Keys)) + " FROM batch"
}

// keyNames are the columns of a batch that hold the keys.
func keyNames(keys []string) []string {
	out := make([]string, len(keys))
	for i := range keys {
		out[i] = fmt.Sprintf("onward_key%d", i+1)
	}
	return out
}

// asText are columns of a row as an array of texts.
func asText(row string, columns []string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = row + "." + c + "::text"
	}
	return "ARRAY[" + strings.Join(out, ", ") + "]"
}

// quarantineQuery finds the rows of a step that are in quarantine.
func (t *Target) quarantineQuery(s *onward.PlanStep) string { return quarantineQuery(t.plan.ID, s.ID) }

func quarantineQuery(plan, step string) string {
	return "SELECT key, code, message FROM " + ledger.Schema + ".quarantine WHERE plan = " + pgparse.QuoteLiteral(plan) + " AND step = " + pgparse.QuoteLiteral(step)
}

// retry tries the rows in quarantine once more, each in a transaction of its own, and gives how many were tried, and are left.
func (t *Target) retry(ctx context.Context, s *onward.PlanStep) (tried, left int, err error) {
	var list []ledger.Quarantined
	err = t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		list, err = ledger.InQuarantine(ctx, conn, t.plan.ID, s.ID)
		return err
	})
	if err != nil || len(list) == 0 {
		return 0, 0, err
	}
	for _, q := range list {
		err := t.guarded(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
			if err := whole(ctx, tx); err != nil {
				return err
			}
			types, err := typesOf(ctx, tx, s.Backfill.Table, s.Backfill.Keys)
			if err != nil {
				return err
			}
			batch, args := typed(types, q.Key, nil)
			if _, err := tx.Exec(ctx, "WITH batch ("+strings.Join(keyNames(q.Key), ", ")+") AS MATERIALIZED (SELECT "+strings.Join(batch, ", ")+") "+s.Backfill.Work, args...); err != nil {
				return err
			}
			return t.noted(ctx, tx, func() error { return ledger.Pardon(ctx, tx, q.ID) })
		})
		switch {
		case means(err) == ofRow:
			left++
		case err != nil:
			return 0, 0, err
		}
	}
	return len(list), left, nil
}

// typesOf are the types of columns.
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

// typed are values of types, given as text, as parameters behind those that there are.
func typed(types, values []string, before []any) (list []string, args []any) {
	args = before
	for i, typ := range types {
		args = append(args, values[i])
		list = append(list, fmt.Sprintf("$%d::text::%s", len(args), typ))
	}
	return list, args
}
