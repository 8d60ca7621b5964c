package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// A session that stands in the queue behind a step waits for what that waits for, and then for
// what it does; longest is for how long at most. A busy machine may need the second half.
const longest = onward.PlanLockTimeout + time.Second

// attempts is how often a step is tried that did not get its lock.
const attempts = 30

// underTraffic runs the plan once more while sessions read and write the tables of the deployed
// release: none waits for longer than a step's lock_timeout, and up to the first contract none
// is refused.
func (v *prover) underTraffic(touched []string) error {
	if v.filled == "" || len(touched) == 0 {
		return nil
	}
	db, err := v.stage.CopyOf(v.ctx, v.filled)
	if err != nil {
		return err
	}
	defer v.stage.Drop(v.ctx, db)
	conn, err := v.connect(v.stage.URL(db))
	if err != nil {
		return err
	}
	defer conn.Close(v.ctx)
	contract := v.plan.Contract()
	seen := &seen{}
	for _, steps := range [][]onward.PlanStep{v.plan.Steps[:contract], v.plan.Steps[contract:]} {
		if len(steps) == 0 {
			continue
		}
		load, err := traffic.Start(v.ctx, traffic.Config{URL: v.stage.URL(db), Relations: touched, Seed: 1, LongReader: true})
		if err != nil {
			return err
		}
		err = v.patiently(conn, steps)
		log := load.Stop()
		if err != nil {
			v.check(underTrafficName, false, redact.Said(err))
			return nil
		}
		seen.log(log, steps[0].Phase != onward.Contract)
	}
	detail := "the longest wait: " + seen.longest.Round(time.Millisecond).String()
	if len(seen.bad) > 0 {
		detail = strings.Join(seen.bad[:min(len(seen.bad), mostDifferences)], "\n")
	}
	v.check(underTrafficName, len(seen.bad) == 0, detail)
	return nil
}

// seen is what came of the queries beside the steps.
type seen struct {
	longest time.Duration
	bad     []string // in sentences
}

// log adds what a load saw; whole: what its queries name is all there.
func (s *seen) log(log *traffic.Log, whole bool) {
	for i := range log.Queries {
		q := &log.Queries[i]
		for _, w := range q.Waits {
			lasted := w.Until.Sub(w.From)
			s.longest = max(s.longest, lasted)
			if lasted > longest {
				s.bad = append(s.bad, fmt.Sprintf("a %s of %s waited for %s: %s", q.Kind, q.Relation, lasted.Round(time.Millisecond), q.SQL))
			}
		}
	}
	for _, f := range log.Failures {
		if whole && !ofItsValues(f.Err.Code) {
			s.bad = append(s.bad, fmt.Sprintf("%s (%s): %s", redact.Error(f.Err).Message, f.Err.Code, f.SQL))
		}
	}
}

const underTrafficName = "under traffic nobody waits for longer than a lock_timeout"

// ofItsValues: a refusal that comes of the values that were made up, or of two that met.
func ofItsValues(sqlstate string) bool {
	return slices.ContainsFunc([]string{"22", "23", "40", "55", "57"}, func(class string) bool { return strings.HasPrefix(sqlstate, class) })
}

// patiently runs steps as a careful hand does: what did not get its lock is tried again.
func (v *prover) patiently(conn *pgx.Conn, steps []onward.PlanStep) error {
	for i := range steps {
		var err error
		for n := range attempts {
			if n > 0 {
				if _, failed := conn.Exec(v.ctx, "ROLLBACK"); failed != nil {
					return failed
				}
				if steps[i].Class == onward.StepConcurrent { // half an index may be there
					if _, failed := conn.Exec(v.ctx, steps[i].Undo); failed != nil {
						return fmt.Errorf("undo of step %s: %w", steps[i].ID, failed)
					}
				}
			}
			failed := new(pgconn.PgError)
			if err = v.run(conn, steps[i:i+1]); !errors.As(err, &failed) || failed.Code != "55P03" && failed.Code != "40P01" {
				break
			}
			if err := queue.Pause(v.ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// touched are the tables of the deployed release that the steps work on.
func (p *planner) touched() []string {
	there := map[string]bool{}
	p.release.Deployed.Relations(func(r *catalog.Relation) bool {
		there[r.Name.Schema+"."+r.Name.Name] = true
		return true
	})
	var out []string
	for i := range p.plan.Steps {
		for _, e := range p.plan.Steps[i].Effects {
			if there[e.Relation] && !slices.Contains(out, e.Relation) {
				out = append(out, e.Relation)
			}
		}
	}
	return out
}
