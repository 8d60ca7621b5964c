package backfill

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
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
func (fill *Backfill) compareRows(ctx context.Context, s *onward.PlanStep) (rows int64, finished bool, err error) {
	v, err := fill.currentPass(ctx, s)
	if err != nil {
		return 0, false, err
	}
	if v == nil || v.Part >= len(s.Backfill.Compare) {
		return fill.concludePass(ctx, s, v)
	}
	fill.state.pass = v
	next := *v
	err = fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := forbidRowSecurity(ctx, tx); err != nil {
			return err
		}
		rows, err = fill.compareChunk(ctx, tx, &s.Backfill.Compare[v.Part], &next)
		if err != nil {
			return err
		}
		return fill.session.AsLedgerOwner(ctx, tx, func() error { return next.SavePass(ctx, tx, fill.record.Row.ID, s.ID) })
	})
	switch {
	case session.ClassifyError(err) == session.BadRow && fill.state.uselessRepairs < maxUselessRepairs:
		return 0, false, fill.narrowRepair(ctx, s, &s.Backfill.Compare[v.Part], v.Cursor, err)
	case session.ClassifyError(err) == session.TimedOut && fill.throttle.Size > FewestRows:
		fill.throttle.Size = max(FewestRows, fill.throttle.Size/4)
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	if n := next.Mended - v.Mended; n > 0 {
		fill.record.ReportEvent(run.Mended, s, fmt.Sprintf("%d of %s", n, s.Backfill.Compare[v.Part].Table))
	}
	if !slices.Equal(next.Cursor, v.Cursor) || next.Part != v.Part {
		fill.state.wrong, fill.state.uselessRepairs, fill.state.repair = 0, 0, chunkRepair{}
	}
	fill.state.pass = &next
	return rows, false, nil
}

// currentPass returns the current pass, or begins one if no row is in quarantine and the triggers that keep concurrent writes right
// are enabled. It returns nil if the plan compares nothing.
func (fill *Backfill) currentPass(ctx context.Context, s *onward.PlanStep) (*ledger.Verification, error) {
	if fill.state.pass != nil {
		return fill.state.pass, nil
	}
	tried, left, err := fill.retryQuarantine(ctx, s)
	if err != nil {
		return nil, err
	}
	if left > 0 {
		return nil, fill.record.RefuseAndRecord(ctx, s, fmt.Sprintf("rows are in quarantine, for their change fails: %d. %s finds them. "+
			"Make them such that they can be changed; onward backfill tries them again, and goes on", left, fill.record.QuarantineQuery(s)))
	}
	if len(s.Backfill.Compare) == 0 {
		return nil, nil
	}
	guards, err := fill.triggerState(ctx, s)
	if err != nil {
		return nil, err
	}
	v, err := fill.readVerification(ctx, s.ID)
	if err != nil {
		return nil, err
	}
	if v != nil && tried == 0 && v.Clean == nil && v.Part < len(s.Backfill.Compare) && v.Guards == guards {
		return v, nil
	}
	return fill.beginPass(ctx, s, 1, guards)
}

// BeginComparison begins to compare the rows of a backfill that is done.
func (fill *Backfill) BeginComparison(ctx context.Context, s *onward.PlanStep) error {
	fill.state.allProcessed = true
	guards, err := fill.triggerState(ctx, s)
	if err == nil {
		_, err = fill.beginPass(ctx, s, 1, guards)
	}
	return err
}

// readVerification reads how far the comparison of a step is.
func (fill *Backfill) readVerification(ctx context.Context, step string) (v *ledger.Verification, err error) {
	err = fill.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		v, err = ledger.ReadVerification(ctx, conn, fill.record.Row.ID, step)
		return err
	})
	return v, err
}

// beginPass begins a pass at the first row.
func (fill *Backfill) beginPass(ctx context.Context, s *onward.PlanStep, number int, guards string) (*ledger.Verification, error) {
	fill.state.wrong, fill.state.uselessRepairs, fill.state.repair = 0, 0, chunkRepair{}
	err := fill.session.InGuardedTransaction(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		return fill.session.AsLedgerOwner(ctx, tx, func() error { return ledger.BeginPass(ctx, tx, fill.record.Row.ID, s.ID, number, guards) })
	})
	return &ledger.Verification{Pass: number, Guards: guards}, err
}

// compareChunk compares the next rows, as many as a portion has, and advances v.
func (fill *Backfill) compareChunk(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, v *ledger.Verification) (int64, error) {
	chunk, err := countWrong(ctx, tx, c, v, fill.throttle.Size)
	if err != nil || chunk == nil {
		return 0, err
	}
	if fill.state.wrong > 0 && chunk.wrong >= fill.state.wrong {
		fill.state.uselessRepairs++
	}
	fill.state.wrong = chunk.wrong
	if chunk.wrong > int64(len(fill.state.repair.skippedKeys)) && c.Mend != "" && fill.state.uselessRepairs < maxUselessRepairs {
		batch, args := fill.state.repair.batchQuery(c, chunk.types, chunk.where, chunk.args)
		tag, err := tx.Exec(ctx, "WITH batch AS MATERIALIZED ("+batch+") "+c.Mend, args...)
		if err != nil {
			return 0, err
		}
		if n := tag.RowsAffected(); n > 0 {
			fill.state.repair.widenBatch()
			v.Mended += n
			return 0, nil // the same rows are read again
		}
	}
	return chunk.addToPass(v), nil
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
	types, err := readColumnTypes(ctx, tx, c.Table, c.Keys)
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
	chunk.where, chunk.args = keyRangeCondition(c.Keys, types, v.Cursor, chunk.end)
	err = tx.QueryRow(ctx, "SELECT pg_catalog.count(*) FILTER (WHERE "+c.Wrong+") FROM "+c.Table+" AS t WHERE "+chunk.where, chunk.args...).Scan(&chunk.wrong)
	return chunk, err
}

// addToPass adds a chunk to its pass, and returns the number of its rows.
func (c *comparedChunk) addToPass(v *ledger.Verification) int64 {
	v.Rows, v.Wrong, v.Cursor = v.Rows+c.rows, v.Wrong+c.wrong, c.end
	if c.last {
		v.Part, v.Cursor = v.Part+1, nil
	}
	return c.rows
}

// concludePass decides what follows a finished pass: another pass, a refusal, or that the step is done.
func (fill *Backfill) concludePass(ctx context.Context, s *onward.PlanStep, v *ledger.Verification) (int64, bool, error) {
	if v != nil {
		guards, err := fill.triggerState(ctx, s)
		switch {
		case err != nil:
			return 0, false, err
		case v.Wrong > 0:
			reason := cmp.Or(fill.state.repairError, "which side of them is right is not known")
			return 0, false, fill.record.RefuseAndRecord(ctx, s, describeWrongRows(s, v.Wrong, reason))
		case (v.Mended > 0 || guards != v.Guards) && v.Pass >= mostPasses:
			return 0, false, fill.record.RefuseAndRecord(ctx, s, describeWrongRows(s, v.Mended,
				fmt.Sprintf("they were mended in each of %d passes, and somebody makes them wrong again", mostPasses)))
		case v.Mended > 0 || guards != v.Guards:
			fill.state.pass, err = fill.beginPass(ctx, s, v.Pass+1, guards)
			return 0, false, err
		}
	}
	lock := fill.record.Tries.LockTimeout()
	return 0, true, fill.session.InGuardedTransaction(context.WithoutCancel(ctx), lock, lock+session.UnderLock, func(ctx context.Context, tx pgx.Tx) error {
		if v != nil {
			if err := fill.session.AsLedgerOwner(ctx, tx, func() error { return ledger.RecordClean(ctx, tx, fill.record.Row.ID, s.ID) }); err != nil {
				return err
			}
		}
		if fill.OnlyVerify {
			return nil
		}
		return fill.record.RecordDone(ctx, tx, s)
	})
}

// describeWrongRows reports that rows are not right, with a query that finds them. It does not print their keys, because those are
// private data of the database.
func describeWrongRows(s *onward.PlanStep, rows int64, reason string) string {
	text := fmt.Sprintf("rows of %s are not what the backfill is to make of them: %d, and %s. What finds them, by their key (%s):", s.Backfill.Table, rows, reason,
		strings.Join(s.Backfill.Keys, ", "))
	for _, c := range s.Backfill.Compare {
		text += " SELECT " + strings.Join(c.Keys, ", ") + " FROM " + c.Table + " AS t WHERE " + c.Wrong + ";"
	}
	return text + " mend them, then run the same command again"
}

// triggerState is the state in [Backfill.readTriggers].
func (fill *Backfill) triggerState(ctx context.Context, s *onward.PlanStep) (string, error) {
	guard, err := fill.readTriggers(ctx, s)
	return guard.State, err
}

// readTriggers returns the state of the triggers that keep right what is written to a table of a backfill. The state differs after a
// trigger was changed, disabled or enabled. A trigger that is missing or not enabled is refused.
func (fill *Backfill) readTriggers(ctx context.Context, s *onward.PlanStep) (guard session.TriggerGuard, err error) {
	want := s.Backfill.Triggers
	if len(want) == 0 {
		return guard, nil
	}
	guard.Table = s.Backfill.Table
	var enabledTriggers []string
	ctx = context.WithoutCancel(ctx)
	err = fill.session.InGuardedTransaction(ctx, queue.FirstStall, session.UnderLock, func(ctx context.Context, tx pgx.Tx) error {
		ids, err := live.FindRelationsIn(ctx, tx, fill.session.Path, s.Backfill.Table)
		if err != nil {
			return err
		}
		names := make([]string, len(want))
		for i, name := range want {
			names[i] = pgparse.QuoteLiteral(name)
		}
		const state = "SELECT coalesce(pg_catalog.string_agg(" +
			"pg_catalog.concat_ws(' ', g.oid, g.tgenabled, g.xmin, p.xmin), ',' ORDER BY g.oid), '')"
		from := fmt.Sprintf(" FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_proc AS p ON p.oid OPERATOR(pg_catalog.=) g.tgfoid "+
			"WHERE g.tgrelid OPERATOR(pg_catalog.=) %d::pg_catalog.oid "+
			"AND g.tgname OPERATOR(pg_catalog.=) ANY (ARRAY[%s]::pg_catalog.name[])", ids[0], strings.Join(names, ", "))
		guard.Query = state + from
		return tx.QueryRow(ctx, state+", coalesce(pg_catalog.array_agg(g.tgname::pg_catalog.text) "+
			"FILTER (WHERE g.tgenabled::pg_catalog.text IN ('O', 'A')), '{}')"+from).Scan(&guard.State, &enabledTriggers)
	})
	if err != nil {
		return guard, err
	}
	for _, name := range want {
		if !slices.Contains(enabledTriggers, name) {
			return guard, &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("the trigger %s of %s is missing or disabled: newer writes were not copied. "+
					"Enable it (ALTER TABLE %[2]s ENABLE ALWAYS TRIGGER %[1]s), then run onward backfill --verify, which compares all rows",
					pgparse.QuoteIdent(name), s.Backfill.Table),
			}
		}
	}
	return guard, nil
}

// CanCompare reports whether both sides of a backfill exist: it is done, and no step that depends on its comparison is.
func (fill *Backfill) CanCompare(s *onward.PlanStep) bool {
	if s.Backfill == nil || len(s.Backfill.Compare) == 0 || !fill.record.IsDone(s.ID) {
		return false
	}
	return !slices.ContainsFunc(fill.record.Plan.Steps, func(o onward.PlanStep) bool {
		return fill.record.IsDone(o.ID) && progress.DependsOnComparison(&o, s.ID)
	})
}

// RequireVerified refuses a step that removes one side of a backfill until one pass over all rows has found them right, with the
// triggers that keep them right unchanged since then. No contract begins before that holds for all backfills. The result are the triggers
// on which this step relies.
func (fill *Backfill) RequireVerified(ctx context.Context, s *onward.PlanStep) (out []session.TriggerGuard, err error) {
	for i := range fill.record.Plan.Steps {
		b, o := &fill.record.Plan.Steps[i], s
		if b.Backfill == nil || len(b.Backfill.Compare) == 0 {
			continue
		}
		depends := func(o onward.PlanStep) bool { return progress.DependsOnComparison(&o, b.ID) }
		if j := slices.IndexFunc(fill.record.Plan.Steps, depends); j >= 0 && s.Phase == onward.Contract {
			o = &fill.record.Plan.Steps[j]
		}
		if !progress.DependsOnComparison(o, b.ID) || fill.record.IsDone(o.ID) {
			continue
		}
		v, err := fill.readVerification(ctx, b.ID)
		if err != nil {
			return nil, err
		}
		guard, err := fill.readTriggers(ctx, b)
		switch {
		case err != nil:
			return nil, err
		case v == nil || v.Clean == nil:
			return nil, &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("no pass over all rows of %s has found them right since %s was done: onward backfill --verify compares them", b.Backfill.Table, b.ID),
			}
		case v.Guards != guard.State:
			return nil, &run.RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("the triggers that keep the rows of %s right were changed since those were compared, on %s: "+
					"onward backfill --verify compares them again", b.Backfill.Table, v.Clean.UTC().Format(time.DateTime)),
			}
		}
		if o == s && guard.Query != "" {
			out = append(out, guard)
		}
	}
	return out, nil
}
