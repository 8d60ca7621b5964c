package rehearse

import (
	"context"
	"slices"

	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// rehearseSecondRuns runs each migration that has no transaction around it up to its
// last statement, as if it had been cut off there, and then again from the
// start.
func (v *version) rehearseSecondRuns(ctx context.Context) error {
	a := secondRun{version: v}
	defer a.discardDatabase(ctx)
	for i, step := range v.steps {
		if !step.isRunnable() || !commitsInParts(step.script) {
			continue
		}
		goes, err := a.runUpTo(ctx, i)
		if !goes || err != nil {
			return err
		}
		if err := a.rerunAfterCutOff(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// secondRun is a database in which the release runs up to a migration.
type secondRun struct {
	*version
	db        string // "" for none
	runner    *runner
	stepsDone int // how many steps it has run
}

func (a *secondRun) discardDatabase(ctx context.Context) {
	if a.runner != nil {
		a.runner.closeConn(ctx)
	}
	a.version.dropDatabase(ctx, a.db)
	a.db, a.runner, a.stepsDone = "", nil, 0
}

// runUpTo runs the steps before the given one. It reports whether all of them
// succeeded; if not, the rehearsal has reported it.
func (a *secondRun) runUpTo(ctx context.Context, step int) (bool, error) {
	if a.db == "" {
		var err error
		if a.db, err = a.copyBase(ctx); err != nil {
			return false, err
		}
		if a.runner, err = newRunner(ctx, a.server, a.version, a.db, nil); err != nil {
			return false, err
		}
	}
	for ; a.stepsDone < step; a.stepsDone++ {
		b := a.steps[a.stepsDone]
		if !b.isRunnable() {
			continue
		}
		if stop, err := a.runner.runMigration(ctx, b.Migration, b.script); stop != nil || err != nil {
			return false, err
		}
	}
	return true, nil
}

// commitsInParts reports whether a script that is cut off can have committed a part
// of its work.
func commitsInParts(sc *script.Script) bool {
	ends := map[int]bool{}
	alone := 0
	for _, s := range sc.Statements {
		switch {
		case s.Parent >= 0 || takesNoLocks(s):
		case s.Origin == script.Alone:
			alone++
		default:
			ends[s.Tx] = true
		}
	}
	return alone+len(ends) > 1
}

// rerunAfterCutOff runs a migration without its last statement, and then again from the
// start.
func (a *secondRun) rerunAfterCutOff(ctx context.Context, step *step) error {
	short := *step.script
	short.Statements = withoutLastStatement(step.script)
	stop, err := a.runner.runMigration(ctx, step.Migration, &short)
	if stop != nil || err != nil {
		a.discardDatabase(ctx)
		return err
	}
	stop, err = a.runner.runMigration(ctx, step.Migration, step.script)
	if stop == nil || err != nil {
		a.stepsDone++
		return err
	}
	a.discardDatabase(ctx) // the next migration needs a fresh database
	if slices.ContainsFunc(a.out.Statements, func(s onward.RehearsedStatement) bool {
		return s.Migration == step.Report && s.Statement == stop.statement.Index && s.Failed != nil
	}) {
		return nil // the migration failed the first time too
	}
	a.addFinding(release.RehearsalFailsAgain, step, stop.statement,
		"cut short after this statement, the migration cannot be run again: "+serverMessage(stop),
		"its statements commit one by one: after a failure further down, or a lost connection, the runner's next attempt fails here", "")
	return nil
}

// withoutLastStatement returns the statements without the last one and those inside it.
func withoutLastStatement(sc *script.Script) []*script.Statement {
	last := len(sc.Statements) - 1
	for last > 0 && sc.Statements[last].Parent >= 0 {
		last--
	}
	return sc.Statements[:max(last, 0)]
}
