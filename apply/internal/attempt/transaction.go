package attempt

import (
	"context"
	"slices"
	"strings"

	"github.com/onward-sql/onward/apply/internal/properties"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/schemaplan"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/onward"
)

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
	sql, carried, err := a.transactionSQL(ctx, s)
	if err != nil {
		return err
	}
	texts, err := a.session.CommitSQL(ctx, a.record.Tries.LockTimeout(), statement, sql)
	if err != nil {
		return err
	}
	if err := a.properties.RecordExchanged(ctx, s); err != nil {
		return err
	}
	ran, err := properties.ReadCarried(texts)
	if err != nil {
		return err
	}
	return a.properties.ReportCopiedProperties(ctx, s, append(carried, ran...))
}

// transactionSQL returns the SQL of a step's whole transaction, so that it is one message. It reads before what the SQL needs to know. The server itself
// compares under the lock. carried are the statements that give a replacement the properties of the old object.
func (a *Attempt) transactionSQL(ctx context.Context, s *onward.PlanStep) (sql string, carried []string, err error) {
	inner, err := run.InnerSQL(s)
	if err != nil {
		return "", nil, err
	}
	if schemaplan.DropsPlanSchema(s) {
		inner = schemaplan.DropUnusedCursorSchema
	}
	replacement, err := a.properties.CheckInventory(ctx, *s)
	if err != nil {
		return "", nil, err
	}
	if err := a.properties.RecordViews(ctx, s); err != nil {
		return "", nil, err
	}
	names, err := a.properties.NotNullSQL(ctx, s)
	if err != nil {
		return "", nil, err
	}
	identities, err := a.properties.IdentitySQL(ctx, s)
	if err != nil {
		return "", nil, err
	}
	views, ownerAlone, err := a.properties.ViewStatements(ctx, s)
	if err != nil {
		return "", nil, err
	}
	copies := a.properties.CopySQL(s)
	sql = live.OwnPath + copies + a.lockCursorSchema(s) +
		replacement.Guard + a.session.SearchPathSQL() + ";\n" + replacement.Before + a.marksSQL(s) + inner + replacement.After + "\n" +
		session.EndStep + live.OwnPath + copies + names + identities
	if len(views) > 0 {
		sql += live.SetLocal(live.CommonReadSettings, live.ValueSettings) + ownerAlone + strings.Join(views, ";\n") + ";\n"
	}
	return sql + a.properties.RoomSQL(s) + properties.CarriedSQL + a.record.DoneSQL(s), slices.Concat(replacement.Carried, views), nil
}
