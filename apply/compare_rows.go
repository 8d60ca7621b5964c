package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

const (
	// A chunk that is read for longer than chunkTime is halved. No snapshot is older.
	chunkTime = 5 * time.Second
	// mostPasses is how many passes over all rows are made before onward reports that they do not stay right.
	mostPasses = 3
	// maxUselessRepairs is how often a chunk is repaired and read again if the number of wrong rows does not drop.
	maxUselessRepairs = 3
)

// compareRows compares the next rows of a backfill with their expected values, in a short transaction of its own. Wrong rows are
// repaired and read again. After a pass in which every row was right, the step is done, which the ledger records in the same
// transaction.
func (t *Target) compareRows(ctx context.Context, s *onward.PlanStep) (rows int64, over bool, err error) {
	v, err := t.currentPass(ctx, s)
	if err != nil {
		return 0, false, err
	}
	if v == nil || v.Part >= len(s.Backfill.Compare) {
		return t.concludePass(ctx, s, v)
	}
	t.tries.pass = v
	next := *v
	err = t.inGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		rows, err = t.compareChunk(ctx, tx, &s.Backfill.Compare[v.Part], &next)
		if err != nil {
			return err
		}
		return t.asLedgerOwner(ctx, tx, func() error { return next.SavePass(ctx, tx, t.plan.ID, s.ID) })
	})
	switch {
	case classifyError(err) == badRow && t.tries.uselessRepairs < maxUselessRepairs:
		return 0, false, t.narrowRepair(ctx, s, &s.Backfill.Compare[v.Part], v.Cursor, err)
	case classifyError(err) == timedOut && t.tries.size > FewestRows:
		t.tries.size = max(FewestRows, t.tries.size/4)
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	if n := next.Mended - v.Mended; n > 0 {
		t.reportEvent(Mended, s, fmt.Sprintf("%d of %s", n, s.Backfill.Compare[v.Part].Table))
	}
	if !slices.Equal(next.Cursor, v.Cursor) || next.Part != v.Part {
		t.tries.wrong, t.tries.uselessRepairs, t.tries.repair = 0, 0, chunkRepair{}
	}
	t.tries.pass = &next
	return rows, false, nil
}

// currentPass returns the current pass, or begins one if no row is in quarantine and the triggers that keep concurrent writes right
// are enabled. It returns nil if the plan compares nothing.
func (t *Target) currentPass(ctx context.Context, s *onward.PlanStep) (*ledger.Verification, error) {
	if t.tries.pass != nil {
		return t.tries.pass, nil
	}
	tried, left, err := t.retryQuarantine(ctx, s)
	if err != nil {
		return nil, err
	}
	if left > 0 {
		return nil, t.refuseAndRecord(ctx, s, fmt.Sprintf("rows are in quarantine, for their change fails: %d. %s finds them. "+
			"Make them such that they can be changed; onward backfill tries them again, and goes on", left, t.quarantineQuery(s)))
	}
	if len(s.Backfill.Compare) == 0 {
		return nil, nil
	}
	guards, err := t.triggerState(ctx, s)
	if err != nil {
		return nil, err
	}
	var v *ledger.Verification
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		v, err = ledger.ReadVerification(ctx, conn, t.plan.ID, s.ID)
		return err
	}); err != nil {
		return nil, err
	}
	if v != nil && tried == 0 && v.Clean == nil && v.Part < len(s.Backfill.Compare) && v.Guards == guards {
		return v, nil
	}
	return t.beginPass(ctx, s, 1, guards)
}

// beginPass begins a pass at the first row.
func (t *Target) beginPass(ctx context.Context, s *onward.PlanStep, number int, guards string) (*ledger.Verification, error) {
	t.tries.wrong, t.tries.uselessRepairs, t.tries.repair = 0, 0, chunkRepair{}
	err := t.inGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		return t.asLedgerOwner(ctx, tx, func() error { return ledger.BeginPass(ctx, tx, t.plan.ID, s.ID, number, guards) })
	})
	return &ledger.Verification{Pass: number, Guards: guards}, err
}

// refuseAndRecord returns the error for a backfill that is not right, and records the reason in the ledger.
func (t *Target) refuseAndRecord(ctx context.Context, s *onward.PlanStep, text string) error {
	return errors.Join(&RefusedError{Step: s.ID, Text: text}, t.recordStepState(ctx, ledger.Waiting, text))
}

// compareChunk compares the next rows, as many as a portion has, and advances v.
func (t *Target) compareChunk(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, v *ledger.Verification) (int64, error) {
	chunk, err := countWrong(ctx, tx, c, v, t.tries.size)
	if err != nil || chunk == nil {
		return 0, err
	}
	if t.tries.wrong > 0 && chunk.wrong >= t.tries.wrong {
		t.tries.uselessRepairs++
	}
	t.tries.wrong = chunk.wrong
	if chunk.wrong > int64(len(t.tries.repair.skippedKeys)) && c.Mend != "" && t.tries.uselessRepairs < maxUselessRepairs {
		batch, args := t.tries.repair.batchQuery(c, chunk.types, chunk.where, chunk.args)
		tag, err := tx.Exec(ctx, "WITH batch AS MATERIALIZED ("+batch+") "+c.Mend, args...)
		if err != nil {
			return 0, err
		}
		if n := tag.RowsAffected(); n > 0 {
			t.tries.repair.widenBatch()
			v.Mended += n
			return 0, nil // the same rows are read again
		}
	}
	return chunk.addTo(v), nil
}

// comparedChunk is some rows that a comparison has read.
type comparedChunk struct {
	types, end  []string // of their keys; end is the last key
	where       string   // the condition for their keys, with its parameters
	args        []any
	rows, wrong int64
	last        bool // only rows that are being added follow
}

// countWrong counts the wrong rows of the next chunk. If no row is left, it returns nil and goes on with the next comparison.
func countWrong(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, v *ledger.Verification, size int) (*comparedChunk, error) {
	types, err := typesOf(ctx, tx, c.Table, c.Keys)
	if err != nil {
		return nil, err
	}
	chunk := &comparedChunk{types: types}
	chunk.end, chunk.rows, err = findRangeEnd(ctx, tx, c, types, v.Cursor, nil, size)
	if err != nil || chunk.rows == 0 {
		v.Part, v.Cursor = v.Part+1, nil
		return nil, err
	}
	chunk.last = chunk.rows < int64(size)
	chunk.where, chunk.args = keyRange(c.Keys, types, v.Cursor, chunk.end)
	err = tx.QueryRow(ctx, "SELECT count(*) FILTER (WHERE "+c.Wrong+") FROM "+c.Table+" AS t WHERE "+chunk.where, chunk.args...).Scan(&chunk.wrong)
	return chunk, err
}

// addTo adds a chunk to its pass, and returns the number of its rows.
func (c *comparedChunk) addTo(v *ledger.Verification) int64 {
	v.Rows, v.Wrong, v.Cursor = v.Rows+c.rows, v.Wrong+c.wrong, c.end
	if c.last {
		v.Part, v.Cursor = v.Part+1, nil
	}
	return c.rows
}

// findRangeEnd returns the key of the last one of a number of rows after a key, and the number of these rows. through limits their keys; nil for
// no limit.
func findRangeEnd(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, types, after, through []string, limit int) (end []string, rows int64, err error) {
	if _, err := tx.Exec(ctx, roundTripSettings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, 0, err
	}
	where, args := keyRange(c.Keys, types, after, through)
	backward := make([]string, len(c.Keys))
	for i, name := range keyNames(c.Keys) {
		backward[i] = name + " DESC"
	}
	err = tx.QueryRow(ctx, fmt.Sprintf("SELECT %s, count(*) OVER () FROM (SELECT %s FROM %s AS t WHERE %s ORDER BY %s LIMIT %d) AS chunk ORDER BY %s LIMIT 1",
		keysAsText("chunk", keyNames(c.Keys)), selectKeys(c.Keys), c.Table, where, orderByKeys(c.Keys), limit,
		strings.Join(backward, ", ")), args...).Scan(&end, &rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, nil
	}
	if err == nil { // comparisons use the settings that the backfill used
		_, err = tx.Exec(ctx, "SET LOCAL datestyle TO DEFAULT; SET LOCAL intervalstyle TO DEFAULT; SET LOCAL bytea_output TO DEFAULT; "+
			"SET LOCAL extra_float_digits TO DEFAULT", pgx.QueryExecModeSimpleProtocol)
	}
	return end, rows, err
}

// selectKeys returns a table's keys, with the names that a batch has for them.
func selectKeys(keys []string) string {
	out := make([]string, len(keys))
	for i, name := range keyNames(keys) {
		out[i] = "t." + keys[i] + " AS " + name
	}
	return strings.Join(out, ", ")
}

// orderByKeys returns the ORDER BY list for a table's keys.
func orderByKeys(keys []string) string { return "t." + strings.Join(keys, ", t.") }

// keyRange returns a condition: the key of row t is after one key and not after another. nil means no bound.
func keyRange(keys, types, after, through []string) (string, []any) {
	where, args := "true", []any(nil)
	bound := func(op string, key []string) {
		if key != nil {
			var condition string
			condition, args = compareKey(keys, op, types, key, args)
			where += " AND " + condition
		}
	}
	bound(" > ", after)
	bound(" <= ", through)
	return where, args
}

// compareKey returns a condition that compares the key of row t with another key, given as text. It appends to the parameters.
func compareKey(keys []string, op string, types, key []string, args []any) (string, []any) {
	row := func(list []string) string {
		if len(list) == 1 {
			return list[0]
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	mine := make([]string, len(keys))
	for i, k := range keys {
		mine[i] = "t." + k
	}
	values, args := castPlaceholders(types, key, args)
	return row(mine) + op + row(values), args
}

// concludePass decides what follows a finished pass: another pass, a refusal, or that the step is done.
func (t *Target) concludePass(ctx context.Context, s *onward.PlanStep, v *ledger.Verification) (int64, bool, error) {
	if v != nil {
		guards, err := t.triggerState(ctx, s)
		switch {
		case err != nil:
			return 0, false, err
		case v.Wrong > 0:
			return 0, false, t.refuseAndRecord(ctx, s, describeWrongRows(s, v.Wrong, cmp.Or(t.tries.repairError, "which side of them is right is not known")))
		case (v.Mended > 0 || guards != v.Guards) && v.Pass >= mostPasses:
			return 0, false, t.refuseAndRecord(ctx, s, describeWrongRows(s, v.Mended,
				fmt.Sprintf("they were mended in each of %d passes, and somebody makes them wrong again", mostPasses)))
		case v.Mended > 0 || guards != v.Guards:
			t.tries.pass, err = t.beginPass(ctx, s, v.Pass+1, guards)
			return 0, false, err
		}
	}
	return 0, true, t.inGuardedTransaction(context.WithoutCancel(ctx), t.lockTimeout(), t.lockTimeout()+underLock, func(ctx context.Context, tx pgx.Tx) error {
		if v != nil {
			if err := t.asLedgerOwner(ctx, tx, func() error { return ledger.RecordClean(ctx, tx, t.plan.ID, s.ID) }); err != nil {
				return err
			}
		}
		if t.onlyVerify {
			return nil
		}
		return t.recordDone(ctx, tx, s)
	})
}

// describeWrongRows reports that rows are not right, with a query that finds them. It does not print their keys, because those are
// private data of the database.
func describeWrongRows(s *onward.PlanStep, rows int64, why string) string {
	text := fmt.Sprintf("rows of %s are not what the backfill is to make of them: %d, and %s. What finds them, by their key (%s):", s.Backfill.Table, rows, why,
		strings.Join(s.Backfill.Keys, ", "))
	for _, c := range s.Backfill.Compare {
		text += " SELECT " + strings.Join(c.Keys, ", ") + " FROM " + c.Table + " AS t WHERE " + c.Wrong + ";"
	}
	return text + " mend them, then run the same command again"
}

// triggerState returns the state of the triggers that keep right what is written to a table of a backfill. The state differs after a
// trigger was changed, disabled or enabled. A trigger that is missing or not enabled is refused.
func (t *Target) triggerState(ctx context.Context, s *onward.PlanStep) (string, error) {
	want := s.Backfill.Triggers
	if len(want) == 0 {
		return "", nil
	}
	var state string
	var on []string
	err := t.inGuardedTransaction(context.WithoutCancel(ctx), queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT coalesce(string_agg(concat_ws(' ', g.oid, g.tgenabled, g.xmin, p.xmin), ',' ORDER BY g.oid), ''), coalesce(array_agg(g.tgname::text) FILTER (WHERE g.tgenabled IN ('O', 'A')), '{}')
			FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid WHERE g.tgrelid = to_regclass($1::text) AND g.tgname = ANY ($2::text[])`, s.Backfill.Table, want).Scan(&state, &on)
	})
	if err != nil {
		return "", err
	}
	for _, name := range want {
		if !slices.Contains(on, name) {
			return "", &RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("the trigger %s of %s is missing or disabled: newer writes were not copied. "+
					"Enable it (ALTER TABLE %[2]s ENABLE ALWAYS TRIGGER %[1]s), then run onward backfill --verify, which compares all rows",
					pgparse.QuoteIdent(name), s.Backfill.Table),
			}
		}
	}
	return state, nil
}
