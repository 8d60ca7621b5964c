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

// marker tells migrations from code on one connection. A call that may be either waits until
// what comes behind it says which: a tool's next entry into its table makes all since the last
// one a migration, the next change of the schema only writes that gave nothing back, since
// suites make tables, work on them and drop them. What nothing follows is code.
type marker struct {
	c         *Collector
	migrating bool
	gap       []call
	calls     int64
	writes    bool // the gap has nothing else
}

type call struct {
	q     *query
	times int64
}

// single judges a query outside of a transaction. The collector is locked.
func (m *marker) single(q *query, fixture bool) {
	sh := q.key.shape
	switch {
	case sh.own != workload.Code:
		m.event(sh)
	case fixture:
		q.marks[asFixture]++
	default:
		m.wait(q, 1, sh.writes)
	}
}

// event: a query that is no code in any case, and may say what those before it were.
func (m *marker) event(sh *shape) {
	switch {
	case sh.books && sh.writes:
		m.follows(m.migrating)
	case sh.books:
		m.follows(false)
	case sh.ddl:
		m.follows(m.migrating && m.writes && m.calls <= maxWrites)
	}
}

// follows ends the gap, and begins the next.
func (m *marker) follows(migration bool) {
	if migration {
		m.flush(workload.Migration)
	} else {
		m.flush(workload.Code)
	}
	m.migrating, m.writes = true, true
}

// wait keeps a call until it is known whose it is.
func (m *marker) wait(q *query, times int64, writes bool) {
	if !m.migrating {
		q.marks[asCode] += times
		return
	}
	m.gap = append(m.gap, call{q, times})
	m.calls += times
	m.writes = m.writes && writes
	if m.calls > maxBetween {
		m.flush(workload.Code)
		m.migrating = false
	}
}

// flush counts the calls of the gap.
func (m *marker) flush(mark workload.Mark) {
	as := asCode
	if mark == workload.Migration {
		as = asMigration
	}
	for _, c := range m.gap {
		c.q.marks[as] += c.times
	}
	m.gap, m.calls = m.gap[:0], 0
}

// transaction judges the queries of one that has ended. The collector is locked.
func (m *marker) transaction(r *run, committed bool) {
	cleaning := 0
	for _, st := range r.steps {
		if sh := st.q.key.shape; sh.all {
			cleaning++
		} else if sh.own == workload.Code {
			cleaning = -maxSteps
		}
	}
	for _, st := range r.steps {
		sh := st.q.key.shape
		switch {
		case sh.own != workload.Code:
			m.event(sh)
		case r.ddl && committed:
			st.q.marks[asMigration] += st.times
		case r.suite && sh.writes, cleaning > 1:
			st.q.marks[asFixture] += st.times
		default:
			m.wait(st.q, st.times, sh.writes)
		}
	}
}

// mark is what a query is in the end. One that was seen both ways is code.
func (q *query) mark() workload.Mark {
	switch {
	case q.key.shape.own != workload.Code:
		return q.key.shape.own
	case q.marks[asCode] > 0:
		return workload.Code
	case q.marks[asMigration] > 0:
		return workload.Migration
	case q.marks[asFixture] > 0:
		return workload.Fixture
	}
	return workload.Code
}
