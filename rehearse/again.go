package rehearse

import (
	"context"
	"slices"

	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// secondRuns runs each migration that has no transaction around it up to its
// last statement, as if it had been cut there, and then again from the start.
func (v *version) secondRuns(ctx context.Context) error {
	a := again{version: v}
	defer a.drop(ctx)
	for i, step := range v.steps {
		if !step.runs() || !divisible(step.script) {
			continue
		}
		goes, err := a.to(ctx, i)
		if !goes || err != nil {
			return err
		}
		if err := a.cut(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// again is a database in which the release runs up to a migration.
type again struct {
	*version
	db     string // "" for none
	runner *runner
	done   int // how many steps it has
}

func (a *again) drop(ctx context.Context) {
	if a.runner != nil {
		a.runner.close(ctx)
	}
	a.version.drop(ctx, a.db)
	a.db, a.runner, a.done = "", nil, 0
}

// to runs the steps before one. It tells whether they went through; where they
// do not, the rehearsal has said so.
func (a *again) to(ctx context.Context, step int) (bool, error) {
	if a.db == "" {
		var err error
		if a.db, err = a.copy(ctx); err != nil {
			return false, err
		}
		if a.runner, err = newRunner(ctx, a.server, a.version, a.db, nil); err != nil {
			return false, err
		}
	}
	for ; a.done < step; a.done++ {
		b := a.steps[a.done]
		if !b.runs() {
			continue
		}
		if stop, err := a.runner.migration(ctx, b.Migration, b.script); stop != nil || err != nil {
			return false, err
		}
	}
	return true, nil
}

// divisible reports whether a part of a script can have committed when it ends
// early.
func divisible(sc *script.Script) bool {
	ends := map[int]bool{}
	alone := 0
	for _, s := range sc.Statements {
		switch {
		case s.Parent >= 0 || plain(s):
		case s.Origin == script.Alone:
			alone++
		default:
			ends[s.Tx] = true
		}
	}
	return alone+len(ends) > 1
}

// cut runs a migration short of its end, and again.
func (a *again) cut(ctx context.Context, step *step) error {
	short := *step.script
	short.Statements = cutShort(step.script)
	stop, err := a.runner.migration(ctx, step.Migration, &short)
	if stop != nil || err != nil {
		a.drop(ctx)
		return err
	}
	stop, err = a.runner.migration(ctx, step.Migration, step.script)
	if stop == nil || err != nil {
		a.done++
		return err
	}
	a.drop(ctx) // what it left is of no use to the next
	if slices.ContainsFunc(a.out.Statements, func(s onward.RehearsedStatement) bool {
		return s.Migration == step.Report && s.Statement == stop.statement.Index && s.Failed != nil
	}) {
		return nil // the first time, too
	}
	a.found(rehearsal.FailsAgain, step, stop.statement,
		"cut short after this statement, the migration cannot be run again: "+words(stop.err),
		"its statements commit one by one: after a failure further down, or a lost connection, the runner's next attempt fails here", "")
	return nil
}

// cutShort leaves the last statement out, and what is inside it.
func cutShort(sc *script.Script) []*script.Statement {
	last := len(sc.Statements) - 1
	for last > 0 && sc.Statements[last].Parent >= 0 {
		last--
	}
	return sc.Statements[:max(last, 0)]
}
