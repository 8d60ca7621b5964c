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
		s.row(body)
	case 'C':
		s.completed(body)
	case 'Z':
		s.ends(body)
	case '1':
		s.parsed()
	case '2':
		s.bound()
	case '3':
		s.closed()
	case 't':
		if o := s.ops.until(kindIs(opDescribe)); o != nil && !o.portal {
			if p := s.prepared[o.name]; p != nil {
				p.oids = oids(&reader{body})
			}
		}
	case 'T':
		s.described(body)
	case 'n':
		if s.ops.until(kindIs(opDescribe)) != nil {
			s.ops.pop()
		}
	case 's':
		s.suspended()
	case 'I':
		if o := s.ops.until(kindIs(opExecute, opQuery)); o != nil && o.kind == opExecute {
			s.ops.pop()
		}
	case 'E':
		s.refused(body)
	case 'S':
		in := reader{body}
		name, value := in.text(), in.text()
		switch string(name) {
		case application:
			if s.app != string(value) {
				s.app = string(value)
				clear(s.people)
			}
		case searchPath:
			s.settings.report(string(value), s.early)
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

// parsed: a statement has its name now.
func (s *session) parsed() {
	o := s.ops.until(kindIs(opParse))
	if o == nil {
		return
	}
	if len(s.prepared) >= maxPrepared {
		clear(s.prepared)
	}
	p := &prepared{oids: o.oids, named: o.name != ""}
	if t := s.textOf(o); len(t.parts) > 0 {
		p.part = &t.parts[0]
	}
	s.prepared[o.name] = p
	s.ops.pop()
}

// bound: a portal has its values now. What it depends on is known before its own rows come.
func (s *session) bound() {
	o := s.ops.until(kindIs(opBind))
	if o == nil {
		return
	}
	if p := s.prepared[o.of]; p != nil {
		at := s.portals[o.name]
		if at == nil || o.name != "" {
			at = &portal{}
			s.portals[o.name] = at
		}
		*at = portal{of: p, binary: o.binary, depends: s.run.depends(&o.given), given: o.values}
	} else {
		delete(s.portals, o.name)
	}
	if len(s.portals) > maxPrepared {
		clear(s.portals)
	}
	s.ops.pop()
}

func (s *session) closed() {
	o := s.ops.until(kindIs(opClose))
	if o == nil {
		return
	}
	if o.portal {
		delete(s.portals, o.name)
	} else {
		delete(s.prepared, o.name)
	}
	s.ops.pop()
}

// described: the columns of a statement, or of a simple query's result that begins.
func (s *session) described(body []byte) {
	o := s.ops.until(kindIs(opDescribe, opQuery))
	if o == nil {
		return
	}
	if o.kind == opQuery {
		of, _ := s.running(o)
		s.opens(o)
		if of != nil && of.cols == nil && of.part != nil {
			of.cols = s.columns(of.part, body)
		}
		s.result.describe(body)
		return
	}
	var of *prepared
	if !o.portal {
		of = s.prepared[o.name]
	} else if p := s.portals[o.name]; p != nil {
		of = p.of
	}
	if of != nil && of.cols == nil {
		of.cols = s.columns(of.part, body)
	}
	s.ops.pop()
}

// columns reads a description, unless it was read for the same query before.
func (s *session) columns(p *part, body []byte) []Column {
	if p == nil || p.form.shape == nil {
		return nil
	}
	if q := s.cache[p.form.shape]; q != nil && q.facts.Columns != nil {
		return q.facts.Columns
	}
	return columns(body)
}

// describe takes what the rows of a simple query are read by.
func (r *result) describe(body []byte) {
	eachColumn(body, func(i int, _ []byte, c Column, binary bool) {
		if i < seenCells {
			r.oids[i] = c.Type
			if binary {
				r.binary |= 1 << i
			}
		}
	})
}

// running is what an answer is to: the statement, where one is prepared or declared the one
// behind the name.
func (s *session) running(o *op) (*prepared, *portal) {
	if o.kind == opExecute {
		p := s.portals[o.name]
		if p == nil {
			return nil, nil
		}
		of, at := s.behind(p.of)
		if at == nil {
			at = p
		}
		return of, at
	}
	t := s.textOf(o)
	if s.at >= len(t.parts) {
		return nil, nil
	}
	return s.behind(&prepared{part: &t.parts[s.at]})
}

// behind follows the names in EXECUTE and FETCH.
func (s *session) behind(p *prepared) (*prepared, *portal) {
	if p == nil || p.part == nil {
		return p, nil
	}
	switch c := &p.part.control; c.do {
	case executes:
		if of := s.prepared[c.name]; of != nil {
			return of, nil
		}
	case fetches:
		if at := s.portals[c.name]; at != nil {
			return at.of, at
		}
	}
	return p, nil
}

// opens begins a result, once.
func (s *session) opens(o *op) {
	if s.result.open {
		return
	}
	s.result.reset()
	s.result.open = true
	if o.kind == opQuery {
		if t := s.textOf(o); s.at < len(t.parts) {
			s.result.depends = s.run.depends(&t.parts[s.at].values)
		}
		return
	}
	if p := s.portals[o.name]; p != nil {
		s.result.depends, s.result.binary = p.depends, p.binary
		for i := 0; i < len(p.of.cols) && i < seenCells; i++ {
			s.result.oids[i] = p.of.cols[i].Type
		}
	}
}

func (s *session) row(body []byte) {
	o := s.ops.front()
	if o == nil || !answersRows(o) {
		if o = s.ops.until(answersRows); o == nil {
			return
		}
	}
	if !s.result.open || s.result.rows == 0 {
		s.opens(o)
		of, _ := s.running(o)
		s.result.joined = of != nil && of.part != nil && of.part.form.shape != nil && of.part.form.shape.normal.Tables > 1
	}
	s.result.row(body)
}

// completed: a statement was carried out.
func (s *session) completed(body []byte) {
	o := s.ops.until(answersRows)
	if o == nil {
		return
	}
	s.opens(o)
	command, rows := tag(body)
	s.record(o, "", max(rows, s.result.rows), string(command))
	if o.kind == opExecute {
		s.ops.pop()
	} else {
		s.at++
	}
	s.result.open = false
}

// suspended: the client has as many rows as it wanted for now.
func (s *session) suspended() {
	o := s.ops.until(kindIs(opExecute))
	if o == nil {
		return
	}
	s.opens(o)
	s.record(o, "", s.result.rows, "")
	s.ops.pop()
	s.result.open = false
}

// refused: of the messages that wait the server throws away all up to the next Sync.
func (s *session) refused(body []byte) {
	o := s.ops.front()
	if o == nil {
		return
	}
	s.opens(o)
	s.record(o, sqlstate(body), s.result.rows, "")
	s.result.open = false
	s.failed = o.kind != opQuery && o.kind != opCall
}

// ends: the server waits for the client.
func (s *session) ends(body []byte) {
	s.early = false
	in := reader{body}
	if s.failed {
		s.ops.until(kindIs(opSync))
	} else {
		s.ops.until(kindIs(opSync, opQuery, opCall))
	}
	if o := s.ops.front(); o != nil && (o.kind == opSync || o.kind == opQuery || o.kind == opCall) {
		s.ops.pop()
	}
	s.failed, s.at = false, 0
	s.last = time.Now()
	if s.ops.len() == 0 {
		s.ready = s.last
	}
	s.status = in.byte()
	s.settle()
}
