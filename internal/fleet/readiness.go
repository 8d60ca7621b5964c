package fleet

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/underway"
	"github.com/onward-sql/onward/onward"
)

// ReadReadiness says which code may be deployed now on all targets: for each unfinished plan of one of them, else for the plan that began
// last. r is a release: a target that it has done needs no plan of the release.
func ReadReadiness(ctx context.Context, list []*Target, r *onward.Rollout) []onward.Readiness {
	identifyMissing(ctx, list)
	uniqueTargets, _ := dropDuplicates(list)
	byDatabase, unread := map[*database][]*Target{}, map[*Target]bool{}
	for _, t := range uniqueTargets {
		if t.problem == nil {
			byDatabase[t.database] = append(byDatabase[t.database], t)
		} else if !isGoneError(t.problem) {
			unread[t] = true
		}
	}
	each := func(read func(d *database, ctx context.Context, conn *pgx.Conn) error) {
		var mu sync.Mutex
		forEachKey(byDatabase, func(d *database) {
			err := d.withSession(ctx, func(ctx context.Context, conn *pgx.Conn) error { return read(d, ctx, conn) })
			mu.Lock()
			defer mu.Unlock()
			for _, t := range byDatabase[d] {
				unread[t] = unread[t] || err != nil
			}
		})
	}
	defer func() {
		for d := range byDatabase {
			d.session.Close(ctx)
		}
	}()
	var mu sync.Mutex
	open, began := map[string]bool{}, map[string]time.Time{}
	each(func(_ *database, ctx context.Context, conn *pgx.Conn) error {
		uses, err := underway.ListPlanUses(ctx, conn)
		mu.Lock()
		defer mu.Unlock()
		for _, u := range uses {
			open[u.Key] = open[u.Key] || u.Open
			if u.Began.After(began[u.Key]) {
				began[u.Key] = u.Began
			}
		}
		return err
	})
	keys := choosePlans(open, began)
	if len(keys) == 0 {
		return nil
	}
	plans := map[*database][]underway.PlanTarget{}
	each(func(d *database, ctx context.Context, conn *pgx.Conn) error {
		found, err := underway.ReadPlanTargets(ctx, conn, keys)
		mu.Lock()
		defer mu.Unlock()
		plans[d] = found
		return err
	})
	progress := map[string]*onward.RolloutTarget{}
	for i := range r.Targets {
		progress[r.Targets[i].Name] = &r.Targets[i]
	}
	var out []onward.Readiness
	for _, key := range keys {
		if judged := judgeTargets(uniqueTargets, plans, unread, progress, key); judged != nil {
			out = append(out, *judged)
		}
	}
	return out
}

// choosePlans returns the open plans, oldest first; if there are none, the plan that began last.
func choosePlans(open map[string]bool, began map[string]time.Time) (out []string) {
	var all []string
	for key := range open {
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b string) int { return began[a].Compare(began[b]) })
	for _, key := range all {
		if open[key] {
			out = append(out, key)
		}
	}
	if len(out) == 0 && len(all) > 0 {
		out = all[len(all)-1:]
	}
	return out
}

// judgeTargets judges a plan on all targets; nil if none has it.
func judgeTargets(list []*Target, plans map[*database][]underway.PlanTarget, unread map[*Target]bool, progress map[string]*onward.RolloutTarget,
	key string,
) *onward.Readiness {
	var plan *onward.Plan
	isOfRelease := false
	found := map[*Target]*onward.Readiness{}
	for _, t := range list {
		for _, p := range plans[t.database] {
			if p.Key != key || p.Schema != "" && p.Schema != t.Schema {
				continue
			}
			plan = &p.Plan.Plan
			work := progress[t.Name]
			isOfRelease = isOfRelease || work != nil && work.Began != nil && !p.Began.Before(*work.Began) && (work.Ended == nil || !p.Began.After(*work.Ended))
			if found[t] == nil || p.Schema != "" {
				found[t] = p.Readiness
			}
		}
	}
	if plan == nil {
		return nil
	}
	var states []readiness.Target
	for _, t := range list {
		state := found[t]
		switch {
		case unread[t]:
			state = &onward.Readiness{Text: "It is not known which code may be deployed: the database cannot be read."}
		case state != nil:
		case t.problem != nil || isOfRelease && progress[t.Name] != nil && progress[t.Name].State == onward.RolloutDone:
			continue
		default:
			state = readiness.JudgeApplied(plan, "", onward.ApplyPending, readiness.Damage{}, func(string) bool { return false })
		}
		states = append(states, readiness.Target{Name: t.Name, Readiness: state})
	}
	out := readiness.JudgeEach(states, "target")
	out.Text = fmt.Sprintf("Plan %s → %s: %s", plan.Base, plan.Head, out.Text)
	return out
}
