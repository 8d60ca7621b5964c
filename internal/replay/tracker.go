package replay

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/wire"
)

// mostRows is how many rows of a result are kept whole; of the others, only a hash is kept.
const mostRows = 200

// Answer is what the server answered to a statement, or to a message with several.
type Answer struct {
	// Event is the index of the client's message in the transcript, Session the index of its session.
	Event, Session int
	// Transaction numbers the transactions of the session: statements between two moments at which it is idle.
	Transaction int
	// SQL is its text; for EXECUTE and FETCH the query that they run.
	SQL string
	// SQLState and Message are the server's error, Constraint and Table its objects; "" for none.
	SQLState, Message, Constraint, Table string
	// Column, Where and Routine are more of the error: the column that it is about, the functions that ran, and the server's own routine.
	Column, Where, Routine string
	// Skipped: an earlier message of the same group failed.
	Skipped bool
	// Tags are the ends of its commands: "UPDATE 3".
	Tags []string
	// Columns has the columns of its first result.
	Columns []Column
	// Unanswered: the server did not answer in time, or the connection was lost.
	Unanswered bool
	// Bind is the index of the Bind message with its parameters; -1 for none.
	Bind int

	// rows are the first ones, hashes belong to all.
	rows   [][]byte
	hashes []uint64
	copies bool // it asked for COPY data of the client
	// numbers of sequences, of the whole replay: the recorded ones and those that it got instead.
	numbers map[int64]int64
}

// Column is a column of a result.
type Column struct {
	Name     string
	Type     uint32 // its OID
	Modifier int32
	Binary   bool // the format of its values
}

// owed is a message that the server has not answered.
type owed struct {
	kind   byte
	answer *Answer // nil for Sync and Close
}

// tracker finds out which answer belongs to which message of a session, from its first ReadyForQuery on.
type tracker struct {
	session     int
	prepared    map[string]string // the texts of prepared statements, by name
	portals     map[string]string
	binds       map[string]int      // the Bind messages of portals
	columns     map[string][]Column // of described statements and portals, with "S" or "P" before the name
	formats     map[string][]int16  // of the results of portals
	owed        []owed
	answers     []*Answer
	transaction int
	status      byte // of the last ReadyForQuery

	// ready counts the ReadyForQuery messages after the session's begin, others the answers since the last one; failed: an error is among them.
	ready, others int
	failed        bool
	left          bool // the client has ended the session
}

func newTracker(session int) *tracker {
	return &tracker{
		session: session, status: 'I', prepared: map[string]string{}, portals: map[string]string{}, binds: map[string]int{},
		columns: map[string][]Column{}, formats: map[string][]int16{},
	}
}

// addAnswer begins the answer to a client's message.
func (t *tracker) addAnswer(event int, sql string) *Answer {
	a := &Answer{Event: event, Session: t.session, Transaction: t.transaction, SQL: sql, Unanswered: true, Bind: -1}
	t.answers = append(t.answers, a)
	return a
}

// trackSentMessage notes a message of the client.
func (t *tracker) trackSentMessage(event int, kind byte, body []byte) {
	before := len(t.owed)
	defer func() {
		if t.failed && kind != 'S' && kind != 'Q' { // the server skips it
			for _, o := range t.owed[before:] {
				if o.answer != nil {
					o.answer.Skipped, o.answer.Unanswered = true, false
				}
			}
			t.owed = t.owed[:before]
		}
	}()
	switch kind {
	case 'Q':
		var m pgproto3.Query
		if m.Decode(body) == nil {
			t.owed = append(t.owed, owed{kind: kind, answer: t.addAnswer(event, m.String)})
		}
	case 'P':
		var m pgproto3.Parse
		if m.Decode(body) == nil {
			t.prepared[m.Name] = m.Query
			t.owed = append(t.owed, owed{kind: kind, answer: t.addAnswer(event, m.Query)})
		}
	case 'B':
		var m pgproto3.Bind
		if m.Decode(body) == nil {
			t.portals[m.DestinationPortal] = t.prepared[m.PreparedStatement]
			t.columns["P"+m.DestinationPortal] = t.columns["S"+m.PreparedStatement]
			t.formats[m.DestinationPortal] = slices.Clone(m.ResultFormatCodes)
			t.binds[m.DestinationPortal] = event
			a := t.addAnswer(event, t.prepared[m.PreparedStatement])
			a.Bind = event
			t.owed = append(t.owed, owed{kind: kind, answer: a})
		}
	case 'D':
		var m pgproto3.Describe
		if m.Decode(body) == nil {
			sql := t.portals[m.Name]
			if m.ObjectType == 'S' {
				sql = t.prepared[m.Name]
			}
			a := t.addAnswer(event, sql)
			a.Columns = []Column{{Name: string(rune(m.ObjectType)) + m.Name}} // until the answer
			t.owed = append(t.owed, owed{kind: kind, answer: a})
		}
	case 'E':
		var m pgproto3.Execute
		if m.Decode(body) == nil {
			a := t.addAnswer(event, t.portals[m.Portal])
			if bind, bound := t.binds[m.Portal]; bound {
				a.Bind = bind
			}
			a.Columns = applyFormats(t.columns["P"+m.Portal], t.formats[m.Portal])
			t.owed = append(t.owed, owed{kind: kind, answer: a})
		}
	case 'C':
		t.owed = append(t.owed, owed{kind: kind})
	case 'X':
		t.left = true
	case 'S', 'F':
		t.owed = append(t.owed, owed{kind: 'S'})
	}
}

// applyFormats returns columns with the formats that a Bind message asks for.
func applyFormats(columns []Column, formats []int16) []Column {
	out := slices.Clone(columns)
	for i := range out {
		out[i].Binary = wire.IsBinary(formats, i)
	}
	return out
}

// receiveMessage takes a message of the server.
func (t *tracker) receiveMessage(kind byte, body []byte) {
	switch kind {
	case 'N', 'A', 'S', 'K', 'R', 'v':
		return
	case 'Z':
		t.becomeReady(body)
		return
	case 'D', 'd':
		if a := t.currentAnswer(); a != nil {
			a.addRow(body)
		}
		return
	}
	t.others++
	switch kind {
	case 'T':
		t.setResultColumns(body)
	case 'n':
		if len(t.owed) > 0 && t.owed[0].kind == 'D' {
			t.endDescribe(nil)
		}
	case '1', '2':
		t.endAnswer('P', 'B')
	case '3':
		t.endAnswer('C')
	case 'C':
		if a := t.currentAnswer(); a != nil {
			a.Tags = append(a.Tags, strings.TrimRight(string(body), "\x00"))
		}
		t.endAnswer('E')
	case 'I', 's':
		t.endAnswer('E')
	case 'G':
		if a := t.currentAnswer(); a != nil {
			a.copies = true
		}
	case 'E':
		t.failMessages(body)
	}
}

// currentAnswer returns the answer to the message that the server works on.
func (t *tracker) currentAnswer() *Answer {
	if len(t.owed) == 0 {
		return nil
	}
	return t.owed[0].answer
}

// endAnswer ends the answer to a message of one of these kinds.
func (t *tracker) endAnswer(kinds ...byte) {
	if len(t.owed) == 0 || !slices.Contains(kinds, t.owed[0].kind) {
		return
	}
	if a := t.owed[0].answer; a != nil {
		a.Unanswered = false
	}
	t.owed = t.owed[1:]
}

// setResultColumns takes the columns of a result: the answer to Describe, or the begin of a result of the simple protocol.
func (t *tracker) setResultColumns(body []byte) {
	var m pgproto3.RowDescription
	if m.Decode(body) != nil || len(t.owed) == 0 {
		return
	}
	columns := make([]Column, len(m.Fields))
	for i, f := range m.Fields {
		columns[i] = Column{Name: string(f.Name), Type: f.DataTypeOID, Modifier: f.TypeModifier, Binary: f.Format == 1}
	}
	switch a := t.owed[0].answer; {
	case t.owed[0].kind == 'D':
		t.endDescribe(columns)
	case a != nil && a.Columns == nil:
		a.Columns = columns
	}
}

// endDescribe ends the answer to Describe.
func (t *tracker) endDescribe(columns []Column) {
	a := t.owed[0].answer
	name := a.Columns[0].Name
	a.Columns = columns
	t.columns[name] = columns
	t.endAnswer('D')
}

// failMessages notes an error: the server skips everything up to the next Sync.
func (t *tracker) failMessages(body []byte) {
	t.failed = true
	var m pgproto3.ErrorResponse
	if m.Decode(body) != nil || len(t.owed) == 0 {
		return
	}
	if a := t.currentAnswer(); a != nil {
		a.SQLState, a.Message, a.Constraint, a.Table, a.Unanswered = m.Code, m.Message, m.ConstraintName, m.TableName, false
		a.Column, a.Where, a.Routine = m.ColumnName, m.Where, m.Routine
	}
	if t.owed[0].kind == 'Q' {
		return
	}
	for i := range t.owed {
		if t.owed[i].kind == 'S' || t.owed[i].kind == 'Q' {
			t.owed = t.owed[i:]
			return
		}
		if a := t.owed[i].answer; i > 0 && a != nil {
			a.Skipped, a.Unanswered = true, false
		}
	}
	// More messages may come before the Sync: nobody answers them either.
	t.owed = nil
}

// becomeReady ends the answers to a Query or a Sync.
func (t *tracker) becomeReady(body []byte) {
	for len(t.owed) > 0 {
		o := t.owed[0]
		t.owed = t.owed[1:]
		if o.answer != nil {
			o.answer.Unanswered = false
		}
		if o.kind == 'S' || o.kind == 'Q' {
			break
		}
	}
	if len(body) > 0 {
		t.status = body[0]
	}
	t.ready++
	t.others, t.failed = 0, false
	if t.status == 'I' {
		t.transaction++
		for _, o := range t.owed { // they were sent before
			if o.answer != nil {
				o.answer.Transaction = t.transaction
			}
		}
	}
}

func (a *Answer) addRow(body []byte) {
	h := fnv.New64a()
	h.Write(body)
	a.hashes = append(a.hashes, h.Sum64())
	if len(a.rows) < mostRows {
		a.rows = append(a.rows, slices.Clone(body))
	}
}

// splitCells returns the values of a row; nil is NULL. A cut row gives what is whole.
func splitCells(row []byte) [][]byte {
	if len(row) < 2 {
		return nil
	}
	n := int(binary.BigEndian.Uint16(row))
	row = row[2:]
	var out [][]byte
	for range n {
		if len(row) < 4 {
			break
		}
		size := int32(binary.BigEndian.Uint32(row)) //nolint:gosec // -1 is NULL
		row = row[4:]
		if size < 0 {
			out = append(out, nil)
			continue
		}
		if int(size) > len(row) {
			break
		}
		out = append(out, row[:size])
		row = row[size:]
	}
	return out
}
