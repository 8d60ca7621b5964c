package collect

import (
	"strings"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// session follows one client: its prepared statements and portals, and the messages to which the
// server still owes an answer.
type session struct {
	c         *Collector
	database  string // as the client named it
	group     string // without the number of a parallel test
	settings  settings
	app       string
	test      string // that the client is in
	namesTest func() string
	early     bool // the server has not been ready yet
	lost      bool

	prepared       map[string]*preparedStatement
	portals        map[string]*portal
	names          map[string]string // the names of statements and portals, so that each is allocated once
	ops            queue
	statementIndex int // the statement of the simple query that is answered
	result         result
	status         byte // of the transaction, as ReadyForQuery has it
	failed         bool // the server discards messages up to the next Sync

	lastAnswer time.Time // of the server's last answer
	readySince time.Time // since when the client has the word; zero while it waits

	cache  map[*shape]*query
	people map[personKey]*person
	run    openSequence
	marker marker
}

// preparedStatement is a statement that the server knows by a name.
type preparedStatement struct {
	part  *textStatement
	oids  []uint32 // of its parameters
	cols  []uint32 // of its result's columns
	named bool
}

// portal is a statement with its values.
type portal struct {
	statement   *preparedStatement
	binary      uint32       // which columns come in binary
	trips       int          // round trips that it has to wait for
	counted     bool         // it was executed before
	boundValues *boundValues // where values are asked for
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
	kind        byte
	portal      bool   // Describe, Close: of a portal
	name        string // of the portal, or the statement
	statement   string // Bind: the statement
	text        *text
	sql         string // where the text is not known yet
	oids        []uint32
	givenHashes hashes
	values      *boundValues
	binary      uint32 // Bind: which columns of the result it wants in binary
	at          time.Time
}

func newSession(c *Collector, start wire.Startup) *session {
	s := &session{
		c: c, database: start.Database, group: DatabaseGroup(start.Database), settings: newSettings(start), early: true,
		app: start.Parameters[application], namesTest: start.CurrentTest, status: 'I',
		prepared: map[string]*preparedStatement{}, portals: map[string]*portal{}, names: map[string]string{},
		cache: map[*shape]*query{}, people: map[personKey]*person{},
	}
	if start.User != c.cfg.Owner {
		s.settings.initialScope.role = start.User
		s.settings.currentScope, s.settings.committedScope, s.settings.scopeAtBegin = s.settings.initialScope, s.settings.initialScope, s.settings.initialScope
	}
	s.run.seen = map[uint64]int{}
	s.run.resetSequence()
	s.ops.pushOp(opSync) // the first ReadyForQuery, which the client may not have awaited
	return s
}

// EndReading ends the recording of a session: the rest of its messages makes no sense.
func (s *session) EndReading(reason string) {
	s.lost = true
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if len(s.c.left.why) < 20 {
		s.c.left.why[reason]++
	}
}

// Close ends a session.
func (s *session) Close() {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.run.endSequence(s, "rollback")
	s.marker.countGapCalls(workload.Code)
}

// Client takes a message that the server is about to get.
func (s *session) Client(kind byte, body []byte, size int) {
	if s.lost {
		return
	}
	if s.ops.opCount() > maxQueued {
		s.EndReading("more messages without an answer than are kept in mind")
		return
	}
	s.test = s.namesTest()
	in := reader{body}
	switch kind {
	case 'Q':
		o := s.ops.pushOp(opQuery)
		s.markArrival(o)
		s.readMessageText(o, in.readText(), size > wire.MaxText)
	case 'P':
		o := s.ops.pushOp(opParse)
		o.at = time.Now()
		o.name = s.internName(in.readText())
		s.readMessageText(o, in.readText(), size > wire.MaxText)
		o.oids = readOIDs(&in)
	case 'B':
		o := s.ops.pushOp(opBind)
		s.markArrival(o)
		o.name, o.statement = s.internName(in.readText()), s.internName(in.readText())
		if s.c.cfg.Values {
			o.values = readBoundValues(in)
		}
		o.givenHashes, o.binary = boundHashes(&in)
	case 'D', 'C':
		o := s.ops.pushOp(kind)
		o.portal = in.readByte() == 'P'
		o.name = s.internName(in.readText())
	case 'E':
		o := s.ops.pushOp(opExecute)
		s.markArrival(o)
		o.name = s.internName(in.readText())
	case 'S', 'F':
		s.ops.pushOp(kind)
	case 'c', 'f':
		s.ops.dropAfterCopy()
	}
}

// markArrival notes when a message came, and for how long the client had let the server wait.
func (s *session) markArrival(o *op) {
	o.at = time.Now()
	if !s.readySince.IsZero() {
		s.run.addIdleTime(o.at.Sub(s.readySince))
		s.readySince = time.Time{}
	}
}

// readMessageText finds the text among those that are known; reading a new one waits until the
// client has its answer.
func (s *session) readMessageText(o *op, sql []byte, cut bool) {
	if cut {
		s.c.mu.Lock()
		s.c.left.long++
		s.c.mu.Unlock()
		o.text = &text{}
		return
	}
	if t, ok := s.c.texts.get(s.c.textKey(sql)); ok {
		o.text = t
		return
	}
	o.sql = string(sql)
}

// messageText is the text of a message.
func (s *session) messageText(o *op) *text {
	if o.text == nil {
		o.text = s.c.lookupText(s.c.textKey([]byte(o.sql)), o.sql)
		o.sql = ""
	}
	return o.text
}

// internName keeps names of statements, which come again and again.
func (s *session) internName(b []byte) string {
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

// boundHashes returns the hashes of the values of a Bind message, after its names, and which result columns it
// requests in binary.
func boundHashes(in *reader) (h hashes, binary uint32) {
	asBinary := readFormats(in)
	for i := range in.readInt16() {
		v, null, ok := in.readValue()
		if !ok {
			return h, 0
		}
		if null || i >= maxGiven {
			continue
		}
		h.addHash(hashText(v))
		if l := len(v); asBinary&(1<<i) != 0 && (l == 2 || l == 4 || l == 8 || l == 16) {
			h.addHash(hashBinary(v))
		}
	}
	return h, readFormats(in)
}

// readFormats reads a list of formats: a bit for each that is binary, all bits if one format is for all.
func readFormats(in *reader) (mask uint32) {
	n := in.readInt16()
	for i := range n {
		if in.readInt16() == 1 && i < seenCells {
			mask |= 1 << i
		}
	}
	if n == 1 && mask == 1 {
		return ^uint32(0)
	}
	return mask
}

// DatabaseGroup is a database's name without what runners of parallel tests append.
func DatabaseGroup(database string) string {
	if separator := strings.LastIndexAny(database, "_-"); separator > 0 {
		tail := strings.TrimPrefix(database[separator+1:], "gw")
		digits := strings.Trim(tail, "0123456789") == ""
		random := len(tail) >= 8 && strings.Trim(tail, "0123456789abcdef") == ""
		if digits && tail != "" || random {
			return DatabaseGroup(database[:separator])
		}
	}
	return database
}

// recent is a cache of the values that were used last, by key. If young is full, it becomes old, and the
// previous old is dropped.
type recent[K comparable, V any] struct {
	mu         sync.Mutex
	size       int
	young, old map[K]V
}

func newRecent[K comparable, V any](size int) *recent[K, V] {
	return &recent[K, V]{size: size / 2, young: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.young[k]; ok {
		return v, true
	}
	v, ok := r.old[k]
	if ok {
		r.add(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(k, v)
}

func (r *recent[K, V]) add(k K, v V) {
	if len(r.young) >= r.size {
		r.old, r.young = r.young, make(map[K]V, r.size/4)
	}
	r.young[k] = v
}
