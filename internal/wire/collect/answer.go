package collect

import (
	"time"
)

// Server takes a message that the client has got.
func (s *session) Server(kind byte, body []byte, _ int) {
	if s.lost {
		return
	}
	switch kind {
	case 'D':
		s.onRow(body)
	case 'C':
		s.onCompleted(body)
	case 'Z':
		s.onReady(body)
	case '1':
		s.onParsed()
	case '2':
		s.onBound()
	case '3':
		s.onClosed()
	case 't':
		if o := s.ops.dropUntil(kindIs(opDescribe)); o != nil && !o.portal {
			if p := s.prepared[o.name]; p != nil {
				p.oids = readOIDs(&reader{body})
			}
		}
	case 'T':
		s.onDescribed(body)
	case 'n':
		if s.ops.dropUntil(kindIs(opDescribe)) != nil {
			s.ops.popOp()
		}
	case 's':
		s.onSuspended()
	case 'I':
		if o := s.ops.dropUntil(kindIs(opExecute, opQuery)); o != nil && o.kind == opExecute {
			s.ops.popOp()
		}
	case 'E':
		s.onRefused(body)
	case 'S':
		in := reader{body}
		name, value := in.readText(), in.readText()
		switch string(name) {
		case application:
			if s.app != string(value) {
				s.app = string(value)
				clear(s.people)
			}
		case searchPath:
			s.settings.applyReportedPath(string(value), s.early)
			clear(s.cache)
		}
	}
}

func kindIs(kinds ...byte) func(*op) bool {
	return func(o *op) bool {
		for _, k := range kinds {
			if o.kind == k {
				return true
			}
		}
		return false
	}
}

var answersRows = kindIs(opExecute, opQuery)

// onParsed: a statement has its name now.
func (s *session) onParsed() {
	o := s.ops.dropUntil(kindIs(opParse))
	if o == nil {
		return
	}
	if len(s.prepared) >= maxPrepared {
		clear(s.prepared)
	}
	p := &preparedStatement{oids: o.oids, named: o.name != ""}
	if t := s.messageText(o); len(t.parts) > 0 {
		p.part = &t.parts[0]
	}
	s.prepared[o.name] = p
	s.ops.popOp()
}

// onBound: a portal has its values now. Its round trips are counted before its own rows arrive.
func (s *session) onBound() {
	o := s.ops.dropUntil(kindIs(opBind))
	if o == nil {
		return
	}
	if p := s.prepared[o.statement]; p != nil {
		boundPortal := s.portals[o.name]
		if boundPortal == nil || o.name != "" {
			boundPortal = &portal{}
			s.portals[o.name] = boundPortal
		}
		*boundPortal = portal{statement: p, binary: o.binary, trips: s.run.requiredTrips(&o.givenHashes), boundValues: o.values}
	} else {
		delete(s.portals, o.name)
	}
	if len(s.portals) > maxPrepared {
		clear(s.portals)
	}
	s.ops.popOp()
}

func (s *session) onClosed() {
	o := s.ops.dropUntil(kindIs(opClose))
	if o == nil {
		return
	}
	if o.portal {
		delete(s.portals, o.name)
	} else {
		delete(s.prepared, o.name)
	}
	s.ops.popOp()
}

// onDescribed: the columns of a statement, or of a simple query's result that begins.
func (s *session) onDescribed(body []byte) {
	o := s.ops.dropUntil(kindIs(opDescribe, opQuery))
	if o == nil {
		return
	}
	if o.kind == opQuery {
		stmt, _ := s.answeredStatement(o)
		s.openResult(o)
		if stmt != nil && stmt.cols == nil && stmt.part != nil {
			stmt.cols = s.cachedColumns(stmt.part, body)
		}
		s.result.setRowFormat(body)
		return
	}
	var stmt *preparedStatement
	if !o.portal {
		stmt = s.prepared[o.name]
	} else if p := s.portals[o.name]; p != nil {
		stmt = p.statement
	}
	if stmt != nil && stmt.cols == nil {
		stmt.cols = s.cachedColumns(stmt.part, body)
	}
	s.ops.popOp()
}

// cachedColumns reads a description, unless it was read for the same query before.
func (s *session) cachedColumns(p *textStatement, body []byte) []uint32 {
	if p == nil || p.form.shape == nil {
		return nil
	}
	if q := s.cache[p.form.shape]; q != nil && q.facts.ColumnOIDs != nil {
		return q.facts.ColumnOIDs
	}
	return readColumnTypes(body)
}

// setRowFormat takes what the rows of a simple query are read by.
func (r *result) setRowFormat(body []byte) {
	eachColumn(body, func(i int, oid uint32, binary bool) {
		if i < seenCells {
			r.oids[i] = oid
			if binary {
				r.binary |= 1 << i
			}
		}
	})
}

// answeredStatement returns the statement that an answer belongs to: the one that is prepared or declared, or
// else the one with the name.
func (s *session) answeredStatement(o *op) (*preparedStatement, *portal) {
	if o.kind == opExecute {
		p := s.portals[o.name]
		if p == nil {
			return nil, nil
		}
		stmt, boundPortal := s.resolveName(p.statement)
		if boundPortal == nil {
			boundPortal = p
		}
		return stmt, boundPortal
	}
	t := s.messageText(o)
	if s.statementIndex >= len(t.parts) {
		return nil, nil
	}
	return s.resolveName(&preparedStatement{part: &t.parts[s.statementIndex]})
}

// resolveName follows the names in EXECUTE and FETCH.
func (s *session) resolveName(p *preparedStatement) (*preparedStatement, *portal) {
	if p == nil || p.part == nil {
		return p, nil
	}
	switch c := &p.part.control; c.do {
	case executes:
		if stmt := s.prepared[c.name]; stmt != nil {
			return stmt, nil
		}
	case fetches:
		if boundPortal := s.portals[c.name]; boundPortal != nil {
			return boundPortal.statement, boundPortal
		}
	}
	return p, nil
}

// openResult begins a result, once.
func (s *session) openResult(o *op) {
	if s.result.open {
		return
	}
	s.result.resetResult()
	s.result.open = true
	if o.kind == opQuery {
		if t := s.messageText(o); s.statementIndex < len(t.parts) {
			s.result.trips = s.run.requiredTrips(&t.parts[s.statementIndex].values)
		}
		return
	}
	if p := s.portals[o.name]; p != nil {
		s.result.trips, s.result.binary = p.trips, p.binary
		copy(s.result.oids[:], p.statement.cols)
	}
}

func (s *session) onRow(body []byte) {
	o := s.ops.firstOp()
	if o == nil || !answersRows(o) {
		if o = s.ops.dropUntil(answersRows); o == nil {
			return
		}
	}
	if !s.result.open || s.result.rows == 0 {
		s.openResult(o)
		stmt, _ := s.answeredStatement(o)
		s.result.joined = stmt != nil && stmt.part != nil && stmt.part.form.shape != nil && stmt.part.form.shape.normal.Tables > 1
	}
	s.result.addRow(body)
}

// onCompleted: a statement was carried out.
func (s *session) onCompleted(body []byte) {
	o := s.ops.dropUntil(answersRows)
	if o == nil {
		return
	}
	s.openResult(o)
	command, rows := parseCommandTag(body)
	s.recordOutcome(o, "", max(rows, s.result.rows), string(command))
	if o.kind == opExecute {
		s.ops.popOp()
	} else {
		s.statementIndex++
	}
	s.result.open = false
}

// onSuspended: the client has as many rows as it wanted for now.
func (s *session) onSuspended() {
	o := s.ops.dropUntil(kindIs(opExecute))
	if o == nil {
		return
	}
	s.openResult(o)
	s.recordOutcome(o, "", s.result.rows, "")
	s.ops.popOp()
	s.result.open = false
}

// onRefused: of the messages that wait the server throws away all up to the next Sync.
func (s *session) onRefused(body []byte) {
	o := s.ops.firstOp()
	if o == nil {
		return
	}
	s.openResult(o)
	s.recordOutcome(o, errorCode(body), s.result.rows, "")
	s.result.open = false
	s.failed = o.kind != opQuery && o.kind != opCall
}

// onReady: the server waits for the client.
func (s *session) onReady(body []byte) {
	s.early = false
	in := reader{body}
	if s.failed {
		s.ops.dropUntil(kindIs(opSync))
	} else {
		s.ops.dropUntil(kindIs(opSync, opQuery, opCall))
	}
	if o := s.ops.firstOp(); o != nil && (o.kind == opSync || o.kind == opQuery || o.kind == opCall) {
		s.ops.popOp()
	}
	s.failed, s.statementIndex = false, 0
	s.lastAnswer = time.Now()
	if s.ops.opCount() == 0 {
		s.readySince = s.lastAnswer
	}
	s.status = in.readByte()
	s.reconcileTransaction()
}
