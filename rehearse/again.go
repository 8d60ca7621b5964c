package rehearse

import (
	"context"
	"fmt"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
)

// secondRuns runs each migration that has no transaction around it up to its
// last statement, as if it had been cut there, and then again from the start.
func (v *version) secondRuns(ctx context.Context) error {
	steps := v.release.Steps()
	for i, step := range steps {
		sc, err := script.Build(step.Source)
		if err != nil || step.Failed != "" || step.Applied || !divisible(sc) {
			continue
		}
		if err := v.secondRun(ctx, steps[:i], step, sc); err != nil {
			return err
		}
	}
	return nil
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

func (v *version) secondRun(ctx context.Context, before []audit.Step, step audit.Step, sc *script.Script) error {
	db, err := v.copy(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = v.server.DropDatabase(context.WithoutCancel(ctx), db) }()
	r, err := newRunner(ctx, v.server, v, db, nil)
	if err != nil {
		return err
	}
	defer r.close(ctx)
	for _, b := range before {
		earlier, err := script.Build(b.Source)
		if err != nil || b.Failed != "" || b.Applied {
			continue
		}
		stop, err := r.migration(ctx, b.Migration, earlier)
		if stop != nil || err != nil {
			return err // the rehearsal has said so
		}
	}
	cut := *sc
	cut.Statements = cutShort(sc)
	stop, err := r.migration(ctx, step.Migration, &cut)
	if stop != nil || err != nil {
		return err
	}
	stop, err = r.migration(ctx, step.Migration, sc)
	if stop == nil || err != nil {
		return err
	}
	server := serverError(stop.err)
	v.found(rule.RehearsalFailsAgain, step, stop.statement,
		fmt.Sprintf("cut short after this statement, the migration cannot be run again: %s (SQLSTATE %s)", server.Message, server.Code),
		"its statements commit one by one: after a failure further down, or a lost connection, the runner's next attempt fails here", "")
	return nil
}

// cutShort leaves the last statement out, and what is inside of it.
func cutShort(sc *script.Script) []*script.Statement {
	last := len(sc.Statements) - 1
	for last > 0 && sc.Statements[last].Parent >= 0 {
		last--
	}
	return sc.Statements[:max(last, 0)]
}
