package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/migrations"
	"github.com/onward-sql/onward/apply/internal/progress"
	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// PlanStatus is a plan that was started on a database, and its progress.
type PlanStatus struct {
	Plan    *onward.Plan
	Applied *onward.Applied
}

// Status returns the progress of the plans that were started on a database, oldest first, without those for one of its schemas. A database
// without a ledger has none. Status changes nothing.
func Status(ctx context.Context, db string) ([]*onward.Applied, error) {
	list, err := ReadPlans(ctx, db)
	var out []*onward.Applied
	for _, p := range list {
		out = append(out, p.Applied)
	}
	return out, err
}

// ReadPlans returns the plans that were started on a database with their progress, oldest first, without those for one of its schemas. A database
// without a ledger has none. ReadPlans changes nothing.
func ReadPlans(ctx context.Context, db string) ([]PlanStatus, error) {
	return ReadSchemaPlans(ctx, db, "")
}

// ReadSchemaPlans is [ReadPlans] for the plans of one schema.
func ReadSchemaPlans(ctx context.Context, db, schema string) (out []PlanStatus, err error) {
	c := settings{Config: Config{DB: db, Schema: schema}}
	if err := c.useSchemaReadOnly(ctx); err != nil {
		return nil, err
	}
	_, err = progress.WithLedger(ctx, c.DB, func(conn *pgx.Conn) error {
		plans, err := progress.ReadPlans(ctx, conn, c.scope)
		if err != nil {
			return err
		}
		for _, p := range plans {
			steps, err := ledger.ReadSteps(ctx, conn, p.ID)
			if err != nil {
				return err
			}
			damage, err := progress.ReadDamage(ctx, conn, p, steps)
			if err != nil {
				return err
			}
			applied := progress.DescribePlan(p, steps, c.scope, damage)
			if err := progress.AddComparisons(ctx, conn, applied); err != nil {
				return err
			}
			if err := progress.AddTableRows(ctx, conn, p, applied); err != nil {
				return err
			}
			if err := progress.AddFailedRows(ctx, conn, p, applied); err != nil {
				return err
			}
			out = append(out, PlanStatus{Plan: &p.Plan, Applied: applied})
		}
		return nil
	})
	return out, err
}

// isEmptyPlan reports whether a plan is of a release without migrations, whose pipeline runs the same commands as for any other release.
func isEmptyPlan(p *onward.Plan) bool {
	return p != nil && p.Schema == onward.PlanSchema && len(p.Steps)+len(p.Migrations) == 0
}

// runEmptyPlan carries nothing out. It refuses if another plan is under way on the database whose new code must wait: the code of this release
// has that plan's changes, too.
func runEmptyPlan(ctx context.Context, c *Config) (*onward.Applied, error) {
	digest, err := ledger.PlanDigest(c.Plan)
	if err != nil {
		return nil, err
	}
	if c.Plan.Digest != digest && c.Unproven == "" {
		return nil, &RefusedError{Text: "the plan has no steps, and was changed after it was made, as its digest shows"}
	}
	list, err := ReadSchemaPlans(ctx, c.DB, c.Schema)
	if err != nil {
		return nil, address.RedactError(err, c.DB)
	}
	for i := range list {
		if state := list[i].Applied.State; state == onward.ApplyDone || state == onward.ApplyAbandoned {
			continue
		}
		for _, r := range list[i].Applied.Readiness {
			if !r.NewCode {
				return nil, &RefusedError{Text: "the release has no migrations, but plan " + r.Plan + " is under way: " + r.Text, Next: list[i].Applied.Next}
			}
		}
	}
	return &onward.Applied{
		Schema: onward.AppliedSchema, Name: c.Name, Base: c.Plan.Base, Head: c.Plan.Head, State: onward.ApplyDone, Steps: []onward.AppliedStep{},
	}, nil
}

// errNoSteps refuses a plan that replaces migrations and does nothing.
var errNoSteps = run.NewInputError("the plan has no steps: there is nothing to carry out")

// refuseLaterDrops refuses a plan with a statement that uses what the contract of another unfinished plan will drop. If that contract has
// ALTER TABLE orders DROP COLUMN note, it refuses UPDATE orders SET note = 'x'.
func (t *Target) refuseLaterDrops(ctx context.Context) error {
	if t.record.AsWritten {
		return nil // a finding
	}
	var names []string
	read := live.ReadSchema
	if !t.record.Scope.IsDatabase() {
		names = []string{t.record.Scope.Schema}
		read = func(ctx context.Context, url string) (*live.Schema, error) { return live.ReadSchemas(ctx, url, names) }
	}
	var plans []ledger.UnfinishedPlan
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		plans, err = underway.ReadPlans(ctx, conn, names)
		return err
	}); err != nil || len(plans) == 0 {
		return err
	}
	schema, err := read(ctx, t.session.URL)
	if err != nil {
		return err
	}
	drops, version := underway.ListLaterDrops(plans, schema.Catalog, ""), effect.NewVersion(schema.Major)
	c := schema.Catalog
	if names != nil {
		c = c.WithSearchPath(names)
	}
	for i := range t.record.Plan.Steps {
		s := &t.record.Plan.Steps[i]
		sql := s.SQL
		if s.Backfill != nil {
			sql = s.Backfill.Work
		}
		f, err := pgparse.SplitText(sql)
		if err != nil {
			return err
		}
		for j := range f.Stmts {
			stmt := &f.Stmts[j]
			if stmt.Node == nil {
				continue
			}
			text := sql[stmt.Start:stmt.End]
			for k := range drops {
				if d := &drops[k]; d.IsTouched(stmt.Node, text, c, version) {
					return &RefusedError{
						Step: s.ID,
						Text: fmt.Sprintf("the step uses %s, which plan %s will drop. That plan is under way: nothing was begun. To take it back: %s",
							d.Text, d.Plan, d.AbortCommand),
						Next: d.ContractCommand,
					}
				}
			}
			c, _ = c.Apply(stmt.Node, text)
		}
	}
	return nil
}

// readProgress returns the progress of the plan as the ledger has it.
func (t *Target) readProgress(ctx context.Context) (*onward.Applied, error) {
	if t.disconnected {
		return nil, nil
	}
	ctx = context.WithoutCancel(ctx)
	if err := t.record.ReloadSteps(ctx); err != nil {
		return nil, err
	}
	t.record.Row.Plan = *t.record.Plan
	var out *onward.Applied
	if err := t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		damage, err := progress.ReadDamage(ctx, conn, t.record.Row, t.record.Steps)
		out = progress.DescribePlan(t.record.Row, t.record.Steps, t.c.scope, damage)
		return err
	}); err != nil {
		return out, err
	}
	if out.State == onward.ApplyDone && !t.record.AsWritten && !t.c.tableUpToDate {
		out.Next = migrations.UnrecordedAdvice(t.record.Plan, t.c.unrecordedReason)
	}
	return out, t.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error { return progress.AddComparisons(ctx, conn, out) })
}

// Log returns the most recent log entries of a database, oldest first: those for the plan with
// this ID, or for all plans if it is "".
func Log(ctx context.Context, db, plan string, most int) ([]onward.LogEntry, error) {
	return LogAfter(ctx, db, plan, 0, most)
}

// LogAfter is [Log] for the entries after a number.
func LogAfter(ctx context.Context, db, plan string, after int64, most int) (out []onward.LogEntry, err error) {
	_, err = progress.WithLedger(ctx, db, func(conn *pgx.Conn) error {
		list, err := ledger.ReadLog(ctx, conn, plan, after, most)
		for _, e := range list {
			out = append(out, onward.LogEntry{
				Number: e.Number,
				At:     e.At.UTC().Truncate(time.Millisecond),
				Who:    e.Who,
				Plan:   e.Plan,
				Step:   e.Step,
				Event:  e.Event,
				Detail: e.Detail,
				Result: e.Result(),
				Role:   e.Role,
				OSUser: e.OSUser,
				Host:   e.Host,
				Job:    e.Job,
				Link:   e.Link,
				Commit: e.Commit,
			})
		}
		return err
	})
	return out, err
}

// A plan is run in one of two ways. Either onward apply --plan runs its steps, and records the migrations that they replace in
// the table of the migration tool. Or onward plan --write writes the steps as migrations, and the tool runs these. In that case
// the tool does not know steps that onward ran, and would run them again.

// refuseWrittenPlan refuses a plan that was not started here if its steps are also written as migrations.
func (t *Target) refuseWrittenPlan() error {
	files := t.c.writtenFiles
	if p := t.record.Plan; files == "" && p.Dir != "" {
		var list []string
		for i := range p.Steps {
			for _, f := range p.Steps[i].Files {
				list = append(list, f.Path)
			}
		}
		files = "in " + p.Dir
		if len(list) > 0 {
			files = prose.FirstNames(list, 3)
		}
	}
	if files == "" || t.record.AsWritten {
		return nil
	}
	return &RefusedError{Text: "the steps of this plan were written as migrations (" + files +
		"): their own tool runs them, and would run them again after onward. Nothing was changed. " +
		"Go on in one way: run these files with their tool, or with onward apply without --plan; or delete them and their plan in " + plan.Dir +
		", restore the migrations that they replace, and apply a plan of onward plan --format json", Next: "onward apply --db ADDRESS"}
}
