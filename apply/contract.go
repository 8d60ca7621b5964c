package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// Continue carries out unfinished plans of the ledger, oldest first, through a phase: the plan with this ID, or
// all for "". Everything before that phase must be done; the steps before a backfill need [Run]. Config.Plan,
// Name and Role come from the ledger.
//
// The errors are the same as for [Run]. A plan that has not reached the phase gives a [*RefusedError].
func Continue(ctx context.Context, c Config, id string) ([]*onward.Applied, error) {
	return forEachPlan(ctx, settings{Config: c}, id, c.Through, runSettings)
}

// forEachPlan calls run for the unfinished plans of the ledger that have reached a phase, oldest first.
func forEachPlan(ctx context.Context, c settings, id string, phase onward.PlanPhase,
	run func(ctx context.Context, c settings) (*onward.Applied, error)) ([]*onward.Applied, error) {
	var list []*ledger.Plan
	far := map[*ledger.Plan]error{}
	if err := c.useSchema(ctx); err != nil {
		return nil, err
	}
	_, err := withLedger(ctx, c.DB, func(conn *pgx.Conn) (err error) {
		if list, err = unfinishedPlans(ctx, conn, c.scope); err != nil {
			return err
		}
		for _, p := range list {
			steps, err := ledger.ReadSteps(ctx, conn, p.ID)
			if err != nil {
				return err
			}
			far[p] = requireReached(p, steps, phase)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if list, err = choosePlans(list, id); err != nil {
		return nil, err
	}
	var out []*onward.Applied
	for _, p := range list {
		if far[p] != nil {
			return out, far[p]
		}
		one := c
		one.Plan, one.Name, one.Role, one.moved = &p.Plan, p.Name, p.Role, true
		done, err := run(ctx, one)
		if done != nil {
			out = append(out, done)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// requireReached refuses a plan that has unfinished steps before a phase.
func requireReached(p *ledger.Plan, steps map[string]*ledger.Step, phase onward.PlanPhase) error {
	for i := range p.Plan.Steps {
		s := &p.Plan.Steps[i]
		if recorded := steps[s.ID]; isLater(phase, s.Phase) && (recorded == nil || recorded.State != ledger.Done) {
			return &RefusedError{
				Step: s.ID,
				Text: fmt.Sprintf("plan %s is not so far: this step of its %s is not done. onward apply --plan goes on with it", p.ID, s.Phase),
			}
		}
	}
	return nil
}

// refuseOldSessions refuses a contract step while a session of the old release exists.
func (t *Target) refuseOldSessions(ctx context.Context, s *onward.PlanStep) error {
	if s.Phase != onward.Contract || t.c.Gone == "" {
		return nil
	}
	var count int
	var app, who string
	var oldest float64
	err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) OVER ()::int, application_name, coalesce(usename::text, ''), coalesce(extract(epoch FROM clock_timestamp() - backend_start), 0)::float8
			FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE $1 AND application_name NOT LIKE 'onward %' ORDER BY backend_start LIMIT 1`, t.c.Gone).
			Scan(&count, &app, &who, &oldest)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	}
	what := "sessions"
	if count == 1 {
		what = "session"
	}
	text := fmt.Sprintf("the release that must be gone has %d %s on this database: %s", count, what, app)
	if who != "" {
		text += fmt.Sprintf(" of %s, for %s", who, queue.RoundDuration(time.Duration(oldest*float64(time.Second))))
	}
	return &RefusedError{Step: s.ID, Text: text + ". Stop what is left of it, then run this again"}
}

// LikePattern returns a LIKE pattern that matches all names that contain the text.
func LikePattern(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(text) + "%"
}
