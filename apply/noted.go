package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Noted carries out PendingConfig.Plan as [Run] does, and has the transaction of its last step note the migrations
// that it takes the place of in the table of their own tool: in the repository that has them, as the plan was made of
// them, where that table is there. The ledger keeps what is to be noted, for whoever takes the last step. Where nothing is
// noted, Next says so, and why.
//
// The errors are those of [Run]: a repository that cannot be read keeps no plan from being carried out.
func Noted(ctx context.Context, c PendingConfig) (*onward.Applied, error) {
	if err := c.Config.complete(); err != nil {
		return nil, err
	}
	p := &pending{c: c}
	record, err := p.record(ctx)
	if c.settled = err == nil; err != nil {
		c.unnoted = address.Without(err, c.DB).Error()
	}
	c.record, c.written = record, p.findWritten()
	out, err := Run(ctx, c.Config)
	if err != nil || out.State != onward.ApplyDone || out.Next != "" || c.Plan.Dir != "" {
		return out, err
	}
	// Others may have been at the table between the first step and the last: it is read again, and nothing else.
	if left, _ := p.left(ctx); len(left) > 0 {
		out.Next = tell(left, "it stands elsewhere by now")
	}
	return out, nil
}

// toolAtWork is what the last step of a plan is lost for while the tool holds its lock.
const toolAtWork = "the migrations' own tool is at work"

// noting is a plan whose last step runs this, too.
func noting(p *onward.Plan, record string) *onward.Plan {
	if record == "" {
		return p
	}
	own := *p
	own.Steps = slices.Clone(p.Steps)
	own.Steps[len(own.Steps)-1].Record = record
	return &own
}

// untold says what is left to tell the migrations' own tool behind a plan, and why; "" for nothing.
func untold(p *onward.Plan, why string) string {
	if p.Dir != "" || len(p.Migrations) == 0 || p.Steps[len(p.Steps)-1].Record != "" { // files of the plan are run by the tool itself
		return ""
	}
	return tell(p.Migrations, cmp.Or(why, "onward was not run in their repository"))
}

func tell(migrations []onward.PlannedMigration, why string) string {
	var list []string
	for _, m := range migrations {
		list = append(list, m.ID)
	}
	return fmt.Sprintf("tell the migrations' own tool that %s took place: its table does not say so (%s)", strings.Join(list, ", "), why)
}

// record is the SQL that notes the migrations of the plan; "" where they are there. The error says why nothing can be
// noted.
func (p *pending) record(ctx context.Context) (string, error) {
	if p.c.Plan.Dir != "" {
		return "", nil
	}
	list, end, err := p.supplants(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	p.took = list
	var open []*audit.Planned
	var before *audit.Planned
	var keys []int64
	if err := p.own(ctx, func() (err error) {
		if open, before, err = p.behind(ctx, list); err == nil {
			keys, err = p.keys(ctx)
		}
		return err
	}); err != nil || len(open) == 0 {
		return "", err
	}
	var b strings.Builder
	for _, key := range keys {
		b.WriteString("IF NOT pg_catalog.pg_try_advisory_xact_lock(" + strconv.FormatInt(key, 10) + ") THEN RAISE lock_not_available USING MESSAGE = " + pgparse.QuoteLiteral(toolAtWork) + "; END IF;\n")
	}
	if p.set.Count.Last {
		open = open[len(open)-1:]
	}
	for _, m := range open {
		content, err := p.content(m)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "IF %s THEN %s; END IF;\n", p.due(m, before), p.set.Count.Write(p.table, m, content))
	}
	return do(b.String()), nil
}

// due is the condition on which a migration is noted when its time has come: it may be weeks from now.
func (p *pending) due(m, before *audit.Planned) string {
	has := func(m *audit.Planned) string {
		return "EXISTS (SELECT FROM (" + p.set.Count.Read(p.table) + ") AS r (key, sum, dirty) WHERE key = " + pgparse.QuoteLiteral(p.set.Count.Key(m)) + " AND NOT dirty)"
	}
	switch {
	case !p.set.Count.Last:
		return "NOT " + has(m)
	case before == nil:
		return "NOT EXISTS (SELECT FROM " + p.table + ")"
	}
	return has(before)
}

// supplants reads the repository, finds the migrations of the plan there, and their tool's table.
func (p *pending) supplants(ctx context.Context) (list []*audit.Planned, end func(), err error) {
	p.c.Repository.Base = cmp.Or(p.c.Repository.Base, "HEAD") // which is always there: nothing is judged
	if p.release, err = audit.Read(ctx, p.c.Repository); err != nil {
		return nil, nil, programs(err)
	}
	over := func() {
		_ = p.release.Close()
		if p.conn != nil {
			_ = p.conn.Close(context.WithoutCancel(ctx))
		}
	}
	defer func() {
		if err != nil {
			over()
		}
	}()
	if list, err = p.those(); err != nil {
		return nil, nil, err
	}
	if p.set.Count == nil {
		return nil, nil, fmt.Errorf("onward does not know how %s keeps count", cmp.Or(p.set.Told.Tool, p.set.Source.Framework))
	}
	if p.conn, err = live.Connect(ctx, p.c.DB, tableName, nil); err != nil {
		return nil, nil, err
	}
	name := cmp.Or(p.c.Table, p.set.Count.Table)
	schema, table, err := p.find(ctx, name)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, fmt.Errorf("the database has no table %s", name)
	}
	p.there, p.table = true, pgx.Identifier{schema, table}.Sanitize()
	return list, over, err
}

// those are the migrations of the plan, of one source, as the plan was made of them.
func (p *pending) those() (list []*audit.Planned, err error) {
	of := map[string]*audit.Planned{}
	in := map[string]*audit.Set{}
	for _, s := range p.release.Heads() {
		for _, m := range s.Migrations {
			of[m.Path], in[m.Path] = m, s
		}
	}
	for _, is := range p.c.Plan.Migrations {
		m := of[is.Path]
		switch {
		case is.Hash == "":
			return nil, errors.New("the plan does not do all that they do")
		case m == nil:
			return nil, fmt.Errorf("%s has no %s", p.release.HeadName(), is.Path)
		case m.Hash != is.Hash:
			return nil, fmt.Errorf("%s is not what the plan was made of", is.Path)
		case p.set != nil && p.set != in[is.Path]:
			return nil, errors.New("they are of several tools")
		}
		p.set, list = in[is.Path], append(list, m)
	}
	if p.set == nil {
		return nil, errors.New("the plan names none")
	}
	return list, nil
}

// behind are the migrations that the tool's table does not have. Where that has only the last one they must be those
// that are next, behind the migration before; nil for none.
func (p *pending) behind(ctx context.Context, list []*audit.Planned) (open []*audit.Planned, before *audit.Planned, err error) {
	is, base, err := p.counted(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !p.set.Count.Last {
		return slices.DeleteFunc(slices.Clone(list), func(m *audit.Planned) bool {
			_, there := is[p.set.Count.Key(m)]
			return there || base != "" && p.set.Count.Upto(m, base)
		}), nil, nil
	}
	at := -1
	for i, m := range p.set.Migrations {
		if _, there := is[p.set.Count.Key(m)]; there {
			at, before = i, m
		}
	}
	open = slices.DeleteFunc(slices.Clone(list), func(m *audit.Planned) bool { return slices.Index(p.set.Migrations, m) <= at })
	for i, m := range open {
		if len(is) > 0 && at < 0 || p.dirty != "" || slices.Index(p.set.Migrations, m) != at+1+i {
			return open, nil, fmt.Errorf("%s has one version, and %s is not the next", p.table, m.ID)
		}
	}
	return open, before, nil
}

// left are the migrations of the plan that the tool's table does not have behind it.
func (p *pending) left(ctx context.Context) (out []onward.PlannedMigration, err error) {
	if len(p.took) == 0 {
		return nil, nil
	}
	if p.conn, err = live.Connect(ctx, p.c.DB, tableName, nil); err != nil {
		return nil, err
	}
	defer func() { _ = p.conn.Close(context.WithoutCancel(ctx)) }()
	var open []*audit.Planned
	err = p.own(ctx, func() (err error) {
		open, _, err = p.behind(ctx, p.took) // also with an error
		return err
	})
	for _, m := range open {
		out = append(out, onward.PlannedMigration{ID: m.ID, Path: m.Path})
	}
	return out, err
}

// do is a block of PL/pgSQL.
func do(body string) string { return "DO " + pgparse.QuoteLiteral("BEGIN\n"+body+"\nEND") }
