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
	// refused is its no; nil: it prepares the query, and plans it.
	refused *pgconn.PgError
	// unplanned: it prepares it, and plans no such statement, or not with NULLs.
	unplanned bool
	// late: it did not answer in time, or stood behind a lock: nothing is known.
	late bool
	// step is how far it came.
	step    int
	columns []field
	params  []uint32
	// relations that it locks for it, with the modes.
	relations map[uint32]string
	plan      plan
}

// field is a column of a result.
type field struct {
	name     string
	oid      uint32
	modifier int32
	table    uint32
	number   uint16
}

// state is an answer, and the point from which on it holds.
type state struct {
	point int
	answer
}

// asker asks at one point.
type asker struct {
	point  rehearse.Point
	schema *schema
	// big are the names of tables for which it matters whether an index is used.
	big []string
	// path is the search path of a session that sets none.
	path string
}

// ask asks for each query, in several sessions, and calls told with what the server says.
func (a *asker) ask(ctx context.Context, list []*recorded, told func(*recorded, answer)) error {
	groups := a.groups(list)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan []*recorded)
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range min(sessions, len(groups)) {
		wait.Go(func() {
			s := &session{asker: a, told: func(q *recorded, x answer) { mu.Lock(); defer mu.Unlock(); told(q, x) }}
			defer s.close(ctx)
			for group := range work {
				if err := s.ask(ctx, group); err != nil {
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

// groups are queries that are asked for together: of one role and search path.
func (a *asker) groups(list []*recorded) [][]*recorded {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y *recorded) int {
		return cmp.Or(cmp.Compare(a.role(x), a.role(y)), cmp.Compare(x.SearchPath, y.SearchPath))
	})
	var out [][]*recorded
	for _, q := range list {
		if n := len(out) - 1; n >= 0 && len(out[n]) < batch && a.role(out[n][0]) == a.role(q) && out[n][0].SearchPath == q.SearchPath {
			out[n] = append(out[n], q)
		} else {
			out = append(out, []*recorded{q})
		}
	}
	return out
}

// role is who asks: the recorded role where it is there, else "", the migrations'.
func (a *asker) role(q *recorded) string {
	if _, ok := a.schema.roles[q.Role]; ok {
		return q.Role
	}
	return ""
}

// session asks one group after the other.
type session struct {
	*asker
	told func(*recorded, answer)
	// own is a session of the migrations' role, other one that can be any role.
	own, other *pgx.Conn
}

func (s *session) close(ctx context.Context) {
	for _, c := range []*pgx.Conn{s.own, s.other} {
		if c != nil {
			_ = c.Close(context.WithoutCancel(ctx))
		}
	}
}

const locksName = "onward_locks"

// open makes a session that changes nothing, and asks for plans that hold for any values.
func open(ctx context.Context, c *pgx.Conn, err error) (*pgx.Conn, error) {
	if err != nil {
		return nil, fmt.Errorf("connect at a commit point: %w", err)
	}
	for _, sql := range []string{
		"SET statement_timeout = '" + askTimeout + "'", "SET lock_timeout = '" + askTimeout + "'", "SET default_transaction_read_only = on",
		"SET plan_cache_mode = force_generic_plan", "SET enable_seqscan = off", "SET jit = off", "SET row_security = on", "SET client_min_messages = error",
		"PREPARE " + locksName + " AS SELECT relation, mode FROM pg_catalog.pg_locks WHERE pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND locktype OPERATOR(pg_catalog.=) 'relation' AND relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid",
	} {
		if _, err := c.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
			return c, fmt.Errorf("prepare a session at a commit point: %w", err)
		}
	}
	return c, nil
}

// connect gives the session for a group, as its queries' code would have it.
func (s *session) connect(ctx context.Context, q *recorded) (*pgx.Conn, error) {
	role, path, err := s.role(q), q.SearchPath, error(nil)
	if role == "" && s.own == nil {
		c, failed := pgx.Connect(ctx, s.point.URL)
		s.own, err = open(ctx, c, failed)
	}
	if role != "" && s.other == nil {
		c, failed := pgx.ConnectConfig(ctx, s.point.Conn.Config())
		s.other, err = open(ctx, c, failed)
	}
	if err != nil {
		return nil, err
	}
	c, sql := s.own, []string{"RESET search_path"}
	if role != "" {
		c, path = s.other, cmp.Or(path, s.asker.path)
		sql = []string{"RESET ROLE", "RESET search_path"}
	}
	if path != "" {
		sql = append(sql, "SELECT pg_catalog.set_config('search_path', "+literal(path)+", false)")
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

func literal(s string) string {
	return " E'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", "").Replace(s) + "'"
}

// ask asks for a group in one pipeline. Each query has a transaction of its own, so that
// an error costs itself.
func (s *session) ask(ctx context.Context, group []*recorded) error {
	c, err := s.connect(ctx, group[0])
	if err != nil {
		return err
	}
	p := c.PgConn().StartPipeline(ctx)
	for i, q := range group {
		name := fmt.Sprintf("onward_%d", i)
		p.SendPrepare(name, q.ask, s.given(q))
		if q.plans {
			p.SendQueryParams(explain(q, name, s.wide(q)), nil, nil, nil, nil)
		}
		p.SendQueryPrepared(locksName, nil, nil, nil)
		p.SendPipelineSync()
	}
	for i := range group {
		p.SendDeallocate(fmt.Sprintf("onward_%d", i))
	}
	if err := p.Sync(); err != nil {
		return errors.Join(fmt.Errorf("ask the server at a commit point: %w", err), p.Close())
	}
	for _, q := range group {
		x, err := s.hear(p, q)
		if err != nil {
			return errors.Join(fmt.Errorf("ask the server at a commit point: %w", err), p.Close())
		}
		s.told(q, x)
	}
	return p.Close()
}

// given are the types of parameters that the code gives.
func (a *asker) given(q *recorded) []uint32 {
	if q.ask != q.SQL {
		return nil
	}
	out := make([]uint32, len(q.Params))
	for i, name := range q.Params {
		out[i] = a.schema.spelled[name]
	}
	return out
}

// wide: its whole plan is read, for what it inserts or which indexes it uses.
func (a *asker) wide(q *recorded) bool {
	if q.rows {
		return true
	}
	for _, name := range a.big {
		if q.names[name] {
			return true
		}
	}
	return false
}

// explain asks for a plan with NULL for each parameter, which a generic one does not look at.
func explain(q *recorded, name string, wide bool) string {
	options := "(COSTS off)"
	if wide {
		options = "(COSTS off, VERBOSE, FORMAT JSON)"
	}
	n := len(q.Params)
	if m := placeholders(q.ask); q.ask != q.SQL || m > n {
		n = m
	}
	arguments := ""
	if n > 0 {
		arguments = "(NULL" + strings.Repeat(", NULL", n-1) + ")"
	}
	return "EXPLAIN " + options + " EXECUTE " + name + arguments
}

// placeholders is the highest number of a parameter in a text.
func placeholders(sql string) (most int) {
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

// hear reads what the server says to one query.
func (s *session) hear(p *pgconn.Pipeline, q *recorded) (answer, error) {
	x := answer{relations: map[uint32]string{}}
	step := 0 // 0: prepared, 1: planned, 2: locks
	for {
		results, err := p.GetResults()
		if refused := new(pgconn.PgError); errors.As(err, &refused) {
			x.no(refused, step)
			continue
		} else if err != nil {
			return x, err
		}
		switch r := results.(type) {
		case *pgconn.StatementDescription:
			x.params = r.ParamOIDs
			for _, f := range r.Fields {
				x.columns = append(x.columns, field{f.Name, f.DataTypeOID, f.TypeModifier, f.TableOID, f.TableAttributeNumber})
			}
			step = 1
			if !q.plans {
				x.unplanned, step = true, 2
			}
		case *pgconn.ResultReader:
			read := r.Read()
			if refused := new(pgconn.PgError); errors.As(read.Err, &refused) {
				x.no(refused, step)
				continue
			} else if read.Err != nil {
				return x, read.Err
			}
			if step == 1 {
				x.plan, step = readPlan(read.Rows), 2
				continue
			}
			for _, row := range read.Rows {
				var oid uint32
				_, _ = fmt.Sscan(string(row[0]), &oid)
				x.relations[oid] = stronger(x.relations[oid], string(row[1]))
			}
		case *pgconn.PipelineSync:
			return x, nil
		}
	}
}

// no notes that the server refuses, at a step.
func (x *answer) no(err *pgconn.PgError, step int) {
	x.step = step
	switch {
	case err.Code == "57014" || err.Code == "55P03":
		x.late = true
	case step == 0 || step == 1 && strings.HasPrefix(err.Code, "42") && err.Code != "42601":
		said := *err // a query's own literal may be what it could not read
		said.Message = redact.Message(err)
		x.refused = &said
	default:
		x.unplanned = true
	}
}

// defaultPath learns the search path of a session of the migrations' database that sets
// none; a session that trusts nothing has another one.
func (a *asker) defaultPath(ctx context.Context, list []*recorded) error {
	if !slices.ContainsFunc(list, func(q *recorded) bool { return a.role(q) != "" && q.SearchPath == "" }) {
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
