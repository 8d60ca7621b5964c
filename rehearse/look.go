package rehearse

import (
	"context"
	"errors"
	"maps"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/observe"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// look asks the session itself what it holds and what there is of it now: no
// other session sees what is not committed. One row comes always, for the log.
//
// What is asked in this session is asked in a stranger's: its path may lead to
// other functions, types and operators than the server's, and its strings may
// know backslashes. So each name says its schema, and no string has any.
const look = `SELECT x.lsn, l.relation, COALESCE(l.mode, ''), c.oid,
  CASE WHEN n.oid IS NOT NULL THEN pg_catalog.concat(CASE WHEN n.nspname OPERATOR(pg_catalog.~) '^pg_temp' THEN 'pg_temp' ELSE n.nspname END, '.', c.relname) END, c.relkind::pg_catalog.text,
  COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::pg_catalog.oid), COALESCE(i.indrelid, 0::pg_catalog.oid), c.reltuples,
  COALESCE(pg_catalog.pg_stat_get_xact_tuples_returned(c.oid), 0)
FROM (SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::pg_catalog.int8 AS lsn) x
LEFT JOIN pg_catalog.pg_locks l ON l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace AND n.nspname OPERATOR(pg_catalog.!~) '^pg_toast'
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid`

// modes are locks of one relation, a bit for each.
type modes uint16

// strongest is the strongest of them.
func (m modes) strongest() onward.Lock { return onward.Lock(max(bits.Len16(uint16(m))-1, 0)) }

// view is what a session sees of itself.
type view struct {
	lsn   int64
	locks map[uint32]onward.Lock // the strongest
	modes map[uint32]modes
	rels  map[uint32]observe.Relation
	read  map[uint32]int64
}

func (s *scene) look(ctx context.Context) (v *view, err error) {
	return v, s.untimed(ctx, func() (err error) {
		v, err = s.see(ctx)
		return err
	})
}

// anyhow is a protocol that is open to sessions of any settings: the simple one
// is closed to those without standard_conforming_strings.
const anyhow = pgx.QueryExecModeExec

// untimed asks something in the release's transaction without its time limit.
func (s *scene) untimed(ctx context.Context, ask func() error) error {
	if !s.timed || s.runner.status() != 'T' {
		return ask()
	}
	var was, none string
	c := s.runner.conn
	if err := c.QueryRow(ctx, "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.set_config('statement_timeout', '0', true)", anyhow).Scan(&was, &none); err != nil {
		return err
	}
	if err := ask(); err != nil {
		return err
	}
	_, err := c.Exec(ctx, "SET LOCAL statement_timeout = '"+was+"'")
	return err
}

// timed reports whether the release limits the time of statements, which holds
// for what is asked in its transactions too.
func (v *version) timed() bool {
	for _, step := range v.steps {
		if step.Runner.StatementTimeout > 0 {
			return true
		}
		for _, p := range step.Source.Parts {
			if strings.Contains(strings.ToLower(p.SQL), "statement_timeout") {
				return true
			}
		}
	}
	return false
}

func (s *scene) see(ctx context.Context) (*view, error) {
	rows, err := s.runner.conn.Query(ctx, look, anyhow)
	if err != nil {
		return nil, err
	}
	v := &view{locks: map[uint32]onward.Lock{}, modes: map[uint32]modes{}, rels: map[uint32]observe.Relation{}, read: map[uint32]int64{}}
	var locked, oid *uint32
	var mode string
	var name, kind *string
	var file, table uint32
	var tuples *float64
	var read int64
	_, err = pgx.ForEachRow(rows, []any{&v.lsn, &locked, &mode, &oid, &name, &kind, &file, &table, &tuples, &read}, func() error {
		if locked == nil {
			return nil
		}
		var l onward.Lock
		if err := l.UnmarshalText([]byte(mode)); err != nil {
			return err
		}
		if oid != nil && name == nil {
			return nil // TOAST
		}
		v.locks[*locked] = max(v.locks[*locked], l)
		v.modes[*locked] |= 1 << l
		if oid != nil {
			v.rels[*oid] = observe.Relation{OID: *oid, Name: *name, Kind: *kind, File: file, Table: table, Rows: *tuples}
			v.read[*oid] = read
		}
		return nil
	})
	return v, err
}

// opened notes a transaction that begins. plain: nothing may be asked before the
// next statement, which sets how the transaction reads.
func (s *scene) opened(ctx context.Context, plain bool) error {
	s.tx = &transaction{begun: time.Now(), held: map[uint32]onward.Lock{}, modes: map[uint32]modes{}}
	s.expected = map[uint32]onward.Lock{}
	s.read = map[uint32]int64{}
	if plain {
		return nil
	}
	// The counters of a session outlive its transactions for a while.
	rows, err := s.runner.conn.Query(ctx, `SELECT relid, seq_tup_read FROM pg_catalog.pg_stat_xact_user_tables WHERE seq_tup_read OPERATOR(pg_catalog.>) 0`, anyhow)
	if err != nil {
		return err
	}
	var oid uint32
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&oid, &n}, func() error { s.read[oid] = n; return nil })
	return err
}

// rewound closes what the transaction held since its savepoint.
func (s *scene) rewound(ctx context.Context) error {
	v, err := s.look(ctx)
	if err != nil {
		return err
	}
	committed, err := observe.Relations(ctx, s.runner.look)
	if err != nil {
		return err
	}
	locks := map[string]onward.Lock{}
	for oid, r := range v.rels {
		locks[r.Name] = v.locks[oid]
	}
	now := time.Now()
	s.tx.open = slices.DeleteFunc(s.tx.open, func(p place) bool {
		o := s.out.Statements[p.statement].Observed[p.observed]
		if o.Lock <= locks[o.Relation] {
			return false
		}
		s.release1(p, now)
		return true
	})
	for oid := range s.tx.held {
		if _, holds := v.locks[oid]; holds {
			continue
		}
		// What nobody of the transaction holds is as others see it.
		delete(s.rels, oid)
		if r, ok := committed[oid]; ok {
			s.rels[oid] = r
		}
	}
	s.tx.held, s.tx.modes, s.expected = map[uint32]onward.Lock{}, map[uint32]modes{}, maps.Clone(v.locks)
	s.keep(v)
	return nil
}

// ended closes what the transaction held.
func (s *scene) ended(ctx context.Context, committed bool) error {
	if s.tx == nil {
		return nil
	}
	now := time.Now()
	for _, p := range s.tx.open {
		s.release1(p, now)
	}
	s.out.Transactions = append(s.out.Transactions, onward.RehearsedTransaction{
		Migration: s.migration, FromMS: s.at(s.tx.begun), UntilMS: s.at(now), RolledBack: !committed,
	})
	s.tx = nil
	if committed {
		return nil
	}
	var err error
	s.rels, err = observe.Relations(ctx, s.runner.look)
	return err
}

// statement runs one statement and looks.
func (s *scene) statement(ctx context.Context, st *script.Statement, inside bool) error {
	if inside {
		return s.watched(ctx, st)
	}
	if plain(st) {
		_, err := s.exec(ctx, st)
		return err
	}
	if err := s.glance(ctx, st); err != nil {
		return err
	}
	// A statement on its own is watched in a transaction of its own, where the
	// server lets it.
	if _, err := s.runner.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := s.opened(ctx, false); err != nil {
		return err
	}
	before := len(s.out.Statements)
	err := s.watched(ctx, st)
	if err == nil {
		return s.runner.end(ctx, "COMMIT", true)
	}
	if s.runner.conn.IsClosed() {
		return err
	}
	if _, rollback := s.runner.conn.Exec(ctx, "ROLLBACK"); rollback != nil {
		return rollback
	}
	if !needsNoTransaction(err) {
		return errors.Join(err, s.ended(ctx, false))
	}
	s.tx, s.out.Statements = nil, s.out.Statements[:before]
	return s.alone(ctx, st)
}

// plain statements hold nothing.
func plain(st *script.Statement) bool {
	return st.Node.GetVariableSetStmt() != nil || st.Node.GetVariableShowStmt() != nil || st.Node.GetTransactionStmt() != nil || st.Node.GetLockStmt() != nil
}

// needsNoTransaction: the server refuses the statement in a transaction block
// (25001), or it ends transactions itself (2D000).
func needsNoTransaction(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "25001" && strings.Contains(pg.Message, "cannot run inside a transaction block") || pg.Code == "2D000" ||
		pg.Code == "25001" && strings.Contains(pg.Message, "cannot be executed from a function") || pg.Code == "0A000" && strings.Contains(pg.Message, "transaction"))
}

// exec sends a statement, bounded.
func (s *scene) exec(ctx context.Context, st *script.Statement) (pgconn.CommandTag, error) {
	s.notices = nil
	stop := s.sampler.bound(s.Limit)
	tag, err := s.runner.exec(ctx, st)
	return tag, stop(err)
}

// run sends a statement and writes down when, and what it said.
func (s *scene) run(ctx context.Context, st *script.Statement) (*onward.RehearsedStatement, *samples, error) {
	nested := mayNest(st)
	var broken error
	if nested {
		broken = s.explain(ctx, true)
	}
	s.sampler.begin()
	from := time.Now()
	tag, err := s.exec(ctx, st)
	if broken != nil {
		err = broken // than which the server's answer is no wiser
	}
	until := time.Now()
	seen := s.sampler.end()
	out := onward.RehearsedStatement{
		Migration: s.migration, Statement: st.Index, FromMS: s.at(from), UntilMS: s.at(until),
		WaitedMS: ms(seen.waited), Rows: tag.RowsAffected(), Observed: []onward.Observed{}, Nested: s.nested(st),
	}
	if nested && err == nil {
		err = s.explain(ctx, false)
	}
	s.out.Statements = append(s.out.Statements, out)
	return &s.out.Statements[len(s.out.Statements)-1], seen, err
}

// watched runs a statement in the open transaction.
func (s *scene) watched(ctx context.Context, st *script.Statement) error {
	out, seen, err := s.run(ctx, st)
	if err != nil {
		s.attempted(out, seen)
		return err
	}
	if s.runner.status() != 'T' {
		return nil // it ended the transaction in some way of its own
	}
	if st.Node.GetVariableSetStmt() != nil {
		return nil // after a query, the next one may come too late to set something
	}
	v, err := s.look(ctx)
	if err != nil {
		return err
	}
	if s.lsn > 0 {
		out.WALBytes = max(0, v.lsn-s.lsn)
	}
	s.lsn = v.lsn
	s.compareAndKeep(st, out, seen, v)
	return nil
}
