// Package readiness answers for a plan, at each moment of it, whether the new code may be deployed, whether the old code must be
// gone, and whether the migrations' own tool may run. Every command and every page prints its sentence.
package readiness

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// progress is how far a step is.
type progress int

const (
	pending progress = iota
	written          // a file of the repository runs it
	done
)

// JudgePlan judges a plan of which nothing was done.
func JudgePlan(p *onward.Plan) *onward.Readiness {
	return describe(p, p.Name, func(*onward.PlanStep) progress { return pending })
}

// JudgeWritten judges a plan whose steps are being written as migrations: each step is pending, in a file, or run by hand. ran: the
// files have run on the database in question.
func JudgeWritten(p *onward.Plan, ran bool) *onward.Readiness {
	return describe(p, p.Name, func(s *onward.PlanStep) progress {
		switch {
		case s.Ran, ran && len(s.Files) > 0:
			return done
		case len(s.Files) > 0:
			return written
		}
		return pending
	})
}

// JudgeApplied judges a plan of the ledger with this ID and state, from the steps that are done. The state of a plan that is being
// taken back is [onward.ApplyAborting], and then [onward.ApplyAbandoned].
func JudgeApplied(p *onward.Plan, id string, state onward.ApplyState, isDone func(step string) bool) *onward.Readiness {
	r := describe(p, id, func(s *onward.PlanStep) progress {
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
			r.Text += " " + describeTool(p, "it is done")
		}
		return r
	case onward.ApplyAbandoned:
		r.NewCode, r.OldCode, r.Migrate = false, true, true
		r.NextStep, r.Text = "", "The new code must not be deployed: onward abort has undone the plan."
		if slices.ContainsFunc(p.Steps, func(s onward.PlanStep) bool { return isDone(s.ID) }) {
			r.Text = "The plan is closed: onward abort --forget has left what its steps made."
		}
		return r
	}
	if r.NextStep == "" || len(p.Migrations) == 0 {
		return r
	}
	recording := p.RecordingStep()
	switch {
	case recording != nil && (recording.Phase == onward.Contract || isDone(recording.ID)):
		r.Text += fmt.Sprintf(" Your migration tool may run on this database and will not run %s, which its table has as applied.",
			nameMigrations(p, func(*onward.PlannedMigration) bool { return true }))
		return r
	case recording != nil:
		r.Text += " " + describeTool(p, recording.ID+" is done")
	case p.Contract() < len(p.Steps):
		r.Text += " " + describeTool(p, "the contract is done")
	default:
		r.Text += " " + describeTool(p, "the plan is done")
	}
	r.Migrate = false
	return r
}

// describe judges a plan whose steps have a progress.
func describe(p *onward.Plan, name string, at func(*onward.PlanStep) progress) *onward.Readiness {
	r := &onward.Readiness{Plan: name, NewCode: true, OldCode: true, Migrate: true}
	first := p.Contract()
	r.DeployAfter, r.GoneBefore = lastShown(p.Steps[:first]), firstShown(p.Steps[first:])
	inFiles, contractBegun := false, false
	for i := range p.Steps {
		s := &p.Steps[i]
		switch state := at(s); {
		case s.Bookkeeping && hasShown(p.Steps[i:]): // it comes with the next step
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
		return "The new code may be deployed."
	case r.NextStep == r.DeployAfter:
		return "The new code must wait for " + gate + "."
	}
	return "The new code must wait for " + gate + "; the next step is " + r.NextStep + "."
}

// describeTool says until when the migrations' own tool must wait, because the plan replaces its migrations; or that it fails until then, because they
// have a guard.
func describeTool(p *onward.Plan, until string) string {
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

func isShown(s onward.PlanStep) bool { return !s.Bookkeeping }

func hasShown(steps []onward.PlanStep) bool { return slices.ContainsFunc(steps, isShown) }

func firstShown(steps []onward.PlanStep) string {
	if i := slices.IndexFunc(steps, isShown); i >= 0 {
		return steps[i].ID
	}
	return ""
}

func lastShown(steps []onward.PlanStep) string {
	for i := range slices.Backward(steps) {
		if isShown(steps[i]) {
			return steps[i].ID
		}
	}
	return ""
}
