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
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

const (
	// chunkTime is for how long a chunk is read at most: it is halved then. No snapshot is older.
	chunkTime = 5 * time.Second
	// mostPasses is how often all rows are gone along before it is said that they do not stay right.
	mostPasses = 3
	// mostVain is how often a chunk is mended, and read again, without fewer rows being wrong.
	mostVain = 3
)

// compare compares the next rows of a backfill with what they are to be, in a short transaction of its own. Those
// that are wrong are mended and read again. Behind a pass that found every row right the step is done, which
// the ledger says in the same transaction.
func (t *Target) compare(ctx context.Context, s *onward.PlanStep) (rows int64, over bool, err error) {
	v, err := t.passOf(ctx, s)
	if err != nil {
		return 0, false, err
	}
	if v == nil || v.Part >= len(s.Backfill.Compare) {
		return t.judged(ctx, s, v)
	}
	t.tries.pass = v
	next := *v
	err = t.guarded(context.WithoutCancel(ctx), rowWait, chunkTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := whole(ctx, tx); err != nil {
			return err
		}
		rows, err = t.chunk(ctx, tx, &s.Backfill.Compare[v.Part], &next)
		if err != nil {
			return err
		}
		return t.noted(ctx, tx, func() error { return next.Compared(ctx, tx, t.plan.ID, s.ID) })
	})
	switch {
	case means(err) == ofRow && t.tries.vain < mostVain:
		return 0, false, t.unmended(ctx, s, &s.Backfill.Compare[v.Part], v.Cursor, err)
	case means(err) == ended && t.tries.size > FewestRows:
		t.tries.size = max(FewestRows, t.tries.size/4)
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	if n := next.Mended - v.Mended; n > 0 {
		t.tell(Mended, s, fmt.Sprintf("%d of %s", n, s.Backfill.Compare[v.Part].Table))
	}
	if !slices.Equal(next.Cursor, v.Cursor) || next.Part != v.Part {
		t.tries.wrong, t.tries.vain, t.tries.mend = 0, 0, mending{}
	}
	t.tries.pass = &next
	return rows, false, nil
}

// passOf is the pass that is under way, or begins one: when no row is in quarantine, and the triggers are enabled that
// keep right what is written meanwhile. It gives nil where nothing is compared.
func (t *Target) passOf(ctx context.Context, s *onward.PlanStep) (*ledger.Verification, error) {
	if t.tries.pass != nil {
		return t.tries.pass, nil
	}
	tried, left, err := t.retry(ctx, s)
	if err != nil {
		return nil, err
	}
	if left > 0 {
		return nil, t.refuse(ctx, s, fmt.Sprintf("rows are in quarantine, for their change fails: %d. %s finds them. Make them such that they can be changed; onward backfill tries them again, and goes on", left, t.quarantineQuery(s)))
	}
	if len(s.Backfill.Compare) == 0 {
		return nil, nil
	}
	guards, err := t.guards(ctx, s)
	if err != nil {
		return nil, err
	}
	var v *ledger.Verification
	if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		v, err = ledger.Verified(ctx, conn, t.plan.ID, s.ID)
		return err
	}); err != nil {
		return nil, err
	}
	if v != nil && tried == 0 && v.Clean == nil && v.Part < len(s.Backfill.Compare) && v.Guards == guards {
		return v, nil
	}
	return t.pass(ctx, s, 1, guards)
}

// pass begins with the first row.
func (t *Target) pass(ctx context.Context, s *onward.PlanStep, number int, guards string) (*ledger.Verification, error) {
	t.tries.wrong, t.tries.vain, t.tries.mend = 0, 0, mending{}
	err := t.guarded(context.WithoutCancel(ctx), rowWait, 0, func(ctx context.Context, tx pgx.Tx) error {
		return t.noted(ctx, tx, func() error { return ledger.Verify(ctx, tx, t.plan.ID, s.ID, number, guards) })
	})
	return &ledger.Verification{Pass: number, Guards: guards}, err
}

// refuse says why a backfill is not right, and notes it in the ledger for who asks there.
func (t *Target) refuse(ctx context.Context, s *onward.PlanStep, text string) error {
	return errors.Join(&RefusedError{Step: s.ID, Text: text}, t.hold(ctx, ledger.Waiting, text))
}

// chunk compares the rows behind the last one, as many as a portion has, and moves on: v is how far it is then.
func (t *Target) chunk(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, v *ledger.Verification) (int64, error) {
	types, err := typesOf(ctx, tx, c.Table, c.Keys)
	if err != nil {
		return 0, err
	}
	end, rows, err := t.reach(ctx, tx, c, types, v.Cursor)
	if err != nil || rows == 0 {
		v.Part, v.Cursor = v.Part+1, nil
		return 0, err
	}
	where, args := between(c.Keys, types, v.Cursor, end)
	var wrong int64
	if err := tx.QueryRow(ctx, "SELECT count(*) FILTER (WHERE "+c.Wrong+") FROM "+c.Table+" AS t WHERE "+where, args...).Scan(&wrong); err != nil {
		return 0, err
	}
	if t.tries.wrong > 0 && wrong >= t.tries.wrong {
		t.tries.vain++
	}
	t.tries.wrong = wrong
	if wrong > int64(len(t.tries.mend.bad)) && c.Mend != "" && t.tries.vain < mostVain {
		batch, args := t.tries.mend.batch(c, types, where, args)
		tag, err := tx.Exec(ctx, "WITH batch AS MATERIALIZED ("+batch+") "+c.Mend, args...)
		if err != nil {
			return 0, err
		}
		if n := tag.RowsAffected(); n > 0 {
			t.tries.mend.wider()
			v.Mended += n
			return 0, nil // the same rows are read again
		}
	}
	v.Rows, v.Wrong, v.Cursor = v.Rows+rows, v.Wrong+wrong, end
	if rows < int64(t.tries.size) { // behind it is only what is being added
		v.Part, v.Cursor = v.Part+1, nil
	}
	return rows, nil
}

// reach is the key of the last row of a chunk, and how many rows that has.
func (t *Target) reach(ctx context.Context, tx pgx.Tx, c *onward.PlanComparison, types, cursor []string) (end []string, rows int64, err error) {
	if _, err := tx.Exec(ctx, plainly, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, 0, err
	}
	where, args := between(c.Keys, types, cursor, nil)
	backward := make([]string, len(c.Keys))
	for i, name := range keyNames(c.Keys) {
		backward[i] = name + " DESC"
	}
	err = tx.QueryRow(ctx, fmt.Sprintf("SELECT %s, count(*) OVER () FROM (SELECT %s FROM %s AS t WHERE %s ORDER BY %s LIMIT %d) AS chunk ORDER BY %s LIMIT 1",
		asText("chunk", keyNames(c.Keys)), keysAs(c.Keys), c.Table, where, byKeys(c.Keys), t.tries.size, strings.Join(backward, ", ")), args...).Scan(&end, &rows)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, nil
	}
	if err == nil { // what compares values goes by the settings that the backfill went by
		_, err = tx.Exec(ctx, "SET LOCAL datestyle TO DEFAULT; SET LOCAL intervalstyle TO DEFAULT; SET LOCAL bytea_output TO DEFAULT; SET LOCAL extra_float_digits TO DEFAULT", pgx.QueryExecModeSimpleProtocol)
	}
	return end, rows, err
}

// keysAs are a table's keys, by the names that a batch has for them.
func keysAs(keys []string) string {
	out := make([]string, len(keys))
	for i, name := range keyNames(keys) {
		out[i] = "t." + keys[i] + " AS " + name
	}
	return strings.Join(out, ", ")
}

// byKeys orders a table's rows by their keys.
func byKeys(keys []string) string { return "t." + strings.Join(keys, ", t.") }

// between is a condition: a row t stands behind one key, and up to another; nil for no bound.
func between(keys, types, after, through []string) (string, []any) {
	where, args := "true", []any(nil)
	bound := func(op string, key []string) {
		if key != nil {
			var is string
			is, args = beside(keys, op, types, key, args)
			where += " AND " + is
		}
	}
	bound(" > ", after)
	bound(" <= ", through)
	return where, args
}

// beside is a condition that compares the key of a row t with another one, given as text, and the parameters with those that it adds.
func beside(keys []string, op string, types, key []string, args []any) (string, []any) {
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
	values, args := typed(types, key, args)
	return row(mine) + op + row(values), args
}

// judged is what a pass that is at its end came to: another one, a refusal, or that the step is done.
func (t *Target) judged(ctx context.Context, s *onward.PlanStep, v *ledger.Verification) (int64, bool, error) {
	if v != nil {
		guards, err := t.guards(ctx, s)
		switch {
		case err != nil:
			return 0, false, err
		case v.Wrong > 0:
			return 0, false, t.refuse(ctx, s, unlike(s, v.Wrong, cmp.Or(t.tries.fails, "which side of them is right is not known")))
		case (v.Mended > 0 || guards != v.Guards) && v.Pass >= mostPasses:
			return 0, false, t.refuse(ctx, s, unlike(s, v.Mended, fmt.Sprintf("they were mended in each of %d passes, and somebody makes them wrong again", mostPasses)))
		case v.Mended > 0 || guards != v.Guards:
			t.tries.pass, err = t.pass(ctx, s, v.Pass+1, guards)
			return 0, false, err
		}
	}
	return 0, true, t.guarded(context.WithoutCancel(ctx), t.stall(), t.stall()+underLock, func(ctx context.Context, tx pgx.Tx) error {
		if v != nil {
			if err := t.noted(ctx, tx, func() error { return ledger.Clean(ctx, tx, t.plan.ID, s.ID) }); err != nil {
				return err
			}
		}
		if t.again {
			return nil
		}
		return t.note(ctx, tx, s)
	})
}

// unlike says that rows are not right, and how they are found: by a query, for what their keys are is nobody's but the
// database's.
func unlike(s *onward.PlanStep, rows int64, why string) string {
	text := fmt.Sprintf("rows of %s are not what the backfill is to make of them: %d, and %s. What finds them, by their key (%s):", s.Backfill.Table, rows, why, strings.Join(s.Backfill.Keys, ", "))
	for _, c := range s.Backfill.Compare {
		text += " SELECT " + strings.Join(c.Keys, ", ") + " FROM " + c.Table + " AS t WHERE " + c.Wrong + ";"
	}
	return text + " mend them, then run the same command again"
}

// guards is the state of the triggers that keep right what is written to a table of a backfill: each time that one is changed,
// disabled or enabled, it is another one. One that is not there or not enabled is refused.
func (t *Target) guards(ctx context.Context, s *onward.PlanStep) (string, error) {
	want := s.Backfill.Triggers
	if len(want) == 0 {
		return "", nil
	}
	var state string
	var on []string
	err := t.guarded(context.WithoutCancel(ctx), queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT coalesce(string_agg(concat_ws(' ', g.oid, g.tgenabled, g.xmin, p.xmin), ',' ORDER BY g.oid), ''), coalesce(array_agg(g.tgname::text) FILTER (WHERE g.tgenabled IN ('O', 'A')), '{}')
			FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_proc AS p ON p.oid = g.tgfoid WHERE g.tgrelid = to_regclass($1::text) AND g.tgname = ANY ($2::text[])`, s.Backfill.Table, want).Scan(&state, &on)
	})
	if err != nil {
		return "", err
	}
	for _, name := range want {
		if !slices.Contains(on, name) {
			return "", &RefusedError{Step: s.ID, Text: fmt.Sprintf("the trigger %s of %s is not there or not enabled: what is written since is not where it is to be. Enable it (ALTER TABLE %[2]s ENABLE ALWAYS TRIGGER %[1]s), then run onward backfill --verify, which compares all rows", name, s.Backfill.Table)}
		}
	}
	return state, nil
}
