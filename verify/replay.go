package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// answerTime is for how long the replay waits for an answer. A statement that has none by then is ended.
const answerTime = 10 * time.Second

// replayer replays what the versions of the code have sent, on the schema of each commit point.
type replayer struct {
	stage   *rehearse.Stage
	checker *checker
	result  *onward.Replay
	notes   []string // what was not replayed
	// showsValues: verdicts have the values of their queries. showsMade: they have made values, which are nobody's.
	showsValues, showsMade bool
	lanes                  map[onward.Code][]*preparedLane
	users                  map[string]string // the roles of the schema that sessions are replayed as, by the recorded ones; "" for the role of the migrations
	// passed are the recorded statements that are not the code's work on its data: what reads the catalogs has another result after each migration.
	passed map[codeText]bool
	// differences are of all points; executed counts by code and text of a statement in how many executions nothing differed.
	differences []replayedDifference
	executed    map[codeText]*execution
	// made counts what was executed with made values, and madeRuns are the executions; nil for nothing.
	made     *onward.MadeValues
	madeRuns []*madeRun
	// prefixes are replays after single statements of a transaction, by lane and statement.
	prefixes map[prefix]replay.Comparison
	// parts are what the schemas have that versions of the code are made for.
	parts map[partsKey]map[schemaPart]bool
}

// codeText is a statement of a version of the code, without its values.
type codeText struct {
	code onward.Code
	sql  string
}

// execution is what the replays did with a statement. open are the points at which one of the executions has another answer, or was not compared.
type execution struct{ open map[int]bool }

// replayedDifference is a difference at a point.
type replayedDifference struct {
	point int
	lane  *preparedLane
	replay.Difference
	sql string // of the statement, without its values
}

// causeKey is equal for differences with one cause.
func (d *replayedDifference) causeKey() string {
	return strings.Join([]string{string(d.lane.code), d.sql, fmt.Sprint(d.Fails, d.Reshaped), d.Now.SQLState, d.Now.Constraint, d.Message}, "\x00")
}

type prefix struct {
	lane                 *preparedLane
	migration, statement int
}

// preparedLane is a lane with the database that it begins on, and what the server answers on the deployed schema.
type preparedLane struct {
	replay.Lane
	code        onward.Code
	template    string
	base, again []*replay.Answer
	created     bool // by the command
	// executed are the statements of events that did on the deployed schema what they did when they were recorded.
	executed map[int][]codeText
	// made: its statements have made values, and nothing to do with each other.
	made bool
	// written is what is replayed first: it writes rows. nil for nothing.
	written *preparedLane
	// schema is the schema of a single test, which the template has as public; "" for none.
	schema string
}

// replayAll replays the transcripts of all versions of the code.
func (c *checker) replayAll(ctx context.Context, stage *rehearse.Stage, cfg *Config) (*replayer, error) {
	transcripts := cfg.Transcripts
	r := &replayer{
		stage: stage, checker: c, result: &onward.Replay{}, showsValues: cfg.ShowValues, showsMade: cfg.ShowValues || cfg.Schema == "",
		lanes: map[onward.Code][]*preparedLane{}, users: map[string]string{}, executed: map[codeText]*execution{},
		prefixes: map[prefix]replay.Comparison{}, passed: map[codeText]bool{}, parts: map[partsKey]map[schemaPart]bool{},
	}
	for code, loads := range cfg.listRecordings() {
		for _, load := range loads {
			for i := range load.Queries {
				if q := &load.Queries[i]; !q.IsCode() {
					r.passed[codeText{code, q.SQL}] = true
				}
			}
		}
	}
	for _, code := range slices.Sorted(maps.Keys(transcripts)) {
		for _, t := range transcripts[code] {
			if err := r.replayTranscript(ctx, code, t); err != nil {
				return nil, fmt.Errorf("replay what %s sent: %w", view.NameCodeInSentence(code), err)
			}
		}
	}
	for _, old := range r.lanes[onward.OldCode] {
		for _, fresh := range r.lanes[onward.NewCode] {
			if old.created || fresh.created {
				continue // each has a database of its own, with its own migrations
			}
			if err := r.noteReplayFailure("the deployed code on the new code's rows", r.replayRollback(ctx, old, fresh)); err != nil {
				return nil, fmt.Errorf("replay a rollback of the code: %w", err)
			}
		}
	}
	if cfg.MadeValues {
		if err := r.replayMadeValues(ctx, cfg.listRecordings()); err != nil {
			return nil, fmt.Errorf("execute queries with made values: %w", err)
		}
	}
	return r, nil
}

// noteReplayFailure makes a note of an error that costs one replay only: a connection was refused, or the release fails on the rows of a suite's own database.
func (r *replayer) noteReplayFailure(label string, err error) error {
	unplayed, refused := new(replay.Error), new(pgconn.PgError)
	switch {
	case errors.As(err, &unplayed):
		r.addNotef("%s was not replayed: %v", label, unplayed)
	case errors.As(err, &refused):
		r.addNotef("%s was not replayed at each point: %s (SQLSTATE %s)", label, hideValues(refused.Message, ""), refused.Code)
	default:
		return err
	}
	return nil
}

// isComparisonSkipped reports whether the results of a statement are not compared.
func (r *replayer) isComparisonSkipped(code onward.Code, sql string) bool {
	kind := workload.Normalize(sql).Kind
	return r.passed[codeText{code, sql}] || kind == workload.Other || kind == workload.DDL
}

// replayRollback replays the deployed code on the rows that the new code has written on the schema of the release. Rows of the two may collide, as in two
// runs of one suite, so only what the deployed code cannot read or compute counts, and what a second run of its own does not show, too.
func (r *replayer) replayRollback(ctx context.Context, old, fresh *preparedLane) error {
	database, err := r.stage.CopyOf(ctx, old.template)
	if err != nil {
		return err
	}
	if _, err := replay.Play(ctx, old.Lane, r.newReplayTarget(old.Transcript, database)); err != nil {
		return err
	}
	second, err := r.playLane(ctx, old, database)
	if err != nil {
		return err
	}
	ignored := map[int]bool{}
	for _, d := range replay.Compare(old.base, old.again, second).Differences {
		ignored[d.Base.Event] = true
	}
	lane := &preparedLane{Lane: old.Lane, code: old.code, template: old.template, base: old.base, again: old.again, written: fresh}
	for i, m := range r.checker.moments {
		if m.Base {
			continue
		}
		statement := m.Statements[len(m.Statements)-1]
		withoutNewRows, err := r.replayAfterStatement(ctx, old, m.Migration, statement)
		if err != nil {
			return err
		}
		for _, d := range withoutNewRows.Differences {
			ignored[d.Base.Event] = ignored[d.Base.Event] || d.Fails
		}
		list, err := r.replayAfterStatement(ctx, lane, m.Migration, statement)
		if err != nil {
			return err
		}
		for _, d := range list.Differences {
			if d.Fails && !ignored[d.Base.Event] && failsOnRows(d.Now.SQLState) {
				ignored[d.Base.Event] = true
				r.differences = append(r.differences, replayedDifference{i, lane, d, differingStatement(&d)})
			}
		}
	}
	return nil
}

// failsOnRows reports whether an error is about rows that a query reads: a value, or how many there are.
func failsOnRows(state string) bool {
	return strings.HasPrefix(state, "21") || strings.HasPrefix(state, "22")
}

func (r *replayer) addNotef(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// replayTranscript replays the databases of a transcript one after the other.
func (r *replayer) replayTranscript(ctx context.Context, code onward.Code, t *transcript.Transcript) error {
	r.result.Sessions += len(t.Sessions)
	r.notes = append(r.notes, t.Notes...)
	books := slices.Sorted(maps.Keys(all.HistoryTables()))
	templates := map[string]*madeTemplate{}
	for _, lane := range replay.SplitLanes(t, books) {
		if !lane.Created && lane.Tests.Database != t.Database {
			continue // the server's own, from which suites make their databases
		}
		label := "what was sent to database " + lane.Tests.Database
		single, rest, err := r.splitSchemas(ctx, code, &lane)
		if err != nil {
			return err
		}
		for _, s := range single {
			if err := r.noteReplayFailure("what was sent to schema "+cmp.Or(s.schema, "public"), r.replayPrepared(ctx, s)); err != nil {
				return err
			}
		}
		template, reason, err := r.prepareTemplate(ctx, code, rest, templates)
		if err != nil {
			return err
		}
		if reason != "" {
			if rest.UsesObjects() { // not only settings, transactions and the making of databases
				r.addNotef("%s was not replayed: %s", label, reason)
			}
			r.markUnexecuted(code, &rest.Tests)
			continue
		}
		templates[rest.Tests.Database] = template
		prepared := &preparedLane{Lane: template.lane.Tests, code: code, template: template.database, created: rest.Created}
		if err := r.noteReplayFailure(label, r.replayPrepared(ctx, prepared)); err != nil {
			return err
		}
	}
	return nil
}

// replayPrepared replays a lane of a version of the code.
func (r *replayer) replayPrepared(ctx context.Context, lane *preparedLane) error {
	replayLane := r.replayLane
	if lane.code == onward.NewCode {
		replayLane = r.replayNewLane
	}
	err := replayLane(ctx, lane)
	if err != nil {
		r.markUnexecuted(lane.code, &lane.Lane)
	}
	return err
}

// markUnexecuted notes that the statements of a lane were not executed at each point: another lane may have them, too, with other values.
func (r *replayer) markUnexecuted(code onward.Code, lane *replay.Lane) {
	for _, a := range lane.Recorded {
		if a.SQLState != "" {
			continue
		}
		for _, text := range splitStatements(a.SQL) {
			e := r.findOrAddExecution(codeText{code, normalizeStatement(text)})
			for point := range r.checker.moments {
				e.open[point] = true
			}
		}
	}
}

// findOrAddExecution returns what the replays did with a statement.
func (r *replayer) findOrAddExecution(key codeText) *execution {
	if r.executed[key] == nil {
		r.executed[key] = &execution{open: map[int]bool{}}
	}
	return r.executed[key]
}

// countExecutions counts what the server did on the deployed schema as when it was recorded.
func (r *replayer) countExecutions(lane *preparedLane) {
	failed, first := 0, ""
	lane.executed = map[int][]codeText{}
	for _, a := range lane.base {
		r.result.Statements++
		before := lane.Recorded[a.Event]
		if a.Unanswered || a.Skipped || before == nil || before.SQLState != a.SQLState {
			if failed++; first == "" && a.SQLState != "" {
				first = describeRefusal(a)
			}
			continue
		}
		for _, text := range splitStatements(a.SQL) {
			key := codeText{lane.code, normalizeStatement(text)}
			r.findOrAddExecution(key)
			lane.executed[a.Event] = append(lane.executed[a.Event], key)
		}
	}
	r.result.Unlike += failed
	if first != "" {
		place := "on the deployed schema"
		if lane.code == onward.NewCode {
			place = "at the end of the release"
		}
		r.addNotef("%s %s %s, and not in the recording; the first: %s", prose.CountNoun(failed, "statement"), prose.PickForm(failed, "fails", "fail"), place, first)
	}
}

// blameStatement returns the statement of the release with which a difference begins. Others see the end of a transaction only, so the release is ended after
// each of its statements in turn.
func (r *replayer) blameStatement(ctx context.Context, d *replayedDifference, places []onward.VerdictPlace) (onward.VerdictPlace, error) {
	place, m := places[d.point], r.checker.moments[d.point]
	statements := m.Statements
	if m.Base || m.Migration >= len(r.checker.migrations) {
		return place, nil
	}
	low, high := 0, len(statements)-1 // at high it is there
	for low < high {
		middle := (low + high) / 2
		list, err := r.replayAfterStatement(ctx, d.lane, m.Migration, statements[middle])
		if pg := new(pgconn.PgError); err != nil && !errors.As(err, &pg) {
			return place, err
		}
		// A transaction that cannot be ended here is not what others see, either.
		if err == nil && slices.ContainsFunc(list.Differences, func(x replay.Difference) bool {
			return x.Base.Event == d.Base.Event && x.Fails == d.Fails && x.Reshaped == d.Reshaped && x.Now.SQLState == d.Now.SQLState
		}) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if known := r.checker.migrations[m.Migration].Statements; statements[high] < len(known) {
		place.Line = known[statements[high]].Line
	}
	return place, nil
}
