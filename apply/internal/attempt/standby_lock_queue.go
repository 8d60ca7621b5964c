package attempt

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// lockQueue is the lock queue that a step is about to join, on the primary and on each standby.
type lockQueue struct {
	primaryQueue  *queue.LockQueue
	standbyQueues []*queue.LockQueue
}

// lockQueueOf returns the lock queue of a step. A backfill joins none. A step outside of a transaction waits without blocking others. But the lock
// that it takes in the end, to drop an index or to detach a partition, is replayed like any other.
//
// Of all locks only ACCESS EXCLUSIVE is in the WAL. If a query on a standby holds any lock on the relation, the replay of everything waits
// for it, and cancels it after max_standby_streaming_delay. hot_standby_feedback does not change that.
func (a *Attempt) lockQueueOf(s *onward.PlanStep) *lockQueue {
	var wanted, replayed []queue.WantedLock
	for _, e := range s.Effects {
		w := queue.WantedLock{Relation: e.Relation, Lock: e.Lock}
		if s.Class != onward.StepConcurrent && s.Transaction != onward.TransactionNone {
			wanted = append(wanted, w)
		}
		if e.Lock == onward.AccessExclusiveLock {
			replayed = append(replayed, w)
		}
	}
	out := &lockQueue{primaryQueue: &queue.LockQueue{Age: queue.OldEnough, Yields: a.session.AutovacuumYields}}
	if s.Class == onward.StepBackfill {
		return out
	}
	out.primaryQueue.Wanted = wanted
	if len(replayed) > 0 {
		for range a.session.Standbys {
			out.standbyQueues = append(out.standbyQueues, &queue.LockQueue{Wanted: replayed, Age: queue.OldEnough})
		}
	}
	return out
}

// WaitForQueue checks the queue until nobody blocks a step, or until the budget is used up. It checks the primary last, because users of the
// primary would wait in the queue if a new blocker appeared after the check.
func (a *Attempt) WaitForQueue(ctx context.Context, s *onward.PlanStep, budget time.Duration) ([]string, error) {
	l, start := a.lockQueueOf(s), time.Now()
	for {
		list, unseen := a.standbyBlockers(ctx, l)
		if len(list) == 0 && unseen == "" && len(l.primaryQueue.Wanted) > 0 {
			if err := a.session.Control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
				list, err = l.primaryQueue.InTheWay(ctx, conn)
				return err
			}); err != nil {
				return nil, err
			}
		}
		if len(list) == 0 && unseen == "" {
			return nil, nil
		}
		words := queue.DescribeBlockers(list)
		switch {
		case unseen != "":
			words = []string{unseen}
			if a.unseen != unseen {
				a.record.ReportEvent(run.Waits, s, unseen)
			}
		case a.teller.ShouldReport(list):
			a.record.ReportEvent(run.Waits, s, strings.Join(words, "; "))
		}
		a.unseen = unseen
		a.record.Tries.Waited += queue.BlockerPollInterval
		if time.Since(start) > budget {
			return words, nil
		}
		if err := queue.Pause(ctx, queue.BlockerPollInterval); err != nil {
			return nil, err
		}
	}
}

// standbyBlockers returns the sessions on the standbys that would delay the replay of a step. If a standby cannot be asked, unseen says so, and the
// step waits.
func (a *Attempt) standbyBlockers(ctx context.Context, l *lockQueue) (list []queue.Blocker, unseen string) {
	for i, standbyQueue := range l.standbyQueues {
		s := a.session.Standbys[i]
		var some []queue.Blocker
		err := s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			some, err = standbyQueue.InTheWay(ctx, conn)
			return err
		})
		if err != nil {
			return nil, a.session.DescribeStandbyError(i, err)
		}
		for j := range some {
			some[j].Server = "the standby " + s.Name()
		}
		list = append(list, some...)
	}
	return list, ""
}
