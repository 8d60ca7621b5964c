package collect

import (
	"cmp"
	"time"

	"github.com/onward-sql/onward/internal/workload"
)

// queryKey is what makes a query a distinct one.
type queryKey struct {
	shape *shape
	scope queryScope
}

// query is what is counted of one.
type query struct {
	id    string
	key   queryKey
	named bool

	calls, rows, most, parents int64
	spent                      time.Duration
	errors                     map[string]int64
	senders                    []senderCount
	marks                      [3]int64 // calls as code, migration, fixture
	facts                      Facts
	examples                   [][]*string
	exampleTries               int // how often its values were read for an example
	databases                  []string
	strings                    []workload.Strings
}

// senderCount is how often someone sent a query.
type senderCount struct {
	who   *person
	calls int64
}

// person is a sender.
type person struct{ workload.Sender }

type personKey struct{ where, test, application string }

// findQuery returns the query of a shape, as the session sends it now. The collector is locked.
func (s *session) findQuery(sh *shape) *query {
	if q := s.cache[sh]; q != nil {
		return q
	}
	c, k := s.c, queryKey{sh, s.settings.currentScope}
	q := c.queries[k]
	if q == nil {
		if len(c.queries) >= c.cfg.MaxQueries {
			c.left.many++
			return nil
		}
		q = &query{key: k, id: workload.Fingerprint(sh.normal.SQL, k.scope.path, k.scope.role)}
		q.facts.Database = s.database
		c.queries[k] = q
	}
	if len(s.cache) > 4096 {
		clear(s.cache)
	}
	s.cache[sh] = q
	return q
}

// findSender is who sends a statement. The collector is locked.
func (s *session) findSender(p *codePlace) *person {
	k := personKey{p.where, cmp.Or(p.test, s.test), p.application}
	if w := s.people[k]; w != nil {
		return w
	}
	w := workload.Sender{Database: s.group, Application: s.app, Place: p.where, Test: k.test}
	if p.application != "" {
		w.Application = p.application
	}
	if w.Test == "" {
		w.Test, w.Application = workload.CutTest(w.Application)
	}
	c := s.c
	who := c.people[w]
	if who == nil {
		if len(c.people) >= maxPeople {
			w = workload.Sender{Database: s.group}
		}
		if who = c.people[w]; who == nil {
			who = &person{w}
			c.people[w] = who
		}
	}
	if len(s.people) > 4096 {
		clear(s.people)
	}
	s.people[k] = who
	return who
}

// recordOutcome counts what came of a statement: it was carried out, in part where command is "",
// or refused with a SQLSTATE.
func (s *session) recordOutcome(o *op, state string, rows int64, command string) {
	began := o.at
	if s.lastAnswer.After(began) {
		began = s.lastAnswer
	}
	s.lastAnswer = time.Now()
	of, at, own := s.countedStatement(o)
	if of == nil || of.part == nil {
		return
	}
	s.c.mu.Lock()
	failure, told := s.countOutcome(of, at, own, outcome{state: state, rows: rows, spent: s.lastAnswer.Sub(began)})
	if state == "" && own != nil && command != "" {
		s.applyControl(own, command)
	}
	s.c.mu.Unlock()
	if told && s.c.cfg.OnError != nil {
		s.c.cfg.OnError(failure)
	}
}

// outcome is what came of one message.
type outcome struct {
	state string
	rows  int64
	spent time.Duration
}

// countedStatement is the statement that a message is counted for, its portal, and the message's own.
func (s *session) countedStatement(o *op) (of *preparedStatement, at *portal, own *textStatement) {
	switch o.kind {
	case opParse:
		if t := s.textOf(o); len(t.parts) > 0 {
			return &preparedStatement{part: &t.parts[0], oids: o.oids, named: o.name != ""}, nil, nil
		}
	case opBind:
		return s.prepared[o.statement], nil, nil
	case opExecute:
		if p := s.portals[o.name]; p != nil {
			own = p.statement.part
		}
		of, at = s.answeredStatement(o)
	case opQuery:
		if t := s.textOf(o); s.statementIndex < len(t.parts) {
			own = &t.parts[s.statementIndex]
		}
		of, at = s.answeredStatement(o)
	}
	return of, at, own
}

// countOutcome adds an outcome to a query. The collector is locked.
func (s *session) countOutcome(of *preparedStatement, at *portal, own *textStatement, out outcome) (Failure, bool) {
	sh := of.part.form.shape
	if sh == nil {
		s.c.left.calls++
		return Failure{}, false
	}
	q := s.findQuery(sh)
	if q == nil {
		s.c.left.calls++
		return Failure{}, false
	}
	p := &of.part.place
	if own != nil && *p == (codePlace{}) {
		p = &own.place
	}
	who := s.findSender(p)
	q.rows += out.rows
	q.most = max(q.most, out.rows)
	q.spent += out.spent
	q.parents += s.result.parents
	q.named = q.named || of.named
	q.learnFacts(of, s.database)
	again := at != nil && at.counted
	if at != nil {
		at.counted = true
	}
	do := nothing
	if own != nil {
		do = own.control.do
	}
	if again || out.state == "" && do == prepares {
		return Failure{}, false
	}
	q.calls++
	q.sentBy(who)
	s.c.addExample(q, of, at)
	s.addToSequence(q, who, p, out, do)
	if out.state == "" {
		q.addStrings(of.part.strings)
		return Failure{}, false
	}
	if q.errors == nil {
		q.errors = map[string]int64{}
	}
	if _, ok := q.errors[out.state]; ok || len(q.errors) < 50 {
		q.errors[out.state]++
	}
	return Failure{SQLSTATE: out.state, Query: q.id, SQL: sh.normal.SQL, Mark: sh.ownMark, Sender: who.Sender}, true
}

// sentBy counts a sender; of many those that came first.
func (q *query) sentBy(who *person) {
	for i := range q.senders {
		if q.senders[i].who == who {
			q.senders[i].calls++
			return
		}
	}
	if len(q.senders) < maxSenders {
		q.senders = append(q.senders, senderCount{who, 1})
	}
}

// learnFacts keeps what the server said of the query's parameters and columns, the first time.
func (q *query) learnFacts(of *preparedStatement, database string) {
	f := &q.facts
	if f.Columns == nil && of.cols != nil {
		f.Columns = of.cols
	}
	if f.ParamOIDs == nil && len(of.oids) > 0 {
		f.ParamOIDs = make([]uint32, len(of.part.form.from))
		for i, n := range of.part.form.from {
			if n > 0 && n <= len(of.oids) {
				f.ParamOIDs[i] = of.oids[n-1]
			}
		}
	}
	for _, d := range q.databases {
		if d == database {
			return
		}
	}
	if len(q.databases) < 16 {
		q.databases = append(q.databases, database)
	}
}
