package collect

import (
	"cmp"
	"slices"
	"time"

	"github.com/onward-sql/onward/internal/workload"
)

// queryKey is what makes a query a distinct one.
type queryKey struct {
	shape *shape
	scope queryScope
}

// query has the counts of a distinct query.
type query struct {
	id    string
	key   queryKey
	named bool

	// most is the largest number of rows of one call. parents counts the different values in the first column of a join's rows.
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

// findOrAddQuery returns the query of a shape, as the session sends it now. The collector is locked.
func (s *session) findOrAddQuery(sh *shape) *query {
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

// findOrAddSender is who sends a statement. The collector is locked.
func (s *session) findOrAddSender(p *codePlace) *person {
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
	sender := c.people[w]
	if sender == nil {
		if len(c.people) >= maxPeople {
			w = workload.Sender{Database: s.group}
		}
		if sender = c.people[w]; sender == nil {
			sender = &person{w}
			c.people[w] = sender
		}
	}
	if len(s.people) > 4096 {
		clear(s.people)
	}
	s.people[k] = sender
	return sender
}

// recordOutcome counts what came of a statement: it was carried out, in part where command is "",
// or refused with a SQLSTATE.
func (s *session) recordOutcome(o *op, state string, rows int64, command string) {
	began := o.at
	if s.lastAnswer.After(began) {
		began = s.lastAnswer
	}
	s.lastAnswer = time.Now()
	stmt, boundPortal, part := s.countedStatement(o)
	if stmt == nil || stmt.part == nil {
		return
	}
	s.c.mu.Lock()
	s.countOutcome(stmt, boundPortal, part, outcome{state: state, rows: rows, spent: s.lastAnswer.Sub(began)})
	if state == "" && part != nil && command != "" {
		s.applyControl(part, command)
	}
	s.c.mu.Unlock()
}

// outcome is what came of one message.
type outcome struct {
	state string
	rows  int64
	spent time.Duration
}

// countedStatement is the statement that a message is counted for, its portal, and the message's own.
func (s *session) countedStatement(o *op) (stmt *preparedStatement, boundPortal *portal, part *textStatement) {
	switch o.kind {
	case opParse:
		if t := s.messageText(o); len(t.parts) > 0 {
			return &preparedStatement{part: &t.parts[0], oids: o.oids, named: o.name != ""}, nil, nil
		}
	case opBind:
		return s.prepared[o.statement], nil, nil
	case opExecute:
		if p := s.portals[o.name]; p != nil {
			part = p.statement.part
		}
		stmt, boundPortal = s.answeredStatement(o)
	case opQuery:
		if t := s.messageText(o); s.statementIndex < len(t.parts) {
			part = &t.parts[s.statementIndex]
		}
		stmt, boundPortal = s.answeredStatement(o)
	}
	return stmt, boundPortal, part
}

// countOutcome adds an outcome to a query. The collector is locked.
func (s *session) countOutcome(stmt *preparedStatement, boundPortal *portal, part *textStatement, out outcome) {
	sh := stmt.part.form.shape
	if sh == nil {
		s.c.left.calls++
		return
	}
	q := s.findOrAddQuery(sh)
	if q == nil {
		s.c.left.calls++
		return
	}
	p := &stmt.part.place
	if part != nil && *p == (codePlace{}) {
		p = &part.place
	}
	sender := s.findOrAddSender(p)
	q.rows += out.rows
	q.most = max(q.most, out.rows)
	q.spent += out.spent
	q.parents += s.result.parents
	q.named = q.named || stmt.named
	q.keepServerFacts(stmt, s.database)
	isRepeated := boundPortal != nil && boundPortal.counted
	if boundPortal != nil {
		boundPortal.counted = true
	}
	controlAction := nothing
	if part != nil {
		controlAction = part.control.do
	}
	if isRepeated || out.state == "" && controlAction == prepares {
		return
	}
	q.calls++
	q.countSender(sender)
	s.c.addExample(q, stmt, boundPortal)
	s.addToSequence(q, sender, p, out)
	if out.state == "" {
		q.addStrings(stmt.part.strings)
		return
	}
	if q.errors == nil {
		q.errors = map[string]int64{}
	}
	if _, ok := q.errors[out.state]; ok || len(q.errors) < 50 {
		q.errors[out.state]++
	}
}

// countSender counts a sender; of many those that came first.
func (q *query) countSender(sender *person) {
	for i := range q.senders {
		if q.senders[i].who == sender {
			q.senders[i].calls++
			return
		}
	}
	if len(q.senders) < maxSenders {
		q.senders = append(q.senders, senderCount{sender, 1})
	}
}

// keepServerFacts keeps what the server said of the query's parameters and columns, the first time.
func (q *query) keepServerFacts(stmt *preparedStatement, database string) {
	f := &q.facts
	if f.ColumnOIDs == nil && stmt.cols != nil {
		f.ColumnOIDs = stmt.cols
	}
	if f.ParamOIDs == nil && len(stmt.oids) > 0 {
		f.ParamOIDs = make([]uint32, len(stmt.part.form.from))
		for i, n := range stmt.part.form.from {
			if n > 0 && n <= len(stmt.oids) {
				f.ParamOIDs[i] = stmt.oids[n-1]
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

// Bounds of the string literals that are held for a query.
const (
	mostReadTexts = 64  // texts of a shape
	mostStrings   = 64  // values of a parameter
	longestString = 200 // bytes of one
)

// readsStrings reports whether a text's string literals are read: they may be names.
func (c *Collector) readsStrings(s *shape) bool {
	if s == nil || s.ownMark != workload.Code || !hasStringParameter(&s.normal) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.read++
	return s.read <= mostReadTexts
}

// hasStringParameter reports whether a parameter stands for a string literal.
func hasStringParameter(n *workload.Normal) bool {
	for i, from := range n.From {
		if from == 0 && (n.Params[i] == "unknown" || n.Params[i] == "text") {
			return true
		}
	}
	return false
}

// addStrings keeps the string literals of a text that the server took. The collector is locked.
func (q *query) addStrings(list []workload.Strings) {
	n := &q.key.shape.normal
	if q.key.shape.ownMark != workload.Code || !hasStringParameter(n) {
		return
	}
	if q.strings == nil {
		q.strings = make([]workload.Strings, len(n.Params))
	}
	for i := range q.strings {
		have := &q.strings[i]
		if len(list) != len(q.strings) {
			have.Unread = true
			continue
		}
		have.Unread = have.Unread || list[i].Unread
		for _, value := range list[i].Values {
			switch {
			case slices.Contains(have.Values, value):
			case len(value) > longestString || len(have.Values) == mostStrings:
				have.Unread = true
			default:
				have.Values = append(have.Values, value)
			}
		}
	}
}

func cloneStrings(list []workload.Strings) []workload.Strings {
	out := slices.Clone(list)
	for i := range out {
		out[i].Values = slices.Clone(out[i].Values)
	}
	return out
}
