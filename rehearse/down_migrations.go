package rehearse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/internal/script"
)

// downRun runs the release up and down, step by step.
type downRun struct {
	secondRun
	objects *live.Objects // of its database; nil for none
	// schema is the schema of its database after done steps; nil: not read.
	schema []live.Object
}

// rehearseDowns runs each new migration up and down again, on the schema before it in the
// release. It reports a schema that is not restored.
//
// With rows, it also runs each down migration on rows that the up migration allows. Rows
// are not compared: nothing can restore the content of a dropped column.
func (v *version) rehearseDowns(ctx context.Context) error {
	d := &downRun{secondRun: secondRun{version: v}}
	defer d.discardDatabase(ctx)
	goes, code := true, ""
	var stepsWithoutDown []string
	for i, step := range v.steps {
		if !step.isRunnable() {
			continue
		}
		down, err := v.downScript(step)
		switch {
		case errors.Is(err, audit.ErrNoSQLDown):
			code = step.Runner.Name
		case err != nil:
			v.addNotef("the down migration of %s was not rehearsed: %v", step.ID, err)
		case down == nil:
			stepsWithoutDown = append(stepsWithoutDown, step.ID)
		case goes:
			if goes, err = d.rehearseDown(ctx, i, step, down); err != nil {
				return err
			}
		}
	}
	if code != "" {
		v.addNotef("%s's way back was not rehearsed: it is made from code, not from SQL", code)
	}
	if n := len(stepsWithoutDown); n > 0 {
		v.addNotef("%s %s no down migration in SQL: %s", prose.CountNoun(n, "migration"), prose.PickForm(n, "has", "have"), joinFirstLines(stepsWithoutDown))
	}
	return nil
}

// rehearseDown rehearses one down migration. It reports whether the next step can follow: if
// the release ends here, the rehearsal has reported that.
func (d *downRun) rehearseDown(ctx context.Context, i int, step *step, down *script.Script) (goes bool, err error) {
	if d.stepsDone != i {
		d.schema = nil
	}
	if goes, err := d.runUpTo(ctx, i); !goes || err != nil {
		return false, err
	}
	return d.runDownAndUp(ctx, step, down)
}

// mostNamed limits how many differences and migrations are named.
const mostNamed = 5

func joinFirstLines(list []string) string {
	return strings.Join(prose.FirstLines(list, mostNamed), "; ")
}

func (v *version) addNotef(format string, args ...any) {
	v.out.Notes = append(v.out.Notes, fmt.Sprintf(format, args...))
}

// downScript returns the down migration of a step; nil if it has none, or an empty one.
func (v *version) downScript(step *step) (*script.Script, error) {
	source, err := v.release.Down(step.Step)
	if source == nil || err != nil {
		return nil, err
	}
	sc, err := script.BuildScript(*source)
	if err != nil || len(sc.Statements) == 0 {
		return nil, err
	}
	return sc, nil
}

// connectLimited makes a runner whose statements are cancelled at the limit.
func (d *downRun) connectLimited(ctx context.Context) (*runner, error) {
	r, err := newRunner(ctx, d.server, d.version, d.db, nil)
	if err != nil {
		return nil, err
	}
	if _, err := r.conn.Exec(ctx, fmt.Sprintf("SET statement_timeout = %d", d.Limit.Milliseconds())); err != nil {
		r.closeConn(ctx)
		return nil, err
	}
	return r, nil
}

// reconnectIfClosed reconnects if a down migration has ended the connections of the up migration.
func (d *downRun) reconnectIfClosed(ctx context.Context) (err error) {
	if d.runner.conn.Ping(ctx) == nil && d.runner.catalogConn.Ping(ctx) == nil {
		return nil
	}
	d.runner.closeConn(ctx)
	d.runner, err = d.connectLimited(ctx)
	return err
}

// readSchema reads the schema. The release may have ended the connection.
func (d *downRun) readSchema(ctx context.Context) (err error) {
	for range 2 {
		if d.objects == nil {
			if d.objects, err = live.OpenObjects(ctx, d.server.PinnedURL(lookName, d.db)); err != nil {
				return err
			}
		}
		if d.schema, err = d.objects.Read(ctx); err == nil {
			return nil
		}
		d.objects.Close(ctx)
		d.objects = nil
	}
	return err
}

func (d *downRun) discardDatabase(ctx context.Context) {
	if d.objects != nil {
		d.objects.Close(ctx)
	}
	d.objects, d.schema = nil, nil
	d.secondRun.discardDatabase(ctx)
}

// runDownAndUp runs a step up, down, and up again for the next step. It stops if the
// step does not even run up.
func (d *downRun) runDownAndUp(ctx context.Context, step *step, down *script.Script) (goes bool, err error) {
	if d.schema == nil {
		if err := d.readSchema(ctx); err != nil {
			return false, err
		}
	}
	before := d.schema
	if stop, err := d.runner.runMigration(ctx, step.Migration, step.script); stop != nil || err != nil {
		return false, err
	}
	if err := d.readSchema(ctx); err != nil {
		return false, err
	}
	after := d.schema
	shape, err := d.readShape(ctx)
	if err != nil {
		return false, err
	}
	stop, err := d.runDown(ctx, step, down)
	if err != nil {
		return false, err
	}
	if stop != nil {
		d.reportRefusedDown(step, down, stop)
		return true, d.keepDatabaseIfEqual(ctx, after)
	}
	if down.Open {
		d.addDownFinding(step, "the down migration never commits the transaction that it opens: unless a commit of the runner's own ends it, "+
			"nothing of it stays when the connection closes")
		return true, d.keepDatabaseIfEqual(ctx, after)
	}
	x := compareObjects(before, d.schema)
	for _, info := range x.info {
		d.addNotef("after the down migration of %s, %s", step.ID, info)
	}
	if err := d.tryDownRows(ctx, step, down, shape, after); err != nil {
		return false, err
	}
	if err := d.reconnectIfClosed(ctx); err != nil {
		return false, err
	}
	if stop, err = d.runner.runMigration(ctx, step.Migration, step.script); err != nil {
		return false, err
	}
	fact := describeDownResult(x, stop)
	if fact == "" && len(x.info) == 0 {
		d.schema = after // the same statements on the same schema
		d.stepsDone++
		return true, nil
	}
	if fact != "" {
		d.addDownFinding(step, fact)
	}
	if err := d.readSchema(ctx); err != nil {
		return false, err
	}
	return true, d.keepDatabaseIfEqual(ctx, after)
}

// runDown runs a down migration as on a later day, on another connection, and reads
// the schema that it leaves.
func (d *downRun) runDown(ctx context.Context, step *step, down *script.Script) (*migrationFailure, error) {
	r, err := d.connectLimited(ctx)
	if err != nil {
		return nil, err
	}
	stop, err := r.runMigration(ctx, step.Migration, down)
	r.closeConn(ctx)
	if err == nil {
		err = d.inspectPlantedCode(ctx, d.runner.catalogConn, step, down, stop)
	}
	if err == nil {
		err = d.readSchema(ctx)
	}
	return stop, err
}

// describeDownResult describes what is wrong with the schema after the down migration, or
// with running the migration again; "" for nothing.
func describeDownResult(x objectsDiff, stop *migrationFailure) string {
	switch {
	case len(x.differences) > 0 && stop != nil:
		return "the down migration does not bring the schema back: " + joinFirstLines(x.differences) +
			"; the migration does not run again: " + serverMessage(stop)
	case len(x.differences) > 0:
		return "the down migration does not bring the schema back: " + joinFirstLines(x.differences)
	case stop != nil:
		return "after its down migration the migration does not run again: " + serverMessage(stop)
	}
	return ""
}

// keepDatabaseIfEqual keeps the database for the next step if it is as the up migration leaves it.
func (d *downRun) keepDatabaseIfEqual(ctx context.Context, want []live.Object) error {
	if x := compareObjects(want, d.schema); len(x.differences)+len(x.info) == 0 && !d.runner.conn.IsClosed() {
		d.stepsDone++
		return nil
	}
	d.discardDatabase(ctx)
	return ctx.Err()
}

// reportRefusedDown reports a down migration that the server refuses. If the cause is missing
// superuser rights or a missing extension, it may succeed in production.
func (d *downRun) reportRefusedDown(step *step, down *script.Script, stop *migrationFailure) {
	var pg *pgconn.PgError
	errors.As(stop.err, &pg)
	attempt := attemptedEscape(stop)
	if attempt == "" && !d.Superuser {
		if attempt = maskedEscape(down, stop); attempt != "" {
			attempt += ", and stops with another error"
		}
	}
	switch {
	case attempt != "":
		d.addFinding(release.RehearsalTriedToEscape, step, step.firstStatement(),
			fmt.Sprintf("in the down migration, at line %d: it %s: %s", stop.statement.Line, attempt, serverMessage(stop)), "", "")
	case pg != nil && (isMissingExtension(pg) || pg.Code == "42501" && !d.Superuser):
		d.addNotef("the down migration of %s was not rehearsed to its end: %s", step.ID, serverMessage(stop))
	case pg != nil && pg.Code == "57014":
		d.addNotef("the down migration of %s was ended after %s", step.ID, d.Limit)
	default:
		d.addDownFinding(step, fmt.Sprintf("the server refuses the down migration, at %s:%d: %s", cmp.Or(step.DownPath, step.Path), stop.statement.Line,
			serverMessage(stop)))
	}
}

// addDownFinding adds a finding at the first statement of the up migration.
func (d *downRun) addDownFinding(step *step, fact string) {
	d.addFinding(release.RehearsalDownDiffers, step, step.firstStatement(), fact, "", "")
}
