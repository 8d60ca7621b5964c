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

// look asks the session itself which locks it holds and what those relations
// are like now, because no other session sees what is not committed. The query
// always returns at least one row, for the log position.
//
// The session runs untrusted code: its search_path may lead to functions, types
// and operators other than the server's, and its string literals may treat
// backslashes as escapes. So each name has its schema, and no string has a
// backslash.
const look = `SELECT x.lsn, l.relation, COALESCE(l.mode, ''), c.oid,
  CASE WHEN n.oid IS NOT NULL THEN pg_catalog.concat(CASE WHEN n.nspname OPERATOR(pg_catalog.~) '^pg_temp' THEN 'pg_temp' ELSE n.nspname END, '.', c.relname) END, c.relkind::pg_catalog.text,
  COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::pg_catalog.oid), COALESCE(i.indrelid, 0::pg_catalog.oid), c.reltuples,
  COALESCE(pg_catalog.pg_stat_get_xact_tuples_returned(c.oid), 0)
FROM (SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::pg_catalog.int8 AS lsn) x
LEFT JOIN pg_catalog.pg_locks l ON l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.locktype OPERATOR(pg_catalog.=) 'relation' AND l.relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) l.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace AND n.nspname OPERATOR(pg_catalog.!~) '^pg_toast'
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid`

// lockModes is a set of lock modes of one relation, one bit each.
type lockModes uint16

// strongestLock returns the strongest of them.
func (m lockModes) strongestLock() onward.Lock { return onward.Lock(max(bits.Len16(uint16(m))-1, 0)) }

// sessionView is what a session sees of itself.
type sessionView struct {
	lsn   int64
	locks map[uint32]onward.Lock // the strongest
	modes map[uint32]lockModes
	rels  map[uint32]observe.Relation
	read  map[uint32]int64
}

func (s *releaseRun) readView(ctx context.Context) (v *sessionView, err error) {
	return v, s.withoutTimeout(ctx, func() (err error) {
		v, err = s.queryView(ctx)
		return err
	})
}

// anyhow is a query protocol that works in sessions with any settings. The
// simple one does not work without standard_conforming_strings.
const anyhow = pgx.QueryExecModeExec

// withoutTimeout runs a query in the release's transaction without its time limit.
func (s *releaseRun) withoutTimeout(ctx context.Context, ask func() error) error {
	if !s.timed || s.runner.txStatus() != 'T' {
		return ask()
	}
	var previous, none string
	c := s.runner.conn
	if err := c.QueryRow(ctx, "SELECT pg_catalog.current_setting('statement_timeout'), pg_catalog.set_config('statement_timeout', '0', true)",
		anyhow).Scan(&previous, &none); err != nil {
		return err
	}
	if err := ask(); err != nil {
		return err
	}
	_, err := c.Exec(ctx, "SET LOCAL statement_timeout = '"+previous+"'")
	return err
}

// hasStatementTimeout reports whether the release limits the time of statements. That limit
// also holds for onward's queries in its transactions.
func (v *version) hasStatementTimeout() bool {
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

func (s *releaseRun) queryView(ctx context.Context) (*sessionView, error) {
	rows, _ := s.runner.conn.Query(ctx, look, anyhow)
	v := &sessionView{locks: map[uint32]onward.Lock{}, modes: map[uint32]lockModes{}, rels: map[uint32]observe.Relation{}, read: map[uint32]int64{}}
	var locked, oid *uint32
	var mode string
	var name, kind *string
	var file, table uint32
	var tuples *float64
	var read int64
	_, err := pgx.ForEachRow(rows, []any{&v.lsn, &locked, &mode, &oid, &name, &kind, &file, &table, &tuples, &read}, func() error {
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

// onTransactionBegin records that a transaction begins. plain: no query is allowed before
// the next statement, which sets the isolation level or the access mode.
func (s *releaseRun) onTransactionBegin(ctx context.Context, plain bool) error {
	s.tx = &transaction{startedAt: time.Now(), held: map[uint32]onward.Lock{}, modes: map[uint32]lockModes{}}
	s.expected = map[uint32]onward.Lock{}
	s.read = map[uint32]int64{}
	if plain {
		return nil
	}
	// The counters of a session are reset some time after the end of a
	// transaction.
	rows, _ := s.runner.conn.Query(ctx, `SELECT relid, seq_tup_read FROM pg_catalog.pg_stat_xact_user_tables WHERE seq_tup_read OPERATOR(pg_catalog.>) 0`,
		anyhow)
	var oid uint32
	var n int64
	_, err := pgx.ForEachRow(rows, []any{&oid, &n}, func() error { s.read[oid] = n; return nil })
	return err
}

// onSavepointRollback ends the locks that the transaction has taken since its savepoint.
func (s *releaseRun) onSavepointRollback(ctx context.Context) error {
	v, err := s.readView(ctx)
	if err != nil {
		return err
	}
	committed, err := observe.ListRelations(ctx, s.runner.catalogConn)
	if err != nil {
		return err
	}
	locks := map[string]onward.Lock{}
	for oid, r := range v.rels {
		locks[r.Name] = v.locks[oid]
	}
	now := time.Now()
	s.tx.open = slices.DeleteFunc(s.tx.open, func(p observationRef) bool {
		o := s.out.Statements[p.statement].Observed[p.observed]
		if o.Lock <= locks[o.Relation] {
			return false
		}
		s.recordLockEnd(p, now)
		return true
	})
	for oid := range s.tx.held {
		if _, holds := v.locks[oid]; holds {
			continue
		}
		// Relations that the transaction does not lock are as others see them.
		delete(s.rels, oid)
		if r, ok := committed[oid]; ok {
			s.rels[oid] = r
		}
	}
	s.tx.held, s.tx.modes, s.expected = map[uint32]onward.Lock{}, map[uint32]lockModes{}, maps.Clone(v.locks)
	s.saveBaseline(v)
	return nil
}

// onTransactionEnd ends the transaction's locks.
func (s *releaseRun) onTransactionEnd(ctx context.Context, committed bool) error {
	if s.tx == nil {
		return nil
	}
	now := time.Now()
	for _, p := range s.tx.open {
		s.recordLockEnd(p, now)
	}
	s.out.Transactions = append(s.out.Transactions, onward.RehearsedTransaction{
		Migration: s.migration, FromMS: s.elapsedMS(s.tx.startedAt), UntilMS: s.elapsedMS(now), RolledBack: !committed,
	})
	s.tx = nil
	if committed {
		return nil
	}
	rels, err := observe.ListRelations(ctx, s.runner.catalogConn)
	carryRowCounts(s.rels, rels, nil)
	s.rels = rels
	return err
}

// runStatement runs one statement and records its effects.
func (s *releaseRun) runStatement(ctx context.Context, st *script.Statement, inside bool) error {
	if inside {
		return s.runObserved(ctx, st)
	}
	if takesNoLocks(st) {
		_, err := s.execLimited(ctx, st)
		return err
	}
	if err := s.reportPlantedCodeBefore(ctx, st); err != nil {
		return err
	}
	// A single statement is observed in a transaction of its own, if the server
	// allows that.
	if _, err := s.runner.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	if err := s.onTransactionBegin(ctx, false); err != nil {
		return err
	}
	before := len(s.out.Statements)
	err := s.runObserved(ctx, st)
	if err == nil {
		return s.runner.endTransaction(ctx, "COMMIT", true)
	}
	if s.runner.conn.IsClosed() {
		return err
	}
	if _, rollback := s.runner.conn.Exec(ctx, "ROLLBACK"); rollback != nil {
		return rollback
	}
	if !mustRunOutsideTransaction(err) {
		return errors.Join(err, s.onTransactionEnd(ctx, false))
	}
	s.tx, s.out.Statements = nil, s.out.Statements[:before]
	return s.runOutsideTransaction(ctx, st)
}

// takesNoLocks reports whether a statement takes no locks worth observing.
func takesNoLocks(st *script.Statement) bool {
	return st.Node.GetVariableSetStmt() != nil || st.Node.GetVariableShowStmt() != nil || st.Node.GetTransactionStmt() != nil || st.Node.GetLockStmt() != nil
}

// mustRunOutsideTransaction reports whether the server refuses the statement in a
// transaction block (25001), or it ends transactions itself (2D000).
func mustRunOutsideTransaction(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "25001" && strings.Contains(pg.Message, "cannot run inside a transaction block") || pg.Code == "2D000" ||
		pg.Code == "25001" && strings.Contains(pg.Message, "cannot be executed from a function") || pg.Code == "0A000" && strings.Contains(pg.Message, "transaction"))
}

// execLimited sends a statement with a time limit.
func (s *releaseRun) execLimited(ctx context.Context, st *script.Statement) (pgconn.CommandTag, error) {
	s.notices = nil
	stop := s.sampler.limitStatement(s.statementLimit(s.Limit))
	tag, err := s.runner.execStatement(ctx, st)
	return tag, stop(err)
}

// runRecorded sends a statement and records its times and its error.
func (s *releaseRun) runRecorded(ctx context.Context, st *script.Statement) (*onward.RehearsedStatement, *samples, error) {
	nested := mayRunNestedSQL(st)
	var broken error
	if nested {
		broken = s.setAutoExplain(ctx, true)
	}
	s.sampler.startSampling()
	from := time.Now()
	tag, err := s.execLimited(ctx, st)
	if broken != nil {
		err = broken // the server's answer tells no more than this
	}
	until := time.Now()
	seen := s.sampler.stopSampling()
	out := onward.RehearsedStatement{
		Migration: s.migration, Statement: st.Index, FromMS: s.elapsedMS(from), UntilMS: s.elapsedMS(until),
		WaitedMS: toMillis(seen.waited), Rows: tag.RowsAffected(), Observed: []onward.Observed{}, Nested: s.nestedStatements(st),
	}
	if nested && err == nil {
		err = s.setAutoExplain(ctx, false)
	}
	s.out.Statements = append(s.out.Statements, out)
	return &s.out.Statements[len(s.out.Statements)-1], seen, err
}

// runObserved runs a statement in the open transaction.
func (s *releaseRun) runObserved(ctx context.Context, st *script.Statement) error {
	out, seen, err := s.runRecorded(ctx, st)
	if err != nil {
		s.recordAttemptedLocks(out, seen)
		return err
	}
	if s.runner.txStatus() != 'T' {
		return nil // it ended the transaction by itself
	}
	if st.Node.GetVariableSetStmt() != nil {
		return nil // after a query it may be too late for the next statement to set something
	}
	v, err := s.readView(ctx)
	if err != nil {
		return err
	}
	if s.lsn > 0 {
		out.WALBytes = max(0, v.lsn-s.lsn)
	}
	s.lsn = v.lsn
	s.observeEffects(st, out, seen, v)
	return nil
}
