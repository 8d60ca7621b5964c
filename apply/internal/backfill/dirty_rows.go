package backfill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/internal/violation"
	"github.com/onward-sql/onward/onward"
)

// rowCheck is the search for rows that violate a condition, before a step. It goes chunk by chunk and is kept between the attempts at the
// step.
type rowCheck struct {
	questions    []*rowQuestion
	next         int
	firstOfPhase bool // nothing of the phase was started: the conditions of all its steps are checked
}

// rowQuestion is one condition of one step: for ALTER TABLE t ALTER v SET NOT NULL, which rows of t have no v.
type rowQuestion struct {
	step      *onward.PlanStep
	condition *violation.Condition
	table     *violation.Table
	from      string // the rows as the earlier steps will leave them, read from [rowSource]
	found     int64
	more      bool             // there are more than found: the search ended early
	walk      rowWalk          // of the chunks
	whole     bool             // one statement reads all rows
	search    *duplicateSearch // nil before the first chunk
}

// rowSource is the placeholder in a query for the source of the rows.
const rowSource = "\x00"

// RowSearch searches for rows that violate a condition, before a step.
type RowSearch struct {
	session  *session.Session
	record   *progress.Record
	throttle *Throttle
	// SearchTime limits a statement that looks for wrong rows in a whole table. MostHashes is how many hashes a search for duplicates keeps.
	SearchTime time.Duration
	MostHashes int
	check      *rowCheck // nil if not started
}

// NewRowSearch returns the searches of a run. 0 is the default of a limit.
func NewRowSearch(s *session.Session, r *progress.Record, t *Throttle, searchTime time.Duration, hashes int) *RowSearch {
	return &RowSearch{session: s, record: r, throttle: t, SearchTime: cmp.Or(searchTime, longestSearch), MostHashes: cmp.Or(hashes, mostHashes)}
}

// Reset begins with a new step.
func (search *RowSearch) Reset() { search.check = nil }

// IsInMemory reports whether a search is under way, which another process would begin again.
func (search *RowSearch) IsInMemory() bool {
	check := search.check
	return check != nil && !search.record.Tries.Started && check.next < len(check.questions)
}

// fromItem returns the FROM item of a question, reading from the given source.
func (q *rowQuestion) fromItem(source string) string {
	return strings.Replace(q.from, rowSource, source, 1)
}

// FindDirtyRows looks for rows that violate the conditions of a step. Before the first step of a phase it checks the conditions of all
// steps of the phase, so that nothing is added if one of them would fail. It returns true if no row violates any.
func (search *RowSearch) FindDirtyRows(ctx context.Context, s *onward.PlanStep, number int, budget time.Duration) (run.State, bool, error) {
	if search.record.AsWritten || search.record.Tries.Started {
		return run.State{}, true, nil
	}
	if search.check == nil {
		check, err := search.listQuestions(ctx, s, number)
		if err != nil {
			return run.State{}, false, err
		}
		search.check = check
	}
	check := search.check
	for end := time.Now().Add(budget); check.next < len(check.questions); {
		p, retryAfter, err := search.throttle.nextPace(ctx, s, s.Repeat)
		if err != nil || retryAfter > 0 {
			return run.State{Step: s, Again: retryAfter}, false, err
		}
		began := time.Now()
		if err := search.queryNextChunk(ctx, s, check); err != nil {
			return run.State{}, false, err
		}
		took := time.Since(began)
		search.throttle.Size = p.nextSize(search.throttle.Size, took)
		if pause, mustReturn := p.pause(ctx, took, end); mustReturn {
			return run.State{Step: s, Again: pause}, false, nil
		}
	}
	return run.State{}, true, search.refuseDirtyRows(ctx, s, check)
}

// listQuestions lists the conditions to check before a step.
func (search *RowSearch) listQuestions(ctx context.Context, s *onward.PlanStep, number int) (*rowCheck, error) {
	if search.throttle.Size == 0 {
		search.throttle.Size = onward.PlanBatch
	}
	check := &rowCheck{firstOfPhase: search.record.IsFirstOfPhase(s)}
	lookup := search.TableLookup(ctx)
	for i := number; i < len(search.record.Plan.Steps); i++ {
		o := &search.record.Plan.Steps[i]
		if i > number && (!check.firstOfPhase || (o.Phase == onward.Contract) != (s.Phase == onward.Contract)) {
			break
		}
		conditions, err := violation.StepConditions(search.record.Plan, i, lookup)
		if err != nil {
			return nil, err
		}
		for _, c := range conditions {
			if o.Class == onward.StepValidate && i > number { // the step that adds the constraint is in the list
				continue
			}
			table, err := lookup(c.FullName())
			if err != nil {
				return nil, err
			}
			from, known, err := c.PredictRows(search.record.Plan.Steps[number:i], rowSource, lookup, search.volatilityLookup(ctx))
			if err != nil {
				return nil, err
			}
			if known { // otherwise the step itself checks before it begins
				check.questions = append(check.questions, &rowQuestion{step: o, condition: c, table: table, from: from})
			}
		}
	}
	return check, nil
}

// TableLookup returns a function that finds tables by the steps' search_path, with a cache.
func (search *RowSearch) TableLookup(ctx context.Context) violation.Lookup {
	known := map[string]*violation.Table{}
	return func(name string) (*violation.Table, error) {
		if table, found := known[name]; found {
			return table, nil
		}
		table := &violation.Table{}
		err := search.session.ReadRow(ctx, `SELECT c.relkind = 'p',
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
			FROM pg_catalog.pg_class AS c WHERE c.oid = $1::oid AND c.relkind IN ('r', 'p')`,
			[]any{session.PlannedRelation(name)}, &table.Partitioned, &table.Columns, &table.Key, &table.Order, &table.Fires)
		if errors.Is(err, pgx.ErrNoRows) {
			table, err = nil, nil
		}
		known[name] = table
		return table, err
	}
}

// volatilityLookup returns a function that reports whether any of the given functions is volatile.
func (search *RowSearch) volatilityLookup(ctx context.Context) violation.Volatile {
	return func(functions []string) (volatile bool, err error) {
		err = search.session.ReadRow(ctx, "SELECT coalesce(bool_or(provolatile = 'v'), true) FROM pg_catalog.pg_proc WHERE proname = ANY ($1::text[])",
			[]any{functions}, &volatile)
		return volatile, err
	}
}

// queryNextChunk runs the next query for some rows, and advances.
func (search *RowSearch) queryNextChunk(ctx context.Context, s *onward.PlanStep, check *rowCheck) error {
	q := check.questions[check.next]
	if q.whole {
		return search.queryAllRows(ctx, s, check, q)
	}
	if len(q.condition.Groups) > 0 {
		return search.searchDuplicates(ctx, s, check, q)
	}
	var found int64
	outcome, err := search.readRowsOfChunk(ctx, q, &q.walk, func(ctx context.Context, tx pgx.Tx, from string, args []any) error {
		return tx.QueryRow(ctx, q.condition.CountQuery(from), args...).Scan(&found)
	})
	switch {
	case err != nil:
		return search.skipQuestion(ctx, s, check, q, err)
	case outcome == noChunks:
		q.whole = true
	case outcome == lastChunk:
		q.found += found
		check.next++
	case outcome == chunkRead:
		q.found += found
	}
	return nil
}

// queryAllRows runs a query over all rows in one statement. If a health signal says that others suffer, it is cancelled and run again later. If
// it takes too long, the rows are not checked before the step.
func (search *RowSearch) queryAllRows(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion) error {
	err := search.session.InGuardedTransaction(context.WithoutCancel(ctx), queue.FirstStall, search.SearchTime, func(ctx context.Context, tx pgx.Tx) error {
		if err := setReadOnly(ctx, tx); err != nil {
			return err
		}
		var pid int
		if err := tx.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		endWatch := search.watchSignals(ctx, pid)
		err := tx.QueryRow(ctx, q.condition.CountQuery(q.fromItem(q.condition.FromItem()))).Scan(&q.found)
		if reason := endWatch(); err != nil && reason != "" {
			err = &session.CancelledError{Why: reason, Err: err}
		}
		return err
	})
	if session.ClassifyError(err) == session.TimedOut {
		return search.leaveUnchecked(ctx, s, check, q, fmt.Sprintf("one statement over all rows took longer than %s, and they cannot be read in parts. "+
			"The step itself fails if a row violates it", search.SearchTime))
	}
	if err != nil {
		return search.skipQuestion(ctx, s, check, q, err)
	}
	check.next++
	return nil
}

// watchSignals cancels the statement of a session if a signal stops backfills. The returned function ends the watch and returns why the
// statement was cancelled, or "".
func (search *RowSearch) watchSignals(ctx context.Context, pid int) func() string {
	ctx, stop := context.WithCancel(ctx)
	reasons := make(chan string, 1)
	go func() {
		reported := ""
		defer func() { reasons <- reported }()
		for reported == "" && queue.Pause(ctx, throttle.Every) == nil {
			_ = search.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
				verdict, err := search.throttle.gauge.ReadSignals(ctx, conn)
				if err != nil || verdict.Level != throttle.Stop {
					return err
				}
				reported = verdict.Why
				_, err = conn.Exec(ctx, "SELECT pg_catalog.pg_cancel_backend($1)", pid)
				return err
			})
		}
	}()
	return func() string {
		stop()
		return <-reasons
	}
}

// setReadOnly makes a transaction read-only and sees all rows in spite of row-level security.
func setReadOnly(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "SET LOCAL transaction_read_only = on"); err != nil {
		return err
	}
	return forbidRowSecurity(ctx, tx)
}

// skipQuestion skips a query that the server cannot run. The step's own check and the server itself still refuse bad rows. Other errors are
// returned.
func (search *RowSearch) skipQuestion(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion, err error) error {
	refused := new(pgconn.PgError)
	if !errors.As(err, &refused) || !strings.HasPrefix(refused.Code, "42") || refused.Code == "42501" {
		return err
	}
	return search.leaveUnchecked(ctx, s, check, q, redact.MessageWithCode(refused))
}

// leaveUnchecked goes on with the next question, and reports why the rows were not checked.
func (search *RowSearch) leaveUnchecked(ctx context.Context, s *onward.PlanStep, check *rowCheck, q *rowQuestion, reason string) error {
	words := fmt.Sprintf("the rows of %s were not checked for %s %s before: %s", q.condition.FullName(), q.condition.Kind, q.condition.Name, reason)
	search.record.ReportEvent(run.Unchecked, s, words)
	check.next++
	return search.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return search.record.LogEvent(ctx, conn, q.step.ID, "not checked", words)
	})
}

// refuseDirtyRows refuses a step if rows were found, and reports their number and the query that finds them.
func (search *RowSearch) refuseDirtyRows(ctx context.Context, s *onward.PlanStep, check *rowCheck) error {
	var found []string
	for _, q := range check.questions {
		if q.found > 0 {
			found = append(found, describeDirty(q))
		}
	}
	if len(found) == 0 {
		return nil
	}
	search.check = nil // a caller may try again
	text := "rows violate a condition of the plan. "
	if check.firstOfPhase {
		text += "Nothing of this phase was begun"
	} else {
		text += "This step was not begun"
	}
	text += ". Correct the rows or the migration, then run the same command again. The rows:\n" + strings.Join(found, "\n")
	if len(search.record.Steps) > 0 {
		return search.record.RefuseAndRecord(ctx, s, text)
	}
	// Nothing was changed, so the plan does not block another one.
	err := search.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		if err := search.record.LogEvent(ctx, conn, s.ID, "refused", "rows violate a condition of the plan"); err != nil {
			return err
		}
		return ledger.DeletePlan(ctx, conn, search.record.Row.ID)
	})
	return errors.Join(&run.RefusedError{Step: s.ID, Text: text}, err)
}

// describeDirty says how many rows violate a condition, and which query finds them.
func describeDirty(q *rowQuestion) string {
	violators := fmt.Sprintf("%d rows of %s violate", q.found, q.condition.FullName())
	switch {
	case len(q.condition.Groups) > 0 && q.found == 1:
		violators = "1 key occurs more than once in " + q.condition.FullName() + ", which violates"
	case len(q.condition.Groups) > 0:
		violators = fmt.Sprintf("%d keys occur more than once in %s, which violates", q.found, q.condition.FullName())
	case q.found == 1:
		violators = "1 row of " + q.condition.FullName() + " violates"
	}
	if q.more {
		violators = "at least " + violators
	}
	return fmt.Sprintf("%s: %s %s %s: %s;", q.step.ID, violators, q.condition.Kind, q.condition.Name,
		q.condition.FindQuery(q.fromItem(q.condition.FromItem()), q.table.Order))
}
