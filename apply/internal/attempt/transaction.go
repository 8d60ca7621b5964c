package attempt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/apply/internal/properties"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/recipe"
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
