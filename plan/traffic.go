package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/onward"
)

// longest limits the wait of a session that queues for a step's lock: first the step's own lock
// wait, then the step. The second half covers a busy machine.
const longest = onward.PlanLockTimeout + time.Second

// attempts is how often a step is tried that does not get its lock.
const attempts = 30

// proveUnderTraffic runs the plan again while sessions read and write the tables of the deployed
// release. None may wait longer than a step's lock_timeout. Before the first contract, none may
// fail. A run that fails is repeated once, because a busy machine can stop a session for seconds.
func (v *prover) proveUnderTraffic(touched []string) error {
	if v.filled == "" || len(touched) == 0 {
		return nil
	}
	ok, detail, err := v.runUnderTraffic(touched)
	if err == nil && !ok {
		ok, detail, err = v.runUnderTraffic(touched)
	}
	if err != nil {
		return err
	}
	v.addCheck(underTrafficName, ok, detail)
	return nil
}

// runUnderTraffic runs the plan once beside sessions, and returns whether none waited or failed.
func (v *prover) runUnderTraffic(touched []string) (ok bool, detail string, err error) {
	db, err := v.stage.CopyOf(v.ctx, v.filled)
	if err != nil {
		return false, "", err
	}
	defer v.stage.Drop(v.ctx, db)
	conn, err := v.connectSimpleProtocol(v.stage.URL(db))
	if err != nil {
		return false, "", err
	}
	defer conn.Close(v.ctx)
	contract := v.plan.Contract()
	seen := &trafficResults{}
	for _, steps := range [][]onward.PlanStep{v.plan.Steps[:contract], v.plan.Steps[contract:]} {
		if len(steps) == 0 {
			continue
		}
		load, err := traffic.StartLoad(v.ctx, traffic.Config{URL: v.stage.URL(db), Relations: touched, Seed: 1, LongReader: true})
		if err != nil {
			return false, "", err
		}
		err = v.runWithRetries(conn, steps)
		if err != nil || steps[0].Phase == onward.Contract {
			seen.addWaits(load.Stop())
		} else {
			log := load.FinishLoad()
			seen.addWaits(log)
			seen.addFailures(log, steps)
		}
		if err != nil {
			return false, redact.RedactError(err), nil
		}
	}
	detail = "the longest wait: " + seen.longest.Round(time.Millisecond).String()
	if len(seen.bad) > 0 {
		detail = strings.Join(seen.bad[:min(len(seen.bad), mostDifferences)], "\n")
	}
	return len(seen.bad) == 0, detail, nil
}

// trafficResults collects the results of the queries that ran beside the steps.
type trafficResults struct {
	longest time.Duration
	bad     []string // in sentences
}

// addWaits adds the waits of a load.
func (s *trafficResults) addWaits(log *traffic.Log) {
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
}

// addFailures adds the failures of a load beside steps after which all that its queries name still exists.
func (s *trafficResults) addFailures(log *traffic.Log, steps []onward.PlanStep) {
	for _, f := range log.Failures {
		if !isCausedByValues(f.Err.Code) && !isDeclaredRefusal(&f, steps) {
			s.bad = append(s.bad, fmt.Sprintf("%s (%s): %s", redact.Error(f.Err).Message, f.Err.Code, f.SQL))
		}
	}
}

// isDeclaredRefusal reports whether the server refused a prepared statement because a step changed the type of a
// column, and the step says so. The load prepares it again, as drivers do.
func isDeclaredRefusal(f *traffic.Failure, steps []onward.PlanStep) bool {
	if f.Err.Code != "0A000" { // its message may be in another language on a user's server
		return false
	}
	prefix := strings.TrimPrefix(f.Relation, "public.") + "."
	return slices.ContainsFunc(steps, func(s onward.PlanStep) bool {
		return s.CachedPlans != nil &&
			slices.ContainsFunc(s.CachedPlans.Columns, func(c string) bool { return strings.HasPrefix(c, prefix) })
	})
}

const underTrafficName = "under traffic nobody waits longer than a lock_timeout"

// isCausedByValues: an error caused by the generated values, or by two concurrent ones.
func isCausedByValues(sqlstate string) bool {
	return slices.ContainsFunc([]string{"22", "23", "40", "55", "57"}, func(class string) bool { return strings.HasPrefix(sqlstate, class) })
}

// runWithRetries runs steps like a careful operator, who repeats a step that did not get its lock.
func (v *prover) runWithRetries(conn *pgx.Conn, steps []onward.PlanStep) error {
	for i := range steps {
		var err error
		for n := range attempts {
			if n > 0 {
				if _, failed := conn.Exec(v.ctx, "ROLLBACK"); failed != nil {
					return failed
				}
				if steps[i].Class == onward.StepConcurrent { // a part of an index may exist
					if _, failed := conn.Exec(v.ctx, steps[i].Undo); failed != nil {
						return fmt.Errorf("undo of step %s: %w", steps[i].ID, failed)
					}
				}
			}
			failed := new(pgconn.PgError)
			if err = v.runSteps(conn, steps[i:i+1]); !errors.As(err, &failed) || failed.Code != "55P03" && failed.Code != "40P01" {
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
