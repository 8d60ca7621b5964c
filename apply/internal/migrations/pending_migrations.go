package migrations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/run"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/internal/readiness"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
)

// runOnce reads the pending migrations and carries them out. hasMore: a migration that was started earlier
// is now finished, and the rest must be read again. locked: this process holds the tool's lock.
func (p *Pending) runOnce(ctx context.Context, locked bool) (hasMore bool, err error) {
	if p.release, err = audit.Read(ctx, p.Repository); err != nil {
		return false, refusePrograms(err)
	}
	defer p.release.Close()
	if err := p.withOwnSettings(ctx, func() error { return p.chooseSource(ctx) }); err != nil {
		return false, err
	}
	if !locked {
		if err := p.lockTool(ctx); err != nil {
			return false, err
		}
	}
	var list []*audit.Planned
	var startedPlan *onward.Plan
	if err := p.withOwnSettings(ctx, func() (err error) {
		if list, err = p.listUnapplied(ctx); err == nil {
			startedPlan, err = p.findStartedMigration(ctx, list)
		}
		return err
	}); err != nil {
		return false, err
	}
	if startedPlan != nil {
		return true, p.runMigration(ctx, startedPlan, true)
	}
	if list, err = p.migrationsUpTo(list); err != nil {
		return false, err
	}
	defer func() { p.out.Readiness = p.judgeWrittenPlans(list, err == nil) }()
	if len(list) == 0 {
		return false, nil
	}
	if err := p.withOwnSettings(ctx, func() error { return p.refuseForeignDatabase(ctx, list) }); err != nil {
		return false, err
	}
	if err := p.refusePastToolOnly(list); err != nil {
		return false, err
	}
	plans, err := p.makePlans(list)
	if err != nil {
		return false, err
	}
	for _, plan := range plans {
		if err := p.runMigration(ctx, plan, false); err != nil {
			return false, err
		}
	}
	p.out.Next = p.set.Count.After
	return false, nil
}

// chooseSource finds the source of migrations, and the table of its tool.
func (p *Pending) chooseSource(ctx context.Context) error {
	set, err := findSource(p.release, p.Source)
	if err != nil {
		return err
	}
	p.set = set
	if err := p.requireSameMigrations(); err != nil {
		return err
	}
	if p.set.Count == nil {
		return &run.RefusedError{Text: fmt.Sprintf("onward does not know how %s keeps count of what was applied, and does not run its migrations as they are: "+
			"run them with it, or make a plan of them with onward plan%s",
			cmp.Or(p.set.Evidence.Tool, p.set.Source.Framework), adviseGuard(p.release.Unread()))}
	}
	name := cmp.Or(p.Table, p.set.Count.Table)
	schema, table, err := p.findTable(ctx, name)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && (p.Table != "" || p.set.Count.Make == nil):
		return &run.RefusedError{Text: fmt.Sprintf("the database has no table %s, in which the migrations' tool keeps count: "+
			"run the tool itself once, which makes it, or name the table with --table", name)}
	case errors.Is(err, pgx.ErrNoRows):
		p.tableExists = false
		table = name
		path, err := live.SearchSchemas(ctx, p.conn)
		if err != nil {
			return err
		}
		if len(path) == 0 {
			return &run.RefusedError{Text: "the search_path names no schema that there is: nothing says where the migrations' tool keeps count"}
		}
		schema = path[0]
		if err := p.refuseIfToolNeedsEmptySchema(ctx, schema); err != nil {
			return err
		}
	case err != nil:
		return err
	case p.Schema != "" && schema != p.Schema:
		return &run.RefusedError{Text: fmt.Sprintf("the migrations' tool keeps count in %s.%s for all schemas, and not for the schema %s: "+
			"run it once, on the whole database",
			schema, table, p.Schema)}
	default:
		p.tableExists = true
	}
	p.table = pgx.Identifier{schema, table}.Sanitize()
	if err := RefuseToolTable(ctx, p.conn, p.table, p.AcceptTriggers); err != nil {
		return err
	}
	p.out.Base, p.out.Head = cmp.Or(p.out.Base, table), p.release.HeadName()
	return nil
}

// findTable returns the tool's table, or pgx.ErrNoRows if it does not exist.
func (p *Pending) findTable(ctx context.Context, name string) (schema, table string, err error) {
	ids, err := live.FindRelations(ctx, p.conn, name)
	if err != nil {
		return "", "", err
	}
	err = p.conn.QueryRow(ctx, "SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1::oid",
		ids[0]).Scan(&schema, &table)
	return schema, table, err
}

// lockTool takes the lock of the migration tool. It polls, because a session that waits for the lock would
// block an index that is built concurrently.
func (p *Pending) lockTool(ctx context.Context) error {
	if p.set.Count.Locks == nil {
		return nil
	}
	if !p.IsDirect(ctx) {
		return &run.RefusedError{Text: "a pooler that shares sessions is between onward and the database, or no second session can be opened to rule that out. " +
			"Then no session can hold the lock that keeps the migrations' own tool from running at the same time: name the server itself"}
	}
	keys, err := p.lockKeys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := p.pollLock(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// lockKeys returns the advisory lock keys of the tool.
func (p *Pending) lockKeys(ctx context.Context) ([]int64, error) {
	if p.set.Count.Locks == nil {
		return nil, nil
	}
	var database, schema, table string
	if err := p.conn.QueryRow(ctx, "SELECT current_database(), names[1], names[2] FROM parse_ident($1) AS names", p.table).Scan(&database, &schema,
		&table); err != nil {
		return nil, err
	}
	return p.set.Count.Locks(database, schema, table), nil
}

// migrationsUpTo returns the migrations up to --to.
func (p *Pending) migrationsUpTo(list []*audit.Planned) ([]*audit.Planned, error) {
	if p.To == "" {
		return list, nil
	}
	to := func(m *audit.Planned) bool { return m.ID == p.To || m.Version == p.To }
	last := slices.IndexFunc(p.set.Migrations, to)
	if last < 0 {
		return nil, run.NewInputError(fmt.Sprintf("--to %s: there is no such migration in %s", p.To, cmp.Or(p.set.Source.Dir, ".")))
	}
	for i, m := range list {
		if slices.Index(p.set.Migrations, m) > last {
			return list[:i], nil
		}
	}
	return list, nil
}

// makePlans makes a plan of each migration, after checking that nothing prevents any of them.
func (p *Pending) makePlans(list []*audit.Planned) ([]*onward.Plan, error) {
	chosen := map[*audit.Planned]bool{}
	for _, m := range list {
		chosen[m] = true
		switch {
		case len(m.Source.Code) > 0 || len(m.Opaque) > 0 && m.Opaque[0].What != "" || len(m.Elsewhere) > 0:
			return nil, p.refusePartlyReadable(m)
		case m.WithoutConditions != nil || m.Source.Written != "":
			return nil, refuseToolOnly(m.ID, m.Path+" has places that the tool fills in")
		}
	}
	p.release.Unapplied(chosen)
	report, folds, err := p.release.Folds()
	if err != nil {
		return nil, err
	}
	if err := p.refuseFindings(report); err != nil {
		return nil, err
	}
	if len(folds) != len(list) {
		return nil, fmt.Errorf("%d of %d migrations could be read", len(folds), len(list))
	}
	var out []*onward.Plan
	for i, m := range list {
		steps, err := makeUnchangedSteps(folds[i], p.release.Measure)
		if err != nil {
			return nil, err
		}
		content, err := p.readFileForChecksum(m)
		if err != nil {
			return nil, err
		}
		p.addRecordSQL(steps, m, content, !p.tableExists && i == 0)
		out = append(out, &onward.Plan{
			Schema: onward.PlanSchema, Base: p.out.Base, Head: p.out.Head, Steps: steps,
			Migrations: []onward.PlannedMigration{{ID: m.ID, Path: m.Path, Hash: m.Hash}}, Proof: onward.PlanProof{Checks: []onward.PlanCheck{}, Missing: []string{}},
		})
	}
	return out, p.requireWithinSchema(out)
}

// addRecordSQL adds to the steps of a migration the SQL that updates its tool's table. A migration in one
// transaction is recorded when it is done. For others, a tool that records the start of a migration
// gets that too.
func (p *Pending) addRecordSQL(steps []onward.PlanStep, m *audit.Planned, content []byte, makes bool) {
	count, first, last := p.set.Count, &steps[0], &steps[len(steps)-1]
	last.Record = count.Write(p.table, m, content)
	if count.Start != nil && (len(steps) > 1 || first.Transaction == onward.TransactionNone) {
		first.Begin = count.Start(p.table, m, content)
	}
	switch {
	case makes && first.Begin != "": // may be run again
		first.Begin = doBlock("", "IF to_regclass("+pgparse.QuoteLiteral(p.table)+") IS NULL THEN "+count.Make(p.table)+"; END IF;") + "; " + first.Begin
	case makes:
		last.Record = count.Make(p.table) + "; " + last.Record
	}
}

// refuseFindings refuses migrations whose findings are errors.
func (p *Pending) refuseFindings(report *onward.Report) error {
	var list []string
	instead, next := "onward plan makes steps that are safe", "onward plan"
	for _, f := range report.Findings {
		if f.Severity == onward.Error && f.Rule != release.ColumnUnfilled.ID { // that is about the code: the files may run
			list = append(list, fmt.Sprintf("%s:%d: %s: %s", f.Path, f.Line, f.Rule, f.Fact))
			if f.Rule == release.PlanUnderWay.ID {
				instead, next = f.Instead, "onward status --db ADDRESS"
			}
		}
	}
	if len(list) == 0 || p.AcceptFindings {
		return nil
	}
	return &run.RefusedError{
		Text: strings.Join(list, "\n") + "\n" + instead + "; --accept-findings runs the migrations unchanged",
		Next: next,
	}
}

// withOwnSettings runs queries about the migration tool under onward's own settings.
func (p *Pending) withOwnSettings(ctx context.Context, f func() error) error {
	return live.AsOwn(ctx, p.conn, f)
}

// pollLock polls for an advisory lock until the migration tool releases it.
func (p *Pending) pollLock(ctx context.Context, key int64) error {
	reported := false
	for end := time.Now().Add(p.Within); ; {
		var got bool
		var pid int
		var app string
		if err := p.withOwnSettings(ctx, func() error {
			if err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key).Scan(&got); err != nil || got {
				return err
			}
			_ = p.conn.QueryRow(ctx, `SELECT l.pid, coalesce(a.application_name, '') FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a USING (pid)
				WHERE l.locktype = 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND l.objsubid = 1 AND (l.classid::bigint << 32 | l.objid::bigint) = $1 LIMIT 1`, key).Scan(&pid, &app) // or released by now
			return nil
		}); err != nil || got {
			return err
		}
		words := fmt.Sprintf("process %d (%s) holds the lock of the migrations' own tool", pid, app)
		if time.Now().After(end) {
			return &run.UnfinishedError{Step: p.set.Migrations[0].ID, Why: words}
		}
		if !reported {
			reported = true
			p.Tell(run.Event{Kind: run.Held, Words: words})
		}
		if err := queue.Pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// judgeWrittenPlans returns the state of the plans whose steps were written as migrations of this source: those that are under way, and
// those with files among the migrations of this run. ran: all of these have run.
func (p *Pending) judgeWrittenPlans(list []*audit.Planned, ran bool) (out []onward.Readiness) {
	if p.To != "" {
		return nil // some files of a plan may be after it
	}
	for _, written := range p.release.WrittenPlans() {
		if written.Dir != p.set.Source.Dir {
			continue
		}
		isListed := func(f onward.PlanFile) bool {
			return slices.ContainsFunc(list, func(m *audit.Planned) bool { return m.Path == f.Path || m.Path == path.Dir(f.Path) })
		}
		if r := readiness.JudgeWritten(written, ran); r.NextStep != "" || slices.ContainsFunc(written.WrittenFiles(), isListed) {
			out = append(out, *r)
		}
	}
	return out
}
