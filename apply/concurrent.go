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

// alone runs a step that must not be in a transaction. The ledger says that it was begun before it
// is sent; whether it was done the catalogs tell.
func (t *Target) alone(ctx context.Context, s *onward.PlanStep) error {
	f, err := pgparse.Split(s.SQL)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		return input(s.ID + ": a step without a transaction has one statement")
	}
	if err := t.predecessor(ctx, s); err != nil {
		return err
	}
	left, err := t.leftover(ctx, s, f.Stmts[0].Node)
	if err != nil {
		return err
	}
	if s.Begin != "" {
		if err := t.guarded(ctx, queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error {
			return t.noted(ctx, tx, func() error { return begins(ctx, tx, s) })
		}); err != nil {
			return err
		}
	}
	if !left {
		if err := t.building(ctx, s); err != nil {
			return err
		}
	}
	return t.guarded(ctx, queue.FirstStall, underLock, func(ctx context.Context, tx pgx.Tx) error { return t.note(ctx, tx, s) })
}

// session sets for the session what a statement outside of a transaction needs. Behind a pooler
// of transactions nothing is set, for it would stay with the pool; such a statement makes nobody
// wait while it waits itself.
func (t *Target) session(ctx context.Context) error {
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

// outside sends a statement outside of a transaction, with the session's settings and role.
func (t *Target) outside(ctx context.Context, sql string) (err error) {
	if t.direct && t.plan.Role != "" {
		defer func() {
			if !t.work.IsClosed() {
				_, reset := t.work.Exec(context.WithoutCancel(ctx), "RESET ROLE")
				err = errors.Join(err, reset)
			}
		}()
	}
	if err := t.session(ctx); err != nil {
		return err
	}
	defer t.silence.Allow()()
	_, err = t.work.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	return err
}

// building sends a step, and tells how far it is.
func (t *Target) building(ctx context.Context, s *onward.PlanStep) error {
	told, stop := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for queue.Pause(told, 2*time.Second) == nil {
			t.progress(told, s)
		}
	}()
	err := t.outside(ctx, s.SQL)
	stop()
	<-over
	return err
}

// progress tells how far the build of an index is.
func (t *Target) progress(ctx context.Context, s *onward.PlanStep) {
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

// predecessor waits for the session that had a step before, where it is still at it: a server
// does not notice that its client was killed.
func (t *Target) predecessor(ctx context.Context, s *onward.PlanStep) error {
	is := t.steps[s.ID]
	if is == nil || is.PID == nil || is.Backend == nil || !t.direct {
		return nil
	}
	for {
		var there bool
		err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2 AND state = 'active')", *is.PID, *is.Backend).Scan(&there)
		})
		if err != nil || !there {
			return err
		}
		t.tell(Waits, s, fmt.Sprintf("process %d of the server is still at it, for a client that is gone", *is.PID))
		if err := queue.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// leftover looks at what an earlier attempt has left: done reports that nothing is to be done any
// more. An invalid index is dropped where an attempt of this plan made it.
func (t *Target) leftover(ctx context.Context, s *onward.PlanStep, node *pgparse.Node) (done bool, err error) {
	if t.steps[s.ID] == nil && t.tries.lost == 0 { // nobody has tried it before
		return false, nil
	}
	switch n := node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		return t.index(ctx, s, n.IndexStmt)
	case *pgparse.Node_DropStmt:
		there, err := t.there(ctx, pgparse.Texts(pgparse.Items(n.DropStmt.Objects[0])))
		return !there, err
	case *pgparse.Node_AlterTableStmt:
		return t.detached(ctx, n.AlterTableStmt)
	}
	return false, nil
}

// index looks for the index of an earlier attempt.
func (t *Target) index(ctx context.Context, s *onward.PlanStep, n *pgparse.IndexStmt) (done bool, err error) {
	var valid bool
	var full string
	// to_regclass finds it on the path that the attempt had.
	err = t.read(ctx, `SELECT i.indisvalid AND i.indisready, i.indexrelid::regclass::text FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass($1) AND c.relname = $2`, []any{relation(n.Relation), n.Idxname}, &valid, &full)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil || valid:
		return valid, err
	}
	t.tell(Lost, s, "an earlier attempt left the index "+full+" invalid: it is dropped first")
	return false, t.outside(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+full)
}

func relation(rv *pgparse.RangeVar) string {
	if rv.Schemaname != "" {
		return pgparse.QuoteIdent(rv.Schemaname) + "." + pgparse.QuoteIdent(rv.Relname)
	}
	return pgparse.QuoteIdent(rv.Relname)
}

func (t *Target) there(ctx context.Context, name []string) (there bool, err error) {
	full := ""
	for i, part := range name {
		if i > 0 {
			full += "."
		}
		full += pgparse.QuoteIdent(part)
	}
	err = t.read(ctx, "SELECT to_regclass($1) IS NOT NULL", []any{full}, &there)
	return there, err
}

// detached looks for what DETACH PARTITION CONCURRENTLY left: a detach that is pending is brought
// to its end.
func (t *Target) detached(ctx context.Context, n *pgparse.AlterTableStmt) (done bool, err error) {
	if len(n.Cmds) != 1 {
		return false, nil
	}
	cmd := n.Cmds[0].GetAlterTableCmd()
	if cmd.GetSubtype() != pgparse.AlterTableType_AT_DetachPartition {
		return false, nil
	}
	part := cmd.GetDef().GetPartitionCmd().GetName()
	var pending bool
	err = t.read(ctx, "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = to_regclass($1) AND inhparent = to_regclass($2)",
		[]any{relation(part), relation(n.Relation)}, &pending)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return true, nil
	case err != nil || !pending:
		return false, err
	}
	err = t.outside(ctx, "ALTER TABLE "+relation(n.Relation)+" DETACH PARTITION "+relation(part)+" FINALIZE")
	return err == nil, err
}

// read asks for one row with the search_path of the plan.
func (t *Target) read(ctx context.Context, sql string, args []any, targets ...any) (err error) {
	tx, err := t.beginWork(ctx, "READ ONLY", queue.FirstStall, underLock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ignoreClosed(tx.Rollback(context.WithoutCancel(ctx)))) }()
	return tx.QueryRow(ctx, sql, args...).Scan(targets...)
}
