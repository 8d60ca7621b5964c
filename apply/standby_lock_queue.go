package apply

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/throttle"
	"github.com/onward-sql/onward/onward"
)

// connectStandbys connects to the standbys, once per run. It refuses a server that is not a standby of this database, before anything starts. A
// connection that is lost later is retried.
func (c *settings) connectStandbys(ctx context.Context, primary *pgx.Conn) (err error) {
	if len(c.standbys) != len(c.Replicas) {
		c.standbys, err = connectStandbys(ctx, primary, c.Replicas)
	}
	return err
}

// connectStandbys connects to the standbys of a primary.
func connectStandbys(ctx context.Context, primary *pgx.Conn, addresses []string) ([]*live.Standby, error) {
	var list []*live.Standby
	for _, url := range addresses {
		s, err := live.ConnectStandby(ctx, primary, url, standbyName)
		if err != nil {
			for _, s := range list {
				s.Close(ctx)
			}
			if isAny[*live.NotStandbyError](err) {
				return nil, inputError(err.Error() + ": --replica takes standbys of the database that --db names, and that database there")
			}
			return nil, address.RedactError(err, url)
		}
		list = append(list, s)
	}
	return list, nil
}

// closeStandbys closes the sessions on standbys. A later query reconnects.
func closeStandbys(ctx context.Context, list []*live.Standby) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, s := range list {
		s.Close(ctx)
	}
}

// throttleStandbys returns the standbys as the throttle needs them, to ask for their replay lag.
func (t *Target) throttleStandbys() []throttle.Standby {
	var out []throttle.Standby
	for _, s := range t.c.standbys {
		out = append(out, s)
	}
	return out
}

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
func (t *Target) lockQueueOf(s *onward.PlanStep) *lockQueue {
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
	out := &lockQueue{primaryQueue: &queue.LockQueue{Age: queue.OldEnough, Yields: t.autovacuumYields}}
	if s.Class == onward.StepBackfill {
		return out
	}
	out.primaryQueue.Wanted = wanted
	if len(replayed) > 0 {
		for range t.c.standbys {
			out.standbyQueues = append(out.standbyQueues, &queue.LockQueue{Wanted: replayed, Age: queue.OldEnough})
		}
	}
	return out
}

// waitForQueue checks the queue until nobody blocks a step, or until the budget is used up. It checks the primary last, because users of the
// primary would wait in the queue if a new blocker appeared after the check.
func (t *Target) waitForQueue(ctx context.Context, s *onward.PlanStep, budget time.Duration) ([]string, error) {
	l, begun := t.lockQueueOf(s), time.Now()
	for {
		list, unseen := t.standbyBlockers(ctx, l)
		if len(list) == 0 && unseen == "" && len(l.primaryQueue.Wanted) > 0 {
			if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
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
			if t.tries.unseen != unseen {
				t.reportEvent(Waits, s, unseen)
			}
		case t.tries.teller.ShouldReport(list):
			t.reportEvent(Waits, s, strings.Join(words, "; "))
		}
		t.tries.unseen = unseen
		t.tries.waited += queue.BlockerPollInterval
		if time.Since(begun) > budget {
			return words, nil
		}
		if err := queue.Pause(ctx, queue.BlockerPollInterval); err != nil {
			return nil, err
		}
	}
}

// standbyBlockers returns the sessions on the standbys that would delay the replay of a step. If a standby cannot be asked, unseen says so, and the
// step waits.
func (t *Target) standbyBlockers(ctx context.Context, l *lockQueue) (list []queue.Blocker, unseen string) {
	for i, there := range l.standbyQueues {
		s := t.c.standbys[i]
		var some []queue.Blocker
		err := s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			some, err = there.InTheWay(ctx, conn)
			return err
		})
		switch {
		case isAny[*live.NotStandbyError](err):
			return nil, err.Error()
		case err != nil:
			return nil, "the standby " + s.Name() + " cannot be asked: " + address.RedactError(err, t.c.Replicas[i]).Error()
		}
		for j := range some {
			some[j].Server = "the standby " + s.Name()
		}
		list = append(list, some...)
	}
	return list, ""
}
