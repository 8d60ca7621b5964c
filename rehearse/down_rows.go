package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// downRows tries a down migration on rows that its up migration allows, because the new code
// may have written such rows before a rollback.
type downRows struct {
	*version
	index int // in steps
	step  *step
	down  *script.Script
	// tables are the tables whose rows it may stop at.
	tables map[string]int64
}

// readShape reads the constraints on rows; nil if the rehearsal has no rows.
func (d *downRun) readShape(ctx context.Context) (*fill.Shape, error) {
	if d.Rows.IsEmpty() {
		return nil, nil
	}
	shape, err := fill.Read(ctx, d.databaseURL(d.server, d.db))
	if isStatementFailure(err) {
		d.Logger.Debug("the schema around a down migration cannot be read", "error", err)
		return nil, nil
	}
	return shape, err
}

// tryDownRows tries a down migration that passes on empty tables. up and after are the
// schema that it starts from; the current schema is its result.
func (d *downRun) tryDownRows(ctx context.Context, step *step, down *script.Script, up *fill.Shape, after []live.Object) error {
	if up == nil {
		return nil
	}
	restored, err := d.readShape(ctx)
	if restored == nil || err != nil {
		return err
	}
	rows := &downRows{version: d.version, index: d.stepsDone, step: step, down: down, tables: map[string]int64{}}
	demands := up.ListDemands(restored)
	for _, demand := range demands {
		rows.tables[demand.Table] = probeRows
	}
	for _, table := range tablesWithAdditions(after, d.schema) {
		rows.tables[table] = probeRows
	}
	if len(rows.tables) == 0 {
		return nil
	}
	return probeDemands(demands, func(wanted fill.Release) (*migrationFailure, error) { return rows.runDownOnRows(ctx, wanted) },
		func(stop *migrationFailure, demand *fill.Demand) {
			if demand == nil {
				rows.reportUnexplainedStop(stop)
			} else {
				rows.reportDownStop(stop, describeCleaning(demand))
			}
		})
}

// tablesWithAdditions returns the tables of the first schema on which the second one has a column, a
// constraint or an index that the first one has not.
func tablesWithAdditions(before, now []live.Object) []string {
	old := objectsByKey(before)
	var out []string
	for _, o := range now {
		known, ok := old[objectKey{o.Kind, o.Name}]
		_, exists := old[objectKey{"table", o.On}]
		if (o.Kind == "column" || o.Kind == "constraint" || o.Kind == "index") && exists && (!ok || known.Definition != o.Definition) {
			out = append(out, o.On)
		}
	}
	return out
}

// runDownOnRows runs the release up to the step, adds rows, and runs the down migration. It
// returns where the down migration stops; nil for nowhere.
func (r *downRows) runDownOnRows(ctx context.Context, wanted fill.Release) (*migrationFailure, error) {
	d := &downRun{secondRun: secondRun{version: r.version}}
	defer d.discardDatabase(ctx)
	if goes, err := d.runUpTo(ctx, r.index+1); !goes || err != nil {
		return nil, err
	}
	plan := Rows{Rows: r.tables, Seed: r.Rows.Seed}
	if _, err := fill.FillDatabase(ctx, d.databaseURL(d.server, d.db), plan, wanted); err != nil {
		return nil, fmt.Errorf("generate rows for the down migration of %s: %w", r.step.ID, err)
	}
	runner, err := d.connectLimited(ctx)
	if err != nil {
		return nil, err
	}
	defer runner.closeConn(ctx)
	return runner.runMigration(ctx, r.step.Migration, r.down)
}

// reportUnexplainedStop reports a stop that is about no single demand: a required column that
// comes back without a value, for example. A statement that changes rows may stop at
// generated rows that no code writes, so that is a note.
func (r *downRows) reportUnexplainedStop(stop *migrationFailure) {
	var pg *pgconn.PgError
	if !errors.As(stop.err, &pg) || pg.Code == redact.RaisedCode {
		return // the down migration itself refuses such rows
	}
	node := stop.statement.Node
	if strings.HasPrefix(pg.Code, "23") && (node.GetAlterTableStmt() != nil || node.GetIndexStmt() != nil) {
		r.reportDownStop(stop, cleaningAdvice+", or delete it: the next release, going forward, corrects this one")
		return
	}
	r.addNotef("the down migration of %s was not rehearsed to its end on generated rows: %s", r.step.ID, serverMessage(stop))
}

// reportDownStop adds the finding at the first statement of the up migration.
func (r *downRows) reportDownStop(stop *migrationFailure, instead string) {
	r.addFinding(release.RehearsalDownDiffers, r.step, r.step.firstStatement(),
		fmt.Sprintf("the server refuses the down migration, at %s:%d, on rows that the new schema allows: %s",
			cmp.Or(r.step.DownPath, r.step.Path), stop.statement.Line, serverMessage(stop)),
		"the new code may have written such rows when somebody needs the rollback, which then stops there", instead)
}

const cleaningAdvice = "let the down migration make these rows fit before this statement"

// describeCleaning says which rows the down migration has to clean up.
func describeCleaning(d *fill.Demand) string {
	query := violatingRowsQuery(d)
	switch {
	case query == "":
		return cleaningAdvice
	case strings.Contains(query, validInput):
		return cleaningAdvice + " (the query needs Postgres 16 or later):\n" + query
	}
	return cleaningAdvice + ":\n" + query
}

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
