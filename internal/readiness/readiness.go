// Package readiness answers for a plan, at each moment of it, whether the new code may be deployed, whether the old code must be
// gone, and whether the migrations' own tool may run. Every command and every page prints its sentence.
package readiness

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

const mayDeploy = "The new code may be deployed."

// progress is how far a step is.
type progress int

const (
	pending progress = iota
	written          // a file of the repository runs it
	done
)

// JudgePlan judges a plan of which nothing was done.
func JudgePlan(p *onward.Plan) *onward.Readiness {
	return judgeProgress(p, p.Name, func(*onward.PlanStep) progress { return pending })
}

// JudgeWritten judges a plan whose steps are being written as migrations: each step is pending, in a file, or run by hand. ran: the
// files have run on the database in question.
func JudgeWritten(p *onward.Plan, ran bool) *onward.Readiness {
	return judgeProgress(p, p.Name, func(s *onward.PlanStep) progress {
		switch {
		case s.Ran, ran && len(s.Files) > 0:
			return done
		case len(s.Files) > 0:
			return written
		}
		return pending
	})
}

// Damage is what somebody else has dropped while a plan is under way.
type Damage struct {
	// Gone are the tables and columns that its contract would drop and that are gone already.
	Gone []string
	// Missing is what the plan has made for its contract and somebody else has dropped.
	Missing []string
	// WritesFail: a trigger of the plan fails each write, because it uses what is gone.
	WritesFail bool
}

// JudgeApplied judges a plan of the ledger with this ID and state, from the steps that are done and from what is gone. The state of a plan that is being
// taken back is [onward.ApplyAborting], and then [onward.ApplyAbandoned].
func JudgeApplied(p *onward.Plan, id string, state onward.ApplyState, damage Damage, isDone func(step string) bool) *onward.Readiness {
	r := judgeProgress(p, id, func(s *onward.PlanStep) progress {
		if isDone(s.ID) {
			return done
		}
		return pending
	})
	switch state {
	case onward.ApplyAborting:
		r.NewCode, r.OldCode, r.Migrate = false, true, len(p.Migrations) == 0
		r.Text = "The new code must not be deployed: onward abort undoes the plan."
		if !r.Migrate {
			r.Text += " " + describeToolWait(p, "it is done")
		}
		return r
	case onward.ApplyAbandoned:
		if slices.ContainsFunc(p.Steps, func(s onward.PlanStep) bool { return isDone(s.ID) }) {
			return judgeForgottenPlan(r, p, damage, isDone)
		}
		r.NewCode, r.OldCode, r.Migrate = false, true, true
		r.NextStep, r.Text = "", "The new code must not be deployed: onward abort has undone the plan."
		return r
	}
	if len(damage.Gone) > 0 {
		if r.NewCode, r.OldCode = r.NewCode && !damage.WritesFail, false; r.NewCode {
			r.Text = mayDeploy
		} else {
			r.Text = "The new code must not be deployed: the plan cannot go on."
		}
		r.Text += describeDamage(p, damage)
	}
	if len(damage.Gone) == 0 && len(damage.Missing) > 0 {
		r.NewCode = false
		r.Text = fmt.Sprintf("The new code must not be deployed: the plan has made %s, and somebody has dropped %s.", prose.FirstNames(damage.Missing, 3),
			prose.PickForm(len(damage.Missing), "it", "them"))
	}
	if r.NextStep == "" || len(p.Migrations) == 0 {
		return r
	}
	recording := p.RecordingStep()
	switch {
	case isRecordedByTool(p, isDone):
		r.Text += fmt.Sprintf(" Your migration tool may run on this database and will not run %s, which its table has as applied.",
			nameMigrations(p, func(*onward.PlannedMigration) bool { return true }))
		return r
	case len(damage.Gone) > 0:
		r.Text += " " + describeToolWait(p, "the plan is closed")
	case recording != nil:
		r.Text += " " + describeToolWait(p, recording.ID+" is done")
	case p.Contract() < len(p.Steps):
		r.Text += " " + describeToolWait(p, "the contract is done")
	default:
		r.Text += " " + describeToolWait(p, "the plan is done")
	}
	r.Migrate = false
	return r
}

// isRecordedByTool reports whether the table of the migrations' own tool has them as applied.
func isRecordedByTool(p *onward.Plan, isDone func(step string) bool) bool {
	recording := p.RecordingStep()
	return recording != nil && (recording.Phase == onward.Contract || isDone(recording.ID))
}

// judgeForgottenPlan judges a plan that was closed, and not undone. Triggers that used what is gone were removed.
func judgeForgottenPlan(r *onward.Readiness, p *onward.Plan, damage Damage, isDone func(step string) bool) *onward.Readiness {
	isLeft := func(s onward.PlanStep) bool {
		return !s.Bookkeeping && !isDone(s.ID) && (len(damage.Gone) == 0 || !undo.DropsOnlyTriggers(s.Undo))
	}
	r.NextStep, r.OldCode = "", r.OldCode && len(damage.Gone) == 0
	r.Text = "The plan is closed: onward abort --forget has left what its steps made. The new code "
	if i := slices.IndexFunc(p.Steps[:p.Contract()], isLeft); i >= 0 {
		r.NewCode = false
		r.Text += "must not be deployed: " + p.Steps[i].ID + " is not done."
	} else {
		r.NewCode = true
		r.Text += "may be deployed."
	}
	r.Text += describeDamage(p, damage)
	if r.Migrate = len(p.Migrations) == 0 || len(damage.Gone) > 0 || isRecordedByTool(p, isDone); !r.Migrate {
		r.Text += fmt.Sprintf(" Before your migration tool runs on this database, undo what is left: %s expects the schema without it.",
			nameMigrations(p, func(*onward.PlannedMigration) bool { return true }))
	}
	return r
}

// describeDamage says that the deployed code has lost what it uses; "" if nothing is gone.
func describeDamage(p *onward.Plan, damage Damage) string {
	if len(damage.Gone) == 0 {
		return ""
	}
	return fmt.Sprintf(" No process of %s may run any more: %s %s gone.", nameBase(p), prose.FirstNames(damage.Gone, 3),
		prose.PickForm(len(damage.Gone), "is", "are"))
}

// JudgeTargets judges a release on many targets. done is its state on a target that has it, and missing names the targets that lack it.
func JudgeTargets(done *onward.Readiness, missing []string) *onward.Readiness {
	r := *done
	if len(missing) == 0 || !r.NewCode || !r.OldCode || r.DeployAfter == "" {
		return &r
	}
	sentences := strings.SplitAfterN(r.Text, ". ", 3)
	r.NewCode, r.Migrate, r.Text = false, false, fmt.Sprintf("The new code must wait for %s on %s: %s.", r.DeployAfter,
		prose.CountNoun(len(missing), "target"), prose.FirstNames(missing, 5))
	if r.GoneBefore != "" && len(sentences) > 1 {
		r.Text += " " + strings.TrimSpace(sentences[1])
	}
	return &r
}

// Target is a database or schema that has a plan, and the plan's state there.
type Target struct {
	Name      string
	Readiness *onward.Readiness
}

// mostAnswers is how many different answers [JudgeEach] prints.
const mostAnswers = 3

// JudgeEach judges a plan on all its targets, of which there is one at least. If their states differ, the text has each with the number of its targets, the
// worst first, and what they have in common last. noun is what a target is.
func JudgeEach(targets []Target, noun string) *onward.Readiness {
	var answers []*onward.Readiness
	names := map[string][]string{}
	all := *targets[0].Readiness
	for _, t := range targets {
		r := t.Readiness
		if names[r.Text] == nil {
			answers = append(answers, r)
		}
		names[r.Text] = append(names[r.Text], t.Name)
		all.NewCode, all.OldCode, all.Migrate = all.NewCode && r.NewCode, all.OldCode && r.OldCode, all.Migrate && r.Migrate
	}
	if len(answers) == 1 {
		return &all
	}
	slices.SortStableFunc(answers, func(a, b *onward.Readiness) int {
		return cmp.Or(compareAnswers(a.NewCode, b.NewCode), compareAnswers(a.OldCode, b.OldCode), compareAnswers(a.Migrate, b.Migrate),
			strings.Compare(a.NextStep, b.NextStep))
	})
	all.NextStep = answers[0].NextStep
	common := splitSentences(answers[0].Text)
	for _, r := range answers[1:] {
		sentences := splitSentences(r.Text)
		common = slices.DeleteFunc(common, func(s string) bool { return !slices.Contains(sentences, s) })
	}
	var texts []string
	rest := len(targets)
	for i, r := range answers {
		some := names[r.Text]
		if i == mostAnswers {
			texts = append(texts, fmt.Sprintf("On %d of %s: other answers.", rest, prose.CountNoun(len(targets), noun)))
			break
		}
		rest -= len(some)
		ownSentences := slices.DeleteFunc(splitSentences(r.Text), func(s string) bool {
			return slices.Contains(common, s) || s == mayDeploy && !all.NewCode // on some targets is not enough
		})
		if len(ownSentences) == 0 {
			continue
		}
		texts = append(texts, fmt.Sprintf("On %d of %s (%s): %s", len(some), prose.CountNoun(len(targets), noun), prose.FirstNames(some, 5),
			strings.Join(ownSentences, " ")))
	}
	if len(common) > 0 {
		texts = append(texts, "On all "+prose.Pluralize(2, noun)+": "+strings.Join(common, " "))
	}
	all.Text = strings.Join(texts, " ")
	return &all
}

// splitSentences returns the sentences of a text.
func splitSentences(text string) (out []string) {
	for s := range strings.SplitAfterSeq(text, ". ") {
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

// compareAnswers puts no before yes.
func compareAnswers(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// judgeProgress judges a plan whose steps have a progress.
func judgeProgress(p *onward.Plan, name string, progressOf func(*onward.PlanStep) progress) *onward.Readiness {
	r := &onward.Readiness{Plan: name, NewCode: true, OldCode: true, Migrate: true}
	first := p.Contract()
	r.DeployAfter, r.GoneBefore = lastShownStep(p.Steps[:first]), firstShownStep(p.Steps[first:])
	inFiles, contractBegun := false, false
	for i := range p.Steps {
		s := &p.Steps[i]
		switch state := progressOf(s); {
		case s.Bookkeeping && slices.ContainsFunc(p.Steps[i:], isShownStep): // it comes with the next step
		case state == pending:
			if i < first && !s.Bookkeeping {
				r.NewCode = false
			}
			if r.NextStep == "" {
				r.NextStep = s.ID
			}
		case s.Bookkeeping:
		case i >= first:
			contractBegun = true
		case state == written:
			inFiles = true
		}
	}
	r.OldCode = !contractBegun
	r.Text = describeNewCode(r, p.Name, inFiles && !contractBegun)
	switch {
	case r.GoneBefore == "":
	case contractBegun:
		r.Text += fmt.Sprintf(" No process of %s may run any more: %s removes what it uses.", nameBase(p), r.GoneBefore)
	default:
		r.Text += fmt.Sprintf(" %s must wait until no process of %s is left.", r.GoneBefore, nameBase(p))
	}
	return r
}

// describeNewCode says whether the new code may be deployed. name is the name of a written plan; inFiles: its files run steps before
// the new code.
func describeNewCode(r *onward.Readiness, name string, inFiles bool) string {
	gate := r.DeployAfter
	if name != "" {
		gate += " of plan " + name
	}
	switch {
	case r.NewCode && inFiles:
		return "The new code may be deployed after the files of plan " + name + "."
	case r.NewCode:
		return mayDeploy
	case r.NextStep == r.DeployAfter:
		return "The new code must wait for " + gate + "."
	}
	return "The new code must wait for " + gate + "; the next step is " + r.NextStep + "."
}

// describeToolWait says until when the migrations' own tool must wait, because the plan replaces its migrations; or that it fails until then, because they
// have a guard.
func describeToolWait(p *onward.Plan, until string) string {
	isGuarded := func(m *onward.PlannedMigration) bool { return m.Guarded }
	unguarded := nameMigrations(p, func(m *onward.PlannedMigration) bool { return !m.Guarded })
	switch {
	case unguarded == "":
		return fmt.Sprintf("Until %s, your migration tool fails on this database before it changes anything: the guard in %s stops it.",
			until, nameMigrations(p, isGuarded))
	case slices.ContainsFunc(p.Migrations, func(m onward.PlannedMigration) bool { return m.Guarded }):
		return fmt.Sprintf("Until %s, do not run your migration tool on this database: it would run %s, which the plan replaces, and which has no guard.",
			until, unguarded)
	}
	return fmt.Sprintf("Until %s, do not run your migration tool on this database: it would run %s, which the plan replaces.", until, unguarded)
}

// nameMigrations names the migrations of the plan that match.
func nameMigrations(p *onward.Plan, matches func(*onward.PlannedMigration) bool) string {
	var names []string
	for i := range p.Migrations {
		if m := &p.Migrations[i]; matches(m) {
			names = append(names, strings.TrimSuffix(path.Base(m.Path), path.Ext(m.Path)))
		}
	}
	return prose.FirstNames(names, 2)
}

// nameBase names the code that the plan begins at.
func nameBase(p *onward.Plan) string {
	if len(p.Commit) > 12 && !strings.HasPrefix(p.Commit, p.Base) {
		return fmt.Sprintf("%s (%.12s)", p.Base, p.Commit)
	}
	return p.Base
}

func isShownStep(s onward.PlanStep) bool { return !s.Bookkeeping }

func firstShownStep(steps []onward.PlanStep) string {
	if i := slices.IndexFunc(steps, isShownStep); i >= 0 {
		return steps[i].ID
	}
	return ""
}

func lastShownStep(steps []onward.PlanStep) string {
	for i := range slices.Backward(steps) {
		if isShownStep(steps[i]) {
			return steps[i].ID
		}
	}
	return ""
}
