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

// stands connects to the standbys, once for all that is carried out: what is none of this database is refused before anything is
// begun. One that is lost later is waited for.
func (c *Config) stands(ctx context.Context, primary *pgx.Conn) error {
	if len(c.standbys) == len(c.Replicas) {
		return nil
	}
	var list []*live.Standby
	for _, url := range c.Replicas {
		s, err := live.StandbyOf(ctx, primary, url, standbyName)
		if err != nil {
			for _, s := range list {
				s.Close(ctx)
			}
			if isAny[*live.NotStandbyError](err) {
				return input(err.Error() + ": --replica takes standbys of the database that --db names, and that database there")
			}
			return address.Without(err, url)
		}
		list = append(list, s)
	}
	c.standbys = list
	return nil
}

// standsNoMore ends the sessions there. What was given the same list connects again when it asks.
func (c *Config) standsNoMore(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	for _, s := range c.standbys {
		s.Close(ctx)
	}
}

// gauged are the standbys as those whom a backfill asks how far they are.
func (t *Target) gauged() []throttle.Standby {
	var out []throttle.Standby
	for _, s := range t.c.standbys {
		out = append(out, s)
	}
	return out
}

// line is the queue that a step is about to join, here and on each standby.
type line struct {
	here *queue.Line
	afar []*queue.Line
}

// line is that of a step. A backfill joins none. One that runs outside of a transaction waits by itself, and nobody behind
// it; but what it takes in the end, to drop an index or to detach a partition, is replayed like any other.
//
// Of all locks only ACCESS EXCLUSIVE is in the WAL: where a query holds any lock on the relation, the replay of everything waits for it, and ends
// it after max_standby_streaming_delay. hot_standby_feedback changes nothing about that.
func (t *Target) line(s *onward.PlanStep) *line {
	var wanted, replayed []queue.Wanted
	for _, e := range s.Effects {
		w := queue.Wanted{Relation: e.Relation, Lock: e.Lock}
		if s.Class != onward.StepConcurrent && s.Transaction != onward.TransactionNone {
			wanted = append(wanted, w)
		}
		if e.Lock == onward.AccessExclusiveLock {
			replayed = append(replayed, w)
		}
	}
	out := &line{here: &queue.Line{Age: queue.OldEnough, Yields: t.yields}}
	if s.Class == onward.StepBackfill {
		return out
	}
	out.here.Wanted = wanted
	if len(replayed) > 0 {
		for range t.c.standbys {
			out.afar = append(out.afar, &queue.Line{Wanted: replayed, Age: queue.OldEnough})
		}
	}
	return out
}

// wait looks at the queue until nobody is in the way of a step, for about so long. The database itself is looked at last: its
// users wait behind the step, if somebody was faster.
func (t *Target) wait(ctx context.Context, s *onward.PlanStep, budget time.Duration) ([]string, error) {
	l, begun := t.line(s), time.Now()
	for {
		list, unseen := t.afar(ctx, l)
		if len(list) == 0 && unseen == "" && len(l.here.Wanted) > 0 {
			if err := t.control.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
				list, err = l.here.InTheWay(ctx, conn)
				return err
			}); err != nil {
				return nil, err
			}
		}
		if len(list) == 0 && unseen == "" {
			return nil, nil
		}
		words := queue.Sentences(list)
		switch {
		case unseen != "":
			words = []string{unseen}
			if t.tries.unseen != unseen {
				t.tell(Waits, s, unseen)
			}
		case t.tries.teller.News(list):
			t.tell(Waits, s, strings.Join(words, "; "))
		}
		t.tries.unseen = unseen
		t.tries.waited += queue.Look
		if time.Since(begun) > budget {
			return words, nil
		}
		if err := queue.Pause(ctx, queue.Look); err != nil {
			return nil, err
		}
	}
}

// afar are those on the standbys who would hold up the replay of a step. Where one cannot be asked, unseen says so: then the step
// waits, as nobody knows.
func (t *Target) afar(ctx context.Context, l *line) (list []queue.Holder, unseen string) {
	for i, there := range l.afar {
		s := t.c.standbys[i]
		var some []queue.Holder
		err := s.Do(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			some, err = there.InTheWay(ctx, conn)
			return err
		})
		switch {
		case isAny[*live.NotStandbyError](err):
			return nil, err.Error()
		case err != nil:
			return nil, "the standby " + s.Name() + " cannot be asked: " + address.Without(err, t.c.Replicas[i]).Error()
		}
		for j := range some {
			some[j].Server = "the standby " + s.Name()
		}
		list = append(list, some...)
	}
	return list, ""
}
