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
	c         *Collector
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
