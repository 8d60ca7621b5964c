package cli

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/notify"
	"github.com/onward-sql/onward/onward"
)

// notices tells a webhook of a run. A nil one tells nobody.
type notices struct {
	url   string
	after time.Duration // for how long a step stands still before that is told
	base  onward.Notice // what all notices have in common
	again string        // the command, for whoever is to run it again
	say   func(format string, args ...any)

	posts sync.WaitGroup // under way
	once  sync.Once      // a webhook that fails is told of once

	mu    sync.Mutex
	still map[onward.NoticeOutcome]*stands
}

// stands is a step that stands still since a while.
type stands struct {
	step, why string
	late      *time.Timer
}

// notices reads --notify, and has the run's events come by.
func (a *app) notices(cmd *cobra.Command, f *careful, c *apply.Config) (*notices, error) {
	if f.notify == "" {
		return nil, nil
	}
	url, err := a.secret("the webhook's address", f.notify)
	if err != nil {
		return nil, err
	}
	if err := notify.Check(url); err != nil {
		return nil, usagef("--notify %v", err)
	}
	if f.after <= 0 {
		return nil, usagef("--notify-after is a time such as 1m")
	}
	n := &notices{
		url: url, after: f.after, say: a.say, again: sameAgain(cmd), still: map[onward.NoticeOutcome]*stands{},
		base: onward.Notice{Schema: onward.NoticeSchema, Command: cmd.CommandPath(), Database: live.Place(c.DB), Name: c.Name},
	}
	tell := c.Tell
	c.Tell = func(e apply.Event) {
		tell(e)
		n.heard(&e)
	}
	return n, nil
}

// sameAgain is a command as it was given, without what may be a secret: the way to go on with what is not finished.
func sameAgain(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) { words = append(words, flagWord(f)) })
	return strings.Join(words, " ")
}

// heard hears of an event: a step that waits, or a backfill that is held back, is told of when it has lasted.
func (n *notices) heard(e *apply.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	step := ""
	if e.Step != nil {
		step = e.Step.ID
	}
	switch e.Kind {
	case apply.Held, apply.Waits, apply.Lost:
		n.begins(onward.NoticeWaits, step, e.Words)
	case apply.Throttled:
		n.ends(onward.NoticeWaits)
		if e.Words == apply.GoesOn {
			n.ends(onward.NoticeThrottled)
		} else {
			n.begins(onward.NoticeThrottled, step, e.Words)
		}
	case apply.Begun, apply.Undoing, apply.Passed, apply.Compared:
		n.ends(onward.NoticeWaits) // one that is slowed down passes rows, too
	case apply.Finished:
		n.ends(onward.NoticeWaits)
		n.ends(onward.NoticeThrottled)
	}
}

func (n *notices) begins(what onward.NoticeOutcome, step, why string) {
	s := n.still[what]
	if s != nil && s.step == step {
		s.why = why
		return
	}
	n.ends(what)
	s = &stands{step: step, why: why}
	n.still[what] = s
	s.late = time.AfterFunc(n.after, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.still[what] != s {
			return
		}
		notice := n.base
		notice.Outcome, notice.Step, notice.Why = what, s.step, s.why
		n.post(notice)
	})
}

func (n *notices) ends(what onward.NoticeOutcome) {
	if s := n.still[what]; s != nil {
		s.late.Stop()
		delete(n.still, what)
	}
}

// post sends a notice beside the work.
func (n *notices) post(notice onward.Notice) {
	notice.At = time.Now().UTC().Truncate(time.Millisecond)
	n.posts.Go(func() {
		if err := notify.Post(context.Background(), n.url, &notice); err != nil {
			n.once.Do(func() { n.say("the webhook of --notify was not told: %v", err) })
		}
	})
}

// over tells how the run ended, and waits until that is told: for [notify.Patience] at most.
func (n *notices) over(list []*onward.Applied, err error) {
	if n == nil {
		return
	}
	n.mu.Lock()
	n.ends(onward.NoticeWaits)
	n.ends(onward.NoticeThrottled)
	n.mu.Unlock()
	for i, r := range list {
		if err == nil || i == len(list)-1 {
			n.ended(r, err)
		}
	}
	if len(list) == 0 {
		n.ended(nil, err)
	}
	n.posts.Wait()
}

func (n *notices) ended(r *onward.Applied, err error) {
	notice := n.base
	notice.Outcome = onward.NoticeFinished
	if r != nil {
		notice.Plan, notice.State, notice.Next = r.Plan, r.State, r.Next
		if r.Name != "" {
			notice.Name = r.Name
		}
	}
	if err != nil {
		notice.Outcome, notice.Why = onward.NoticeUnfinished, err.Error()
		refused, late := new(apply.RefusedError), new(apply.UnfinishedError)
		switch {
		case errors.As(err, &refused):
			notice.Outcome, notice.Step, notice.Next = onward.NoticeRefused, refused.Step, refused.Next
		case isAny[*config.InputError](err):
			notice.Outcome, notice.Next = onward.NoticeRefused, ""
		case errors.As(err, &late):
			notice.Step, notice.Next = late.Step, n.again
		default:
			notice.Next = n.again
		}
	}
	n.post(notice)
}
