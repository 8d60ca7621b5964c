package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/onward"
)

// queueFlags let other processes do the work.
type queueFlags struct {
	queue   string
	detach  bool
	rebuild bool // no flag: the command onward fleet rebuild
}

func (f *queueFlags) addQueueFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.queue, "queue", "", "with --targets: `address` of the queue database whose workers do the work, @FILE or env:NAME that hold it")
	flags.BoolVar(&f.detach, "detach", false, "with --queue: do not wait for the end")
}

// localFlags are flags of onward apply that mean something on this machine only, or run a program.
var localFlags = []string{"health", "workload", "postgres", "head", "base", "source", "accept-findings"}

// newFleetRebuildCommand returns the command that makes the queue again.
func (a *app) newFleetRebuildCommand() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "rebuild --targets SOURCE --release NAME --plan FILE --queue ADDRESS",
		Short: "put a release into a queue again, from the ledgers of its targets",
		Long: `Forgets what the queue knows of a release, and makes its rows again from the ledgers of the
targets. Give it the flags of the onward apply that began the release. A target that a worker
has at the moment is finished first; none runs twice.

Exit code: as for onward apply --targets.`,
		Example: "  onward fleet rebuild --targets targets.txt --release v2.4 --plan plan.json --queue env:QUEUE_URL",
		Args:    checkArguments(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.rollout.targets == "" || f.queue == "" {
				return newUsageError("--targets and --queue are missing: name the targets and the queue")
			}
			f.rebuild = true
			return a.applyToTargets(cmd, &f)
		},
	}
	cmd.Flags().SortFlags = false
	f.addApplyFlags(cmd)
	return cmd
}

// queuedApply is what a worker knows of onward apply. It has no address.
type queuedApply struct {
	Plan         *onward.Plan     `json:"plan"`
	Name         string           `json:"name"`
	Through      onward.PlanPhase `json:"through"`
	To           string           `json:"to,omitempty"`
	Role         string           `json:"role,omitempty"`
	Table        string           `json:"table,omitempty"`
	Unproven     string           `json:"unproven,omitempty"`
	Within       time.Duration    `json:"within"`
	MaxStall     time.Duration    `json:"max_stall"`
	Parallel     int              `json:"parallel"`
	Publications []string         `json:"publications,omitempty"`
	Throttle     apply.Limits     `json:"throttle"`
	Evidence     *apply.Evidence  `json:"evidence,omitempty"`
	SearchPath   string           `json:"search_path"`
}

// newQueuedApply describes the work for the queue.
func newQueuedApply(f *applyFlags, c *apply.Config) ([]byte, error) {
	return json.Marshal(queuedApply{
		Plan: c.Plan, Name: c.Name, Through: c.Through, To: c.To, Role: c.Role, Table: f.table, Unproven: c.Unproven, Within: c.Within, MaxStall: c.MaxStall,
		Parallel: c.Parallel, Publications: c.AcceptPublications, Throttle: c.Throttle, Evidence: c.Evidence, SearchPath: f.rollout.searchPath,
	})
}

// readQueuedApply reads the work. An unknown key is of a newer release of onward.
func readQueuedApply(text []byte) (q queuedApply, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&q)
	if err == nil && q.Plan == nil {
		err = errors.New("it has no plan")
	}
	if err != nil {
		return q, fmt.Errorf("the work was put into the queue by another release of onward: %w", err)
	}
	q.Throttle.Health = "" // nothing in the queue may start a program here
	return q, nil
}

// config returns the work for one slice.
func (q *queuedApply) config(s *apply.Slice) apply.Config {
	return apply.Config{
		Plan: q.Plan, Name: q.Name, Through: q.Through, To: q.To, Role: q.Role, Unproven: q.Unproven, Within: q.Within, MaxStall: q.MaxStall, Parallel: q.Parallel,
		AcceptPublications: q.Publications, Throttle: q.Throttle, Evidence: q.Evidence, Slice: s,
	}
}

// queueRollout puts a release into the queue, and waits for its end.
func (a *app) queueRollout(cmd *cobra.Command, f *applyFlags, base *apply.Config, c fleet.Config) error {
	for _, name := range localFlags {
		if cmd.Flags().Changed(name) {
			return newUsageError("--%s is not for --queue: other machines do the work", name)
		}
	}
	if base.Plan == nil {
		return newUsageError("--plan is missing: workers run plans only")
	}
	format, options, err := a.printOptions(report.AppliedFormats()...)
	if err != nil {
		return err
	}
	url, err := a.readAddress(f.queue)
	if err != nil {
		return err
	}
	work, err := newQueuedApply(f, base)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	survey, err := fleet.SurveyTargets(ctx, c)
	if err != nil {
		return a.unfinishedError(err)
	}
	q, err := queuedb.Open(ctx, url, 2, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer q.Close()
	source := fleet.Source{Text: f.rollout.targets}
	settings := &queuedb.Settings{
		Source: f.rollout.targets, Late: source.NeedsDatabase() && len(f.rollout.only)+len(f.rollout.labels) == 0, StopAfter: f.rollout.stopAfter,
		AtOnce: c.AtOnce, PerServer: c.PerServer, Chosen: c.Chosen, Verify: c.Verify, SearchPath: c.SearchPath, Within: c.Within, Work: work,
	}
	if err := q.Start(ctx, &c, settings, survey, f.rebuild); err != nil {
		return err
	}
	a.printNote("%d targets are in the queue: onward fleet worker takes them", len(survey.Targets))
	if f.detach {
		return a.writeRollout(survey.Rollout, format, options)
	}
	end, err := a.followQueue(ctx, q, c.Release)
	if end == nil {
		return err
	}
	c.After = ""
	if survey, err = fleet.SurveyTargets(ctx, c); err != nil { // the ledgers have the truth
		return err
	}
	if survey.State != onward.RolloutDone {
		survey.State, survey.Why = end.State, end.Why
		a.code = exitFindings
	}
	return a.writeRollout(survey.Rollout, format, options)
}

// followQueue prints how far a release is, until its end. The error is a [*fleet.UnfinishedError] if the context ends before.
func (a *app) followQueue(ctx context.Context, q *queuedb.Queue, release string) (*queuedb.Progress, error) {
	last, silent := "", false
	for {
		p, err := q.ReadProgress(ctx, release)
		switch {
		case ctx.Err() != nil:
			return nil, &fleet.UnfinishedError{Why: "the workers go on; the same command waits for them again"}
		case err != nil && !silent:
			silent = true
			a.printNote("the queue does not answer; waiting for it")
		case err != nil:
		case p == nil:
			return nil, errors.New("the queue does not know the release any more: onward fleet rebuild puts it there again")
		default:
			silent = false
			if line := describeCounts(p.Counts); line != last {
				a.printNote("%s", line)
				last = line
			}
			if p.State != onward.RolloutRunning {
				return p, nil
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// describeCounts returns "3 done, 2 running".
func describeCounts(counts map[onward.RolloutState]int) string {
	var list []string
	for state, count := range counts {
		list = append(list, fmt.Sprintf("%d %s", count, state))
	}
	slices.SortFunc(list, func(a, b string) int {
		return strings.Compare(a[strings.IndexByte(a, ' '):], b[strings.IndexByte(b, ' '):])
	})
	return strings.Join(list, ", ")
}
