package collect

import (
	"github.com/onward-sql/onward/internal/workload"
)

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
func (s *session) addToSequence(q *query, sender *person, p *codePlace, out outcome, controlAction action) {
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
