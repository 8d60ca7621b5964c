package collect

import "github.com/onward-sql/onward/internal/workload"

// How a call of a query that may be code is counted.
const (
	asCode = iota
	asMigration
	asFixture
)

// How far a migration tool's run is followed on a connection.
const (
	maxBetween = 200 // calls between two entries into its table
	maxWrites  = 30  // writes between two changes of the schema
)

// marker separates migrations from code on one connection. A call that may be either waits until a later one
// decides. If a tool's next entry in its table follows, all calls since the last entry are a migration. If a
// change of the schema follows, only writes without a result are, because suites create tables, use them and
// drop them. If nothing follows, the calls are code.
type marker struct {
	migrating bool
	gap       []pendingCall
	calls     int64
	writes    bool // the gap has nothing else
}

type pendingCall struct {
	q     *query
	times int64
}

// judgeSingle judges a query outside of a transaction. The collector is locked.
func (m *marker) judgeSingle(q *query, fixture bool) {
	sh := q.key.shape
	switch {
	case sh.ownMark != workload.Code:
		m.noteNonCodeQuery(sh)
	case fixture:
		q.marks[asFixture]++
	default:
		m.holdCall(q, 1, sh.writes)
	}
}

// noteNonCodeQuery: a query that is no code in any case, and may say what those before it were.
func (m *marker) noteNonCodeQuery(sh *shape) {
	switch {
	case sh.usesBooks && sh.writes:
		m.endGap(m.migrating)
	case sh.usesBooks:
		m.endGap(false)
	case sh.ddl:
		m.endGap(m.migrating && m.writes && m.calls <= maxWrites)
	}
}

// endGap ends the gap, and begins the next.
func (m *marker) endGap(migration bool) {
	if migration {
		m.countGapCalls(workload.Migration)
	} else {
		m.countGapCalls(workload.Code)
	}
	m.migrating, m.writes = true, true
}

// holdCall keeps a call until it is known whose it is.
func (m *marker) holdCall(q *query, times int64, writes bool) {
	if !m.migrating {
		q.marks[asCode] += times
		return
	}
	m.gap = append(m.gap, pendingCall{q, times})
	m.calls += times
	m.writes = m.writes && writes
	if m.calls > maxBetween {
		m.countGapCalls(workload.Code)
		m.migrating = false
	}
}

// countGapCalls counts the calls of the gap.
func (m *marker) countGapCalls(mark workload.Mark) {
	mode := asCode
	if mark == workload.Migration {
		mode = asMigration
	}
	for _, c := range m.gap {
		c.q.marks[mode] += c.times
	}
	m.gap, m.calls = m.gap[:0], 0
}

// judgeTransaction judges the queries of one that has ended. The collector is locked.
func (m *marker) judgeTransaction(r *openSequence, committed bool) {
	cleaning := 0
	for _, st := range r.steps {
		if sh := st.q.key.shape; sh.deletesAll {
			cleaning++
		} else if sh.ownMark == workload.Code {
			cleaning = -maxSteps
		}
	}
	for _, st := range r.steps {
		sh := st.q.key.shape
		switch {
		case sh.ownMark != workload.Code:
			m.noteNonCodeQuery(sh)
		case r.ddl && committed:
			st.q.marks[asMigration] += st.times
		case r.suite && sh.writes, cleaning > 1:
			st.q.marks[asFixture] += st.times
		default:
			m.holdCall(st.q, st.times, sh.writes)
		}
	}
}

// finalMark is what a query is in the end. One that was seen both ways is code.
func (q *query) finalMark() workload.Mark {
	switch {
	case q.key.shape.ownMark != workload.Code:
		return q.key.shape.ownMark
	case q.marks[asCode] > 0:
		return workload.Code
	case q.marks[asMigration] > 0:
		return workload.Migration
	case q.marks[asFixture] > 0:
		return workload.Fixture
	}
	return workload.Code
}

// applyControl repeats the effect of a statement such as COMMIT, PREPARE or CLOSE on the followed session. command is the tag with
// which the server answered: COMMIT in a transaction that failed says ROLLBACK. The collector is locked.
func (s *session) applyControl(p *textStatement, command string) {
	c := p.control
	if c.do == nothing {
		return
	}
	if c.do == commits && command == "ROLLBACK" {
		c.do = rollsBack
	}
	switch c.do {
	case begins:
		s.run.startTransaction(s)
	case commits:
		s.run.endSequence(s, "commit")
	case rollsBack:
		s.run.endSequence(s, "rollback")
	case saves:
		if len(s.settings.savepoints) == 0 {
			s.run.markOuterSavepoint()
		}
	case rollsBackTo:
		if len(s.settings.savepoints) > 0 && s.settings.savepoints[0].name == c.name && s.status != 'E' {
			s.run.endTest(s)
		}
	case prepares:
		if len(s.prepared) < maxPrepared {
			s.prepared[c.name] = &preparedStatement{part: p, named: true}
		}
	case deallocates:
		forgetNames(s.prepared, c.name)
	case declares:
		if len(s.portals) < maxPrepared {
			s.portals[c.name] = &portal{statement: &preparedStatement{part: p}, counted: true}
		}
	case closes:
		forgetNames(s.portals, c.name)
	case discards:
		clear(s.prepared)
		clear(s.portals)
	}
	before := s.settings.currentScope
	s.settings.applyStatement(&c)
	if s.settings.currentScope != before {
		clear(s.cache)
	}
	if c.chain {
		s.run.startTransaction(s)
		s.settings.applyStatement(&control{do: begins})
	}
}

// forgetNames removes a name, or all.
func forgetNames[V any](from map[string]V, name string) {
	if name == "" {
		clear(from)
	}
	delete(from, name)
}

// reconcileTransaction compares what is thought of the transaction with what the server says.
func (s *session) reconcileTransaction() {
	switch inside := s.status != 'I'; {
	case inside && !s.run.tx:
		s.c.mu.Lock()
		s.run.startTransaction(s)
		s.c.mu.Unlock()
	case !inside && s.run.tx: // in a procedure, or two phases
		s.c.mu.Lock()
		s.run.endSequence(s, "commit")
		s.c.mu.Unlock()
	}
	if s.status == 'I' && len(s.portals) > 0 {
		for name, p := range s.portals {
			if p.statement.part == nil || p.statement.part.control.do != declares || name == "" {
				delete(s.portals, name)
			}
		}
	}
}

// addToSequence puts a call into its sequence, and finds out whose it is. The collector is locked.
func (s *session) addToSequence(q *query, sender *person, p *codePlace, out outcome) {
	sh := q.key.shape
	if sh.ownMark == workload.Session {
		return
	}
	if s.settings.replica && sh.writes {
		q.marks[asFixture]++
	} else if !s.run.tx {
		s.marker.judgeSingle(q, s.isFixtureWrite(sh))
	}
	s.run.addStep(s, q, sender, p, s.result.trips)
	s.run.keepResultValues(s.result.values, s.result.trips)
	if out.state == "" && sh.ddl {
		s.run.ddl = true
	}
}

// isFixtureWrite: rows that a whole message lays in, or that a program of Postgres' own restores.
func (s *session) isFixtureWrite(sh *shape) bool {
	if o := s.ops.firstOp(); o != nil && o.kind == opQuery && o.text != nil && o.text.fixture {
		return sh.writes
	}
	return sh.normal.Kind == workload.Copy && sh.writes && isOneOf(s.app, "psql", "pg_restore")
}

// queue holds the client's messages that are not answered yet, in their order.
type queue struct {
	list []op
	head int
}

func (q *queue) opCount() int { return len(q.list) - q.head }

// pushOp appends a message. The result is valid until the next call.
func (q *queue) pushOp(kind byte) *op {
	switch {
	case q.head == len(q.list):
		if cap(q.list) > 4096 {
			q.list = nil
		}
		q.list, q.head = q.list[:0], 0
	case q.head > 1024 && q.head > len(q.list)/2:
		q.list = q.list[:copy(q.list, q.list[q.head:])]
		q.head = 0
	}
	q.list = append(q.list, op{kind: kind})
	return &q.list[len(q.list)-1]
}

// firstOp returns the message that is answered next; nil if there is none.
func (q *queue) firstOp() *op {
	if q.opCount() == 0 {
		return nil
	}
	return &q.list[q.head]
}

func (q *queue) popOp() {
	q.list[q.head] = op{}
	q.head++
}

// dropUntil drops the messages before the first one that fits an answer, and returns it. If none fits, it returns nil and all
// stay: nobody understands that answer.
func (q *queue) dropUntil(fits func(*op) bool) *op {
	for i := q.head; i < len(q.list); i++ {
		if fits(&q.list[i]) {
			for q.head < i {
				q.popOp()
			}
			return &q.list[i]
		}
	}
	return nil
}

// dropAfterCopy forgets the messages that would be answered after a COPY that has just got its last data: the
// server has discarded them.
func (q *queue) dropAfterCopy() {
	if q.opCount() > 1 && q.firstOp().kind == opExecute {
		remainingOps := q.list[:q.head+1]
		for _, o := range q.list[q.head+1:] {
			if o.kind != opSync {
				remainingOps = append(remainingOps, o)
			}
		}
		q.list = remainingOps
	}
}
