package view

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// DescribeDeploys returns each deploy with the condition that comes before the next one.
func DescribeDeploys(o *onward.DeployOrder) (out []block.Block) {
	for i := range o.Deploys {
		d := &o.Deploys[i]
		after := block.Text{}.Code(d.Commit).Gap().Say(d.Subject)
		out = append(out, block.Heading{Text: block.Say(fmt.Sprintf("deploy %d", i+1)), After: after}, block.List{Depth: 1, Width: 8, Items: listDeploySteps(o, i)})
	}
	return out
}

// listDeploySteps lists what is done in a deploy, in order, and why it ends there.
func listDeploySteps(o *onward.DeployOrder, i int) (out []block.Item) {
	d := &o.Deploys[i]
	add := func(name, format string, args ...any) {
		out = append(out, block.Item{Label: name, Text: block.Say(fmt.Sprintf(format, args...))})
	}
	switch s := d.Steps; {
	case len(d.Migrations) == 0:
		add("migrate", "nothing")
	case s == nil:
		add("migrate", "%s, as written", listDeployedMigrations(d))
	default:
		add("migrate", "%s: too much for one deploy. Instead %s of onward plan %s..%s",
			listDeployedMigrations(d), describeStepsBefore(s), d.From, d.Commit)
		for _, reason := range s.Why {
			add("", "%s", reason)
		}
		switch {
		case s.Proven:
			add("", "the plan is proven")
		case len(s.Missing) > 0:
			add("", "the plan is not proven: %s", strings.Join(s.Missing, "; "))
		case s.Tried:
			add("", "the plan is not proven: onward plan %s..%s says why", d.From, d.Commit)
		}
	}
	if last := i == len(o.Deploys)-1; last && (d.Steps == nil || d.Steps.Contract == 0) {
		add("roll out", "%s", d.Commit)
	} else {
		add("roll out", "%s, and wait until no process of %s is left", d.Commit, d.From)
	}
	if d.Steps != nil && d.Steps.Contract > 0 {
		add("migrate", "%s", prose.CountNoun(d.Steps.Contract, "contract step"))
	}
	for n, reason := range d.Why {
		name := ""
		if n == 0 {
			name = "not yet"
		}
		add(name, "%s", reason)
	}
	return out
}

// mostDeployed limits the migrations of a deploy that are listed by name.
const mostDeployed = 6

// listDeployedMigrations lists the migrations of a deploy by their names, with the directory if there is only one.
func listDeployedMigrations(d *onward.Deploy) string {
	if len(d.Migrations) == 1 {
		return d.Migrations[0].Path
	}
	names := make([]string, len(d.Migrations))
	for i := range d.Migrations {
		names[i] = ShortName(d.Migrations[i].Path)
	}
	return prose.FirstNames(names, mostDeployed)
}

// describeStepsBefore returns the numbers of a plan's steps before the roll-out: "2 expand steps and 1 backfill step".
func describeStepsBefore(s *onward.DeploySteps) string {
	out := prose.CountNoun(s.Expand, "expand step")
	if s.Backfill > 0 {
		out += " and " + prose.CountNoun(s.Backfill, "backfill step")
	}
	return out
}

// JudgeDeploys is the first line.
func JudgeDeploys(o *onward.DeployOrder) string {
	migrations, split := 0, 0
	for i := range o.Deploys {
		migrations += len(o.Deploys[i].Migrations)
		if o.Deploys[i].Steps != nil {
			split++
		}
	}
	out := fmt.Sprintf("%s..%s: %s for %s", escape.Line(o.Base), escape.Line(o.Head), prose.CountNoun(len(o.Deploys), "deploy"),
		prose.CountNoun(migrations, "migration"))
	if split > 0 {
		out += fmt.Sprintf(", %d of them by a plan", split)
	}
	return out + "."
}

// RolloutStates are the states of targets, the worst first.
var RolloutStates = []onward.RolloutState{
	onward.RolloutFailed, onward.RolloutUnreachable, onward.RolloutInterrupted, onward.RolloutRunning, onward.RolloutPending, onward.RolloutGone,
	onward.RolloutSkipped, onward.RolloutDone,
}

// MaxRolloutTargets is how many targets that are not done are printed.
const MaxRolloutTargets = 20

// CountDoneTargets counts the targets that are done.
func CountDoneTargets(r *onward.Rollout) (done int) {
	for i := range r.Targets {
		if r.Targets[i].State == onward.RolloutDone {
			done++
		}
	}
	return done
}

// RankState returns the place of a state among all; the worst first.
func RankState(s onward.RolloutState) int { return slices.Index(RolloutStates, s) }

// DescribeCounts prints "1 failed, 36 done".
func DescribeCounts(counts map[onward.RolloutState]int) string {
	var out []string
	for _, s := range RolloutStates {
		if n := counts[s]; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(out, ", ")
}

// ListUnfinished returns the targets that are begun and not done, the worst first.
func ListUnfinished(r *onward.Rollout) (list []*onward.RolloutTarget) {
	for i := range r.Targets {
		if t := &r.Targets[i]; t.State != onward.RolloutDone && t.State != onward.RolloutPending {
			list = append(list, t)
		}
	}
	slices.SortStableFunc(list, func(a, b *onward.RolloutTarget) int { return RankState(a.State) - RankState(b.State) })
	return list
}

// NameTargets names the first targets of a difference.
func NameTargets(d *onward.RolloutDrift) string {
	return escape.Line(prose.FirstNames(d.Targets, MaxRolloutTargets))
}

// DescribeProgress describes the progress of a step that was started.
func DescribeProgress(s *onward.AppliedStep) string {
	words := ""
	add := func(format string, args ...any) {
		if words != "" {
			words += " · "
		}
		words += fmt.Sprintf(format, args...)
	}
	switch {
	case s.Rows > 0 && s.Of > s.Rows:
		add("%s of about %s", size.FormatCount(s.Rows), size.FormatCount(s.Of)+" rows")
	case s.Rows > 0:
		add("%s", prose.CountNoun(int(s.Rows), "row"))
	}
	if s.Verified != nil {
		add("compared, and right on %s", s.Verified.UTC().Format(time.DateTime))
	}
	if s.Quarantined > 0 {
		add("%d in quarantine: %s", s.Quarantined, escape.Line(s.Find))
	}
	if words := DescribeFailed(s); words != "" {
		add("%s", words)
	}
	if s.Attempts > 1 {
		add("%s", prose.CountNoun(s.Attempts, "attempt"))
	}
	if s.WaitedMS > 0 {
		add("others were in its way for %s", time.Duration(s.WaitedMS)*time.Millisecond)
	}
	if s.Note != "" {
		add("%s", escape.Line(s.Note))
	}
	return words
}

// DescribeFailed describes the rows of a step whose value cannot be converted; "" for none.
func DescribeFailed(s *onward.AppliedStep) string {
	switch {
	case s.FindFailed == "":
		return ""
	case s.Failed == 0:
		return "rows whose value cannot be converted were not counted: " + escape.Line(s.FindFailed)
	}
	return fmt.Sprintf("%s whose value cannot be converted, one with the key %s: %s", prose.CountNoun(int(s.Failed), "row"), escape.Line(s.FailedKey),
		escape.Line(s.FindFailed))
}

// CountDone counts the steps of a plan that are done: "3 of 7 steps".
func CountDone(a *onward.Applied) string {
	done := 0
	for i := range a.Steps {
		if a.Steps[i].State == onward.ApplyDone {
			done++
		}
	}
	return fmt.Sprintf("%d of %s", done, prose.CountNoun(len(a.Steps), "step"))
}
