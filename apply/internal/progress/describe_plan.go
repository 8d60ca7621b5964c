package progress

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// ListChangedByAbort names the columns and tables whose rows stay changed by started steps, including steps that an
// earlier abort has undone.
func (r *Record) ListChangedByAbort(ctx context.Context) ([]string, error) {
	startedSteps := map[string]bool{}
	for id := range r.Steps {
		startedSteps[id] = true
	}
	if err := r.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		list, err := ledger.UndoneSteps(ctx, conn, r.Row.ID)
		for _, id := range list {
			startedSteps[id] = true
		}
		return err
	}); err != nil {
		return nil, err
	}
	return listChangedBySteps(r.Plan, func(id string) bool { return startedSteps[id] }), nil
}

// listChangedBySteps names the columns and tables whose rows stay changed by the steps for which isStarted is true.
func listChangedBySteps(p *onward.Plan, isStarted func(step string) bool) (out []string) {
	for i, changed := range undo.StayChanged(p) {
		if isStarted(p.Steps[i].ID) {
			out = append(out, changed...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// AddComparisons adds which rows of backfills were compared, and which are in quarantine.
func AddComparisons(ctx context.Context, conn ledger.Conn, out *onward.Applied) error {
	passes, err := ledger.ReadVerifications(ctx, conn, out.Plan)
	if err != nil {
		return err
	}
	quarantined, err := ledger.CountQuarantined(ctx, conn, out.Plan)
	if err != nil {
		return err
	}
	for i := range out.Steps {
		s := &out.Steps[i]
		if v := passes[s.ID]; v != nil {
			s.Compared, s.Verified = v.Rows, v.Clean
		}
		if s.Quarantined = quarantined[s.ID]; s.Quarantined > 0 {
			s.Find = quarantineQuery(out.Plan, s.ID)
		}
	}
	return nil
}

// DescribePlan returns the progress of a plan that runs in a scope. damage is what somebody else has taken from it.
func DescribePlan(p *ledger.Plan, steps map[string]*ledger.Step, scope ledger.Scope, damage readiness.Damage) *onward.Applied {
	out := &onward.Applied{Schema: onward.AppliedSchema, Plan: p.ID, Name: p.Name, Base: p.Plan.Base, Head: p.Plan.Head, State: onward.ApplyDone}
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		step := onward.AppliedStep{ID: s.ID, Phase: s.Phase, Class: s.Class, Why: s.Why, Head: clipSQL(s), State: onward.ApplyPending}
		if recorded := steps[s.ID]; recorded != nil {
			step.State, step.Attempts = onward.ApplyState(recorded.State), recorded.Attempts
			step.Rows, step.WaitedMS = recorded.Rows, recorded.Waited.Milliseconds()
			step.Began, step.Ended, step.Note = &recorded.Began, recorded.Ended, recorded.Note
		}
		if step.State != onward.ApplyDone && out.State == onward.ApplyDone {
			out.State = step.State
			if i > 0 && step.State == onward.ApplyPending {
				out.State = onward.ApplyRunning
			}
			out.Next = continueCommand(p, s.Phase, scope)
		}
		out.Steps = append(out.Steps, step)
	}
	if !p.IsUnchangedMigration() {
		out.StayChanged = listChangedBySteps(&p.Plan, func(id string) bool { return steps[id] != nil })
	}
	switch p.State {
	case ledger.Running, "":
		if out.State == onward.ApplyDone && p.Plan.Contract() < len(p.Plan.Steps) { // its foreign keys are not proven yet
			out.State, out.Next = onward.ApplyRunning, underway.ContractCommand(p, scope.Schema)
		}
		if len(damage.Gone) > 0 {
			out.Next = underway.ForgetCommand(p.ID, scope.Schema)
		}
	case ledger.Aborting:
		out.State, out.Next = onward.ApplyAborting, underway.AbortCommand(p.ID, scope.Schema)
	case ledger.Abandoned:
		out.State, out.Next = onward.ApplyAbandoned, ""
	}
	if !p.IsUnchangedMigration() {
		out.Readiness = []onward.Readiness{*readiness.JudgeApplied(&p.Plan, p.ID, out.State, damage, newDoneLookup(steps))}
	}
	return out
}

// newDoneLookup returns a function that reports whether a step is done, by its ID.
func newDoneLookup(steps map[string]*ledger.Step) func(id string) bool {
	return func(id string) bool { return steps[id] != nil && steps[id].State == ledger.Done }
}

// continueCommand returns the command that continues a plan of the ledger in a phase.
func continueCommand(p *ledger.Plan, phase onward.PlanPhase, scope ledger.Scope) string {
	switch {
	case p.IsUnchangedMigration():
		return underway.ApplyCommand("", scope.Schema)
	case phase == onward.Contract:
		return underway.ContractCommand(p, scope.Schema)
	case phase == onward.Backfill || p.Name == "":
		return underway.BackfillCommand(p.ID, scope.Schema)
	}
	return underway.ApplyCommand(p.Name, scope.Schema)
}

// PlanCommand returns the command that makes a plan of a release again, in its file.
func PlanCommand(p *onward.Plan, file string) string {
	out := "onward plan"
	if p.Base != "" {
		out += " --base " + escape.QuoteShell(p.Base)
	}
	return out + " --format json --output " + escape.QuoteShell(cmp.Or(file, "plan.json"))
}

// clipSQL returns the beginning of a step's SQL, without its settings.
func clipSQL(s *onward.PlanStep) string {
	sql := s.SQL
	if s.Transaction == onward.TransactionFile {
		if text, err := run.InnerSQL(s); err == nil {
			sql = text
		}
	}
	return pgparse.ClipName(pgparse.SqueezeSQL(sql))
}

// AddTableRows adds how many rows the tables of started backfills have, by the planner's estimate. It locks no table.
func AddTableRows(ctx context.Context, conn ledger.Conn, p *ledger.Plan, out *onward.Applied) error {
	for i := range out.Steps {
		s := &out.Steps[i]
		backfill := p.Plan.Steps[i].Backfill
		if backfill == nil || s.State == onward.ApplyDone || s.State == onward.ApplyPending {
			continue
		}
		const rows = "SELECT coalesce(max(greatest(reltuples, 0)), 0)::bigint FROM pg_class WHERE oid = $1::oid"
		ids, err := live.FindRelationsIn(ctx, conn, p.Path, backfill.Table)
		if err != nil {
			return err
		}
		if err := conn.QueryRow(ctx, rows, ids[0]).Scan(&s.Of); err != nil {
			return err
		}
	}
	return nil
}

// QuarantineQuery returns the query that finds the rows of a step in quarantine.
func (r *Record) QuarantineQuery(s *onward.PlanStep) string { return quarantineQuery(r.Row.ID, s.ID) }

func quarantineQuery(plan, step string) string {
	return "SELECT key, code, message FROM " + ledger.Schema + ".quarantine WHERE plan = " + pgparse.QuoteLiteral(plan) + " AND step = " +
		pgparse.QuoteLiteral(step)
}
