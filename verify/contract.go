package verify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// Contract is a schema, the objects that will be dropped from it, and the queries of the new code.
type Contract struct {
	// Major is the version of Postgres; Server is the address of a server to make a database on,
	// "" for a throwaway one.
	Major  int
	Server string
	// Schema are the statements that make the schema, as internal/live reads them. SearchPath, in the form of SHOW,
	// is for sessions whose recording has none.
	Schema     []string
	SearchPath string
	// Steps are run there, in their order.
	Steps []onward.PlanStep
	// New is what the new code sends.
	New []*Workload
}

// Verify runs the steps on an empty copy of the schema. It returns the verdicts on the queries that surely break
// after the last step, and the number of queries. A verdict's place is the step that breaks the query; there is
// none if the query does not work before, either.
//
// Errors: *pgserver.MissingError if there is no server of this version; the server's error if it refuses the
// schema or a step.
func (c *Contract) Verify(ctx context.Context) (broken []onward.Verdict, count *onward.Verified, err error) {
	k := &checker{log: slog.New(slog.DiscardHandler)}
	k.addVersion(onward.NewCode, c.New, nil)
	if count = k.counts[onward.NewCode]; count.Queries == 0 {
		return nil, count, nil
	}
	server, err := pgserver.Start(ctx, pgserver.Config{Major: c.Major, URL: c.Server, Small: true})
	if err != nil {
		return nil, nil, err
	}
	defer server.Stop()
	database, conn, err := c.copySchema(ctx, server)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s := &Steps{Run: func(ctx context.Context, i int) error {
		if _, err := conn.Exec(ctx, c.Steps[i].SQL); err != nil {
			return fmt.Errorf("step %s on a copy of the schema: %w", c.Steps[i].ID, err)
		}
		return nil
	}}
	for i := range c.Steps {
		s.Names = append(s.Names, c.Steps[i].ID)
	}
	places, err := s.checkQueriesAtSteps(ctx, k, server, rehearse.Point{Base: true, Database: database, URL: server.URL(database)})
	if err != nil {
		return nil, nil, err
	}
	list := k.judgeQueries(places)
	if k.late > 0 {
		return nil, nil, fmt.Errorf("the server did not answer in %s, of %d questions", askTimeout, k.late)
	}
	return BreakingVerdictsAt(list, onward.NewCode, len(c.Steps)), count, nil
}

// outsideDatabase is what is outside of a database, and who may do what in it: of that, nothing is copied.
var outsideDatabase = lazyregexp.New(`^(CREATE (ROLE|TABLESPACE|POLICY|PUBLICATION|SUBSCRIPTION) |GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |ALTER (VIEW|MATERIALIZED VIEW|SEQUENCE|FOREIGN TABLE|TABLE) .* OWNER TO )`)

// copySchema makes the schema in a database of its own.
func (c *Contract) copySchema(ctx context.Context, server *pgserver.Server) (database string, conn *pgx.Conn, err error) {
	if database, err = server.NewDatabase(ctx, ""); err != nil {
		return "", nil, err
	}
	config, err := pgx.ParseConfig(server.URL(database))
	if err != nil {
		return "", nil, err
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	if conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return "", nil, err
	}
	for _, sql := range append([]string{"SET check_function_bodies = off", "SET search_path = ''"}, c.Schema...) {
		if outsideDatabase.MatchString(sql) {
			continue
		}
		sql = strings.Replace(sql, "CREATE EXTENSION ", "CREATE EXTENSION IF NOT EXISTS ", 1)
		if _, err := conn.Exec(ctx, sql); err != nil {
			_ = conn.Close(ctx)
			return "", nil, fmt.Errorf("make a copy of the schema: %w", err)
		}
	}
	if c.SearchPath != "" {
		to := " SET search_path = " + c.SearchPath
		if _, err = conn.Exec(ctx, "ALTER DATABASE "+pgx.Identifier{database}.Sanitize()+to+";"+to); err != nil {
			_ = conn.Close(ctx)
			return "", nil, fmt.Errorf("make a copy of the schema: %w", err)
		}
	}
	return database, conn, nil
}

// Steps are statements that run on a database one after the other; the queries are checked after each.
type Steps struct {
	// Stage has the database, whose name is Database; it is the base.
	Stage    *rehearse.Stage
	Database string
	// Old and New are what the two codes send; without any, what the code at base and
	// head says.
	Old, New []*Workload
	// Names are the steps'; Run runs one of them.
	Names []string
	Run   func(ctx context.Context, step int) error
}

// Verify returns the verdicts on the queries of both codes, and how many queries each has. Point 0 is the base,
// point 1 the first step. fresh is nil if no query of the new code is known; both are nil if no query of either
// is.
//
// Errors: Run's, and the server's.
func (s *Steps) Verify(ctx context.Context) (verdicts []onward.Verdict, old, fresh *onward.Verified, err error) {
	k := &checker{log: slog.New(slog.DiscardHandler)}
	if err = k.loadCodeQueries(s.Stage, onward.OldCode, s.Old); err != nil {
		return nil, nil, nil, err
	}
	if err = k.loadCodeQueries(s.Stage, onward.NewCode, s.New); err != nil {
		return nil, nil, nil, err
	}
	old, fresh = k.counts[onward.OldCode], k.counts[onward.NewCode]
	if old.Queries+fresh.Queries == 0 {
		return nil, nil, nil, s.runWithoutQueries(ctx)
	}
	places, err := s.checkQueriesAtSteps(ctx, k, s.Stage.Server(), rehearse.Point{Base: true, Database: s.Database, URL: s.Stage.URL(s.Database)})
	if err != nil {
		return nil, nil, nil, err
	}
	verdicts = k.judgeQueries(places)
	k.countQueriesWithVerdict(verdicts)
	if fresh.Queries == 0 {
		fresh = nil
	}
	return verdicts, old, fresh, nil
}

// checkQueriesAtSteps checks the queries at the base and after each step.
func (s *Steps) checkQueriesAtSteps(ctx context.Context, k *checker, server *pgserver.Server, p rehearse.Point) ([]onward.VerdictPlace, error) {
	conn, err := server.Connect(ctx, "", p.Database)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	p.Conn = conn
	if err := k.visitPoint(ctx, p); err != nil {
		return nil, err
	}
	places := []onward.VerdictPlace{{}}
	p.Base = false
	for i, name := range s.Names {
		if err := s.Run(ctx, i); err != nil {
			return nil, err
		}
		p.Migration, p.Path = i, name
		if err := k.visitPoint(ctx, p); err != nil {
			return nil, fmt.Errorf("behind step %s: %w", name, err)
		}
		places = append(places, onward.VerdictPlace{Migration: name, Path: name})
	}
	return places, nil
}

// runWithoutQueries runs the steps if there are no queries.
func (s *Steps) runWithoutQueries(ctx context.Context) error {
	for i := range s.Names {
		if err := s.Run(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// BreakingVerdictsAt are the verdicts on one code that surely break at a point.
func BreakingVerdictsAt(list []onward.Verdict, code onward.Code, point int) []onward.Verdict {
	var out []onward.Verdict
	for _, i := range cellAt(list, code, point).Verdicts {
		if list[i].Severity == onward.Error {
			out = append(out, list[i])
		}
	}
	return out
}

// locateQueries adds to the recorded queries the files and lines of the code that contain them.
func (c *Config) locateQueries(release *audit.Release) error {
	for code, list := range map[onward.Code]*[]*Workload{onward.OldCode: &c.Old, onward.NewCode: &c.New} {
		located, err := release.LocateQueries(code, *list)
		if err != nil {
			return fmt.Errorf("find the recorded queries in the code: %w", err)
		}
		*list = located
	}
	return nil
}

// loadQueries takes the queries of all versions of the code: the recorded ones, or else the ones written in the code. The new code has
// no count if nothing is known of it.
func (c *checker) loadQueries(ctx context.Context, stage *rehearse.Stage, cfg *Config) error {
	for _, version := range []struct {
		code  onward.Code
		given []*Workload
	}{{onward.OldCode, cfg.Old}, {onward.NewCode, cfg.New}} {
		if err := c.loadCodeQueries(stage, version.code, version.given); err != nil {
			return err
		}
	}
	for i := range cfg.Also {
		if err := c.loadVersionQueries(ctx, stage, &cfg.Also[i]); err != nil {
			return err
		}
	}
	for _, count := range c.counts {
		if count.Parsed == nil && count.Queries == 0 {
			return &config.InputError{Err: errors.New("a recording has no query of the code, so it proves nothing: " +
				"record a command that sends queries, or leave out its --workload, --workload-head or --also")}
		}
	}
	old, fresh := c.counts[onward.OldCode], c.counts[onward.NewCode]
	if fresh.Parsed != nil && fresh.Queries == 0 {
		delete(c.counts, onward.NewCode)
	}
	if !slices.ContainsFunc(c.versions, func(code onward.Code) bool { return c.counts[code] != nil && c.counts[code].Queries > 0 }) {
		return &config.InputError{Err: errors.New("there is nothing to verify: no query was found in the code at " + old.Parsed.Revision +
			"; record what it sends with onward record, and name the recording with --workload")}
	}
	return nil
}

// loadCodeQueries takes the queries of the deployed or of the new code.
func (c *checker) loadCodeQueries(stage *rehearse.Stage, code onward.Code, workloads []*Workload) error {
	var parsed *onward.Parsed
	if len(workloads) == 0 {
		load, parseResult, err := stage.Release().Parsed(code)
		if err != nil {
			return fmt.Errorf("read the queries of the code: %w", err)
		}
		workloads, parsed = []*Workload{load}, parseResult
	}
	c.addVersion(code, workloads, parsed)
	return nil
}

// loadVersionQueries takes the queries of a further version of the code.
func (c *checker) loadVersionQueries(ctx context.Context, stage *rehearse.Stage, v *Version) error {
	name, workloads, parsed := v.Name, v.Recorded, (*onward.Parsed)(nil)
	if len(workloads) == 0 {
		load, parseResult, err := stage.Release().ParseRevision(ctx, v.Name)
		if err != nil {
			return fmt.Errorf("read the queries of the code at %s: %w", v.Name, err)
		}
		name, workloads, parsed = parseResult.Revision, []*Workload{load}, parseResult
	}
	if code := view.FurtherCode(name); c.counts[code] == nil {
		c.addVersion(code, workloads, parsed)
	}
	return nil
}

// addVersion adds the queries of a version of the code. parsed is nil if they were recorded.
func (c *checker) addVersion(code onward.Code, loads []*Workload, parsed *onward.Parsed) {
	list, count := collectCodeQueries(code, loads)
	count.Parsed = parsed
	c.addFolds(loads)
	c.queries = append(c.queries, list...)
	if c.counts == nil {
		c.counts = map[onward.Code]*onward.Verified{}
	}
	c.counts[code] = count
	c.versions = append(c.versions, code)
}

// fitsNowhere reports whether a query that was read from the new code fits neither the base nor
// the end of the release: it may be another database's, or half of it was understood.
func (q *recordedQuery) fitsNowhere() bool {
	return q.states[0].refused != nil && q.states[len(q.states)-1].refused != nil
}

// isNewFailure reports whether a query that works at no point of the release is one that the release's code adds to this database: its
// tables exist, and the server misses a column of them, or a unique index for ON CONFLICT. A file that also asks for tables which no
// point has works on another database.
func (c *checker) isNewFailure(q *recordedQuery) bool {
	if c.deployed[q.textKey()] != nil {
		return false
	}
	for i := range q.states {
		if s := &q.states[i]; s.refused == nil || s.refused.Code != pgerror.ColumnMissing.SQLSTATE && s.refused.Code != pgerror.ConflictNoArbiter.SQLSTATE {
			return false
		}
	}
	return !slices.ContainsFunc(c.queries, func(other *recordedQuery) bool {
		return len(other.states) > 0 && other.fitsNowhere() && other.states[0].refused.Code == pgerror.RelationMissing.SQLSTATE && sharesFile(q, other)
	})
}

// sharesFile reports whether one file has two queries.
func sharesFile(a, b *recordedQuery) bool {
	file := func(s workload.Sender) string { name, _, _ := strings.Cut(s.Place, ":"); return name }
	return slices.ContainsFunc(a.Senders, func(x workload.Sender) bool {
		return slices.ContainsFunc(b.Senders, func(y workload.Sender) bool { return file(x) == file(y) })
	})
}

// isPreexisting reports whether a verdict is none of the release's: what it says holds from the
// base to the end.
func isPreexisting(v onward.Verdict) bool { return v.Point == 0 && v.Until == nil }

// ReadTranscripts reads the transcripts that a recording names; path is the recording's file, or the directory of several.
// identities is a file with age keys for those that are encrypted; "" for none.
//
// Errors: a [config.InputError] if one is missing, is no transcript, or is another run's.
func ReadTranscripts(path string, load *Workload, identities string) ([]*Transcript, error) {
	dir := path
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	var out []*Transcript
	for _, entry := range load.Transcripts {
		file := filepath.Join(dir, entry.File)
		t, err := transcript.ReadFile(file, entry.SHA256, identities)
		switch {
		case errors.Is(err, transcript.ErrOtherFile):
			return nil, &config.InputError{Err: fmt.Errorf("%s is not the transcript of %s: %w", file, path, transcript.ErrOtherFile)}
		case err != nil:
			return nil, &config.InputError{Err: fmt.Errorf("read the transcript that %s names: %w", path, err)}
		}
		out = append(out, t)
	}
	return out, nil
}
