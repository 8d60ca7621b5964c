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

// Rows says how many rows go where.
type Rows = fill.Plan

// Config says what to rehearse, and how. The zero value rehearses the release
// around the current directory on one server, on empty tables.
type Config struct {
	// Config names the release.
	audit.Config
	// Majors are the versions of Postgres to rehearse on; none is the newest of
	// those in production, else the oldest that the repository's own files name, else
	// onward.NewestMajor. What is installed has no say, unless that one cannot be had.
	Majors []int
	// Server is the address of a server to use instead of a throwaway one:
	// databases are made in it, and dropped.
	Server string
	// Rows are the rows to generate.
	Rows Rows
	// Lenient: a table of Rows that the base does not have is passed over, as
	// production may have tables of its own.
	Lenient bool
	// Dump is a file from pg_dump to take the base schema and its rows from.
	Dump string
	// Traffic: queries run on the tables that the release touches meanwhile.
	Traffic bool
	// LongTransaction is how long a transaction that has read the tables stays
	// open from the beginning; 0 is none.
	LongTransaction time.Duration
	// Superuser: the migrations run as a superuser, and can then read files and
	// start programs on this machine.
	Superuser bool
	// Down: the down migration of each new migration must bring the schema back.
	Down bool
	// Limit bounds each statement; 0 is five minutes.
	Limit time.Duration
	// MaxBytes bounds the size of the database; 0 is 20 GB. With empty tables it
	// is 1 GB at the most.
	MaxBytes int64
	// Progress hears what is done, and how far that has come, many times a second; nil:
	// nobody does.
	Progress func(Progress)

	// For tests: unconfined is pgserver's, settings are the server's, atEnd sees
	// each server before it goes.
	unconfined bool
	settings   map[string]string
	atEnd      func(context.Context, *pgserver.Server)
}

const (
	defaultLimit    = 5 * time.Minute
	defaultMaxBytes = 20 << 30
)

// Run rehearses a release and gives the report of its audit with what was seen.
//
// Errors: those of [audit.Changelog]; *BaseError when the deployed migrations
// do not run from scratch; those of pgserver when there is no server.
func Run(ctx context.Context, c Config) (*onward.Report, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Limit <= 0 {
		c.Limit = defaultLimit
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = defaultMaxBytes
	}
	release, err := audit.Read(ctx, c.Config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = release.Close() }()
	report, err := release.Audit()
	if err != nil {
		return nil, err
	}
	steps := stepsOf(release)
	if len(steps) == 0 {
		return report, nil
	}
	var known map[string]bool
	if c.Settings != nil {
		if known, err = c.Settings.ReadBaseline(); err != nil {
			return nil, err
		}
	}
	majors, why := c.majors(report)
	for _, major := range majors {
		v := &version{Config: c, release: release, steps: steps, report: report, major: major, several: len(majors) > 1, known: known, trapped: map[string]bool{}, blamed: map[*script.Statement]bool{}}
		err := v.run(ctx)
		if missing := new(pgserver.MissingError); why == byDefault && errors.As(err, &missing) {
			v.major, why = 0, fmt.Sprintf("the newest installed, as nothing says which production has and Postgres %d cannot be had", major)
			err = v.run(ctx)
		}
		if err != nil {
			return nil, err
		}
		v.out.Chosen = why
		for _, dir := range release.Elsewhere() {
			v.out.Notes = append(v.out.Notes, "the migrations in "+dir+" are for another database, as they create tables that this one has: they were not run")
		}
		v.out.Notes = slices.Concat(v.out.Notes, v.server.Gaps(), v.server.Bounds())
		report.Rehearsals = append(report.Rehearsals, *v.out)
	}
	observed(report)
	audit.Conclude(report)
	return report, nil
}

// byDefault is why a version was chosen for which nothing speaks.
const byDefault = "the newest that onward knows, as nothing says which production has: postgres: in onward.yaml does"

// majors are the versions to rehearse on, newest first, and why these; "" when they were
// asked for.
func (c *Config) majors(r *onward.Report) (list []int, why string) {
	switch {
	case len(c.Majors) > 0:
		list = slices.Clone(c.Majors)
	case c.Server != "":
		return []int{0}, "" // it is what it is
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
	major   int  // 0: the newest there is
	several bool // others are rehearsed, too

	server *pgserver.Server
	base   *base
	model  *onward.Report
	out    *onward.Rehearsal
	// known are the fingerprints of the baseline file.
	known map[string]bool
	// roles that the migrations name and that were made for them.
	roles []string
	// books is the DDL of the bookkeepers that the release asked for.
	books []string
	// supplies are what the release takes for granted and was made for it; skip are
	// statements that need what cannot be had; given are the notes on both.
	supplies []lack
	given    []string
	skip     map[*script.Statement]bool
	// trapped are the traps that were told of, or are the base's.
	trapped map[string]bool
	// demands are what the release asks of rows that were there before it; nil: that
	// was not looked for. blamed are the statements that rows may stop, as was told.
	demands []*fill.Demand
	blamed  map[*script.Statement]bool
	// side is where the release runs unwatched; nil: nowhere yet.
	side *version
	// taken: the base's own database was used for the release.
	taken bool
}

// starting says which server is started.
func (v *version) starting() string {
	switch {
	case v.Server != "":
		return "makes the base on the server that was named"
	case v.major == 0:
		return "starts Postgres with the base"
	}
	return fmt.Sprintf("starts Postgres %d with the base", v.major)
}

// maxScenes bounds how often the release begins anew because a role that it
// names had to be made first.
const maxScenes = 20

func (v *version) run(ctx context.Context) error {
	begun := time.Now()
	v.phase(v.starting())
	if err := v.start(ctx); err != nil {
		return err
	}
	defer func() {
		if v.atEnd != nil {
			v.atEnd(ctx, v.server)
		}
		if err := v.server.Stop(); err != nil && v.Server != "" && v.out != nil {
			v.out.Notes = append(v.out.Notes, "left on the server: "+address.Without(err, v.Server).Error())
		}
	}()
	defer v.leave(ctx)
	server := time.Since(begun) - v.base.took
	v.Logger.Debug("base schema ready", "from", v.base.from, "migrations", v.base.migrations, "cached", v.base.cached, "took", server)
	v.major = v.server.Major()
	var err error
	if v.model, err = v.release.Model(v.major); err != nil {
		return err
	}
	for range maxScenes {
		s, err := v.scene(ctx)
		if err != nil {
			return err
		}
		v.Logger.Debug("scene set", "after", time.Since(begun))
		v.phase("runs the release")
		again, err := s.play(ctx)
		v.Logger.Debug("release played", "after", time.Since(begun))
		s.close(ctx)
		if err != nil {
			return err
		}
		if again {
			continue // with what was missing
		}
		v.out = s.out
		v.out.ServerMS = ms(server)
		v.out.Base.DurationMS = ms(v.base.took)
		return v.after(ctx, s)
	}
	return fmt.Errorf("the release names more than %d roles and tables of its tool that do not exist", maxScenes)
}

// after looks at what the rehearsal has shown, and what it has not.
func (v *version) after(ctx context.Context, s *scene) error {
	v.failures(s)
	if len(v.demands) > 0 {
		v.phase("tries rows that the release may stop at")
	}
	if err := v.probe(ctx); err != nil {
		return err
	}
	v.phase("tries the release a second time")
	if err := v.secondRuns(ctx); err != nil {
		return err
	}
	if v.Down {
		v.phase("runs the down migrations")
		if err := v.wayDown(ctx); err != nil {
			return err
		}
	}
	v.estimate(s.emptied)
	return nil
}

// observed puts what the first rehearsal saw beside what the model says.
func observed(r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	for _, s := range r.Rehearsals[0].Statements {
		st := &r.Migrations[s.Migration].Statements[s.Statement]
		st.Observed, st.StallMS = s.Observed, max(st.StallMS, s.StallMS) // of the last attempt; of any
	}
}

// ms is a time in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
