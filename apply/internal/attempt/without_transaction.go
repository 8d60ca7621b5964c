package attempt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/properties"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// RunAlone runs a step that must not run in a transaction, such as CREATE INDEX CONCURRENTLY. The ledger records its start before
// the statement is sent. After a crash, the catalogs tell whether it was done.
func (a *Attempt) RunAlone(ctx context.Context, s *onward.PlanStep) error {
	statement := pgparse.ParseStatement(s.SQL)
	if statement == nil {
		return run.NewInputError(s.ID + ": a step without a transaction has one statement")
	}
	if err := a.waitForPredecessor(ctx, s); err != nil {
		return err
	}
	left, err := a.inspectLeftover(ctx, s, statement)
	if err != nil {
		return err
	}
	if s.Begin != "" {
		if err := a.session.InGuardedTransaction(ctx, queue.FirstStall, session.UnderLock, func(ctx context.Context, tx pgx.Tx) error {
			return a.session.AsLedgerOwner(ctx, tx, func() error { return progress.RecordStarted(ctx, tx, s) })
		}); err != nil {
			return err
		}
	}
	if !left {
		if err := a.sendWithProgress(ctx, s); err != nil {
			return err
		}
	}
	return a.session.InGuardedTransaction(ctx, queue.FirstStall, session.UnderLock, func(ctx context.Context, tx pgx.Tx) error {
		return a.record.RecordDone(ctx, tx, s)
	})
}

// sendWithProgress sends a step and reports its progress.
func (a *Attempt) sendWithProgress(ctx context.Context, s *onward.PlanStep) error {
	progressCtx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for queue.Pause(progressCtx, 2*time.Second) == nil {
			a.reportProgress(progressCtx, s)
		}
	}()
	send := a.session.ExecWithoutTransaction
	if recipe.IsRepack(s) {
		send = a.session.ExecRepack
	}
	err := send(ctx, s.SQL)
	stop()
	<-done
	return err
}

// reportProgress reports how far the build of an index, or the copy of a table, is.
func (a *Attempt) reportProgress(ctx context.Context, s *onward.PlanStep) {
	from := `CASE WHEN blocks_total > 0 THEN blocks_done ELSE tuples_done END, CASE WHEN blocks_total > 0 THEN blocks_total ELSE tuples_total END
		FROM pg_catalog.pg_stat_progress_create_index`
	if recipe.IsRepack(s) {
		from = "heap_blks_scanned, heap_blks_total FROM pg_catalog.pg_stat_progress_repack"
	}
	var phase string
	var done, total int64
	err := a.session.Control.Do(context.WithoutCancel(ctx), func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT phase, "+from+" WHERE datname = current_database() ORDER BY pid LIMIT 1").Scan(&phase, &done, &total)
	})
	if err == nil {
		a.record.Tell(run.Event{Kind: run.Passed, Step: s, Rows: done, Of: total, Words: phase})
	}
}

// waitForPredecessor waits for the session that ran the step before, if it is still running: a server
// does not notice that its client was killed.
func (a *Attempt) waitForPredecessor(ctx context.Context, s *onward.PlanStep) error {
	recorded := a.record.Steps[s.ID]
	if recorded == nil || recorded.PID == nil || recorded.Backend == nil || !a.session.Direct {
		return nil
	}
	for {
		var isRunning bool
		err := a.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
			return conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2 AND state = 'active')", *recorded.PID,
				*recorded.Backend).Scan(&isRunning)
		})
		if err != nil || !isRunning {
			return err
		}
		a.record.ReportEvent(run.Waits, s, fmt.Sprintf("process %d of the server is still at it, for a client that is gone", *recorded.PID))
		if err := queue.Pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// inspectLeftover looks at what an earlier attempt has left. done reports that nothing is left to do. An
// invalid index is dropped if an attempt of this plan made it.
func (a *Attempt) inspectLeftover(ctx context.Context, s *onward.PlanStep, node *pgparse.Node) (done bool, err error) {
	if a.record.Steps[s.ID] == nil && a.record.Tries.LostRaces == 0 { // there was no earlier attempt
		return false, nil
	}
	switch n := node.GetNode().(type) {
	case *pgparse.Node_IndexStmt:
		return a.ClearInvalidIndex(ctx, s, n.IndexStmt)
	case *pgparse.Node_DropStmt:
		exists, err := a.hasRelation(ctx, pgparse.StringTexts(pgparse.ListItems(n.DropStmt.Objects[0])))
		return !exists, err
	case *pgparse.Node_AlterTableStmt:
		return a.finishDetach(ctx, n.AlterTableStmt)
	}
	return false, nil
}

// ClearInvalidIndex looks for the index of an earlier attempt.
func (a *Attempt) ClearInvalidIndex(ctx context.Context, s *onward.PlanStep, n *pgparse.IndexStmt) (done bool, err error) {
	var valid bool
	var full string
	err = a.session.ReadRow(ctx, `SELECT i.indisvalid AND i.indisready, i.indexrelid::regclass::text FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
		WHERE i.indrelid = $1::oid AND c.relname = $2`, []any{session.PlannedRelation(quoteRelation(n.Relation)), n.Idxname}, &valid, &full)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil || valid:
		return valid, err
	}
	a.record.ReportEvent(run.Lost, s, "an earlier attempt left the index "+full+" invalid: it is dropped first")
	return false, a.session.ExecWithoutTransaction(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+full)
}

func quoteRelation(rv *pgparse.RangeVar) string {
	if rv.Schemaname != "" {
		return pgparse.QuoteIdent(rv.Schemaname) + "." + pgparse.QuoteIdent(rv.Relname)
	}
	return pgparse.QuoteIdent(rv.Relname)
}

func (a *Attempt) hasRelation(ctx context.Context, name []string) (relationExists bool, err error) {
	full := ""
	for i, part := range name {
		if i > 0 {
			full += "."
		}
		full += pgparse.QuoteIdent(part)
	}
	err = a.session.ReadRow(ctx, "SELECT $1::oid <> 0", []any{session.PlannedRelation(full)}, &relationExists)
	return relationExists, err
}

// finishDetach looks for what DETACH PARTITION CONCURRENTLY has left. It completes a pending detach.
func (a *Attempt) finishDetach(ctx context.Context, n *pgparse.AlterTableStmt) (done bool, err error) {
	if len(n.Cmds) != 1 {
		return false, nil
	}
	cmd := n.Cmds[0].GetAlterTableCmd()
	if cmd.GetSubtype() != pgparse.AlterTableType_AT_DetachPartition {
		return false, nil
	}
	part := cmd.GetDef().GetPartitionCmd().GetName()
	var pending bool
	err = a.session.ReadRow(ctx, "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = $1::oid AND inhparent = $2::oid",
		[]any{session.PlannedRelation(quoteRelation(part)), session.PlannedRelation(quoteRelation(n.Relation))}, &pending)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return true, nil
	case err != nil || !pending:
		return false, err
	}
	err = a.session.ExecWithoutTransaction(ctx, "ALTER TABLE "+quoteRelation(n.Relation)+" DETACH PARTITION "+quoteRelation(part)+" FINALIZE")
	return err == nil, err
}

// RunInTransaction runs a step in one transaction with the ledger row that records it as done. The transaction is one message, so that others do not
// wait for the line to this process.
func (a *Attempt) RunInTransaction(ctx context.Context, s *onward.PlanStep) error {
	statement := a.record.Tries.LockTimeout() + session.UnderLock
	switch s.Class {
	case onward.StepValidate, onward.StepWork:
		statement = 0 // StepValidate blocks nobody, and the queue of StepWork is watched
	default:
		ctx = context.WithoutCancel(ctx) // it takes an instant: an interrupt waits for it
	}
	sql, replacement, err := a.transactionSQL(ctx, s)
	if err != nil {
		return err
	}
	if err := a.properties.RecordSources(ctx, replacement.Sources); err != nil {
		return err
	}
	if err := a.properties.RecordChildren(ctx, replacement.Children); err != nil {
		return err
	}
	texts, err := a.session.CommitSQL(ctx, a.record.Tries.LockTimeout(), statement, sql)
	if err != nil {
		return err
	}
	ran, err := properties.ReadCarried(texts)
	if err != nil {
		return err
	}
	return a.properties.ReportCopiedProperties(ctx, s, slices.Concat(replacement.Carried, ran))
}

// FinishCommitted does what follows the commit of the steps that replace something: it gives the replacement what others gave the old object while the
// step's transaction ran. The next run does it if this one ends before. step is the one of an error.
func (a *Attempt) FinishCommitted(ctx context.Context) (step *onward.PlanStep, err error) {
	for i := range a.record.Plan.Steps {
		s := &a.record.Plan.Steps[i]
		if !a.record.IsDone(s.ID) || a.finished[s.ID] {
			continue
		}
		if err := a.carryLatePrivileges(ctx, s); err != nil {
			return s, err
		}
		a.finished[s.ID] = true
	}
	return nil, nil
}

func (a *Attempt) carryLatePrivileges(ctx context.Context, s *onward.PlanStep) error {
	sources, err := a.properties.ReadSources(ctx, s)
	if err != nil || len(sources) == 0 {
		return err
	}
	statements, err := a.properties.ReadLatePrivileges(ctx, s, sources)
	if err != nil {
		return err
	}
	if len(statements) > 0 {
		if _, err := a.session.CommitSQL(ctx, queue.FirstStall, session.UnderLock, live.OwnPath+strings.Join(statements, ";\n")); err != nil {
			return err
		}
	}
	if err := a.properties.ForgetSources(ctx, sources); err != nil {
		return err
	}
	return a.properties.ReportCopiedProperties(ctx, s, statements)
}

// transactionSQL returns the SQL of a step's whole transaction, so that it is one message. It reads before what the SQL needs to know. The server itself
// compares under the lock. replacement has the statements that give a replacement the properties of the old object.
func (a *Attempt) transactionSQL(ctx context.Context, s *onward.PlanStep) (sql string, replacement properties.ReplacementSQL, err error) {
	inner, err := run.InnerSQL(s)
	if err != nil {
		return "", replacement, err
	}
	if recipe.DropsSchema(s) {
		inner = recipe.DropUnusedSchema
	}
	replacement, err = a.properties.CheckInventory(ctx, *s)
	if err != nil {
		return "", replacement, err
	}
	viewGuard, err := a.properties.RecordViews(ctx, s)
	if err != nil {
		return "", replacement, err
	}
	names, err := a.properties.NotNullSQL(ctx, s)
	if err != nil {
		return "", replacement, err
	}
	identities, err := a.properties.IdentitySQL(ctx, s)
	if err != nil {
		return "", replacement, err
	}
	views, ownerAlone, err := a.properties.ViewStatements(ctx, s)
	if err != nil {
		return "", replacement, err
	}
	copies := a.properties.CopySQL(s)
	sql = live.OwnPath + copies + a.lockCursorSchemaSQL(s) +
		replacement.Guard + viewGuard + a.session.SearchPathSQL() + ";\n" + replacement.Before + a.recheckMarkedRowsSQL(s) + inner + replacement.After + "\n" +
		session.EndStep + live.OwnPath + copies + names + identities
	if len(views) > 0 {
		sql += live.SetLocal(live.CommonReadSettings, live.ValueSettings) + ownerAlone + strings.Join(views, ";\n") + ";\n"
	}
	replacement.Carried = append(replacement.Carried, views...)
	sql += a.properties.RoomSQL(s) + properties.CarriedSQL + a.record.DoneSQL(s) + ";\n" + a.properties.ExchangedSQL(s, replacement.Children)
	return sql, replacement, nil
}

// lockCursorSchemaSQL returns SQL with which a step that creates the schema onward waits for those that drop it, or create it for another
// plan; "" for other steps.
func (a *Attempt) lockCursorSchemaSQL(s *onward.PlanStep) string {
	if !recipe.CreatesSchema(s) {
		return ""
	}
	return fmt.Sprintf("SELECT pg_catalog.pg_advisory_xact_lock(%d);\n", int64(recipe.SchemaLock))
}

// ClearMarks empties the marks of a step, before its check reads the rows. A trigger of the plan adds a mark for each row that is written wrong.
// A concurrent writer commits its mark after this, or its row before the check.
func (a *Attempt) ClearMarks(ctx context.Context, s *onward.PlanStep) error {
	if len(s.Marks) == 0 || a.record.AsWritten {
		return nil
	}
	var deletes []string
	for _, m := range s.Marks {
		deletes = append(deletes, "DELETE FROM "+m.Marks)
	}
	_, err := a.session.CommitSQL(context.WithoutCancel(ctx), queue.FirstStall, session.UnderLock, strings.Join(deletes, "; "))
	return err
}

// recheckMarkedRowsSQL returns the SQL that has a step checked again if a row has gone wrong since its check. It locks the tables
// first: then all marks are committed.
func (a *Attempt) recheckMarkedRowsSQL(s *onward.PlanStep) (sql string) {
	if a.record.AsWritten || a.record.Undoing {
		return ""
	}
	for _, m := range s.Marks {
		sql += "LOCK TABLE " + m.Table + " IN ACCESS EXCLUSIVE MODE;\n" + session.RecheckIf("EXISTS (SELECT FROM "+m.Marks+")",
			"rows of "+m.Table+" went wrong since the check")
	}
	for _, g := range a.Guards {
		sql += "LOCK TABLE " + g.Table + " IN ACCESS EXCLUSIVE MODE;\n" + session.RecheckIf(
			"("+g.Query+") OPERATOR(pg_catalog.<>) "+pgparse.QuoteLiteral(g.State), "the triggers of "+g.Table+" were changed since the check")
	}
	return sql
}
