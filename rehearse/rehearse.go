// Package rehearse runs a release on a throwaway server and watches: what each
// statement locks, for how long, what it rewrites, reads and writes, and which
// queries wait meanwhile.
//
// Start reading at [Run]. It creates the base schema from the deployed
// migrations (kept in the cache by content), and rows and traffic if requested.
// Then it runs the new migrations in the transactions that their migration tool
// would use. It adds its observations to the audit's report, next to the
// model's predictions. If the two differ, the model has a bug.
//
// Migrations run nowhere but on the throwaway server, and as a role that is no
// superuser unless that is requested.
package rehearse

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Rows says how many rows each table gets.
type Rows = fill.Plan

// Config says what to rehearse, and how. The zero value rehearses the release around
// the current directory on one server, on empty tables.
type Config struct {
	// Config names the release.
	audit.Config
	// Majors are the versions of Postgres to rehearse on. The default is the newest
	// version in production, else the oldest that the repository's own files name,
	// else onward.NewestMajor. Installed versions do not matter, unless that version
	// is not available.
	Majors []int
	// Server is the address of a server to use instead of a throwaway one. Databases
	// are created on it, and dropped.
	Server string
	// Rows are the rows to generate.
	Rows Rows
	// Lenient skips a table of Rows that the base does not have, because production
	// may have additional tables.
	Lenient bool
	// Dump is a file from pg_dump with the base schema and its rows.
	Dump string
	// Traffic runs queries on the tables that the release touches meanwhile.
	Traffic bool
	// LongTransaction is how long a transaction that has read the tables stays open
	// from the beginning; 0 is none.
	LongTransaction time.Duration
	// Superuser runs the migrations as a superuser, who can read files and start
	// programs on this machine.
	Superuser bool
	// Down checks that the down migration of each new migration restores the schema.
	Down bool
	// Limit limits the time of each statement; 0 is five minutes.
	Limit time.Duration
	// Total limits the time of the whole rehearsal on each server, with its base, rows and
	// release; 0 is half an hour. [Open] ignores it.
	Total time.Duration
	// MaxBytes limits the size of the database; 0 is 20 GB. With empty tables it is 1
	// GB at most.
	MaxBytes int64
	// Progress is called with the current activity, many times a second; nil for none.
	Progress func(Progress)

	// For tests: unconfined is passed to pgserver, settings are settings of the
	// server, atEnd is called with each server before it stops.
	unconfined bool
	settings   map[string]string
	atEnd      func(context.Context, *pgserver.Server)
}

const (
	defaultLimit    = 5 * time.Minute
	defaultTotal    = 30 * time.Minute
	defaultMaxBytes = 20 << 30
)

// Run rehearses a release and returns the report of its audit, with the observations.
//
// Errors: those from [audit.Changelog]; a *BaseError if the deployed migrations do not
// run from scratch; a *TimeError if Config.Total is over before the release runs; the errors of pgserver if there is no server.
func Run(ctx context.Context, c Config) (*onward.Report, error) {
	release, err := audit.Read(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	defer release.Close()
	report, err := release.Audit()
	if err != nil {
		return nil, err
	}
	return report, RunRelease(ctx, c, release, report)
}

// RunRelease is [Run] for a release that was read with c, and its report, to which it adds the observations.
func RunRelease(ctx context.Context, c Config, release *audit.Release, report *onward.Report) error {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Limit <= 0 {
		c.Limit = defaultLimit
	}
	if c.Total <= 0 {
		c.Total = defaultTotal
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	steps := parseSteps(release)
	if len(steps) == 0 {
		return nil
	}
	var known map[string]bool
	if c.Settings != nil {
		var err error
		if known, err = c.Settings.ReadBaseline(); err != nil {
			return err
		}
	}
	majors, reason := c.chooseMajors(report)
	for _, major := range majors {
		v := &version{Config: c, release: release, steps: steps, report: report, major: major, several: len(majors) > 1, known: known, knownPlants: map[string]bool{}, blamed: map[*script.Statement]bool{}}
		err := v.runRehearsal(ctx)
		if missing := new(pgserver.MissingError); reason == byDefault && errors.As(err, &missing) {
			v.major, reason = 0, fmt.Sprintf("the newest installed, as nothing says which production has and Postgres %d cannot be had", major)
			err = v.runRehearsal(ctx)
		}
		if err != nil {
			return err
		}
		v.out.Chosen = reason
		for _, dir := range release.Elsewhere() {
			v.out.Notes = append(v.out.Notes, "the migrations in "+dir+" are for another database, as they create tables that this one has: they were not run")
		}
		v.out.Notes = slices.Concat(v.out.Notes, v.server.Gaps(), v.server.Bounds())
		report.Rehearsals = append(report.Rehearsals, *v.out)
	}
	addObservations(report)
	audit.Conclude(report)
	return nil
}

// byDefault explains the version that is used if nothing names one.
const byDefault = "the newest that onward knows, as nothing says which production has: postgres: in onward.yaml does"

// chooseMajors returns the versions to rehearse on, newest first, and the reason; "" if they
// were requested.
func (c *Config) chooseMajors(r *onward.Report) (list []int, reason string) {
	switch {
	case len(c.Majors) > 0:
		list = slices.Clone(c.Majors)
	case c.Server != "":
		return []int{0}, "" // the server's own version
	case c.Settings != nil && len(c.Settings.Postgres) > 0:
		return []int{slices.Max(c.Settings.Postgres)}, "the newest in production, as onward.yaml says"
	case r.PostgresFrom != "":
		return r.Postgres[:1], "as " + r.PostgresFrom + " has it"
	default:
		return []int{onward.NewestMajor}, byDefault
	}
	slices.Sort(list)
	slices.Reverse(list)
	return slices.Compact(list), ""
}

// version is the rehearsal on one version of Postgres.
type version struct {
	Config
	release *audit.Release
	steps   []*step
	report  *onward.Report
	major   int  // 0: the newest available
	several bool // other versions are rehearsed too
	// tolerant: statements of the base's history that the server refuses are skipped.
	tolerant bool

	clock
	server *pgserver.Server
	base   *base
	model  *onward.Report
	out    *onward.Rehearsal
	// known are the fingerprints of the baseline file.
	known map[string]bool
	// roles are the roles that the migrations name and that onward has created for them.
	roles []string
	// bookkeepingDDL is the DDL of the bookkeeping tables that the release needs.
	bookkeepingDDL []string
	// supplies are objects that the release presupposes and that onward has created.
	// skip are statements that need something unavailable. supplyNotes are the notes on
	// both.
	supplies    []missingObject
	supplyNotes []string
	skip        map[*script.Statement]bool
	// knownPlants are plants that were reported already, or belong to the base.
	knownPlants map[string]bool
	// demands are what the release demands of existing rows; nil: not determined.
	// blamed are the statements for which a finding says that rows may stop them.
	demands []*fill.Demand
	blamed  map[*script.Statement]bool
	// side is where the release runs unobserved; nil: not started yet.
	side *version
	// baseUsed: the base's own database was used for the release.
	baseUsed bool
}

// describeStart describes the server that is started.
func (v *version) describeStart() string {
	switch {
	case v.Server != "":
		return "makes the base on the server that was named"
	case v.major == 0:
		return "starts Postgres with the base"
	}
	return fmt.Sprintf("starts Postgres %d with the base", v.major)
}

// maxScenes limits how often the release starts again because a role that it names had
// to be created first.
const maxScenes = 20

func (v *version) runRehearsal(whole context.Context) (err error) {
	start := time.Now()
	ctx, stop := v.startClock(whole, v.Total)
	defer stop()
	defer func() { err = v.explainTimeout(whole, err) }()
	v.reportPhase(v.describeStart())
	if err := v.startServer(ctx); err != nil {
		return err
	}
	defer func() {
		if v.atEnd != nil {
			v.atEnd(whole, v.server)
		}
		if err := v.server.Stop(); err != nil && v.Server != "" && v.out != nil {
			v.out.Notes = append(v.out.Notes, "left on the server: "+address.RedactError(err, v.Server).Error())
		}
	}()
	defer v.stopSideServer(whole)
	server := time.Since(start) - v.base.buildTime
	v.Logger.Debug("base schema ready", "from", v.base.from, "migrations", v.base.migrations, "cached", v.base.cached, "took", server)
	v.major = v.server.Major()
	if v.model, err = v.release.Model(v.major); err != nil {
		return err
	}
	for range maxScenes {
		s, err := v.startReleaseRun(ctx)
		if err != nil {
			return err
		}
		v.Logger.Debug("scene set", "after", time.Since(start))
		v.reportPhase("runs the release")
		needsRerun, err := s.runRelease(ctx)
		v.Logger.Debug("release played", "after", time.Since(start))
		s.closeConns(whole)
		if err != nil {
			return err
		}
		if needsRerun {
			continue // restart with the missing object
		}
		v.out = s.out
		v.out.ServerMS = toMillis(server)
		v.out.Base.DurationMS = toMillis(v.base.buildTime)
		return v.runFinalChecks(ctx, s)
	}
	return fmt.Errorf("the release names more than %d roles and tables of its tool that do not exist", maxScenes)
}

// runFinalChecks checks what the rehearsal has shown, and what it has not.
func (v *version) runFinalChecks(ctx context.Context, s *releaseRun) error {
	v.addFailureFindings(s)
	checks := []check{
		{"rows that the release may stop at were not tried", "tries rows that the release may stop at", len(v.demands) > 0, v.tryBreakingRows},
		{"the release was not tried a second time", "tries the release a second time", true, v.rehearseSecondRuns},
		{"the down migrations were not run", "runs the down migrations", v.Down, v.rehearseDowns},
	}
	for _, c := range checks {
		if err := v.runCheck(ctx, c); err != nil {
			return err
		}
	}
	v.estimateDurations(s.emptied)
	return nil
}

// addObservations adds the observations of the first rehearsal to the model's predictions.
func addObservations(r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	for _, s := range r.Rehearsals[0].Statements {
		st := &r.Migrations[s.Migration].Statements[s.Statement]
		st.Observed, st.StallMS = s.Observed, max(st.StallMS, s.StallMS) // Observed is of the last attempt, StallMS the largest of all
	}
}

// toMillis returns a duration in milliseconds, with microsecond precision.
func toMillis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
