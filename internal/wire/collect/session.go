package collect

import (
	"strings"
	"time"

	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// session follows one client: what it has prepared, which answers are due, and what they
// were to.
type session struct {
	c        *Collector
	database string // as the client named it
	group    string // without the number of a parallel test
	settings settings
	app      string
	early    bool // the server has not been ready yet
	lost     bool

	prepared map[string]*prepared
	portals  map[string]*portal
	names    map[string]string
	ops      queue
	at       int // the statement of the simple query that is answered
	result   result
	status   byte // of the transaction, as ReadyForQuery has it
	failed   bool // what comes up to the next Sync is thrown away

	last  time.Time // of the server's last answer
	ready time.Time // since when the client has the word; zero while it waits

	cache  map[*shape]*query
	people map[personKey]*person
	run    run
	marker marker
}

// prepared is a statement that the server knows by a name.
type prepared struct {
	part  *part
	oids  []uint32 // of its parameters
	cols  []Column
	named bool
}

// portal is a statement with its values.
type portal struct {
	of      *prepared
	binary  uint32 // which columns come in binary
	depends bool   // it was given what an earlier result had
	counted bool   // it was executed before
	given   *bind  // where values are asked for
}

// What is answered: kinds of messages of the client. A simple query, too, has its letter.
const (
	opParse    = 'P'
	opBind     = 'B'
	opDescribe = 'D'
	opExecute  = 'E'
	opClose    = 'C'
	opSync     = 'S'
	opQuery    = 'Q'
	opCall     = 'F'
)

// op is a message of the client that the server has not answered yet.
type op struct {
	kind   byte
	portal bool   // Describe, Close: of a portal
	name   string // of the portal, or the statement
	of     string // Bind: the statement
	text   *text
	sql    string // where the text is not known yet
	oids   []uint32
	given  hashes
	values *bind
	binary uint32 // Bind: which columns of the result it wants in binary
	at     time.Time
}

func newSession(c *Collector, start wire.Startup) *session {
	s := &session{
		c: c, database: start.Database, group: group(start.Database), settings: newSettings(start), early: true,
		app: start.Parameters[application], status: 'I',
		prepared: map[string]*prepared{}, portals: map[string]*portal{}, names: map[string]string{},
		cache: map[*shape]*query{}, people: map[personKey]*person{},
	}
	if start.User != c.cfg.Owner {
		s.settings.first.role = start.User
		s.settings.now, s.settings.stays, s.settings.began = s.settings.first, s.settings.first, s.settings.first
	}
	s.run.seen = map[uint64]struct{}{}
	s.run.reset()
	s.marker.c = c
	s.ops.push(opSync) // the first ReadyForQuery, behind which the client may be already
	return s
}

// Lost ends the recording of a session.
func (s *session) Lost(why string) {
	s.lost = true
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if len(s.c.left.why) < 20 {
		s.c.left.why[why]++
	}
}

// Close ends a session.
func (s *session) Close() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.run.end(s, "rollback")
	s.marker.flush(workload.Code)
}

// Client takes a message that the server is about to get.
func (s *session) Client(kind byte, body []byte, size int) {
	if s.lost {
		return
	}
	if s.ops.len() > maxQueued {
		s.Lost("more messages without an answer than are kept in mind")
		return
	}
	in := reader{body}
	switch kind {
	case 'Q':
		o := s.ops.push(opQuery)
		s.begins(o)
		s.read(o, in.text(), size > wire.MaxText)
	case 'P':
		o := s.ops.push(opParse)
		o.at = time.Now()
		o.name = s.name(in.text())
		s.read(o, in.text(), size > wire.MaxText)
		o.oids = oids(&in)
	case 'B':
		o := s.ops.push(opBind)
		s.begins(o)
		o.name, o.of = s.name(in.text()), s.name(in.text())
		if s.c.cfg.Values {
			o.values = bindOf(in)
		}
		o.given, o.binary = given(&in)
	case 'D', 'C':
		o := s.ops.push(kind)
		o.portal = in.byte() == 'P'
		o.name = s.name(in.text())
	case 'E':
		o := s.ops.push(opExecute)
		s.begins(o)
		o.name = s.name(in.text())
	case 'S', 'F':
		s.ops.push(kind)
	case 'c', 'f':
		s.ops.copied()
	}
}

// begins notes when a message came, and for how long the client had let the server wait.
func (s *session) begins(o *op) {
	o.at = time.Now()
	if !s.ready.IsZero() {
		s.run.idles(o.at.Sub(s.ready))
		s.ready = time.Time{}
	}
}

// read finds the text among those that are known; reading a new one waits until the
// client has its answer.
func (s *session) read(o *op, sql []byte, cut bool) {
	if cut {
		s.c.mu.Lock()
		s.c.left.long++
		s.c.mu.Unlock()
		o.text = &text{}
		return
	}
	if t, ok := s.c.texts.get(s.c.key(sql)); ok {
		o.text = t
		return
	}
	o.sql = string(sql)
}

// textOf is the text of a message.
func (s *session) textOf(o *op) *text {
	if o.text == nil {
		o.text = s.c.text(s.c.key([]byte(o.sql)), o.sql)
		o.sql = ""
	}
	return o.text
}

// name keeps names of statements, which come again and again.
func (s *session) name(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if n, ok := s.names[string(b)]; ok {
		return n
	}
	if len(s.names) > 1000 {
		clear(s.names)
	}
	n := string(b)
	s.names[n] = n
	return n
}

// given are the values of a Bind message, behind its names, and which columns of the result
// it wants in binary.
func given(in *reader) (h hashes, binary uint32) {
	asBinary := formats(in)
	for i := range in.int16() {
		v, null, ok := in.value()
		if !ok {
			return h, 0
		}
		if null || i >= maxGiven {
			continue
		}
		h.add(hashText(v))
		if l := len(v); asBinary&(1<<i) != 0 && (l == 2 || l == 4 || l == 8 || l == 16) {
			h.add(hashBinary(v))
		}
	}
	return h, formats(in)
}

// formats reads a list of formats: a bit for each that is binary, all where one is said for all.
func formats(in *reader) (mask uint32) {
	n := in.int16()
	for i := range n {
		if in.int16() == 1 && i < seenCells {
			mask |= 1 << i
		}
	}
	if n == 1 && mask == 1 {
		return ^uint32(0)
	}
	return mask
}

// group is a database's name without what runners of parallel tests append.
func group(database string) string {
	if at := strings.LastIndexAny(database, "_-"); at > 0 {
		tail := strings.TrimPrefix(database[at+1:], "gw")
		digits := strings.Trim(tail, "0123456789") == ""
		random := len(tail) >= 8 && strings.Trim(tail, "0123456789abcdef") == ""
		if digits && tail != "" || random {
			return group(database[:at])
		}
	}
	return database
}
