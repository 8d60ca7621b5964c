package migrations

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply/internal/session"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// ToolRows is the SQL for the rows of a plan's migrations in their tool's table: Write adds them, Remove takes them out again. Both are empty
// if there is nothing to add.
type ToolRows struct{ Write, Remove string }

// WithRecord returns a copy of the plan that records its migrations at the moment from which on the schema serves the new code: in the last step
// before the contract. A plan that only contracts records them when it begins, and its first step has the SQL.
func WithRecord(p *onward.Plan, rows ToolRows) *onward.Plan {
	if rows.Write == "" {
		return p
	}
	planCopy := *p
	planCopy.Steps = slices.Clone(p.Steps)
	s := &planCopy.Steps[max(p.Contract()-1, 0)]
	s.Record, s.Unrecord = rows.Write, rows.Remove
	return &planCopy
}

// UnrecordedAdvice says which migrations the user must still mark as applied in their tool after a plan, and why; "" for none.
func UnrecordedAdvice(p *onward.Plan, reason string) string {
	if p.Dir != "" || len(p.Migrations) == 0 || p.RecordingStep() != nil { // the tool itself runs the plan's files
		return ""
	}
	if len(p.Left) > 0 {
		var list []string
		for i := range p.Left {
			list = append(list, fmt.Sprintf("%s:%d", p.Left[i].Path, p.Left[i].Line))
		}
		return fmt.Sprintf("run what the plan leaves (%s), and then tell the migrations' own tool that the whole release took place", prose.FirstNames(list, 3))
	}
	return AdviseRecording(p.Migrations, reason)
}

// AdviseRecording says which migrations the user must mark as applied in their tool, and why; "" if only the run knew that began the plan.
func AdviseRecording(migrations []onward.PlannedMigration, reason string) string {
	var list []string
	for _, m := range migrations {
		list = append(list, m.ID)
	}
	advice := fmt.Sprintf("tell the migrations' own tool that %s took place: its table does not say so", strings.Join(list, ", "))
	if reason != "" {
		advice += " (" + reason + ")"
	}
	return advice
}

// RecordSQL returns the SQL that marks the plan's migrations as applied, and the SQL that takes the marks back; both are empty if they already
// are. The error says why they cannot be marked.
func (p *Pending) RecordSQL(ctx context.Context) (out ToolRows, err error) {
	if p.Plan.Dir != "" {
		return out, nil
	}
	list, end, err := p.findPlanned(ctx)
	if err != nil {
		return out, err
	}
	defer end()
	p.replacedByPlan = list
	var open []*audit.Planned
	var before *audit.Planned
	var keys []int64
	if err := p.withOwnSettings(ctx, func() (err error) {
		if open, before, err = p.listUnrecorded(ctx, list); err == nil {
			keys, err = p.lockKeys(ctx)
		}
		return err
	}); err != nil || len(open) == 0 {
		return out, err
	}
	out.Remove = p.unrecordSQL(open, before, keys)
	var b strings.Builder
	b.WriteString(p.requireToolIdleSQL(keys))
	if p.set.Count.Last {
		open = open[len(open)-1:]
	}
	for _, m := range open {
		content, err := p.readFileForChecksum(m)
		if err != nil {
			return ToolRows{}, err
		}
		fmt.Fprintf(&b, "IF %s THEN %s; END IF;\n", p.dueCondition(m, before), p.set.Count.Write(p.table, m, content))
	}
	out.Write = doBlock("", b.String())
	return out, nil
}

// requireToolIdleSQL returns statements of PL/pgSQL that fail while the tool is at work. Until the end of their transaction it cannot begin.
func (p *Pending) requireToolIdleSQL(keys []int64) string {
	var b strings.Builder
	for _, key := range keys {
		b.WriteString("IF NOT pg_catalog.pg_try_advisory_xact_lock(" + strconv.FormatInt(key, 10) + ") THEN " +
			raiseToolAtWork)
	}
	if p.set.Count.Busy != nil {
		b.WriteString(busyToolCheckSQL(p.set.Count.Busy(p.table)))
	}
	return b.String()
}

// unrecordSQL returns the SQL that takes recorded migrations out of the tool's table. It refuses if the table has later ones. before is the
// migration that precedes them in a table of one row; nil for none.
func (p *Pending) unrecordSQL(open []*audit.Planned, before *audit.Planned, keys []int64) string {
	last := open[len(open)-1]
	var laterQuery, remove string
	if p.set.Count.Last {
		known := []string{pgparse.QuoteLiteral(p.set.Count.Key(last))}
		remove = "DELETE FROM " + p.table
		if before != nil {
			known = append(known, pgparse.QuoteLiteral(p.set.Count.Key(before)))
			remove = p.set.Count.Write(p.table, before, nil)
		}
		laterQuery = p.set.Count.Read(p.table) + ") AS r (key, sum, dirty) WHERE key NOT IN (" + strings.Join(known, ", ") + ")"
	} else {
		var rows []string
		for _, m := range open {
			rows = append(rows, p.set.Count.Row(m))
		}
		condition := strings.Join(rows, " OR ")
		after := fmt.Sprintf("(SELECT * FROM %s WHERE %s > (SELECT max(%[2]s) FROM %[1]s WHERE %[3]s) AND NOT (%[3]s)) AS later", p.table, p.set.Count.Order, condition)
		laterQuery = p.set.Count.Read(after) + ") AS r (key, sum, dirty)"
		remove = "DELETE FROM " + p.table + " WHERE " + condition
	}
	refusal := pgparse.QuoteLiteral(fmt.Sprintf("%s has %%s, recorded after %s, which the plan replaces: undo later migrations first, with their own tool", p.table,
		last.ID))
	return doBlock("DECLARE later text;\n", p.requireToolIdleSQL(keys)+"SELECT pg_catalog.string_agg(key, ', ' ORDER BY key) INTO later FROM ("+laterQuery+";\n"+
		"IF later IS NOT NULL THEN RAISE SQLSTATE "+pgparse.QuoteLiteral(session.RefusedCode)+" USING MESSAGE = pg_catalog.format("+refusal+", later); END IF;\n"+
		remove+";")
}

// raiseToolAtWork ends an IF of PL/pgSQL with the error for a tool that is at work.
var raiseToolAtWork = "RAISE lock_not_available USING MESSAGE = " + pgparse.QuoteLiteral(session.ToolAtWork) + "; END IF;\n"

// busyToolCheckSQL returns statements that fail while the tool marks in a table that it is at work. Until the end of their transaction the tool cannot
// begin.
func busyToolCheckSQL(marks, condition string) string {
	return "IF pg_catalog.to_regclass(" + pgparse.QuoteLiteral(marks) + ") IS NOT NULL THEN\nIF EXISTS (SELECT FROM (SELECT * FROM " + marks +
		" FOR UPDATE) AS m WHERE " + condition + ") THEN " + raiseToolAtWork + "END IF;\n"
}

// dueCondition returns the condition under which a migration is marked when the last step runs, which may be weeks later.
func (p *Pending) dueCondition(m, before *audit.Planned) string {
	existsSQL := func(m *audit.Planned) string {
		return "EXISTS (SELECT FROM (" + p.set.Count.Read(p.table) + ") AS r (key, sum, dirty) WHERE key = " + pgparse.QuoteLiteral(p.set.Count.Key(m)) +
			" AND NOT dirty)"
	}
	switch {
	case !p.set.Count.Last:
		return "NOT " + existsSQL(m)
	case before == nil:
		return "NOT EXISTS (SELECT FROM " + p.table + ")"
	}
	return existsSQL(before)
}

// findPlanned reads the repository, finds the plan's migrations there, and finds their tool's table.
func (p *Pending) findPlanned(ctx context.Context) (list []*audit.Planned, end func(), err error) {
	p.Repository.Base = cmp.Or(p.Repository.Base, "HEAD") // HEAD always exists, and no findings are needed
	if p.release, err = audit.Read(ctx, p.Repository); err != nil {
		return nil, nil, refusePrograms(err)
	}
	closeAll := func() {
		_ = p.release.Close()
		if p.conn != nil {
			_ = p.conn.Close(context.WithoutCancel(ctx))
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()
	if list, err = p.plannedMigrations(); err != nil {
		return nil, nil, err
	}
	if p.set.Count == nil {
		return nil, nil, fmt.Errorf("onward does not know how %s keeps count", cmp.Or(p.set.Evidence.Tool, p.set.Source.Framework))
	}
	if p.conn, err = live.Connect(ctx, p.DB, session.TableName, nil); err != nil {
		return nil, nil, err
	}
	name := cmp.Or(p.Table, p.set.Count.Table)
	var schema, table string
	err = p.withOwnSettings(ctx, func() (err error) {
		if schema, table, err = p.findTable(ctx, name); err != nil {
			return err
		}
		return RefuseToolTable(ctx, p.conn, pgx.Identifier{schema, table}.Sanitize(), p.AcceptTriggers)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil, fmt.Errorf("the database has no table %s", name)
	}
	if err == nil && p.Schema != "" && schema != p.Schema {
		return nil, nil, fmt.Errorf("the schema %s has no table %s", p.Schema, name)
	}
	p.tableExists, p.table = true, pgx.Identifier{schema, table}.Sanitize()
	return list, closeAll, err
}

// plannedMigrations returns the migrations of the plan. They must come from one source and be unchanged since the plan was made.
func (p *Pending) plannedMigrations() (list []*audit.Planned, err error) {
	byPath := map[string]*audit.Planned{}
	in := map[string]*audit.Set{}
	for _, s := range p.release.Heads() {
		for _, m := range s.Migrations {
			byPath[m.Path], in[m.Path] = m, s
		}
	}
	for _, planned := range p.Plan.Migrations {
		m := byPath[planned.Path]
		switch {
		case planned.Hash == "":
			return nil, errors.New("the plan does not do all that they do")
		case m == nil:
			return nil, fmt.Errorf("%s has no %s", p.release.HeadName(), planned.Path)
		case m.Hash != planned.Hash:
			return nil, fmt.Errorf("%s is not what the plan was made of", planned.Path)
		case p.set != nil && p.set != in[planned.Path]:
			return nil, errors.New("they are of several tools")
		}
		p.set, list = in[planned.Path], append(list, m)
	}
	if p.set == nil {
		return nil, errors.New("the plan names none")
	}
	return list, nil
}

// listUnrecorded returns the migrations that are missing in the tool's table. If the table has only the latest migration, they
// must be the next ones after it, and before is the migration that precedes them; nil for none.
func (p *Pending) listUnrecorded(ctx context.Context, list []*audit.Planned) (open []*audit.Planned, before *audit.Planned, err error) {
	applied, base, err := p.readApplied(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !p.set.Count.Last {
		return slices.DeleteFunc(slices.Clone(list), func(m *audit.Planned) bool {
			_, isRecorded := applied[p.set.Count.Key(m)]
			return isRecorded || base != "" && p.set.Count.Upto(m, base)
		}), nil, nil
	}
	lastIndex := -1
	for i, m := range p.set.Migrations {
		if _, isRecorded := applied[p.set.Count.Key(m)]; isRecorded {
			lastIndex, before = i, m
		}
	}
	open = slices.DeleteFunc(slices.Clone(list), func(m *audit.Planned) bool { return slices.Index(p.set.Migrations, m) <= lastIndex })
	for i, m := range open {
		if len(applied) > 0 && lastIndex < 0 || p.dirty != "" || slices.Index(p.set.Migrations, m) != lastIndex+1+i {
			return open, nil, fmt.Errorf("%s has one version, and %s is not the next", p.table, m.ID)
		}
	}
	return open, before, nil
}

// ReadUnrecorded returns the migrations of the plan that are not in the tool's table after the run.
func (p *Pending) ReadUnrecorded(ctx context.Context) (out []onward.PlannedMigration, err error) {
	if len(p.replacedByPlan) == 0 {
		return nil, nil
	}
	if p.conn, err = live.Connect(ctx, p.DB, session.TableName, nil); err != nil {
		return nil, err
	}
	defer p.conn.Close(context.WithoutCancel(ctx))
	var open []*audit.Planned
	err = p.withOwnSettings(ctx, func() (err error) {
		open, _, err = p.listUnrecorded(ctx, p.replacedByPlan) // also with an error
		return err
	})
	for _, m := range open {
		out = append(out, onward.PlannedMigration{ID: m.ID, Path: m.Path})
	}
	return out, err
}

// doBlock returns a DO block of PL/pgSQL. declare begins with DECLARE, or is empty.
func doBlock(declare, body string) string {
	return "DO " + pgparse.QuoteLiteral(declare+"BEGIN\n"+body+"\nEND")
}
