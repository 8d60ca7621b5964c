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
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/rules/rehearsal"
	"github.com/onward-sql/onward/internal/script"
)

// descent goes up and down the release, step by step.
type descent struct {
	again
	objects *live.Objects // of its database; nil for none
	// schema is what its database holds when done steps have run; nil: not read.
	schema []live.Object
}

// wayDown runs each new migration up and down again, on the schema that it
// finds in the release, and tells where that schema does not come back.
//
// Rows are not compared: nothing brings back what a dropped column held.
func (v *version) wayDown(ctx context.Context) error {
	d := &descent{again: again{version: v}}
	defer d.drop(ctx)
	goes, code := true, ""
	var without []string
	for i, step := range v.steps {
		if !step.runs() {
			continue
		}
		down, err := v.down(step)
		switch {
		case errors.Is(err, audit.ErrNoSQLDown):
			code = step.Runner.Name
		case err != nil:
			v.tell("the down migration of %s was not rehearsed: %v", step.ID, err)
		case down == nil:
			without = append(without, step.ID)
		case goes:
			if goes, err = d.step(ctx, i, step, down); err != nil {
				return err
			}
		}
	}
	if code != "" {
		v.tell("%s's way back was not rehearsed: it is made from code, not from SQL", code)
	}
	if n := len(without); n > 0 {
		verb := map[bool]string{true: "has", false: "have"}[n == 1]
		v.tell("%s %s no down migration in SQL: %s", report.Count(n, "migration"), verb, firstOf(without))
	}
	return nil
}

// step rehearses one down migration. It tells whether there is anything to go on
// with: where the release ends, the rehearsal has said so.
func (d *descent) step(ctx context.Context, i int, step *step, down *script.Script) (goes bool, err error) {
	if d.done != i {
		d.schema = nil
	}
	if goes, err := d.to(ctx, i); !goes || err != nil {
		return false, err
	}
	return d.downAndUp(ctx, step, down)
}

// most bounds how many differences and migrations are named.
const most = 5

// firstOf names the first of a list, and how many more there are.
func firstOf(list []string) string {
	if len(list) <= most {
		return strings.Join(list, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(list[:most], "; "), len(list)-most)
}

func (v *version) tell(format string, args ...any) {
	v.out.Notes = append(v.out.Notes, fmt.Sprintf(format, args...))
}

// down is the down migration of a step; nil: it has none, or nothing stands in it.
func (v *version) down(step *step) (*script.Script, error) {
	source, err := v.release.Down(step.Step)
	if source == nil || err != nil {
		return nil, err
	}
	sc, err := script.Build(*source)
	if err != nil || len(sc.Statements) == 0 {
		return nil, err
	}
	return sc, nil
}

// connect makes a runner whose statements are ended at the limit.
func (d *descent) connect(ctx context.Context) (*runner, error) {
	r, err := newRunner(ctx, d.server, d.version, d.db, nil)
	if err != nil {
		return nil, err
	}
	if _, err := r.conn.Exec(ctx, fmt.Sprintf("SET statement_timeout = %d", d.Limit.Milliseconds())); err != nil {
		r.close(ctx)
		return nil, err
	}
	return r, nil
}

// alive connects anew when a down migration has ended the connections of the up migration.
func (d *descent) alive(ctx context.Context) (err error) {
	if d.runner.conn.Ping(ctx) == nil && d.runner.look.Ping(ctx) == nil {
		return nil
	}
	d.runner.close(ctx)
	d.runner, err = d.connect(ctx)
	return err
}

// read reads the schema. What a release does may have ended the connection.
func (d *descent) read(ctx context.Context) (err error) {
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

func (d *descent) drop(ctx context.Context) {
	if d.objects != nil {
		d.objects.Close(ctx)
	}
	d.objects, d.schema = nil, nil
	d.again.drop(ctx)
}

// downAndUp runs a step up, down, and up again for what comes next. It does not
// go on when the step does not even go up.
func (d *descent) downAndUp(ctx context.Context, step *step, down *script.Script) (goes bool, err error) {
	if d.schema == nil {
		if err := d.read(ctx); err != nil {
			return false, err
		}
	}
	before := d.schema
	if stop, err := d.runner.migration(ctx, step.Migration, step.script); stop != nil || err != nil {
		return false, err
	}
	if err := d.read(ctx); err != nil {
		return false, err
	}
	after := d.schema
	stop, err := d.descend(ctx, step, down)
	if err != nil {
		return false, err
	}
	if stop != nil {
		d.refused(step, stop)
		return true, d.goOn(ctx, after)
	}
	if down.Open {
		d.finding(step, "the down migration never commits the transaction that it opens: unless a commit of the runner's own ends it, nothing of it stays when the connection closes")
		return true, d.goOn(ctx, after)
	}
	x := compareObjects(before, d.schema)
	for _, info := range x.info {
		d.tell("after the down migration of %s, %s", step.ID, info)
	}
	if err := d.alive(ctx); err != nil {
		return false, err
	}
	if stop, err = d.runner.migration(ctx, step.Migration, step.script); err != nil {
		return false, err
	}
	fact := broughtBack(x, stop)
	if fact == "" && len(x.info) == 0 {
		d.schema = after // the same statements on the same schema
		d.done++
		return true, nil
	}
	if fact != "" {
		d.finding(step, fact)
	}
	if err := d.read(ctx); err != nil {
		return false, err
	}
	return true, d.goOn(ctx, after)
}

// descend runs a down migration another day, on another connection, and reads
// the schema that it leaves.
func (d *descent) descend(ctx context.Context, step *step, down *script.Script) (*stopped, error) {
	r, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	stop, err := r.migration(ctx, step.Migration, down)
	r.close(ctx)
	if err == nil {
		err = d.inspect(ctx, d.runner.look, step, down, stop)
	}
	if err == nil {
		err = d.read(ctx)
	}
	return stop, err
}

// broughtBack is what is wrong with the schema after the down migration, or with
// running the migration again; "" for nothing.
func broughtBack(x objectsDiff, stop *stopped) string {
	switch {
	case len(x.differences) > 0 && stop != nil:
		return "the down migration does not bring the schema back: " + firstOf(x.differences) + "; the migration does not run again: " + words(stop.err)
	case len(x.differences) > 0:
		return "the down migration does not bring the schema back: " + firstOf(x.differences)
	case stop != nil:
		return "after its down migration the migration does not run again: " + words(stop.err)
	}
	return ""
}

// goOn keeps the database for the next step when it is as the up migration leaves it.
func (d *descent) goOn(ctx context.Context, want []live.Object) error {
	if x := compareObjects(want, d.schema); len(x.differences)+len(x.info) == 0 && !d.runner.conn.IsClosed() {
		d.done++
		return nil
	}
	d.drop(ctx)
	return ctx.Err()
}

// refused tells of a down migration that the server refuses. What is refused to a
// role that is no superuser, or for want of an extension, may go through
// elsewhere.
func (d *descent) refused(step *step, stop *stopped) {
	var pg *pgconn.PgError
	errors.As(stop.err, &pg)
	switch does := reached(stop); {
	case does != "":
		d.found(rehearsal.TriedToEscape, step, step.first(), fmt.Sprintf("in the down migration, at line %d: it %s: %s", stop.statement.Line, does, words(stop.err)), "", "")
	case pg != nil && (missingExtension(pg) || pg.Code == "42501" && !d.Superuser):
		d.tell("the down migration of %s was not rehearsed to its end: %s", step.ID, words(stop.err))
	case pg != nil && pg.Code == "57014":
		d.tell("the down migration of %s was ended after %s", step.ID, d.Limit)
	default:
		d.finding(step, fmt.Sprintf("the server refuses the down migration, at %s:%d: %s", cmp.Or(step.DownPath, step.Path), stop.statement.Line, words(stop.err)))
	}
}

// finding stands at the first statement of the up migration.
func (d *descent) finding(step *step, fact string) {
	d.found(rehearsal.DownDiffers, step, step.first(), fact, "", "")
}
