package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/onward"
)

// mending is how the rows of a chunk are mended. One whose change fails must not keep the others from it: fewer and fewer are tried, and
// the one alone that fails is left as it is.
type mending struct {
	fewer int        // how many rows are mended at once are halved so often
	bad   [][]string // the keys of those that are left
}

// rows is how many rows are mended at once.
func (m *mending) rows() int { return max(1, onward.PlanBatch>>m.fewer) }

// wider has twice as many rows mended at once, behind some that went well.
func (m *mending) wider() { m.fewer = max(0, m.fewer-1) }

// batch is the query of the rows that are mended next, of those that a condition has, with its parameters.
func (m *mending) batch(c *onward.PlanComparison, types []string, where string, args []any) (string, []any) {
	return m.some("SELECT "+keysAs(c.Keys), c, types, where, args)
}

func (m *mending) some(head string, c *onward.PlanComparison, types []string, where string, args []any) (string, []any) {
	args = slices.Clip(args) // each query has its own
	for _, key := range m.bad {
		var is string
		is, args = beside(c.Keys, " = ", types, key, args)
		where += " AND NOT (" + is + ")"
	}
	return fmt.Sprintf("%s FROM %s AS t WHERE %s AND (%s) ORDER BY %s LIMIT %d", head, c.Table, where, c.Wrong, byKeys(c.Keys), m.rows()), args
}

// unmended goes on behind an error of a row among those that were mended: with half of them, or, where it was alone, without it. It is put into
// quarantine, where the keys compared are those of the backfill.
func (t *Target) unmended(ctx context.Context, s *onward.PlanStep, c *onward.PlanComparison, cursor []string, cause error) error {
	m := &t.tries.mend
	t.tries.wrong = 0 // that attempt was not in vain: it is made with fewer rows
	t.tries.fails = "their change fails (" + said(cause) + ")"
	if m.rows() > 1 {
		m.fewer++
		return nil
	}
	if len(m.bad) >= mostQuarantined {
		t.tries.vain = mostVain // it is not the rows
		return nil
	}
	var key []string
	count := 0
	err := t.guarded(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := whole(ctx, tx); err != nil {
			return err
		}
		types, err := typesOf(ctx, tx, c.Table, c.Keys)
		if err != nil {
			return err
		}
		where, args := between(c.Keys, types, cursor, nil)
		// The row first: what compares values goes by the settings that the backfill went by, and what writes keys as text by others.
		query, args := m.some("SELECT t.tableoid::text, t.ctid::text", c, types, where, args)
		var table, place string
		if err := tx.QueryRow(ctx, query, args...).Scan(&table, &place); err != nil {
			if errors.Is(err, pgx.ErrNoRows) { // somebody mended it
				return nil
			}
			return err
		}
		if _, err := tx.Exec(ctx, plainly, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, "SELECT "+asText("t", c.Keys)+" FROM "+c.Table+" AS t WHERE t.tableoid = $1::text::oid AND t.ctid = $2::text::tid", table, place).Scan(&key)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) { // it was changed meanwhile
			return err
		}
		if key == nil {
			return nil
		}
		if c.Table != s.Backfill.Table || !slices.Equal(c.Keys, s.Backfill.Keys) {
			return nil
		}
		return t.noted(ctx, tx, func() (err error) {
			count, err = t.setAside(ctx, tx, s, key, cause)
			return err
		})
	})
	if err != nil || key == nil {
		return err
	}
	m.bad = append(m.bad, key)
	if count > 0 {
		t.tell(Skipped, s, fmt.Sprintf("a row whose change fails (%s); in quarantine are %d", said(cause), count))
	}
	return nil
}

// setAside puts a row of a backfill into quarantine, in the transaction of whoever passes over it, and gives how many are there. One more than
// there may be is an [*UnfinishedError]. One that is there already stays as it is.
func (t *Target) setAside(ctx context.Context, tx pgx.Tx, s *onward.PlanStep, key []string, cause error) (int, error) {
	list, err := ledger.InQuarantine(ctx, tx, t.plan.ID, s.ID)
	if err != nil || slices.ContainsFunc(list, func(q ledger.Quarantined) bool { return slices.Equal(q.Key, key) }) {
		return 0, err
	}
	if len(list) >= mostQuarantined {
		return 0, &UnfinishedError{Step: s.ID, Why: fmt.Sprintf("%d rows are in quarantine, and the change of another one fails (%s): %s finds them. The change is to be looked at before the rows; the same command goes on", mostQuarantined, said(cause), t.quarantineQuery(s)), Err: cause}
	}
	refused := new(pgconn.PgError)
	code, words := "", strings.TrimSpace(said(cause))
	if errors.As(cause, &refused) {
		code, words = refused.Code, redact.Message(refused)
	}
	return len(list) + 1, ledger.Quarantine(ctx, tx, t.plan.ID, s.ID, key, code, words)
}
