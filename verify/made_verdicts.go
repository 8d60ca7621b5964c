package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/onward"
)

// madeGroup are the differences of one query with one cause.
type madeGroup struct {
	run  *madeRun
	list []madeDifference
}

// addMadeVerdicts adds the verdicts of queries that were executed with made values.
func (c *checker) addMadeVerdicts(ctx context.Context, r *replayer, verdicts []onward.Verdict, places []onward.VerdictPlace) ([]onward.Verdict, error) {
	judge := &madeJudge{replayer: r, definitions: map[string]string{}}
	for _, run := range r.madeRuns {
		for _, g := range run.groupDifferences() {
			v, err := judge.judgeGroup(ctx, g, places)
			if err != nil {
				return nil, err
			}
			if v != nil {
				verdicts = mergeMadeVerdict(verdicts, *v)
			}
		}
	}
	return verdicts, nil
}

// groupDifferences returns the differences by query and cause, in the order of their first ones. An answer that the server gave for reasons of its own,
// and a result that depends on the order of rows, is left out.
func (m *madeRun) groupDifferences() []*madeGroup {
	groups := map[string]*madeGroup{}
	var out []*madeGroup
	for _, d := range m.differences {
		q := m.executions[d.execution].query
		switch {
		case d.Fails && isTransient(d.Now.SQLState), !d.Fails && !m.isReportableResult(&d):
			continue
		}
		key := strings.Join([]string{q.ID, fmt.Sprint(d.Fails), d.Now.SQLState, d.Now.Constraint, d.Now.Column}, "\x00")
		if groups[key] == nil {
			groups[key] = &madeGroup{run: m}
			out = append(out, groups[key])
		}
		groups[key].list = append(groups[key].list, d)
	}
	return out
}

// isTransient reports whether an error is about the server or other sessions.
func isTransient(state string) bool {
	return slices.Contains([]string{"08", "40", "53", "57", "58", "XX"}, state[:min(len(state), 2)])
}

// isReportableResult reports whether another result is worth a verdict: rows are missing, or a value is another one. Rows that the release adds are no harm.
func (m *madeRun) isReportableResult(d *madeDifference) bool {
	if before, now, known := d.CountRows(); known && before != now {
		return now < before
	}
	return d.Now.SQLState == "" && d.Base.SQLState == "" && !dependsOnRowOrder(m.executions[d.execution].query.SQL)
}

// orderedAggregates are aggregates and windows whose result depends on the order of rows.
var orderedAggregates = []string{"array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "string_agg", "xmlagg", "any_value"}

// dependsOnRowOrder reports whether the values of a query's result may depend on the order in which the server finds rows.
func dependsOnRowOrder(sql string) bool {
	n := pgparse.ParseStatement(sql)
	depends := n == nil
	pgparse.Walk(n, func(msg any) bool {
		switch x := msg.(type) {
		case *pgparse.SelectStmt:
			distinctOn := slices.ContainsFunc(x.DistinctClause, func(e *pgparse.Node) bool { return pgparse.Unwrap(e) != nil })
			depends = depends || x.LimitCount != nil || x.LimitOffset != nil || distinctOn
		case *pgparse.FuncCall:
			depends = depends || x.Over != nil || slices.Contains(orderedAggregates, pgparse.LastText(x.Funcname))
		}
		return !depends
	})
	return depends
}

// mergeMadeVerdict adds a verdict. One that is known without values stays; one that values decide is replaced.
func mergeMadeVerdict(verdicts []onward.Verdict, v onward.Verdict) []onward.Verdict {
	if slices.ContainsFunc(verdicts, func(known onward.Verdict) bool {
		return known.Code == v.Code && known.ID == v.ID && known.Severity == onward.Error && known.Point <= v.Point &&
			(known.Until == nil || known.UntilPoint > v.Point)
	}) {
		return verdicts
	}
	open := []onward.VerdictKind{onward.VerdictRejected, onward.VerdictRequired, onward.VerdictHiddenRows}
	verdicts = slices.DeleteFunc(verdicts, func(known onward.Verdict) bool {
		return known.Code == v.Code && known.ID == v.ID && known.Severity <= v.Severity && known.Point == v.Point && slices.Contains(open, known.Kind) &&
			(known.SQLState == v.SQLState || known.Kind == onward.VerdictRejected && v.Severity == onward.Error)
	})
	return append(verdicts, v)
}

// madeJudge decides what differences with made values mean.
type madeJudge struct {
	*replayer
	// definitions are functions that raised, by point and signature; "" for none that raises always.
	definitions map[string]string
}

// judgeGroup makes the verdict of a query's differences with one cause.
func (j *madeJudge) judgeGroup(ctx context.Context, g *madeGroup, places []onward.VerdictPlace) (*onward.Verdict, error) {
	d := &g.list[0]
	x := &g.run.executions[d.execution]
	v := &onward.Verdict{
		ID: x.query.ID, Query: x.query.SQL, Code: g.run.code, Calls: x.query.Calls, Sender: describeSenders(x.query.Senders),
		After: places[d.point], Point: d.point, Kind: onward.VerdictOtherResult, Severity: onward.Warning, Message: d.Message, MadeValues: true,
	}
	if j.showsMade { // rows of a dump are somebody's
		for _, value := range x.values {
			v.Values = append(v.Values, replay.FormatValue(value))
		}
	} else {
		v.Message = hideValues(d.Message, "")
	}
	last := d.point
	for _, other := range g.list {
		last = max(last, other.point)
	}
	if last+1 < len(places) {
		v.Until, v.UntilPoint = &places[last+1], last+1
	}
	if d.Fails {
		v.SQLState, v.Kind = d.Now.SQLState, onward.VerdictRejected
		sure, err := j.failsSurely(ctx, g)
		if err != nil {
			return nil, err
		}
		if sure {
			v.Kind, v.Severity = onward.VerdictFails, onward.Error
		}
	}
	var err error
	v.After, err = j.blameStatement(ctx, &replayedDifference{d.point, g.run.preparedLane, d.Difference, v.Query}, places)
	return v, err
}

// failsSurely reports whether a query fails whatever its values are, and whatever rows there are.
func (j *madeJudge) failsSurely(ctx context.Context, g *madeGroup) (bool, error) {
	d := &g.list[0]
	failing := 0
	for _, other := range g.list {
		if other.point == d.point {
			failing++
		}
	}
	query := g.run.executions[d.execution].query
	always := failing == len(g.run.usable[query.ID])
	switch state := d.Now.SQLState; {
	case d.Now.Routine == "exec_stmt_raise":
		if !always {
			return false, nil
		}
		return j.raisesAlways(ctx, g)
	case d.Now.Routine == "exec_stmt_assert":
		return false, nil
	case state == "42501" && d.Now.Routine == "ExecWithCheckOptions":
		return always && j.lacksPolicies(d), nil
	case slices.Contains([]string{"42", "25", "0A", "2F"}, state[:min(len(state), 2)]):
		return true, nil
	case state == "23502":
		return always && j.omitsColumns(query.SQL, d, []string{d.Now.Column}), nil
	case state == "23514":
		r := j.errorRelation(d)
		if r == nil {
			return false, nil
		}
		i := slices.IndexFunc(r.Checks, func(k constraint) bool { return k.Type == "c" && k.Name == d.Now.Constraint })
		return always && i >= 0 && len(r.Checks[i].Columns) > 0 && j.omitsColumns(query.SQL, d, r.Checks[i].Columns), nil
	}
	return false, nil
}

// errorRelation returns the relation that an error names, as it is at the point; nil if it is unknown, or there are two.
func (j *madeJudge) errorRelation(d *madeDifference) *relation {
	var found *relation
	for _, r := range j.checker.moments[d.point].relations {
		if r.Name != d.Now.Table {
			continue
		}
		if found != nil {
			return nil
		}
		found = r
	}
	return found
}

// omitsColumns reports whether a query inserts rows into the relation of an error without giving any of some columns, and no trigger may give them.
func (j *madeJudge) omitsColumns(sql string, d *madeDifference, columns []string) bool {
	insert := pgparse.ParseStatement(sql).GetInsertStmt()
	r := j.errorRelation(d)
	if insert == nil || len(insert.GetCols()) == 0 || insert.GetOnConflictClause() != nil || r == nil || insert.GetRelation().GetRelname() != r.Name {
		return false
	}
	return !slices.ContainsFunc(columns, func(name string) bool {
		return r.mayTriggerFill(name) || slices.ContainsFunc(insert.GetCols(), func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == name })
	})
}

// lacksPolicies reports whether row-level security of the table that an error names has no policy at all.
func (j *madeJudge) lacksPolicies(d *madeDifference) bool {
	var found []*relation
	for _, r := range j.checker.moments[d.point].relations {
		if r.Secured && strings.Contains(d.Now.Message, `"`+r.Name+`"`) {
			found = append(found, r)
		}
	}
	return len(found) == 1 && found[0].Policies == ""
}

// raisesAlways reports whether the function that raised an error does so in each call: the RAISE is in no branch, and the trigger has no condition.
func (j *madeJudge) raisesAlways(ctx context.Context, g *madeGroup) (bool, error) {
	d := &g.list[0]
	place := parseRaisePlace(d.Now.Where)
	if place.signature == "" {
		return false, nil
	}
	definition, err := j.readFunction(ctx, g, place.signature)
	if err != nil || definition == "" {
		return false, err
	}
	block, err := pgparse.ParseBlock(definition)
	return err == nil && slices.Contains(block.SureRaises, place.line), nil
}

// raisePlace is where a function raised an error.
type raisePlace struct {
	signature string
	line      int
}

// parseRaisePlace reads the context of an error that a function raised. It is empty if another function called that one.
func parseRaisePlace(context string) (p raisePlace) {
	rest, found := strings.CutPrefix(context, "PL/pgSQL function ")
	signature, rest, numbered := strings.Cut(rest, " line ")
	if !found || !numbered || strings.Contains(context, "\n") {
		return p
	}
	if _, err := fmt.Sscanf(rest, "%d at RAISE", &p.line); err == nil {
		p.signature = signature
	}
	return p
}

// functionQuery returns the definition of a function; nothing if a trigger calls it under a condition.
const functionQuery = `SELECT pg_catalog.pg_get_functiondef(p.oid) FROM pg_catalog.pg_proc p
WHERE p.oid OPERATOR(pg_catalog.=) pg_catalog.to_regprocedure($1)::pg_catalog.oid
AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgfoid OPERATOR(pg_catalog.=) p.oid AND t.tgqual IS NOT NULL)`

// readFunction returns the definition of a function at the point of a difference; "" if it is not found, or runs under a condition.
func (j *madeJudge) readFunction(ctx context.Context, g *madeGroup, signature string) (definition string, err error) {
	d := &g.list[0]
	path := g.run.executions[d.execution].query.SearchPath
	key := fmt.Sprint(d.point, "\x00", path, "\x00", signature)
	if known, read := j.definitions[key]; read {
		return known, nil
	}
	database, err := j.makeSchemaAt(ctx, g.run.preparedLane, d.point)
	if err != nil {
		return "", err
	}
	defer j.stage.Drop(context.WithoutCancel(ctx), database)
	conn, err := j.stage.Server().Connect(ctx, "", database)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if path == "" {
		path = `"$user", public`
	}
	if _, err := conn.Exec(ctx, "SELECT pg_catalog.set_config('search_path', $1, false)", path); err != nil {
		return "", err
	}
	rows, err := conn.Query(ctx, functionQuery, signature)
	if err != nil {
		return "", err
	}
	for rows.Next() {
		if err := rows.Scan(&definition); err != nil {
			rows.Close()
			return "", err
		}
	}
	j.definitions[key] = definition
	return definition, rows.Err()
}
