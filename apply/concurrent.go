package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// runAlone runs a step that must not run in a transaction. The ledger records its start before the
// statement is sent. The catalogs tell whether it was done.
func (t *Target) runAlone(ctx context.Context, s *onward.PlanStep) error {
	statement := pgparse.ParseStatement(s.SQL)
	if statement == nil {
		return inputError(s.ID + ": a step without a transaction has one statement")
	}
	if err := t.waitForPredecessor(ctx, s); err != nil {
		return err
	}
	left, err := t.inspectLeftover(ctx, s, statement)
	if err != nil {
		return err
	}
	if s.Begin != "" {
		if err := t.inGuardedTransaction(ctx, queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error {
			return t.asLedgerOwner(ctx, tx, func() error { return recordStarted(ctx, tx, s) })
		}); err != nil {
			return err
		}
	}
	if !left {
		if err := t.sendWithProgress(ctx, s); err != nil {
			return err
		}
	}
	return t.inGuardedTransaction(ctx, queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error { return t.recordDone(ctx, tx, s) })
}

// prepareSession sets what a statement outside of a transaction needs. If a transaction pooler is in
// between it sets nothing, because the settings would stay with the pooled session. Such a
// statement blocks nobody while it waits.
func (t *Target) prepareSession(ctx context.Context) error {
	if !t.direct {
		return nil
	}
	sets := []string{
		fmt.Sprintf("SET lock_timeout = '%dms'", queue.Drain.Milliseconds()), "SET statement_timeout = 0",
		"SELECT pg_catalog.set_config('search_path', " + pgparse.QuoteLiteral(t.plan.Path) + ", false)",
	}
	if t.major >= 17 {
		sets = append(sets, "SET transaction_timeout = 0")
	}
	sets = append(sets, t.sessionSettings()...)
	if t.plan.Role != "" {
		sets = append(sets, "SET ROLE "+pgparse.QuoteIdent(t.plan.Role))
	}
	for _, sql := range sets {
		if _, err := t.work.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// execWithoutTransaction sends a statement outside of a transaction, with the session's settings and role.
func (t *Target) execWithoutTransaction(ctx context.Context, sql string) (err error) {
	if t.direct && t.plan.Role != "" {
		defer func() {
			if !t.work.IsClosed() {
				_, reset := t.work.Exec(context.WithoutCancel(ctx), "RESET ROLE")
				err = errors.Join(err, reset)
			}
		}()
	}
	if err := t.prepareSession(ctx); err != nil {
		return err
	}
	defer t.silence.AllowLong()()
	_, err = t.work.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// sendWithProgress sends a step and reports its progress.
func (t *Target) sendWithProgress(ctx context.Context, s *onward.PlanStep) error {
	progressCtx, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for queue.Pause(progressCtx, 2*time.Second) == nil {
			t.reportProgress(progressCtx, s)
		}
	}()
	err := t.execWithoutTransaction(ctx, s.SQL)
	stop()
	<-over
	return err
}

// reportProgress reports how far the build of an index is.
func (t *Target) reportProgress(ctx context.Context, s *onward.PlanStep) {
	var phase string
	var done, total int64
	err := t.control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT phase, CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END, CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END
			FROM pg_stat_progress_create_index WHERE datname = current_database() ORDER BY pid LIMIT 1`).Scan(&phase, &done, &total)
	})
	if err == nil {
		t.c.Tell(Event{Kind: Passed, Step: s, Rows: done, Of: total, Words: phase})
	}
}

// waitForPredecessor waits for the session that ran the step before, if it is still running: a server
// does not notice that its client was killed.
func (t *Target) waitForPredecessor(ctx context.Context, s *onward.PlanStep) error {
	recorded := t.steps[s.ID]
	if recorded == nil || recorded.PID == nil || recorded.Backend == nil || !t.direct {
		return nil
	}
	for {
		var there bool
		err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2 AND state = 'active')", *recorded.PID,
				*recorded.Backend).Scan(&there)
		})
		if err != nil || !there {
			return err
		}
		t.reportEvent(Waits, s, fmt.Sprintf("process %d of the server is still at it, for a client that is gone", *recorded.PID))
		if err := queue.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// inspectLeftover looks at what an earlier attempt has left. done reports that nothing is left to do. An
// invalid index is dropped if an attempt of this plan made it.
func (t *Target) inspectLeftover(ctx context.Context, s *onward.PlanStep, node *pgparse.Node) (done bool, err error) {
	if t.steps[s.ID] == nil && t.tries.lostRaces == 0 { // there was no earlier attempt
		return false, nil
	}
	switch n := node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		return t.clearInvalidIndex(ctx, s, n.IndexStmt)
	case *pgparse.Node_DropStmt:
		there, err := t.hasRelation(ctx, pgparse.StringTexts(pgparse.ListItems(n.DropStmt.Objects[0])))
		return !there, err
	case *pgparse.Node_AlterTableStmt:
		return t.finishDetach(ctx, n.AlterTableStmt)
	}
	return false, nil
}

// clearInvalidIndex looks for the index of an earlier attempt.
func (t *Target) clearInvalidIndex(ctx context.Context, s *onward.PlanStep, n *pgparse.IndexStmt) (done bool, err error) {
	var valid bool
	var full string
	// to_regclass finds it with the search_path that the attempt had.
	err = t.readRow(ctx, `SELECT i.indisvalid AND i.indisready, i.indexrelid::regclass::text FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass($1) AND c.relname = $2`, []any{quoteRelation(n.Relation), n.Idxname}, &valid, &full)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil || valid:
		return valid, err
	}
	t.reportEvent(Lost, s, "an earlier attempt left the index "+full+" invalid: it is dropped first")
	return false, t.execWithoutTransaction(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+full)
}

func quoteRelation(rv *pgparse.RangeVar) string {
	if rv.Schemaname != "" {
		return pgparse.QuoteIdent(rv.Schemaname) + "." + pgparse.QuoteIdent(rv.Relname)
	}
	return pgparse.QuoteIdent(rv.Relname)
}

func (t *Target) hasRelation(ctx context.Context, name []string) (relationExists bool, err error) {
	full := ""
	for i, part := range name {
		if i > 0 {
			full += "."
		}
		full += pgparse.QuoteIdent(part)
	}
	err = t.readRow(ctx, "SELECT to_regclass($1) IS NOT NULL", []any{full}, &relationExists)
	return relationExists, err
}

// finishDetach looks for what DETACH PARTITION CONCURRENTLY has left. It completes a pending detach.
func (t *Target) finishDetach(ctx context.Context, n *pgparse.AlterTableStmt) (done bool, err error) {
	if len(n.Cmds) != 1 {
		return false, nil
	}
	cmd := n.Cmds[0].GetAlterTableCmd()
	if cmd.GetSubtype() != pgparse.AlterTableType_AT_DetachPartition {
		return false, nil
	}
	part := cmd.GetDef().GetPartitionCmd().GetName()
	var pending bool
	err = t.readRow(ctx, "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = to_regclass($1) AND inhparent = to_regclass($2)",
		[]any{quoteRelation(part), quoteRelation(n.Relation)}, &pending)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return true, nil
	case err != nil || !pending:
		return false, err
	}
	err = t.execWithoutTransaction(ctx, "ALTER TABLE "+quoteRelation(n.Relation)+" DETACH PARTITION "+quoteRelation(part)+" FINALIZE")
	return err == nil, err
}

// readRow runs a query that returns one row, with the search_path of the plan.
func (t *Target) readRow(ctx context.Context, sql string, args []any, targets ...any) (err error) {
	tx, err := t.beginWork(ctx, "READ ONLY", queue.FirstStall, underLock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx)))) }()
	return tx.QueryRow(ctx, sql, args...).Scan(targets...)
}
