package apply

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// recordMigrationsAtBegin records the migrations of a plan that only contracts: the schema serves the new code already, so their tool must not run them.
// If the tool's table has their rows already, nothing changes.
func (t *Target) recordMigrationsAtBegin(ctx context.Context) error {
	s := t.record.Plan.RecordingStep()
	if s == nil || s.Phase != onward.Contract || t.record.AsWritten || t.record.Undoing || len(t.record.Steps) > 0 {
		return nil
	}
	return t.changeToolRows(ctx, s, s.Record)
}

// unrecordMigrations takes the migrations that the plan has recorded out of their tool's table, before the first undo: from then on the plan is
// being undone. It refuses if a later migration is recorded.
func (t *Target) unrecordMigrations(ctx context.Context) error {
	s := t.record.Plan.RecordingStep()
	if s == nil || s.Unrecord == "" || t.record.Row.State == ledger.Aborting || s.Phase != onward.Contract && !t.record.IsDone(s.ID) {
		return nil
	}
	return t.changeToolRows(ctx, s, s.Unrecord+";\n"+ledger.SetPlanStateSQL(t.record.Row.ID, ledger.Aborting))
}

// changeToolRows runs SQL that changes the table of the migration tool, while the tool is not at work. It tries again while the tool is.
func (t *Target) changeToolRows(ctx context.Context, s *onward.PlanStep, sql string) error {
	writes := *s
	writes.Record = sql
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return migrations.RefuseRecordTables(ctx, conn, &writes, t.c.AcceptTriggers)
	}); err != nil {
		return err
	}
	return t.completeWork(ctx, s, func() error {
		lock := t.record.Tries.LockTimeout()
		_, err := t.session.CommitSQL(context.WithoutCancel(ctx), lock, lock+session.UnderLock, t.session.LedgerOwnerSQL()+sql)
		return err
	})
}
