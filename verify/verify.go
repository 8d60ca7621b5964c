package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Workload is a recording of what a release's code sends.
type Workload = workload.Workload

// bigRows is from how many rows on a table is big: read whole, it takes a time that is felt.
const bigRows = 100_000

// Config says which release to verify, and with which queries.
type Config struct {
	// Config names the release and the server; the tables are empty, and of several
	// versions of Postgres the newest is taken. What is about rows and traffic has no meaning.
	rehearse.Config
	// From is the address of a running database to read the deployed schema and its sizes
	// from, instead of making it of the deployed migrations. Nothing is changed there.
	From string
	// Old is what the deployed code sends, New what the new code does: recordings, put
	// together. Without one, the queries are read from the code itself, at the base or at
	// the head, as far as they stand there.
	Old, New []*Workload
}

// Run runs a release on a throwaway server and asks the server at every commit point which
// of the queries still work. It gives the report of the release's audit, with
// [onward.Report.Verdicts] and [onward.Report.Verification].
//
// Errors: those of [rehearse.Run], and of [audit.Changelog] where From cannot be read.
func Run(ctx context.Context, c Config) (*onward.Report, error) {
	begun := time.Now()
	forget, err := c.from(ctx)
	if err != nil {
		return nil, err
	}
	defer forget()
	big, err := c.bigTables(ctx)
	if err != nil {
		return nil, err
	}
	stage, err := rehearse.Open(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = stage.Close() }()
	k := &checker{big: big, log: c.Logger}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	oldCount, newCount, err := k.take(stage, &c)
	if err != nil {
		return nil, err
	}
	stop, err := stage.Walk(ctx, k.visit)
	if err != nil {
		return nil, err
	}
	r := stage.Report()
	v := &onward.Verification{Version: stage.Server().Version(), Old: oldCount, New: newCount, Notes: stage.Notes()}
	r.Verification = v
	if stop != nil {
		v.Stopped = &onward.Stopped{After: onward.VerdictPlace{Migration: r.Migrations[stop.Migration].ID, Path: stop.Path, Line: stop.Line}, Message: words(stop.Err)}
	}
	k.conclude(r)
	if err := asks(stage.Release(), c.Old, r); err != nil {
		return nil, err
	}
	v.DurationMS = float64(time.Since(begun).Microseconds()) / 1000
	return r, nil
}

// words are the server's, without details, which hold values.
func words(err error) string {
	if pg := new(pgconn.PgError); errors.As(err, &pg) {
		return pg.Message + " (" + pg.Code + ")"
	}
	return err.Error()
}

// conclude makes the report's parts of what was seen.
func (c *checker) conclude(r *onward.Report) {
	v := r.Verification
	var places []onward.VerdictPlace
	c.migrations = r.Migrations
	for _, m := range c.moments {
		p := onward.VerifiedPoint{Migration: m.Migration, Statements: m.Statements, Asked: m.asked}
		if !m.Base {
			p.After = onward.VerdictPlace{Migration: r.Migrations[m.Migration].ID, Path: m.Path, Line: m.Line}
		}
		v.Points = append(v.Points, p)
		places = append(places, p.After)
	}
	v.Points[len(v.Points)-1].Window = true
	fresh := v.New
	if fresh == nil {
		fresh = &onward.Verified{}
	}
	r.Verdicts = c.judge(places, v.Old, fresh)
	for i := range v.Points {
		v.Points[i].Old, v.Points[i].New = cell(r.Verdicts, onward.OldCode, i), cell(r.Verdicts, onward.NewCode, i)
	}
	c.waiting(r)
	phases(r, v)
	c.notes(v)
	conclude(r)
}

// cell is what stands against a code at a point.
func cell(list []onward.Verdict, code onward.Code, point int) (c onward.Cell) {
	red, all := map[string]bool{}, map[string]bool{}
	for i := range list {
		d := &list[i]
		if d.Code != code || d.Point > point || d.Until != nil && d.UntilPoint <= point {
			continue
		}
		c.Verdicts = append(c.Verdicts, i)
		all[d.ID] = true
		if d.Severity == onward.Error {
			red[d.ID] = true
		}
	}
	c.Errors, c.Warnings = len(red), len(all)-len(red)
	return c
}

// notes says what was not looked at.
func (c *checker) notes(v *onward.Verification) {
	note := func(format string, args ...any) { v.Notes = append(v.Notes, fmt.Sprintf(format, args...)) }
	if n := v.Old.Unfit; n > 0 && v.Old.Parsed == nil {
		note("%s of the deployed code %s not fit the schema of the base, and %s not judged: the recording is of another version of the schema, or %s tables that the code makes itself. The first: %s",
			report.Count(n, "query"), verb(n, "does", "do"), verb(n, "was", "were"), verb(n, "it uses", "they use"), c.unfit())
	}
	roles := map[string]bool{}
	for _, q := range c.queries {
		if _, there := c.moments[0].schema.roles[q.Role]; q.Role != "" && !there {
			roles[q.Role] = true
		}
	}
	if len(roles) > 0 {
		note("%s of the recording %s not there: what %s may do was not looked at", report.Count(len(roles), "role"), verb(len(roles), "is", "are"), verb(len(roles), "it", "they"))
	}
	if c.late > 0 {
		note("the server did not answer in %s, %s", askTimeout, report.Count(c.late, "time"))
	}
	if v.Stopped != nil {
		note("the release ends at %s:%d: %s; nothing behind it was verified", v.Stopped.After.Path, v.Stopped.After.Line, v.Stopped.Message)
	}
}

// mostOfQuery is how much of a query a note shows.
const mostOfQuery = 120

// unfit is a query that does not fit the base, and the server's word on it.
func (c *checker) unfit() string {
	for _, q := range c.queries {
		if q.code == onward.OldCode && len(q.states) > 0 && q.states[0].refused != nil {
			return clipped(q.SQL) + ": " + q.states[0].refused.Message
		}
	}
	return ""
}

// conclude puts the verdicts into the report's own: a query that surely breaks makes a
// release that is not safe.
func conclude(r *onward.Report) {
	audit.Conclude(r)
	v := r.Verification
	if v == nil {
		return
	}
	s := &r.Summary
	red := Red(r)
	switch {
	case red == nil && v.Stopped != nil:
		s.State, s.Safe = onward.StateNotSafe, false
		s.Verdict = "This release is not safe to deploy: it ends at " + place(v.Stopped.After) + "."
	case red == nil:
		return
	default:
		s.State, s.Safe = onward.StateNotSafe, false
		if red.Code == onward.OldCode {
			s.Verdict = fmt.Sprintf("This release is not safe to deploy: %s of the deployed code %s, the first behind %s.", report.Count(v.Old.Broken, report.QueryNoun(v.Old)), verb(v.Old.Broken, "breaks", "break"), place(red.After))
			return
		}
		n := v.Points[len(v.Points)-1].New.Errors
		s.Verdict = fmt.Sprintf("This release is not safe to deploy: %s of the new code %s behind the whole of it.", report.Count(n, report.QueryNoun(v.New)), verb(n, "breaks", "break"))
	}
}

func place(p onward.VerdictPlace) string { return fmt.Sprintf("%s:%d", p.Path, p.Line) }

// Red is the first verdict for which a release cannot be deployed: old code breaks at a
// point, or new code at the last. nil: there is none.
func Red(r *onward.Report) *onward.Verdict {
	for i := range r.Verdicts {
		if d := &r.Verdicts[i]; d.Severity == onward.Error && (d.Code == onward.OldCode || d.Until == nil) {
			return d
		}
	}
	return nil
}

// bigTables are the tables that the sizes call big, by schema.name.
func (c *Config) bigTables(ctx context.Context) (map[string]bool, error) {
	var stats *onward.Stats
	var err error
	switch {
	case c.Stats != "":
		stats, err = audit.ReadStats(c.Stats)
	case c.DB != "":
		stats, err = live.ReadStats(ctx, c.DB)
	default:
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, r := range stats.Relations {
		if r.Rows >= bigRows {
			out[r.Name] = true
			if r.Parent != "" {
				out[r.Parent] = true
			}
		}
	}
	return out, nil
}

func clipped(sql string) string {
	if r := []rune(sql); len(r) > mostOfQuery {
		return string(r[:mostOfQuery]) + "…"
	}
	return sql
}
