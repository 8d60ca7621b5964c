package replay

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/onward-sql/onward/internal/transcript"
)

// Fixture is what the tables of a database hold at a moment of a lane at which rows go or are committed.
type Fixture struct {
	// Event is the index of the message before which the rows are there; the end of the lane is the last one.
	Event int
	// Session is the index of the session that sees the rows.
	Session int
	// Tables are those with rows, by name.
	Tables []FixtureTable
	// Sequences are the settings of sequences that have given numbers: statements.
	Sequences []string
}

// FixtureTable has the rows of a table.
type FixtureTable struct {
	// Name is schema.table, and Columns the list of those that are written, as SQL has them.
	Name, Columns string
	Rows          int
	// Data is what COPY gives and takes.
	Data []byte
}

const (
	// maxFixture bounds the rows of a fixture, in bytes; maxFixtures bounds all of them together.
	maxFixture  = 8 << 20
	maxFixtures = 128 << 20
)

// tableQuery lists the tables that may have rows, with the columns that COPY writes.
const tableQuery = `SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid
WHERE c.relkind OPERATOR(pg_catalog.=) 'r' AND c.relpersistence OPERATOR(pg_catalog.<>) 't' AND pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0
AND NOT n.nspname OPERATOR(pg_catalog.~) '^(pg_|information_schema$)'
AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''
GROUP BY 1 ORDER BY 1`

// sequenceQuery gives the statements that set the sequences.
const sequenceQuery = `SELECT pg_catalog.format('SELECT pg_catalog.setval(%L, %s)', pg_catalog.format('%I.%I', schemaname, sequencename), last_value)
FROM pg_catalog.pg_sequences WHERE last_value IS NOT NULL ORDER BY 1`

// CaptureFixtures plays a lane, and returns the different fixtures that it has, the first of equal ones each. omitted counts moments whose rows
// could not be read: they are too many, or the session's role may not read them.
func CaptureFixtures(ctx context.Context, lane Lane, target Target) (fixtures []*Fixture, omitted int, err error) {
	ends := findRowEnds(&lane)
	c := &fixtureCapture{known: map[[sha256.Size]byte]bool{}}
	p := &player{lane: lane, target: target, sessions: map[int]*playedSession{}, replaced: newReplacements()}
	defer p.closeSessions()
	for _, i := range lane.Settings {
		if err := p.resendSetting(ctx, i); err != nil {
			return nil, 0, err
		}
	}
	for i := lane.Begin; i < lane.End; i++ {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if inside, found := ends[i]; found {
			if s := p.sessions[lane.Transcript.Events[i].Session]; s != nil && (inside || s.status() == 'I') {
				c.captureFixture(s, p.target.Patience, i)
			}
		}
		if err := p.playEvent(ctx, i); err != nil {
			return nil, 0, err
		}
	}
	for _, s := range p.order {
		if s.status() == 'I' {
			c.captureFixture(s, p.target.Patience, lane.End)
			break
		}
	}
	return c.list, c.omitted, nil
}

// findRowEnds returns the messages with which rows go that the code has committed, or would commit outside of a test:
//   - a COMMIT;
//   - what deletes rows, outside of a transaction: inside of one the code may not be through with them. It has false as its value;
//   - a ROLLBACK, if the session commits nothing: a test takes its rows back. In a session that commits, too, the code itself rolls back what must not stay;
//   - a ROLLBACK TO the outermost savepoint of such a session, if each of these is rolled back: then each is a test.
func findRowEnds(lane *Lane) map[int]bool {
	type counts struct {
		commits, released int
		savepoints        []string // that are open
		rolledBack        map[string]bool
	}
	sessions := map[int]*counts{}
	ends, rollbacks, savepoints := map[int]bool{}, map[int]int{}, map[int]int{} // of the two: the sessions
	for i := lane.Begin; i < lane.End; i++ {
		e := &lane.Transcript.Events[i]
		if !lane.hasEvent(e) {
			continue
		}
		c := sessions[e.Session]
		if c == nil {
			c = &counts{rolledBack: map[string]bool{}}
			sessions[e.Session] = c
		}
		if e.Source == transcript.Ends || e.Source == transcript.Client && e.Kind == 'X' {
			rollbacks[i] = e.Session
			continue
		}
		words := strings.Fields(strings.ToUpper(strings.Trim(sentText(e), " \t\r\n;(")))
		if len(words) == 0 {
			continue
		}
		name := words[len(words)-1]
		switch words[0] {
		case "BEGIN", "START":
			c.savepoints = nil
		case "COMMIT", "END":
			c.commits, c.savepoints, ends[i] = c.commits+1, nil, true
		case "TRUNCATE", "DELETE":
			ends[i] = false
		case "SAVEPOINT":
			c.savepoints = append(c.savepoints, name)
		case "RELEASE":
			if len(c.savepoints) == 1 && !c.rolledBack[c.savepoints[0]] {
				c.released++
			}
			if place := slices.Index(c.savepoints, name); place >= 0 {
				c.savepoints = c.savepoints[:place]
			}
			delete(c.rolledBack, name)
		case "ROLLBACK", "ABORT":
			switch {
			case !slices.Contains(words, "TO"):
				rollbacks[i], c.savepoints = e.Session, nil
			case len(c.savepoints) > 0 && c.savepoints[0] == name:
				savepoints[i], c.savepoints, c.rolledBack[name] = e.Session, c.savepoints[:1], true
			}
		}
	}
	for i, session := range rollbacks {
		if sessions[session].commits == 0 {
			ends[i] = true
		}
	}
	for i, session := range savepoints {
		if sessions[session].commits == 0 && sessions[session].released == 0 {
			ends[i] = true
		}
	}
	return ends
}

// fixtureCapture collects fixtures.
type fixtureCapture struct {
	known   map[[sha256.Size]byte]bool
	list    []*Fixture
	size    int
	omitted int
}

// captureFixture reads the rows that a session sees. A session that is in a failed transaction, or works, sees none.
func (c *fixtureCapture) captureFixture(s *playedSession, patience time.Duration, event int) {
	if s.isClosed() || !s.awaitCondition(patience, func() bool { return len(s.track.owed) == 0 }) || !s.isSynchronized() {
		return
	}
	begin, end := "SAVEPOINT onward_fixture", "ROLLBACK TO SAVEPOINT onward_fixture; RELEASE SAVEPOINT onward_fixture"
	switch s.status() {
	case 'I':
		begin, end = "BEGIN", "ROLLBACK"
	case 'E':
		return
	}
	// A filter for rows would leave out parents of what it shows: then nothing is read.
	s.ask(begin+"; SET LOCAL row_security = off", patience)
	fixture, size, ok := s.readFixture(patience)
	s.ask(end, patience)
	if !ok || c.size+size > maxFixtures {
		c.omitted++
		return
	}
	if len(fixture.Tables) == 0 {
		return
	}
	sum := sha256.New()
	for _, t := range fixture.Tables {
		fmt.Fprintf(sum, "%s %d\n", t.Name, len(t.Data))
		sum.Write(t.Data)
	}
	key := [sha256.Size]byte(sum.Sum(nil))
	if c.known[key] {
		return
	}
	fixture.Event, fixture.Session = event, s.track.session
	c.known[key], c.list, c.size = true, append(c.list, fixture), c.size+size
}

// readFixture reads the rows that a session sees in its transaction. ok is false if it may not, or they are too many.
func (s *playedSession) readFixture(patience time.Duration) (f *Fixture, size int, ok bool) {
	f = &Fixture{}
	tables := s.ask(tableQuery, patience)
	if tables.failed {
		return nil, 0, false
	}
	for _, row := range tables.rows {
		t := FixtureTable{Name: row[0], Columns: row[1]}
		// COPY of the table itself leaves out its children, as ONLY does.
		read := s.ask("COPY "+t.Name+" ("+t.Columns+") TO STDOUT", patience)
		if size += len(read.data); read.failed || size > maxFixture {
			return nil, 0, false
		}
		if t.Rows, t.Data = read.copied, read.data; t.Rows > 0 {
			f.Tables = append(f.Tables, t)
		}
	}
	sequences := s.ask(sequenceQuery, patience)
	for _, row := range sequences.rows {
		f.Sequences = append(f.Sequences, row[0])
	}
	return f, size, !sequences.failed
}

// question is a message of onward's own in a played session, and its answer.
type question struct {
	rows   [][]string
	data   []byte // of COPY
	copied int    // rows of COPY
	failed bool
	done   bool
}

// ask sends statements of onward's own in a session that is ready for one, and waits for the answer. They change nothing of what is known of the session.
func (s *playedSession) ask(sql string, patience time.Duration) *question {
	q := &question{}
	s.mu.Lock()
	s.asked = q
	s.mu.Unlock()
	body, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return &question{failed: true}
	}
	s.writeFrame('Q', body[5:])
	answered := s.awaitCondition(patience, func() bool { return q.done })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked = nil; !answered || !q.done {
		return &question{failed: true}
	}
	return q
}

// receiveMessage takes a message of the answer.
func (q *question) receiveMessage(kind byte, body []byte) {
	switch kind {
	case 'D':
		row := []string{}
		for _, cell := range splitCells(body) {
			row = append(row, string(cell))
		}
		q.rows = append(q.rows, row)
	case 'd':
		if len(q.data) <= maxFixture {
			q.data = append(q.data, body...)
		}
		q.copied++
	case 'E':
		q.failed = true
	case 'Z':
		q.done = true
	}
}

func (s *playedSession) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// isSynchronized reports whether the client's last message lets the server take another query: nothing is left of an extended one.
func (s *playedSession) isSynchronized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last == 0 || s.last == 'Q' || s.last == 'S'
}

// status returns the state of the session's transaction, as ReadyForQuery says it.
func (s *playedSession) status() byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.track.status
}

// SortFixtures sorts fixtures so that the first ones have the most rows of a table each; then come those with more rows.
func SortFixtures(list []*Fixture) {
	largest := map[string]*Fixture{}
	rows := map[*Fixture]int{}
	most := map[string]int{}
	for _, f := range list {
		for _, t := range f.Tables {
			rows[f] += t.Rows
			if t.Rows > most[t.Name] {
				most[t.Name], largest[t.Name] = t.Rows, f
			}
		}
	}
	first := map[*Fixture]bool{}
	for _, f := range largest {
		first[f] = true
	}
	slices.SortStableFunc(list, func(a, b *Fixture) int {
		if first[a] != first[b] {
			if first[a] {
				return -1
			}
			return 1
		}
		return rows[b] - rows[a]
	})
}
