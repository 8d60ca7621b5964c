package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/redact"
	"github.com/onward-sql/onward/rehearse"
)

// Bounds of a question to the server.
const (
	batch      = 100 // queries in a pipeline
	sessions   = 2
	askTimeout = "5s" // of one statement: planning a query may run what the migrations made
)

// answer is what the server says to a query at a point.
type answer struct {
	// refused is its error; nil if it prepares and plans the query.
	refused *pgconn.PgError
	// unplanned: it prepares the query, and plans no such statement, or not with NULLs. planRefusal is its error then.
	unplanned   bool
	planRefusal *pgconn.PgError
	// timedOut: it did not answer in time, or waited for a lock: nothing is known.
	timedOut bool
	// step is the question that it refused: 0 prepare, 1 plan, 2 locks, from 3 on probes.
	step    int
	columns []resultColumn
	params  []uint32
	// relations that it locks for it, with the modes.
	relations map[uint32]string
	plan      queryPlan
}

// resultColumn is a column of a result.
type resultColumn struct {
	name     string
	oid      uint32
	modifier int32
	table    uint32
	number   uint16
}

// pointAnswer is an answer, and the point from which on it holds.
type pointAnswer struct {
	point int
	answer
}

// queryDescriber asks at one point.
type queryDescriber struct {
	point  rehearse.Point
	schema *schema
	// bigNames are the names of tables for which it matters whether an index is used.
	bigNames []string
	// path is the search path of a session that sets none.
	path string
}

// askAll asks the server about each query, in several sessions, and calls onAnswer with each answer.
func (a *queryDescriber) askAll(ctx context.Context, list []*recordedQuery, onAnswer func(*recordedQuery, answer)) error {
	groups := a.groupQueries(list)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan []*recordedQuery)
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range min(sessions, len(groups)) {
		wait.Go(func() {
			s := &session{queryDescriber: a, onAnswer: func(q *recordedQuery, x answer) { mu.Lock(); defer mu.Unlock(); onAnswer(q, x) }}
			defer s.closeSession(ctx)
			for group := range work {
				if err := s.askGroup(ctx, group); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, g := range groups {
		select {
		case work <- g:
		case <-ctx.Done():
		}
	}
	close(work)
	wait.Wait()
	return context.Cause(ctx)
}

// groupQueries are queries that are asked for together: of one role and search path.
func (a *queryDescriber) groupQueries(list []*recordedQuery) [][]*recordedQuery {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y *recordedQuery) int {
		return cmp.Or(cmp.Compare(a.sessionRole(x), a.sessionRole(y)), cmp.Compare(x.SearchPath, y.SearchPath))
	})
	var out [][]*recordedQuery
	for _, q := range list {
		if n := len(out) - 1; n >= 0 && len(out[n]) < batch && a.sessionRole(out[n][0]) == a.sessionRole(q) && out[n][0].SearchPath == q.SearchPath {
			out[n] = append(out[n], q)
		} else {
			out = append(out, []*recordedQuery{q})
		}
	}
	return out
}

// sessionRole returns the role of the session: the recorded role if it exists, else "" for the migrations' role.
func (a *queryDescriber) sessionRole(q *recordedQuery) string {
	if _, ok := a.schema.roles[q.Role]; ok {
		return q.Role
	}
	return ""
}

// session asks one group after the other.
type session struct {
	*queryDescriber
	onAnswer func(*recordedQuery, answer)
	// migrationsConn is a session of the migrations' role, other one that can be any role.
	migrationsConn, roleConn *pgx.Conn
}

func (s *session) closeSession(ctx context.Context) {
	for _, c := range []*pgx.Conn{s.migrationsConn, s.roleConn} {
		if c != nil {
			_ = c.Close(context.WithoutCancel(ctx))
		}
	}
}

const locksName = "onward_locks"

// prepareSession makes a session that changes nothing, and asks for plans that hold for any values.
func prepareSession(ctx context.Context, c *pgx.Conn, err error) (*pgx.Conn, error) {
	if err != nil {
		return nil, fmt.Errorf("connect at a commit point: %w", err)
	}
	for _, sql := range []string{
		"SET statement_timeout = '" + askTimeout + "'", "SET lock_timeout = '" + askTimeout + "'", "SET default_transaction_read_only = on",
		"SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET jit = off", "SET row_security = on", "SET client_min_messages = error",
		"PREPARE " + locksName + " AS SELECT relation, mode FROM pg_catalog.pg_locks WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND locktype " +
			"OPERATOR(pg_catalog.=) 'relation' AND relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
	} {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return c, fmt.Errorf("prepare a session at a commit point: %w", err)
		}
	}
	return c, nil
}

// connectAs gives the session for a group, as its queries' code would have it.
func (s *session) connectAs(ctx context.Context, q *recordedQuery) (*pgx.Conn, error) {
	role, path, err := s.sessionRole(q), q.SearchPath, error(nil)
	if role == "" && s.migrationsConn == nil {
		c, failed := pgx.Connect(ctx, s.point.URL)
		s.migrationsConn, err = prepareSession(ctx, c, failed)
	}
	if role != "" && s.roleConn == nil {
		c, failed := pgx.ConnectConfig(ctx, s.point.Conn.Config())
		s.roleConn, err = prepareSession(ctx, c, failed)
	}
	if err != nil {
		return nil, err
	}
	c, sql := s.migrationsConn, []string{"RESET search_path"}
	if role != "" {
		c, path = s.roleConn, cmp.Or(path, s.queryDescriber.path)
		sql = []string{"RESET ROLE", "RESET search_path"}
	}
	if path != "" {
		sql = append(sql, "SELECT pg_catalog.set_config('search_path', "+pgparse.QuoteLiteral(strings.ReplaceAll(path, "\x00", ""))+", false)")
	}
	if role != "" {
		sql = append(sql, "SET ROLE "+pgx.Identifier{role}.Sanitize())
	}
	for _, text := range sql {
		if _, err := c.PgConn().Exec(ctx, text).ReadAll(); err != nil {
			return nil, fmt.Errorf("take the role and the search path of a recorded query: %w", err)
		}
	}
	return c, nil
}

// askGroup asks for a group in one pipeline. Each query has a transaction of its own, so that
// an error costs itself.
func (s *session) askGroup(ctx context.Context, group []*recordedQuery) error {
	c, err := s.connectAs(ctx, group[0])
	if err != nil {
		return err
	}
	p := c.PgConn().StartPipeline(ctx)
	for i, q := range group {
		name := fmt.Sprintf("onward_%d", i)
		p.SendPrepare(name, q.prepareSQL, s.declaredTypes(q))
		if q.isPlanned {
			p.SendQueryParams(explainStatement(q, name, s.needsFullPlan(q)), nil, nil, nil, nil)
		}
		p.SendQueryPrepared(locksName, nil, nil, nil)
		for _, probe := range q.nameProbes() {
			p.SendQueryParams(probe.sql, probe.args, nil, nil, nil)
		}
		p.SendPipelineSync()
	}
	for i := range group {
		p.SendDeallocate(fmt.Sprintf("onward_%d", i))
	}
	if err := p.Sync(); err != nil {
		return errors.Join(fmt.Errorf("ask the server at a commit point: %w", err), p.Close())
	}
	for _, q := range group {
		x, err := s.readAnswer(p, q)
		if err != nil {
			return errors.Join(fmt.Errorf("ask the server at a commit point: %w", err), p.Close())
		}
		s.onAnswer(q, x)
	}
	return p.Close()
}

// declaredTypes are the types of parameters that the code gives.
func (a *queryDescriber) declaredTypes(q *recordedQuery) []uint32 {
	if q.prepareSQL != q.SQL {
		return nil
	}
	out := make([]uint32, len(q.Params))
	for i, name := range q.Params {
		out[i] = a.schema.typeOIDs[name]
	}
	return out
}

// needsFullPlan: its whole plan is read, for what it inserts or which indexes it uses.
func (a *queryDescriber) needsFullPlan(q *recordedQuery) bool {
	if q.insertsRows {
		return true
	}
	for _, name := range a.bigNames {
		if q.names[name] {
			return true
		}
	}
	return false
}

// explainStatement asks for a plan with NULL for each parameter, which a generic one does not look at.
func explainStatement(q *recordedQuery, name string, wide bool) string {
	options := "(COSTS off)"
	if wide {
		options = "(COSTS off, VERBOSE, FORMAT JSON)"
	}
	n := len(q.Params)
	if m := highestPlaceholder(q.prepareSQL); q.prepareSQL != q.SQL || m > n {
		n = m
	}
	arguments := ""
	if n > 0 {
		arguments = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	return "EXPLAIN " + options + " EXECUTE " + name + arguments
}

// highestPlaceholder is the highest number of a parameter in a text.
func highestPlaceholder(sql string) (most int) {
	for i := 0; i+1 < len(sql); i++ {
		if sql[i] != '$' || i > 0 && (sql[i-1] == '_' || '0' <= sql[i-1] && sql[i-1] <= '9' || 'a' <= sql[i-1]|0x20 && sql[i-1]|0x20 <= 'z') {
			continue
		}
		n := 0
		for j := i + 1; j < len(sql) && '0' <= sql[j] && sql[j] <= '9' && n < 1<<16; j++ {
			n = n*10 + int(sql[j]-'0')
		}
		most = max(most, n)
	}
	return most
}

// readAnswer reads what the server says to one query.
func (s *session) readAnswer(p *pgconn.Pipeline, q *recordedQuery) (answer, error) {
	x := answer{relations: map[uint32]string{}}
	step := 0 // 0: prepared, 1: planned, 2: locks, from 3 on: probes
	for {
		results, err := p.GetResults()
		if refused := new(pgconn.PgError); errors.As(err, &refused) {
			x.recordRefusal(refused, step)
			continue
		} else if err != nil {
			return x, err
		}
		switch r := results.(type) {
		case *pgconn.StatementDescription:
			x.params = r.ParamOIDs
			for _, f := range r.Fields {
				x.columns = append(x.columns, resultColumn{f.Name, f.DataTypeOID, f.TypeModifier, f.TableOID, f.TableAttributeNumber})
			}
			step = 1
			if !q.isPlanned {
				x.unplanned, step = true, 2
			}
		case *pgconn.ResultReader:
			read := r.Read()
			if refused := new(pgconn.PgError); errors.As(read.Err, &refused) {
				x.recordRefusal(refused, step)
				continue
			} else if read.Err != nil {
				return x, read.Err
			}
			if step == 1 {
				x.plan, step = parsePlan(read.Rows), 2
				continue
			}
			if step > 2 {
				x.readProbe(q, step-3, read.Rows)
				step++
				continue
			}
			step = 3
			for _, row := range read.Rows {
				var oid uint32
				_, _ = fmt.Sscan(string(row[0]), &oid)
				x.relations[oid] = strongerMode(x.relations[oid], string(row[1]))
			}
		case *pgconn.PipelineSync:
			return x, nil
		}
	}
}

// recordRefusal notes that the server refuses, at a step.
func (x *answer) recordRefusal(err *pgconn.PgError, step int) {
	x.step = step
	switch {
	case err.Code == "57014" || err.Code == "55P03":
		x.timedOut = true
	case step == 0 || step > 2 || step == 1 && strings.HasPrefix(err.Code, "42") && err.Code != "42601":
		refusal := *err // a query's own literal may be what it could not read
		refusal.Message = redact.RedactMessage(err)
		x.refused = &refusal
	default:
		refusal := *err
		refusal.Message = redact.RedactMessage(err)
		x.unplanned, x.planRefusal = true, &refusal
	}
}

// readDefaultPath learns the search path of a session of the migrations' database that sets
// none; a session that trusts nothing has another one.
func (a *queryDescriber) readDefaultPath(ctx context.Context, list []*recordedQuery) error {
	if !slices.ContainsFunc(list, func(q *recordedQuery) bool { return a.sessionRole(q) != "" && q.SearchPath == "" }) {
		return nil
	}
	c, err := pgx.Connect(ctx, a.point.URL)
	if err == nil {
		defer c.Close(ctx)
		err = c.QueryRow(ctx, "SELECT pg_catalog.current_setting('search_path')", pgx.QueryExecModeSimpleProtocol).Scan(&a.path)
	}
	if err != nil {
		return fmt.Errorf("ask for the search path at a commit point: %w", err)
	}
	return nil
}
