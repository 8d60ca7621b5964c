package cli

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/notify"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// notices sends a run's events to a webhook. A nil one sends nothing.
type notices struct {
	url   string
	after time.Duration // how long a step must wait before a notice is sent
	base  onward.Notice // what all notices have in common
	cmd   *cobra.Command
	say   func(format string, args ...any)

	posts sync.WaitGroup // requests that are not answered yet
	once  sync.Once      // a failing webhook is reported once

	mu      sync.Mutex
	waiting map[onward.NoticeOutcome]*waitingStep
}

// waitingStep is a step that is waiting, and since when.
type waitingStep struct {
	step, why string
	late      *time.Timer
}

// newNotices reads --notify, and subscribes to the run's events.
func (a *app) newNotices(cmd *cobra.Command, f *stepFlags, c *apply.Config) (*notices, error) {
	if f.notify == "" {
		return nil, nil
	}
	url, err := a.readWebhook(f.notify)
	if err != nil {
		return nil, err
	}
	if f.after <= 0 {
		return nil, newUsageError("--notify-after is a time such as 1m")
	}
	n := &notices{
		url: url, after: f.after, say: a.printNote, cmd: cmd, waiting: map[onward.NoticeOutcome]*waitingStep{},
		base: onward.Notice{
			Schema: onward.NoticeSchema, Command: cmd.CommandPath(), Database: live.FormatHostPortDatabase(c.DB), Name: c.Name,
		},
	}
	tell := c.Tell
	c.Tell = func(e apply.Event) {
		tell(e)
		n.handleEvent(&e)
	}
	return n, nil
}

// handleEvent handles an event: it sends a notice if a step waits, or a backfill is throttled, for long enough.
func (n *notices) handleEvent(e *apply.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	step := ""
	if e.Step != nil {
		step = e.Step.ID
	}
	switch e.Kind {
	case apply.Held, apply.Waits, apply.Lost:
		n.scheduleNotice(onward.NoticeWaits, step, e.Words)
	case apply.Throttled:
		n.cancelNotice(onward.NoticeWaits)
		if e.Words == apply.GoesOn {
			n.cancelNotice(onward.NoticeThrottled)
		} else {
			n.scheduleNotice(onward.NoticeThrottled, step, e.Words)
		}
	case apply.Begun, apply.Undoing, apply.Passed, apply.Compared:
		n.cancelNotice(onward.NoticeWaits) // a throttled one passes rows, too
	case apply.Finished:
		n.cancelNotice(onward.NoticeWaits)
		n.cancelNotice(onward.NoticeThrottled)
	}
}

func (n *notices) scheduleNotice(outcome onward.NoticeOutcome, step, reason string) {
	s := n.waiting[outcome]
	if s != nil && s.step == step {
		s.why = reason
		return
	}
	n.cancelNotice(outcome)
	s = &waitingStep{step: step, why: reason}
	n.waiting[outcome] = s
	s.late = time.AfterFunc(n.after, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.waiting[outcome] != s {
			return
		}
		notice := n.base
		notice.Outcome, notice.Step, notice.Why = outcome, s.step, s.why
		n.postNotice(notice)
	})
}

func (n *notices) cancelNotice(outcome onward.NoticeOutcome) {
	if s := n.waiting[outcome]; s != nil {
		s.late.Stop()
		delete(n.waiting, outcome)
	}
}

// postNotice sends a notice without blocking the work.
func (n *notices) postNotice(notice onward.Notice) {
	notice.At = time.Now().UTC().Truncate(time.Millisecond)
	n.posts.Go(func() {
		if err := notify.Post(context.Background(), n.url, &notice); err != nil {
			n.once.Do(func() { n.say("the webhook of --notify got no message: %v", err) })
		}
	})
}

// postResult sends the result of the run, and waits until the notice is sent: for [notify.Patience] at most.
func (n *notices) postResult(list []*onward.Applied, err error) {
	if n == nil {
		return
	}
	n.mu.Lock()
	n.cancelNotice(onward.NoticeWaits)
	n.cancelNotice(onward.NoticeThrottled)
	n.mu.Unlock()
	for i, r := range list {
		if err == nil || i == len(list)-1 {
			n.resultNotice(r, err)
		}
	}
	if len(list) == 0 {
		n.resultNotice(nil, err)
	}
	n.posts.Wait()
}

func (n *notices) resultNotice(r *onward.Applied, err error) {
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
		notice.Next = nextCommand(n.cmd, &onward.Applied{}, err)
		refused, late := new(apply.RefusedError), new(apply.UnfinishedError)
		switch {
		case errors.As(err, &refused):
			notice.Outcome, notice.Step = onward.NoticeRefused, refused.Step
			if refused.Next == "" {
				notice.Next = ""
			}
		case isAny[*config.InputError](err):
			notice.Outcome, notice.Next = onward.NoticeRefused, ""
		case errors.As(err, &late):
			notice.Step = late.Step
		}
	}
	n.postNotice(notice)
}

// deprecations are the flags that list deprecated columns instead of verifying a release.
type deprecations struct {
	list   bool
	notify string
}

func (f *deprecations) addDeprecationFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.list, "deprecations", false, "only list the deprecated columns of the deployed schema, and who still uses them by the recordings")
	flags.StringVar(&f.notify, "notify", "", "with --deprecations: `address` of a webhook that gets a message for each column whose last day is near or over; "+
		"@FILE or env:NAME that hold it")
}

// listDeprecations prints the deprecated columns and their users, and sends the notices.
func (a *app) listDeprecations(cmd *cobra.Command, f *verifyFlags) error {
	format, options, err := a.outputOptions(report.FormatTerminal, report.FormatJSON)
	if err != nil {
		return err
	}
	if len(f.fresh) > 0 || len(f.also) > 0 || f.from != "" || f.server != "" || f.html != "" {
		return newUsageError("--deprecations reads the deployed schema and recordings of the deployed code: " +
			"leave out --workload-head, --also, --from, --postgres and --html")
	}
	c, err := a.releaseConfig(cmd.Context(), &f.releaseFlags)
	if err != nil {
		return err
	}
	webhook, err := a.readWebhook(f.notify)
	if err != nil {
		return err
	}
	list, recorded, err := audit.Deprecations(cmd.Context(), c)
	if err != nil {
		return err
	}
	if !recorded && len(list) > 0 {
		a.printNote("nothing says who uses these columns: name recordings with --workload")
	}
	if err := a.writeResult(func(w io.Writer) error { return report.WriteDeprecations(w, list, format, options) }); err != nil {
		return err
	}
	a.sendSunsets(cmd, webhook, list)
	return nil
}

// readWebhook reads and checks the address of a webhook; "" for none.
func (a *app) readWebhook(flag string) (string, error) {
	if flag == "" {
		return "", nil
	}
	url, err := a.readSecret("the webhook's address", flag)
	if err != nil {
		return "", err
	}
	if err := notify.Check(url); err != nil {
		return "", newUsageError("--notify %v", err)
	}
	return url, nil
}

// sendSunsets sends a notice for each column whose last day is near or over. A webhook that fails is reported once.
func (a *app) sendSunsets(cmd *cobra.Command, webhook string, list []onward.DeprecatedColumn) {
	if webhook == "" {
		return
	}
	for i := range list {
		d := &list[i]
		n := onward.Notice{Schema: onward.NoticeSchema, At: time.Now().UTC().Truncate(time.Millisecond), Command: cmd.CommandPath(), Column: d}
		switch {
		case d.Past:
			n.Outcome = onward.NoticeSunsetPast
		case d.Near:
			n.Outcome = onward.NoticeSunsetNear
		default:
			continue
		}
		n.Why = view.DescribeSunset(d)
		if err := notify.Post(context.WithoutCancel(cmd.Context()), webhook, &n); err != nil {
			a.printNote("the webhook of --notify got no message: %v", err)
			return
		}
	}
}
