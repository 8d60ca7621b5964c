// Package verify says which recorded queries a release breaks. At every commit point, on a
// throwaway server, it prepares and plans the queries of old and new code again if they use
// anything that changed, and keeps the server's words.
//
//	verify.go            Config and Run: the walk through the release
//	query.go             the queries, and what their texts name
//	catalog.go           what changed between two points, according to the server
//	table_details.go     the tables that changed, column by column
//	describe_queries.go  the server's answers to a batch of queries
//	query_plan.go        facts from a query's plan: columns left out, indexes used; whom locks make wait
//	query_verdicts.go    answers at the points into verdicts; result_shape.go, rejected_writes.go: one kind each
//	deploy_phases.go     on which side of the deploy a migration belongs
//	replay.go            recorded messages, executed on the schema of each point; replay_verdicts.go: what they decide
package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Workload is a recording of what a release's code sends.
type Workload = workload.Workload

// Transcript is what a command sent, message by message, with its values.
type Transcript = transcript.Transcript

// bigRows is from how many rows on a table is big: read whole, it takes a time that is felt.
const bigRows = 100_000

// Config says which release to verify, and with which queries.
type Config struct {
	// Config names the release and the server. The tables are empty, and of several versions of Postgres the newest
	// is used. Fields about rows and traffic have no effect.
	rehearse.Config
	// From is the address of a running database to read the deployed schema and its sizes
	// from, instead of making it of the deployed migrations. Nothing is changed there.
	From string
	// Old is what the deployed code sends, New what the new code sends: recordings, merged. Without a recording, the
	// queries are read from the code itself, at the base or at the head, if they are written there.
	Old, New []*Workload
	// Also are further versions of the code that run during the release.
	Also []Version
	// Transcripts are what the versions of the code have sent, with its values: it is executed on the schema of each commit point.
	Transcripts map[onward.Code][]*Transcript
	// MadeValues executes the queries of recordings without a transcript, of the deployed code and of further versions, with made values.
	MadeValues bool
	// ShowValues lists the values of a query that breaks in the report. The server's messages stay without them.
	ShowValues bool
}

// Version is a further version of the code that runs during the release: the release before the deployed one, a canary, the other side of a
// feature flag. Its queries are judged like the deployed code's.
type Version struct {
	// Name is a revision, or the name of what Recorded has.
	Name string
	// Recorded is what the version sends. Without a recording, the queries are read from the code at the revision.
	Recorded []*Workload
}

// Run runs a release on a throwaway server and asks the server at every commit point which of the queries still
// work. It returns the report of the release's audit, with [onward.Report.Verdicts] and
// [onward.Report.Verification].
//
// Errors: as for [rehearse.Run]; as for [audit.Changelog] if From cannot be read.
func Run(ctx context.Context, c Config) (*onward.Report, error) {
	forget, err := c.useRunningSchema(ctx)
	if err != nil {
		return nil, err
	}
	defer forget()
	release, err := audit.Read(ctx, c.Config.Config)
	if err != nil {
		return nil, err
	}
	defer release.Close()
	r, err := release.Audit()
	if err != nil {
		return nil, err
	}
	if err := c.verifyRelease(ctx, release, r); err != nil {
		return nil, err
	}
	verdict.ConcludeQueries(r, false)
	return r, nil
}

// RunRelease is [Run] for a release that was read with c, and its report, to which it adds the verdicts on queries. The report's own verdict
// keeps what it says of locks. From has no effect.
func RunRelease(ctx context.Context, c Config, release *audit.Release, r *onward.Report) error {
	if err := c.verifyRelease(ctx, release, r); err != nil {
		return err
	}
	verdict.ConcludeQueries(r, true)
	return nil
}

// verifyRelease asks a server about the queries, and adds its answers to the report.
func (c *Config) verifyRelease(ctx context.Context, release *audit.Release, r *onward.Report) error {
	start := time.Now()
	big, err := c.readBigTables(ctx)
	if err != nil {
		return err
	}
	stage, err := rehearse.OpenRelease(ctx, c.Config, release, r)
	if err != nil {
		return err
	}
	defer func() { _ = stage.Close() }()
	if err := c.locateQueries(release); err != nil {
		return err
	}
	k := &checker{big: big, log: c.Logger}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	if err := k.loadQueries(ctx, stage, c); err != nil {
		return err
	}
	stop, err := stage.Walk(ctx, k.visitPoint)
	if err != nil {
		return err
	}
	v := &onward.Verification{Version: stage.Server().Version(), Old: k.counts[onward.OldCode], New: k.counts[onward.NewCode], Notes: stage.Notes()}
	r.Verification = v
	if stop != nil {
		v.Stopped = &onward.Stopped{
			After:   onward.VerdictPlace{Migration: r.Migrations[stop.Migration].ID, Path: stop.Path, Line: stop.Line},
			Message: serverMessage(stop.Err),
		}
	}
	k.stopped = stop != nil
	if len(c.Transcripts) > 0 || c.MadeValues {
		k.migrations = r.Migrations
		if k.replays, err = k.replayAll(ctx, stage, c); err != nil {
			return err
		}
		if len(c.Transcripts) > 0 {
			v.Replay = k.replays.result
		}
		v.MadeValues = k.replays.made
	}
	if err := k.buildReport(ctx, r); err != nil {
		return err
	}
	addConsumers(c.listRecordings(), r)
	if err := addQueryAdvice(release, c.Old, r); err != nil {
		return err
	}
	v.DurationMS = float64(time.Since(start).Microseconds()) / 1000
	return nil
}

// serverMessage are the server's, without details, which hold values.
func serverMessage(err error) string {
	if pg := new(pgconn.PgError); errors.As(err, &pg) {
		return pg.Message + " (" + pg.Code + ")"
	}
	return err.Error()
}

// buildReport makes the report's parts of what was seen.
func (c *checker) buildReport(ctx context.Context, r *onward.Report) (err error) {
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
	r.Verdicts = c.judgeQueries(places)
	if c.replays != nil {
		if r.Verdicts, err = c.addReplayVerdicts(ctx, c.replays, r.Verdicts, places); err != nil {
			return err
		}
	}
	c.countQueriesWithVerdict(r.Verdicts)
	for _, code := range c.versions {
		if name, ok := strings.CutPrefix(string(code), onward.FurtherPrefix); ok {
			v.Also = append(v.Also, onward.VerifiedVersion{Name: name, Verified: *c.counts[code]})
		}
	}
	for i := range v.Points {
		v.Points[i].Also = make([]onward.Cell, len(v.Also))
		for _, version := range view.ListVersions(v) {
			*view.CellAt(v, i, version.Code) = cellAt(r.Verdicts, version.Code, i)
		}
	}
	v.NotJudged, v.Roles = c.notJudged, c.listAskingRoles()
	c.addWaitingQueries(r)
	addPhases(r, v)
	c.addNotes(v)
	if c.replays != nil {
		c.replays.settleFindings(r)
	}
	return nil
}

// cellAt returns the result of a code at a point.
func cellAt(list []onward.Verdict, code onward.Code, point int) (c onward.Cell) {
	for i := range list {
		if d := &list[i]; d.Code == code && d.Point <= point && (d.Until == nil || d.UntilPoint > point) {
			c.Verdicts = append(c.Verdicts, i)
		}
	}
	c.Errors, c.Warnings = countVerdictQueries(list, c.Verdicts)
	return c
}

// countVerdictQueries counts the queries of some verdicts: those that surely break, and the others.
func countVerdictQueries(list []onward.Verdict, some []int) (broken, warned int) {
	red, all := map[string]bool{}, map[string]bool{}
	for _, i := range some {
		d := &list[i]
		all[d.ID] = true
		if d.Severity == onward.Error {
			red[d.ID] = true
		}
	}
	return len(red), len(all) - len(red)
}

// countQueriesWithVerdict counts the queries of each version of the code that have a verdict.
func (c *checker) countQueriesWithVerdict(list []onward.Verdict) {
	for code, count := range c.counts {
		var places []int
		for i := range list {
			if list[i].Code == code {
				places = append(places, i)
			}
		}
		count.Broken, count.Warned = countVerdictQueries(list, places)
	}
}

// addNotes says what was not looked at.
func (c *checker) addNotes(v *onward.Verification) {
	note := func(format string, args ...any) { v.Notes = append(v.Notes, fmt.Sprintf(format, args...)) }
	for _, version := range view.ListVersions(v) {
		if version.Code == onward.NewCode || version.Queries.Unfit == 0 || version.Queries.Parsed != nil {
			continue
		}
		n := version.Queries.Unfit
		note("%s of %s %s not fit the schema of the base, and %s not judged: "+
			"the recording is of another version of the schema, or %s tables that the code makes itself. The first: %s",
			prose.CountNoun(n, "query"), view.NameCodeInSentence(version.Code), prose.PickForm(n, "does", "do"), prose.PickForm(n, "was", "were"),
			prose.PickForm(n, "it uses", "they use"), c.describeFirstUnfit(version.Code))
	}
	roles := map[string]bool{}
	for _, q := range c.queries {
		if c.lacksRole(q) {
			roles[q.Role] = true
		}
	}
	if len(roles) > 0 {
		note("the schema names no role %s: queries of %s are not judged; give the schema with its grants by --schema FILE or --from ADDRESS",
			strings.Join(slices.Sorted(maps.Keys(roles)), ", "), prose.PickForm(len(roles), "this role", "these roles"))
	}
	if c.replays != nil {
		v.Notes = append(v.Notes, c.replays.notes...)
	}
	v.Notes = append(v.Notes, c.foldNotes()...)
	if c.late > 0 {
		note("the server did not answer in %s, %s", askTimeout, prose.CountNoun(c.late, "time"))
	}
	if v.Stopped != nil {
		note("the release ends at %s:%d: %s; nothing after it was verified", v.Stopped.After.Path, v.Stopped.After.Line, v.Stopped.Message)
	}
}

// mostOfQuery is how much of a query a note shows.
const mostOfQuery = 120

// describeFirstUnfit is a query that does not fit the base, and the server's word on it.
func (c *checker) describeFirstUnfit(code onward.Code) string {
	for _, q := range c.queries {
		if q.code == code && len(q.states) > 0 && q.states[0].refused != nil {
			return clipQuery(q.SQL) + ": " + q.states[0].refused.Message
		}
	}
	return ""
}

// readBigTables are the tables that the sizes call big, by schema.name.
func (c *Config) readBigTables(ctx context.Context) (map[string]bool, error) {
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

func clipQuery(sql string) string {
	if r := []rune(sql); len(r) > mostOfQuery {
		return string(r[:mostOfQuery]) + "…"
	}
	return sql
}
