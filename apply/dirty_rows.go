package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/internal/violation"
	"github.com/onward-sql/onward/onward"
)

// rowCheck is the search for rows that violate a condition, before a step. It goes chunk by chunk and is kept between the attempts
// at the step.
type rowCheck struct {
	questions []*rowQuestion
	next      int
	cursor    []string
	first     bool // nothing of the phase was begun: the conditions of all its steps are asked
}

// rowQuestion is one condition of one step.
type rowQuestion struct {
	step      *onward.PlanStep
	condition *violation.Condition
	table     *violation.Table
	from      string // the rows as the steps before it will leave them, read from [rowSource]
	found     int64
}

// rowSource is the place in a question where the rows come in.
const rowSource = "\x00"

// rows are the rows that a question reads, of a source.
func (q *rowQuestion) rows(source string) string {
	return strings.Replace(q.from, rowSource, source, 1)
}

// findDirtyRows looks for rows that violate the conditions of a step: before the first step of a phase for those of all its steps, so that
// nothing is added if one of them would fail. It returns true when no row does.
func (t *Target) findDirtyRows(ctx context.Context, s *onward.PlanStep, number int, budget time.Duration) (State, bool, error) {
	if t.c.asWritten || t.tries.begun {
		return State{}, true, nil
	}
	if t.tries.rows == nil {
		check, err := t.listQuestions(ctx, s, number)
		if err != nil {
			return State{}, false, err
		}
		t.tries.rows = check
	}
	check := t.tries.rows
	for end := time.Now().Add(budget); check.next < len(check.questions); {
		p, again, err := t.asked(ctx, s)
		if err != nil || again > 0 {
			return State{Step: s, Again: again}, false, err
		}
		began := time.Now()
		if err := t.askChunk(ctx, s, check); err != nil {
			return State{}, false, err
		}
		took := time.Since(began)
		t.tries.size = p.next(t.tries.size, took)
		pause := p.pause(took)
		if time.Now().Add(pause).After(end) || ctx.Err() != nil {
			return State{Step: s, Again: pause}, false, nil //nolint:nilerr // the next call says that it was interrupted
		}
		_ = queue.Pause(ctx, pause) // as above
	}
	return State{}, true, t.refuseDirtyRows(ctx, s, check)
}

// listQuestions lists the conditions to ask before a step.
func (t *Target) listQuestions(ctx context.Context, s *onward.PlanStep, number int) (*rowCheck, error) {
	if t.tries.size == 0 {
		t.tries.size = onward.PlanBatch
	}
	check := &rowCheck{first: t.isFirstOfPhase(s)}
	lookup := t.lookup(ctx)
	for i := number; i < len(t.c.Plan.Steps); i++ {
		o := &t.c.Plan.Steps[i]
		if i > number && (!check.first || (o.Phase == onward.Contract) != (s.Phase == onward.Contract)) {
			break
		}
		conditions, err := violation.Of(t.c.Plan, i, lookup)
		if err != nil {
			return nil, err
		}
		for _, c := range conditions {
			if o.Class == onward.StepValidate && i > number { // the step that adds it is among those that are asked
				continue
			}
			table, err := lookup(c.FullName())
			if err != nil {
				return nil, err
			}
			from, known, err := c.Image(t.c.Plan.Steps[number:i], rowSource, lookup, t.isVolatile(ctx))
			if err != nil {
				return nil, err
			}
			if known { // otherwise the step itself asks, before it begins
				check.questions = append(check.questions, &rowQuestion{step: o, condition: c, table: table, from: from})
			}
		}
	}
	return check, nil
}

// isFirstOfPhase reports whether a step is the first of what is run before the contract, or of the contract, and nothing of that was begun.
func (t *Target) isFirstOfPhase(s *onward.PlanStep) bool {
	for i := range t.c.Plan.Steps {
		o := &t.c.Plan.Steps[i]
		if (o.Phase == onward.Contract) == (s.Phase == onward.Contract) && t.steps[o.ID] != nil {
			return false
		}
	}
	return true
}

// lookup finds tables as the steps' search_path does, each once.
func (t *Target) lookup(ctx context.Context) violation.Lookup {
	known := map[string]*violation.Table{}
	return func(name string) (*violation.Table, error) {
		if is, there := known[name]; there {
			return is, nil
		}
		is := &violation.Table{}
		err := t.read(ctx, `SELECT c.relkind = 'p',
			ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum),
			ARRAY(SELECT a.attname::text FROM pg_catalog.pg_constraint AS p, unnest(p.conkey) WITH ORDINALITY AS k (n, place)
				JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.n WHERE p.conrelid = c.oid AND p.contype = 'p' ORDER BY k.place),
			ARRAY(SELECT a.attname::text FROM (SELECT i.indkey, i.indnkeyatts FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am AS m ON m.oid = x.relam
					WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND NOT EXISTS (
						SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (n, place) LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.n AND k.n > 0
						WHERE k.place <= i.indnkeyatts AND a.attnotnull IS NOT TRUE)
					ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1) AS best, unnest(best.indkey::int2[]) WITH ORDINALITY AS k (n, place)
				JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.n WHERE k.place <= best.indnkeyatts ORDER BY k.place),
			EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgtype & 19 = 19)
			FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`, []any{name}, &is.Partitioned, &is.Columns, &is.Key, &is.Order, &is.Fires)
		if errors.Is(err, pgx.ErrNoRows) {
			is, err = nil, nil
		}
		known[name] = is
		return is, err
	}
}

// isVolatile reports whether one of some functions gives another value at each call.
func (t *Target) isVolatile(ctx context.Context) violation.Volatile {
	return func(functions []string) (is bool, err error) {
		err = t.read(ctx, "SELECT coalesce(bool_or(provolatile = 'v'), true) FROM pg_catalog.pg_proc WHERE proname = ANY ($1::text[])", []any{functions}, &is)
		return is, err
	}
}

// askChunk asks the question that is next about some rows, and moves on. Duplicates are asked about all rows at once, and so is a
// table without a key.
func (t *Target) askChunk(ctx context.Context, s *onward.PlanStep, check *rowCheck) error {
	q := check.questions[check.next]
	if len(q.condition.Groups) > 0 || len(q.table.Order) == 0 {
		return t.askAll(ctx, s, check, q)
	}
	var rows, found int64
	var end []string
	limit := chunkTime
	if t.tries.size <= FewestRows {
		limit = 0 // a condition may be slow: so few rows take as long as they take
	}
	err := t.guarded(context.WithoutCancel(ctx), queue.FirstStall, limit, func(ctx context.Context, tx pgx.Tx) error {
		if err := readOnly(ctx, tx); err != nil {
			return err
		}
		c := &onward.PlanComparison{Table: q.condition.FullName(), Keys: quoteAll(q.table.Order)}
		types, err := typesOf(ctx, tx, c.Table, c.Keys)
		if err != nil {
			return err
		}
		c.Table = q.condition.Source()
		if end, rows, err = t.reach(ctx, tx, c, types, check.cursor); err != nil || rows == 0 {
			return err
		}
		where, args := between(c.Keys, types, check.cursor, end)
		return tx.QueryRow(ctx, q.condition.Count(q.rows("(SELECT * FROM "+c.Table+" AS t WHERE "+where+")")), args...).Scan(&found)
	})
	switch {
	case means(err) == ended && t.tries.size > FewestRows:
		t.tries.size = max(FewestRows, t.tries.size/4)
		return nil
	case err != nil:
		return t.skipQuestion(ctx, s, check, q, err)
	}
	q.found += found
	if check.cursor = end; rows < int64(t.tries.size) {
		check.next, check.cursor = check.next+1, nil
	}
	return nil
}

// askAll asks a question about all rows in one statement. It is ended, to be asked again, when a signal says that others suffer.
func (t *Target) askAll(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion) error {
	err := t.guarded(context.WithoutCancel(ctx), queue.FirstStall, 0, func(ctx context.Context, tx pgx.Tx) error {
		if err := readOnly(ctx, tx); err != nil {
			return err
		}
		var pid int
		if err := tx.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		over := t.watchSignals(ctx, pid)
		err := tx.QueryRow(ctx, q.condition.Count(q.rows(q.condition.Source()))).Scan(&q.found)
		if why := over(); err != nil && why != "" {
			err = &cancelledError{why, err}
		}
		return err
	})
	if err != nil {
		return t.skipQuestion(ctx, s, check, q, err)
	}
	check.next++
	return nil
}

// watchSignals ends the statement of a session when a signal stops backfills. The function that it returns ends the watch, and says why it
// ended the statement, or "".
func (t *Target) watchSignals(ctx context.Context, pid int) func() string {
	ctx, stop := context.WithCancel(ctx)
	why := make(chan string, 1)
	go func() {
		said := ""
		defer func() { why <- said }()
		for said == "" && queue.Pause(ctx, throttle.Every) == nil {
			_ = t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
				is, err := t.gauge.Ask(ctx, conn)
				if err != nil || is.Level != throttle.Stop {
					return err
				}
				said = is.Why
				_, err = conn.Exec(ctx, "SELECT pg_cancel_backend($1)", pid)
				return err
			})
		}
	}()
	return func() string {
		stop()
		return <-why
	}
}

// readOnly makes a transaction one that only reads, and reads all rows.
func readOnly(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SET LOCAL transaction_read_only = on"); err != nil {
		return err
	}
	return whole(ctx, tx)
}

// skipQuestion passes over a question that the server cannot answer as it is asked: the step's own check and the server itself still refuse
// rows that are not right. It gives back other errors.
func (t *Target) skipQuestion(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion, err error) error {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "42") || refused.Code == "42501" {
		return err
	}
	words := fmt.Sprintf("the rows of %s were not checked for %s %s before: %s", q.condition.FullName(), q.condition.Kind, q.condition.Name, redact.Words(refused))
	t.tell(Unchecked, s, words)
	check.next, check.cursor = check.next+1, nil
	return t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return t.log(ctx, conn, q.step.ID, "not checked", words)
	})
}

// refuseDirtyRows refuses a step if rows were found, with their number and the query that finds them.
func (t *Target) refuseDirtyRows(ctx context.Context, s *onward.PlanStep, check *rowCheck) error {
	var found []string
	for _, q := range check.questions {
		if q.found > 0 {
			found = append(found, describeDirty(q))
		}
	}
	if len(found) == 0 {
		return nil
	}
	t.tries.rows = nil // a library may ask again
	text := "rows violate a condition of the plan. "
	if check.first {
		text += "Nothing of this phase was begun"
	} else {
		text += "This step was not begun"
	}
	text += ". Correct the rows or the migration, then run the same command again\n" + strings.Join(found, "\n")
	if len(t.steps) > 0 {
		return t.refuse(ctx, s, text)
	}
	// Nothing was changed: the plan is not in the way of another one.
	err := t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if err := t.log(ctx, conn, s.ID, "refused", "rows violate a condition of the plan"); err != nil {
			return err
		}
		return ledger.Forget(ctx, conn, t.plan.ID)
	})
	return errors.Join(&RefusedError{Step: s.ID, Text: text}, err)
}

// describeDirty says how many rows violate a condition, and which query finds them.
func describeDirty(q *rowQuestion) string {
	what := fmt.Sprintf("%d rows of %s violate", q.found, q.condition.FullName())
	switch {
	case len(q.condition.Groups) > 0 && q.found == 1:
		what = "1 key occurs more than once in " + q.condition.FullName() + ", which violates"
	case len(q.condition.Groups) > 0:
		what = fmt.Sprintf("%d keys occur more than once in %s, which violates", q.found, q.condition.FullName())
	case q.found == 1:
		what = "1 row of " + q.condition.FullName() + " violates"
	}
	return fmt.Sprintf("%s: %s %s %s: %s;", q.step.ID, what, q.condition.Kind, q.condition.Name, q.condition.Find(q.rows(q.condition.Source()), q.table.Order))
}

// refuseByData refuses a step that the server has refused for rows which came since they were checked. An index that a failed build
// left is dropped: it would go on refusing rows.
func (t *Target) refuseByData(ctx context.Context, s *onward.PlanStep, number int, cause error) error {
	refused := new(pgconn.PgError)
	if !errors.As(cause, &refused) || !strings.HasPrefix(refused.Code, "23") || t.c.asWritten {
		return cause
	}
	conditions, err := violation.Of(t.c.Plan, number, t.lookup(ctx))
	if err != nil || len(conditions) == 0 {
		return errors.Join(cause, err)
	}
	if f, err := pgparse.Split(s.SQL); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Node.GetIndexStmt() != nil {
		if _, err := t.index(ctx, s, f.Stmts[0].Node.GetIndexStmt()); err != nil {
			return errors.Join(cause, err)
		}
	}
	text := redact.Words(refused) + ". Correct the rows, then run the same command again"
	for _, c := range conditions {
		text += "\n" + c.Find("", nil) + ";"
	}
	return t.refuse(ctx, s, text)
}

// quoteAll writes names as SQL does.
func quoteAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = pgparse.QuoteIdent(n)
	}
	return out
}

// checksRowsOf reports whether the search for dirty rows asks what a step's check asks: both are of the constraint that it validates.
func (t *Target) checksRowsOf(s *onward.PlanStep) bool {
	return s.Class == onward.StepValidate && !t.c.asWritten
}
