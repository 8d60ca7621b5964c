package attempt

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/properties"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/schemaplan"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

// RunInTransaction runs a step in one transaction with the ledger row that records it as done.
func (a *Attempt) RunInTransaction(ctx context.Context, s *onward.PlanStep) error {
	statement := a.record.Tries.LockTimeout() + session.UnderLock
	switch s.Class {
	case onward.StepValidate, onward.StepWork:
		statement = 0 // StepValidate blocks nobody, and the queue of StepWork is watched
	default:
		ctx = context.WithoutCancel(ctx) // it takes an instant: an interrupt waits for it
	}
	sql, err := run.InnerSQL(s)
	if err != nil {
		return err
	}
	if schemaplan.DropsPlanSchema(s) {
		sql = schemaplan.DropUnusedCursorSchema
	}
	replacement, err := a.properties.CheckInventory(ctx, *s)
	if err != nil {
		return err
	}
	if err := a.properties.RecordViews(ctx, s); err != nil {
		return err
	}
	sql = replacement.Guard + a.session.SearchPathSQL() + "; " + replacement.Before + sql + replacement.After + session.EndStep + live.OwnPath
	var carried []string
	err = a.session.InGuardedTransaction(ctx, a.record.Tries.LockTimeout(), statement, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, live.OwnPath); err != nil {
			return err
		}
		before, err := a.properties.CopyProperties(ctx, tx, s)
		if err != nil {
			return err
		}
		if err := a.lockCursorSchema(ctx, tx, s); err != nil {
			return err
		}
		names, err := a.properties.ReadNotNullNames(ctx, tx, s)
		if err != nil {
			return err
		}
		identities, err := a.properties.ReadIdentities(ctx, tx, s)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		after, err := a.properties.CopyProperties(ctx, tx, s)
		if err != nil {
			return err
		}
		renamed, err := properties.RenameNotNull(ctx, tx, names)
		if err != nil {
			return err
		}
		numbered, err := a.properties.CarryIdentities(ctx, tx, identities)
		if err != nil {
			return err
		}
		views, err := a.properties.RestoreViews(ctx, tx, s)
		if err != nil {
			return err
		}
		room, err := a.properties.IdentifyRoom(ctx, tx, s)
		if err != nil {
			return err
		}
		carried = slices.Concat(before, replacement.Carried, after, renamed, numbered, views, room)
		return a.record.RecordDone(ctx, tx, s)
	})
	if err != nil {
		return err
	}
	if err := a.properties.RecordExchanged(ctx, s); err != nil {
		return err
	}
	return a.properties.ReportCopiedProperties(ctx, s, carried)
}
