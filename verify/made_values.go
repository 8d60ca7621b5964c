package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/traffic"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

const (
	// madeRows is how many rows each table gets, and madeRoom how many bytes all of them may take.
	madeRows, madeRoom = 8, 256 << 20
	// madeLists is how many lists of values a query gets from the rows of each kind.
	madeLists = 3
	// madeTime limits the search for values.
	madeTime = 60 * time.Second
	// madeSeed decides the rows and values: each run makes the same.
	madeSeed = 1
)

// madeRun is the execution of a version's queries with made values.
type madeRun struct {
	*preparedLane
	executions []madeExecution
	// numbers has the indices of executions by the events of their messages.
	numbers map[int]int
	// differences are of all points, by execution: the first one of each.
	differences []madeDifference
	// usable are the executions that the deployed schema accepts, by query.
	usable map[string][]int
}

// madeExecution is a query with one list of made values.
type madeExecution struct {
	query  *workload.Query
	values [][]byte
	failed bool // on the deployed schema, as the query's role
}

// madeDifference is an answer that differs at a point.
type madeDifference struct {
	point, execution int
	replay.Difference
}

// madeTemplates are the databases from whose rows values are made.
type madeTemplates struct {
	// kept has rows that the release accepts: queries are executed there. broken has rows that break its conditions as far as the deployed schema
	// accepts them.
	kept, broken string
}

// replayMadeValues executes the queries that were recorded without values, on the deployed schema and at each commit point.
func (r *replayer) replayMadeValues(ctx context.Context, recordings map[onward.Code][]*Workload) error {
	var templates *madeTemplates
	for _, code := range slices.Sorted(maps.Keys(recordings)) {
		bare := slices.DeleteFunc(slices.Clone(recordings[code]), func(load *Workload) bool { return len(load.Transcripts) > 0 })
		if code == onward.NewCode || len(bare) == 0 {
			continue
		}
		if templates == nil {
			var err error
			if templates, err = r.makeTemplates(ctx); err != nil {
				return err
			}
			r.made = &onward.MadeValues{}
		}
		load, err := workload.MergeAll(bare...)
		if err != nil {
			return err
		}
		if err := r.executeMadeValues(ctx, code, load, templates); err != nil {
			return err
		}
	}
	return nil
}

// makeTemplates makes the databases with rows. If the release fails on them, the tables that it touches stay empty, and else all tables.
func (r *replayer) makeTemplates(ctx context.Context) (*madeTemplates, error) {
	demands, err := r.listDemands(ctx)
	if err != nil {
		return nil, err
	}
	plan := fill.Plan{All: madeRows, Seed: madeSeed, Rows: map[string]int64{}}
	for name := range all.HistoryTables() {
		plan.Rows[name] = 0
	}
	untouched := plan
	untouched.Rows = maps.Clone(plan.Rows)
	for name := range r.listTouchedTables() {
		untouched.Rows[name] = 0
	}
	t := &madeTemplates{}
	for i, p := range []fill.Plan{plan, untouched, {}} {
		if t.kept, err = r.createFilledDatabase(ctx, p, fill.Release{Keep: demands, Room: madeRoom}); err != nil {
			return nil, err
		}
		refused := new(rehearse.RefusedError)
		if err = r.tryRelease(ctx, t.kept); err == nil || !errors.As(err, &refused) || i == 2 {
			break
		}
		r.stage.Drop(ctx, t.kept)
		r.addNotef("made values: the release fails on made rows, so %s: %s", []string{"the tables that it touches stay empty", "all tables stay empty"}[i],
			hideValues(refused.Error(), ""))
	}
	if err != nil {
		return nil, err
	}
	if len(demands) > 0 {
		t.broken, err = r.createFilledDatabase(ctx, plan, fill.Release{Break: demands, Room: madeRoom})
	}
	return t, err
}

// listDemands returns what the release requires of rows that the deployed schema does not require.
func (r *replayer) listDemands(ctx context.Context) ([]*fill.Demand, error) {
	last := r.checker.moments[len(r.checker.moments)-1]
	if last.Base {
		return nil, nil
	}
	empty, err := r.stage.Copy(ctx)
	if err != nil {
		return nil, err
	}
	defer r.stage.Drop(context.WithoutCancel(ctx), empty)
	end, err := r.runTo(ctx, empty, last)
	if err != nil {
		return nil, err
	}
	defer r.stage.Drop(context.WithoutCancel(ctx), end)
	base, err := fill.Read(ctx, r.stage.URL(empty))
	if err != nil {
		return nil, err
	}
	head, err := fill.Read(ctx, r.stage.URL(end))
	if err != nil {
		return nil, err
	}
	return base.ListDemands(head), nil
}

// createFilledDatabase creates a database with the deployed schema and rows.
func (r *replayer) createFilledDatabase(ctx context.Context, plan fill.Plan, release fill.Release) (string, error) {
	database, err := r.stage.Copy(ctx)
	if err != nil || plan.IsEmpty() {
		return database, err
	}
	result, err := fill.FillDatabase(ctx, r.stage.URL(database), plan, release)
	if err != nil {
		return "", err
	}
	for _, p := range result.Problems {
		r.checker.log.Debug("made rows", "table", p.Relation, "problem", p.Why)
	}
	return database, nil
}

// tryRelease runs the release on a copy of a database.
func (r *replayer) tryRelease(ctx context.Context, template string) error {
	last := r.checker.moments[len(r.checker.moments)-1]
	if last.Base {
		return nil
	}
	end, err := r.runTo(ctx, template, last)
	if err == nil {
		r.stage.Drop(ctx, end)
	}
	return err
}

// executeMadeValues executes the queries of a version of the code.
func (r *replayer) executeMadeValues(ctx context.Context, code onward.Code, load *Workload, templates *madeTemplates) error {
	search := traffic.ValueSearch{
		URL: r.stage.URL(templates.kept), Sources: []string{r.stage.URL(templates.kept)}, Most: madeLists, Seed: madeSeed, Limit: madeTime,
		Logger: r.checker.log,
	}
	if templates.broken != "" {
		search.Sources = append(search.Sources, r.stage.URL(templates.broken))
	}
	found, left, err := traffic.FindValues(ctx, search, load)
	if err != nil {
		return err
	}
	run := &madeRun{usable: map[string][]int{}}
	var list []replay.Execution
	for i := range found {
		q := found[i].Query
		for _, values := range found[i].Values {
			run.executions = append(run.executions, madeExecution{query: q, values: values})
			list = append(list, replay.Execution{SQL: q.SQL, Types: found[i].Types, Values: values, Role: q.Role, SearchPath: q.SearchPath})
		}
	}
	lane, numbers, err := replay.MakeLane(list)
	if err != nil {
		return err
	}
	run.numbers = numbers
	run.preparedLane = &preparedLane{Lane: lane, code: code, template: templates.kept, made: true}
	for i, answers := range []*[]*replay.Answer{&run.base, &run.again} {
		database, err := r.stage.CopyOf(ctx, templates.kept)
		if err != nil {
			return err
		}
		if i > 0 {
			if err := r.advanceSequences(ctx, database); err != nil {
				return err
			}
		}
		if *answers, err = r.playLane(ctx, run.preparedLane, database); err != nil {
			return err
		}
	}
	left = run.markUsableExecutions(left)
	for i := range found {
		if usable := run.usable[found[i].Query.ID]; len(usable) > 0 {
			r.made.Queries++
			r.made.Executions += len(usable)
			if !found[i].FindsRows {
				r.made.Rowless++
			}
		}
	}
	r.made.Left = mergeLeftOut(r.made.Left, left)
	for _, l := range left {
		text := fmt.Sprintf("made values: %s of %s %s not executed: they %s", prose.CountNoun(l.Queries, "query"), view.NameCodeInSentence(code),
			prose.PickForm(l.Queries, "was", "were"), l.Why)
		if len(l.Examples) > 0 {
			text += "; the first: " + clipQuery(l.Examples[0].Query)
			if e := l.Examples[0].Error; e != nil {
				text += ": " + hideValues(e.Message, "")
			}
		}
		r.addNotef("%s", text)
	}
	r.madeRuns = append(r.madeRuns, run)
	return r.executeAtPoints(ctx, run)
}

// skipNumbersQuery lets each sequence skip some numbers, if it has them.
const skipNumbersQuery = `SELECT pg_catalog.setval(pg_catalog.format('%I.%I', schemaname, sequencename)::pg_catalog.regclass,
  COALESCE(last_value, start_value) OPERATOR(pg_catalog.+) (100 OPERATOR(pg_catalog.*) increment_by))
FROM pg_catalog.pg_sequences WHERE NOT cycle AND increment_by OPERATOR(pg_catalog.>) 0
AND (max_value OPERATOR(pg_catalog.-) COALESCE(last_value, start_value)) OPERATOR(pg_catalog.>) (1000::bigint OPERATOR(pg_catalog.*) increment_by)`

// advanceSequences makes all values that come from sequences others than in the first execution. A query that fails at a point takes no number, so those
// after it get others there, too.
func (r *replayer) advanceSequences(ctx context.Context, database string) error {
	conn, err := r.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, skipNumbersQuery)
	return err
}

// markUsableExecutions notes which executions the deployed schema accepts, and returns the queries of which it accepts none, too.
func (m *madeRun) markUsableExecutions(left []onward.LeftOut) []onward.LeftOut {
	refusals := map[string]*replay.Answer{}
	for _, a := range slices.Concat(m.base, m.again) {
		number, known := m.numbers[a.Event]
		if !known || a.SQLState == "" && !a.Unanswered && !a.Skipped {
			continue
		}
		x := &m.executions[number]
		x.failed = true
		if refusals[x.query.ID] == nil || a.SQLState != "" {
			refusals[x.query.ID] = a
		}
	}
	for i := range m.executions {
		if x := &m.executions[i]; !x.failed {
			m.usable[x.query.ID] = append(m.usable[x.query.ID], i)
		}
	}
	refused := onward.LeftOut{Why: "are refused by the deployed schema as their role, with each list of made values"}
	seen := map[string]bool{}
	for i := range m.executions {
		q := m.executions[i].query
		if len(m.usable[q.ID]) > 0 || seen[q.ID] {
			continue
		}
		seen[q.ID] = true
		refused.Queries++
		refused.Calls += q.Calls
		if a := refusals[q.ID]; a != nil && len(refused.Examples) < 3 {
			refused.Examples = append(refused.Examples, onward.LeftQuery{ID: q.ID, Query: q.SQL, Sender: describeSenders(q.Senders),
				Error: &onward.ServerError{Code: a.SQLState, Message: a.Message}})
		}
	}
	if refused.Queries > 0 {
		left = append(left, refused)
	}
	return left
}

// mergeLeftOut adds the queries that were not executed of another version of the code.
func mergeLeftOut(list, more []onward.LeftOut) []onward.LeftOut {
	for _, l := range more {
		i := slices.IndexFunc(list, func(known onward.LeftOut) bool { return known.Why == l.Why })
		if i < 0 {
			list = append(list, l)
			continue
		}
		list[i].Queries, list[i].Calls, list[i].Examples = list[i].Queries+l.Queries, list[i].Calls+l.Calls, append(list[i].Examples, l.Examples...)
	}
	slices.SortStableFunc(list, func(a, b onward.LeftOut) int { return cmp.Compare(b.Queries, a.Queries) })
	return list
}

// executeAtPoints executes the queries at each commit point.
func (r *replayer) executeAtPoints(ctx context.Context, run *madeRun) error {
	if len(run.executions) == 0 {
		return nil
	}
	r.made.Points = max(r.made.Points, 1)
	for i, m := range r.checker.moments {
		if m.Base {
			continue
		}
		list, err := r.replayAfterStatement(ctx, run.preparedLane, m.Migration, m.Statements[len(m.Statements)-1])
		refused := new(rehearse.RefusedError)
		if errors.As(err, &refused) {
			r.addNotef("made values: %s was not tried, as the release fails before it on made rows", prose.CountNoun(len(r.checker.moments)-i, "commit point"))
			return nil
		}
		if err != nil {
			return err
		}
		r.made.Points = max(r.made.Points, i+1)
		seen := map[int]bool{}
		for _, d := range list.Differences {
			number, known := run.numbers[d.Base.Event]
			if !known || seen[number] || run.executions[number].failed {
				continue
			}
			seen[number] = true
			run.differences = append(run.differences, madeDifference{i, number, d})
		}
	}
	return nil
}
