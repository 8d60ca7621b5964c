package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// PendingConfig is what [Pending] needs.
type PendingConfig struct {
	// Config says where and how. Its Plan is made; To is the last migration, by its ID or
	// version.
	Config
	// Repository has the migrations: those of its head. Its base is the deployed code.
	Repository audit.Config
	// Source is the directory of the migrations, and Table where their tool keeps count; ""
	// for the only ones.
	Source, Table string
	// AcceptFindings runs them although there are errors among the findings.
	AcceptFindings bool
}

// Pending carries out the migrations of a repository that a database does not have yet, and notes each
// in the table of their own tool, in the transaction of its last step: the tool goes on as if it had
// run them itself. It holds the tool's own lock, where that has one.
//
// The errors are those of [Run] and [audit.Changelog]. What is known comes with each of them.
func Pending(ctx context.Context, c PendingConfig) (*onward.Applied, error) {
	if err := c.complete(); err != nil {
		return nil, err
	}
	p := &pending{c: c, out: &onward.Applied{Schema: onward.AppliedSchema, Name: c.Name, State: onward.ApplyDone, Steps: []onward.AppliedStep{}}}
	err := p.run(ctx)
	if err == nil {
		return p.out, nil
	}
	if err = address.Without(err, c.DB); len(p.out.Steps) == 0 && !isAny[*UnfinishedError](err) {
		return nil, err
	}
	p.out.Why = err.Error()
	return p.out, err
}

// pending is a run of it.
type pending struct {
	c       PendingConfig
	conn    *pgx.Conn // holds the tool's lock
	release *audit.Release
	set     *audit.Set
	table   string // qualified and quoted
	there   bool   // the table is
	dirty   string // the key of a migration that was begun here, and that the table says so of; "" for none
	others  []audit.Beyond
	took    []*audit.Planned // those whose place a plan takes
	out     *onward.Applied
}

func (p *pending) run(ctx context.Context) error {
	p.c.Repository.DB = p.c.DB
	var err error
	if p.conn, err = live.Connect(ctx, p.c.DB, "onward apply (lock)", nil); err != nil {
		return err
	}
	defer func() { _ = p.conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := primary(ctx, p.conn); err != nil {
		return err
	}
	p.c.reaches(ctx) // for all that is carried out
	if err := p.c.stands(ctx, p.conn); err != nil {
		return err
	}
	defer p.c.standsNoMore(ctx)
	for locked := false; ; locked = true {
		again, err := p.once(ctx, locked)
		if err != nil || !again {
			return err
		}
	}
}

// once reads what is pending, and carries it out. again: one that was begun earlier was brought to its
// end, and the rest is to be read anew.
func (p *pending) once(ctx context.Context, locked bool) (again bool, err error) {
	if p.release, err = audit.Read(ctx, p.c.Repository); err != nil {
		return false, programs(err)
	}
	defer func() { _ = p.release.Close() }()
	if err := p.own(ctx, func() error { return p.choose(ctx) }); err != nil {
		return false, err
	}
	if !locked {
		if err := p.lock(ctx); err != nil {
			return false, err
		}
	}
	var list []*audit.Planned
	var begun *onward.Plan
	if err := p.own(ctx, func() (err error) {
		if list, err = p.unapplied(ctx); err == nil {
			begun, err = p.begun(ctx, list)
		}
		return err
	}); err != nil {
		return false, err
	}
	if begun != nil {
		return true, p.carry(ctx, begun)
	}
	if list, err = p.wanted(list); err != nil || len(list) == 0 {
		return false, err
	}
	if err := p.beyond(list); err != nil {
		return false, err
	}
	plans, err := p.plans(list)
	if err != nil {
		return false, err
	}
	for _, plan := range plans {
		if err := p.carry(ctx, plan); err != nil {
			return false, err
		}
	}
	p.out.Next = p.set.Count.After
	return false, nil
}

// choose finds the source of migrations, and the table of its tool.
func (p *pending) choose(ctx context.Context) error {
	var names []string
	var found []*audit.Set
	for _, s := range p.release.Heads() {
		if p.c.Source != "" && s.Source.Dir != strings.Trim(p.c.Source, "/") {
			continue
		}
		found, names = append(found, s), append(names, cmp.Or(s.Source.Dir, "."))
	}
	switch {
	case len(found) == 0 && p.c.Source != "":
		return input(fmt.Sprintf("%s has no migrations", p.c.Source))
	case len(found) == 0:
		return input("there are no migrations")
	case len(found) > 1:
		return input("there are migrations in " + strings.Join(names, ", ") + ": say with --source which of them are this database's")
	}
	p.set = found[0]
	if p.set.Count == nil {
		return &RefusedError{Text: fmt.Sprintf("onward does not know how %s keeps count of what was applied, and does not run its migrations as they are: run them with it, or make a plan of them with onward plan%s",
			cmp.Or(p.set.Told.Tool, p.set.Source.Framework), underGuard(p.release.Unread()))}
	}
	name := cmp.Or(p.c.Table, p.set.Count.Table)
	schema, table, err := p.find(ctx, name)
	switch {
	case errors.Is(err, pgx.ErrNoRows) && (p.c.Table != "" || p.set.Count.Make == nil):
		return &RefusedError{Text: fmt.Sprintf("the database has no table %s, in which the migrations' tool keeps count: run the tool itself once, which makes it, or name the table with --table", name)}
	case errors.Is(err, pgx.ErrNoRows):
		p.there = false
		table = name
		if err := p.conn.QueryRow(ctx, "SELECT coalesce(current_schema(), '')").Scan(&schema); err != nil {
			return err
		}
		if schema == "" {
			return &RefusedError{Text: "the search_path names no schema that there is: nothing says where the migrations' tool keeps count"}
		}
		if err := p.empty(ctx, schema); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		p.there = true
	}
	p.table = pgx.Identifier{schema, table}.Sanitize()
	p.out.Base, p.out.Head = cmp.Or(p.out.Base, table), p.release.HeadName()
	return nil
}

// find is where the tool keeps count; pgx.ErrNoRows where there is no such table.
func (p *pending) find(ctx context.Context, name string) (schema, table string, err error) {
	err = p.conn.QueryRow(ctx, `SELECT n.nspname, c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)`, name).Scan(&schema, &table)
	return schema, table, err
}

// lock takes the lock of the migrations' tool: it is asked for again and again, for who waits for
// it would hold up an index that is built concurrently.
func (p *pending) lock(ctx context.Context) error {
	if p.set.Count.Locks == nil {
		return nil
	}
	if !p.c.reaches(ctx) {
		return &RefusedError{Text: "a pooler of transactions stands in front of the database, or there is no second session to be had, to tell that none does: no session can surely hold the lock that keeps the migrations' own tool from running at the same time: name the server itself"}
	}
	keys, err := p.keys(ctx)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := p.ask(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// keys are those of the tool's locks.
func (p *pending) keys(ctx context.Context) ([]int64, error) {
	if p.set.Count.Locks == nil {
		return nil, nil
	}
	var database, schema, table string
	if err := p.conn.QueryRow(ctx, "SELECT current_database(), names[1], names[2] FROM parse_ident($1) AS names", p.table).Scan(&database, &schema, &table); err != nil {
		return nil, err
	}
	return p.set.Count.Locks(database, schema, table), nil
}

// wanted are those up to --to.
func (p *pending) wanted(list []*audit.Planned) ([]*audit.Planned, error) {
	if p.c.To == "" {
		return list, nil
	}
	to := func(m *audit.Planned) bool { return m.ID == p.c.To || m.Version == p.c.To }
	at := slices.IndexFunc(p.set.Migrations, to)
	if at < 0 {
		return nil, input(fmt.Sprintf("--to %s: there is no such migration in %s", p.c.To, cmp.Or(p.set.Source.Dir, ".")))
	}
	for i, m := range list {
		if slices.Index(p.set.Migrations, m) > at {
			return list[:i], nil
		}
	}
	return list, nil
}

// plans makes a plan of each migration, once nothing stands against any of them.
func (p *pending) plans(list []*audit.Planned) ([]*onward.Plan, error) {
	of := map[*audit.Planned]bool{}
	for _, m := range list {
		of[m] = true
		switch {
		case len(m.Source.Code) > 0 || len(m.Opaque) > 0 && m.Opaque[0].What != "" || len(m.Elsewhere) > 0:
			return nil, p.moreThanSQL(m)
		case m.Unheld != nil || m.Source.Written != "":
			return nil, byTool(m.ID, m.Path+" has places that the tool fills in")
		}
	}
	p.release.Unapplied(of)
	report, folds, err := p.release.Folds()
	if err != nil {
		return nil, err
	}
	if err := p.findings(report); err != nil {
		return nil, err
	}
	if len(folds) != len(list) {
		return nil, fmt.Errorf("%d of %d migrations could be read", len(folds), len(list))
	}
	var out []*onward.Plan
	for i, m := range list {
		steps, err := asWritten(folds[i], p.release.Measure)
		if err != nil {
			return nil, err
		}
		content, err := p.content(m)
		if err != nil {
			return nil, err
		}
		p.notes(steps, m, content, !p.there && i == 0)
		out = append(out, &onward.Plan{
			Schema: onward.PlanSchema, Base: p.out.Base, Head: p.out.Head, Steps: steps,
			Migrations: []onward.PlannedMigration{{ID: m.ID, Path: m.Path, Hash: m.Hash}}, Proof: onward.PlanProof{Checks: []onward.PlanCheck{}, Missing: []string{}},
		})
	}
	return out, nil
}

// notes puts into the steps of a migration what its tool's table is told. One that is in one transaction is there
// or not; of others a tool that says so says that it was begun.
func (p *pending) notes(steps []onward.PlanStep, m *audit.Planned, content []byte, makes bool) {
	count, first, last := p.set.Count, &steps[0], &steps[len(steps)-1]
	last.Record = count.Write(p.table, m, content)
	if count.Start != nil && (len(steps) > 1 || first.Transaction == onward.TransactionNone) {
		first.Begin = count.Start(p.table, m, content)
	}
	switch {
	case makes && first.Begin != "": // may be run again
		first.Begin = do("IF to_regclass("+pgparse.QuoteLiteral(p.table)+") IS NULL THEN "+count.Make(p.table)+"; END IF;") + "; " + first.Begin
	case makes:
		last.Record = count.Make(p.table) + "; " + last.Record
	}
}

// findings refuses migrations that are not to be run as they stand.
func (p *pending) findings(report *onward.Report) error {
	var list []string
	for _, f := range report.Findings {
		if f.Severity == onward.Error {
			list = append(list, fmt.Sprintf("%s:%d: %s: %s", f.Path, f.Line, f.Rule, f.Fact))
		}
	}
	if len(list) == 0 || p.c.AcceptFindings {
		return nil
	}
	return &RefusedError{Text: strings.Join(list, "\n") + "\nonward plan makes steps that are safe; --accept-findings runs the migrations as they stand"}
}

// carry runs one, and adds what came of it.
func (p *pending) carry(ctx context.Context, plan *onward.Plan) error {
	c := p.c.Config
	c.Plan, c.To, c.Through, c.asWritten = plan, "", onward.Expand, true
	c.Name = plan.Migrations[0].ID
	r, err := Run(ctx, c)
	if r != nil {
		p.out.Plan = r.Plan
		p.out.Steps = append(p.out.Steps, r.Steps...)
		p.out.State = r.State
	}
	return err
}

func (c *PendingConfig) complete() error {
	if c.DB == "" {
		return input("the address of the database is missing")
	}
	c.defaults()
	return nil
}
