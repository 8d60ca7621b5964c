package transcript

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
)

// RedactColumns replaces the values of columns in all that the transcript has, before [Transcript.Redact]. A value stays if it surely belongs to another
// column. Messages keep their lengths. [Redactor.RedactText] replaces long values of them in all other places from now on.
func (t *Transcript) RedactColumns(r *Redactor, rules *ColumnRules) {
	sessions := map[int]*sessionRedaction{}
	for i := range t.Events {
		e := &t.Events[i]
		s := sessions[e.Session]
		if s == nil {
			s = &sessionRedaction{redactor: r, rules: rules, database: t.Sessions[e.Session].Database, prepared: map[string]string{},
				portals: map[string]string{}, described: map[string][]resultField{}}
			sessions[e.Session] = s
		}
		e.Body = bytes.Clone(e.Body)
		switch e.Source {
		case Client:
			s.redactClient(e)
		case Server:
			s.redactServer(e)
		}
	}
	for _, s := range sessions {
		s.redactEndedCopy()
	}
	r.isEverywhere = true
}

// RedactValues replaces the examples of a query's parameters that do not stay.
func (r *ColumnRules) RedactValues(redactor *Redactor, sql string, examples [][]*string) {
	plan := r.buildValuePlan(sql)
	for _, values := range examples {
		for i, value := range values {
			if value != nil && !plan.clean && !plan.params[i+1] {
				replacement := redactor.replaceWhole(*value)
				values[i] = &replacement
			}
		}
	}
}

// sessionRedaction follows a session: it knows which statement a message belongs to.
type sessionRedaction struct {
	redactor          *Redactor
	rules             *ColumnRules
	database          string
	prepared, portals map[string]string // the original texts
	described         map[string][]resultField
	// asked are the messages that the server has not answered, in groups that end with Sync or are a Query.
	asked  []askedMessage
	closed int // groups that the client has ended
	open   int // groups that the server has answered
	// fields describe the rows that come; nil if nobody has described them.
	fields []resultField
	// copied are the data of a COPY that copyText has begun.
	copied   []*Event
	copyText string
}

type askedMessage struct {
	kind  byte
	text  string
	name  string // of a described statement; "" for a portal
	group int
}

// resultField is a column of a result.
type resultField struct {
	name   string
	oid    uint32
	number int
}

// redactClient replaces in a message of the client.
func (s *sessionRedaction) redactClient(e *Event) {
	if e.Kind == 'd' {
		s.copied = append(s.copied, e)
		return
	}
	s.redactEndedCopy()
	f := &columnFields{fields: fields{body: e.Body}}
	ask := func(kind byte, text, name string) {
		s.asked = append(s.asked, askedMessage{kind, text, name, s.closed})
	}
	switch e.Kind {
	case 'Q':
		text := f.readName()
		s.copyText = text
		copy(e.Body, s.redactStatement(text))
		ask('Q', text, "")
		s.closed++
	case 'P':
		name := f.readName()
		begin := f.place
		text := f.readName()
		s.prepared[name] = text
		delete(s.described, text)
		copy(e.Body[begin:], s.redactStatement(text))
	case 'B':
		portal, name := f.readName(), f.readName()
		text, known := s.prepared[name]
		s.portals[portal] = text
		plan := &valuePlan{}
		if known {
			plan = s.rules.buildValuePlan(text)
		}
		formats := f.readFormats()
		f.eachValue(f.readCount(), func(i int, value []byte) {
			if !plan.clean && !plan.params[i+1] {
				s.redactor.replaceBytes(value, isBinary(formats, i))
			}
		})
	case 'F':
		f.skipBytes(4)
		formats := f.readFormats()
		f.eachValue(f.readCount(), func(i int, value []byte) { s.redactor.replaceBytes(value, isBinary(formats, i)) })
	case 'D':
		kind := byte(0)
		if len(e.Body) > 0 {
			kind = e.Body[0]
		}
		f.skipBytes(1)
		name := f.readName()
		if kind == 'S' {
			ask('D', s.prepared[name], name)
			break
		}
		ask('D', s.portals[name], "")
	case 'E':
		text := s.portals[f.readName()]
		s.copyText = text
		ask('E', text, "")
	case 'S':
		s.closed++
	case 'f':
		maskValue(e.Body)
	}
}

// redactServer replaces in a message of the server.
func (s *sessionRedaction) redactServer(e *Event) {
	head := askedMessage{}
	if len(s.asked) > 0 {
		head = s.asked[0]
	}
	pop := func(kind byte) {
		if head.kind == kind && len(s.asked) > 0 {
			s.asked = s.asked[1:]
		}
	}
	switch e.Kind {
	case 'T':
		s.fields = readRowDescription(e.Body)
		if head.kind == 'D' {
			s.described[head.text] = s.fields
			pop('D')
		}
	case 'n':
		s.fields = []resultField{}
		pop('D')
	case 'D':
		s.redactRow(e.Body, head.text)
	case 'C', 'I', 's':
		s.fields = nil
		pop('E')
	case 'Z':
		s.fields = nil
		s.asked = slices.DeleteFunc(s.asked, func(m askedMessage) bool { return m.group <= s.open })
		s.open++
	case 'E', 'N':
		if head.text != "" && s.rules.buildValuePlan(head.text).clean {
			return
		}
		redactErrorFields(e.Body)
	case 'A', 'V', 'd':
		maskValue(e.Body[min(4, len(e.Body)):])
	}
}

// redactRow replaces the values of a row, except for those that a known column has and that stay.
func (s *sessionRedaction) redactRow(body []byte, text string) {
	clean := text != "" && s.rules.buildValuePlan(text).clean
	f := &columnFields{fields: fields{body: body}}
	count := f.readCount()
	list := s.fields
	if list == nil {
		list = s.described[text]
	}
	f.eachValue(count, func(i int, value []byte) {
		stays := clean
		if len(list) == count {
			stays = s.staysInResult(&list[i], clean)
		}
		if !stays {
			s.redactor.replaceBytes(value, true)
		}
	})
}

// staysInResult reports whether the values of a result's column stay. A column may have been renamed or dropped since.
func (s *sessionRedaction) staysInResult(f *resultField, clean bool) bool {
	t := s.rules.byOID[tableID{s.database, f.oid}]
	if t == nil || f.number < 1 || f.number > len(t.columns) {
		return clean && !s.rules.isNameRedacted(f.name)
	}
	column := t.columns[f.number-1]
	return column != "" && !s.rules.isRedacted(t.name, column) && !s.rules.isRedacted(t.name, f.name)
}

// redactEndedCopy replaces in the data of a COPY that has ended. A row may be in two messages.
func (s *sessionRedaction) redactEndedCopy() {
	if len(s.copied) == 0 {
		return
	}
	var all []byte
	for _, e := range s.copied {
		all = append(all, e.Body...)
	}
	s.redactCopyRows(all)
	for _, e := range s.copied {
		copy(e.Body, all)
		all = all[len(e.Body):]
	}
	s.copied = nil
}

// redactCopyRows replaces in the rows of a COPY. In another format than text all values are left out.
func (s *sessionRedaction) redactCopyRows(data []byte) {
	if s.rules.buildValuePlan(s.copyText).clean {
		return
	}
	st := pgparse.ParseStatement(s.copyText).GetCopyStmt()
	if st == nil || len(st.GetOptions()) > 0 {
		maskValue(data)
		return
	}
	_, table := pgparse.RangeName(st.GetRelation())
	columns := s.rules.tables[table]
	known := columns != nil
	if len(st.GetAttlist()) > 0 {
		columns = nil
		for _, c := range st.GetAttlist() {
			columns = append(columns, pgparse.StringText(c))
		}
	}
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		for i := 0; len(line) > 0 || i == 0; i++ {
			cell, rest, more := bytes.Cut(line, []byte("\t"))
			if !(known && i < len(columns) && !s.rules.isRedacted(table, columns[i])) && string(cell) != `\N` && string(cell) != `\.` {
				s.redactor.replaceBytes(cell, false)
			}
			if line = rest; !more {
				break
			}
		}
	}
}

// redactStatement replaces the values in the text of a statement that do not stay.
func (s *sessionRedaction) redactStatement(text string) string {
	plan := s.rules.buildValuePlan(text)
	if plan.clean {
		return text
	}
	out := []byte(text)
	s.redactor.replaceLiterals(out, 0, plan.constants)
	return string(out)
}

// redactErrorFields leaves out the texts of an error or notice. Its codes stay.
func redactErrorFields(body []byte) {
	for place := 0; place < len(body) && body[place] != 0; {
		kind := body[place]
		end := bytes.IndexByte(body[place+1:], 0)
		if end < 0 {
			end = len(body) - place - 1
		}
		if bytes.IndexByte([]byte("MDHWq"), kind) >= 0 {
			maskValue(body[place+1 : place+1+end])
		}
		place += end + 2
	}
}

// columnFields walks through the body of a message and calls for its values.
type columnFields struct{ fields }

// readName returns a text that ends with a zero byte.
func (f *columnFields) readName() string {
	end := bytes.IndexByte(f.body[f.place:], 0)
	if end < 0 {
		end = len(f.body) - f.place
	}
	text := string(f.body[f.place : f.place+end])
	f.skipBytes(end + 1)
	return text
}

// eachValue calls visit for values with their lengths before them, if they are not NULL or empty.
func (f *columnFields) eachValue(count int, visit func(i int, value []byte)) {
	for i := range count {
		if len(f.body)-f.place < 4 {
			return
		}
		size := int32(binary.BigEndian.Uint32(f.body[f.place:])) //nolint:gosec // -1 is NULL
		f.place += 4
		if size <= 0 {
			continue
		}
		end := min(f.place+int(size), len(f.body))
		visit(i, f.body[f.place:end])
		f.place = end
	}
}

// readRowDescription reads a RowDescription.
func readRowDescription(body []byte) []resultField {
	f := &columnFields{fields: fields{body: body}}
	out := []resultField{}
	for range f.readCount() {
		name := f.readName()
		if len(body)-f.place < 18 {
			return nil
		}
		out = append(out, resultField{name: name, oid: binary.BigEndian.Uint32(body[f.place:]), number: int(binary.BigEndian.Uint16(body[f.place+4:]))})
		f.skipBytes(18)
	}
	return out
}
