package replay

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
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

// CaptureFixtures plays a lane, and returns its fixtures: of those with equal rows in the tables of interest, the first one. touches says which tables are, by
// schema.table without quotes. omitted counts moments whose rows could not be read: they are too many, or the session's role may not read them.
func CaptureFixtures(ctx context.Context, lane Lane, target Target, touches func(table string) bool) (fixtures []*Fixture, omitted int, err error) {
	p := newPlayer(lane, target)
	defer p.closeSessions()
	c := &fixtureCapture{touches: touches, known: map[[sha256.Size]byte]bool{}}
	capture := func(moments map[int]bool, i int) {
		if inside, found := moments[i]; found {
			if s := p.sessions[lane.Transcript.Events[i].Session]; s != nil && (inside || s.status() == 'I') {
				c.captureFixture(s, target.Patience, i)
			}
		}
	}
	err = p.playEvents(ctx, func(i int) { capture(lane.moments.before, i) }, func(i int) { capture(lane.moments.after, i) })
	if err != nil {
		return nil, 0, err
	}
	for _, s := range p.order {
		if s.status() == 'I' {
			c.captureFixture(s, target.Patience, lane.End)
			break
		}
	}
	return c.list, c.omitted, nil
}

// fixtureCapture collects fixtures.
type fixtureCapture struct {
	touches func(table string) bool
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
	fixture, ok := c.readFixture(s, patience)
	s.ask(end, patience)
	if !ok {
		c.omitted++
		return
	}
	if fixture != nil {
		fixture.Event, fixture.Session = event, s.track.session
		c.list = append(c.list, fixture)
	}
}

// readFixture reads the rows that a session sees in its transaction; nil if the tables of interest have no rows, or the same as in an earlier fixture. ok is
// false if it may not read them, or they are too many.
func (c *fixtureCapture) readFixture(s *playedSession, patience time.Duration) (f *Fixture, ok bool) {
	f = &Fixture{}
	tables := s.ask(tableQuery, patience)
	if tables.failed {
		return nil, false
	}
	size, sum := 0, sha256.New()
	readTables := func(touched bool) bool {
		for _, row := range tables.rows {
			t := FixtureTable{Name: row[0], Columns: row[1]}
			if c.touches(strings.ReplaceAll(t.Name, `"`, "")) != touched {
				continue
			}
			// COPY of the table itself leaves out its children, as ONLY does.
			read := s.ask("COPY "+t.Name+" ("+t.Columns+") TO STDOUT", patience)
			if size += len(read.data); read.failed || size > maxFixture || c.size+size > maxFixtures {
				return false
			}
			if t.Rows, t.Data = read.copied, read.data; t.Rows > 0 {
				f.Tables = append(f.Tables, t)
				fmt.Fprintf(sum, "%s %d\n", t.Name, len(t.Data))
				sum.Write(t.Data)
			}
		}
		return true
	}
	if !readTables(true) {
		return nil, false
	}
	key := [sha256.Size]byte(sum.Sum(nil))
	if c.known[key] || len(f.Tables) == 0 {
		return nil, true
	}
	sequences := s.ask(sequenceQuery, patience)
	if !readTables(false) || sequences.failed {
		return nil, false
	}
	for _, row := range sequences.rows {
		f.Sequences = append(f.Sequences, row[0])
	}
	c.known[key], c.size = true, c.size+size
	return f, true
}

// Load gives a database exactly the rows of a fixture. The connection's role may switch triggers off.
func (f *Fixture) Load(ctx context.Context, conn *pgx.Conn) error {
	// Foreign keys and triggers have done their work when the rows were written.
	if _, err := conn.Exec(ctx, "SET session_replication_role = replica"); err != nil {
		return err
	}
	rows, _ := conn.Query(ctx, tableQuery, pgx.QueryExecModeExec)
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Name, Columns string }])
	if err != nil {
		return err
	}
	for _, t := range tables {
		if _, err := conn.Exec(ctx, "DELETE FROM ONLY "+t.Name); err != nil {
			return err
		}
	}
	for _, t := range f.Tables {
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(t.Data), "COPY "+t.Name+" ("+t.Columns+") FROM STDIN"); err != nil {
			return err
		}
	}
	for _, sql := range f.Sequences {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
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
	s.writeFrame('Q', append([]byte(sql), 0))
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

// isSynchronized reports whether the server can take another query: nothing is left of an extended one.
func (s *playedSession) isSynchronized() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.track.owed) == 0 && s.track.others == 0 && !s.track.left
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

// FindSetup plays a recording's events for one database (a lane) on an empty one, and finds where its setup ends. A test suite makes its schema
// first, and its tests follow. The setup ends where the database is nearest to the deployed schema, for the first time: end is the first event
// of the tests. It is 0 for a database that never has all columns.
//
// measure returns how many parts of the deployed schema the database lacks, and whether a column is among them. It is asked only after
// transactions that change the schema, and only before the database is copied.
func (d *DatabaseLane) FindSetup(ctx context.Context, target Target, measure func(context.Context) (lacks int, columns bool, err error)) (end int, err error) {
	lane := d.Tests
	lane.End = min(lane.End, d.copied)
	p := newPlayer(lane, target)
	defer p.closeSessions()
	changed := map[int]bool{} // sessions that have changed the schema in their transaction
	best := -1
	for i := lane.Begin; i < lane.End && best != 0; i++ {
		if err := p.playEvent(ctx, i); err != nil {
			return 0, err
		}
		if !lane.hasEvent(i) {
			continue
		}
		e := &lane.Transcript.Events[i]
		for _, st := range d.messages.executed[i] {
			changed[e.Session] = changed[e.Session] || changesSchema(st)
		}
		if !changed[e.Session] || e.Source != transcript.Server || e.Kind != 'Z' || p.sessions[e.Session].status() != 'I' {
			continue
		}
		changed[e.Session] = false
		switch lacks, columns, err := measure(ctx); {
		case err != nil:
			return 0, err
		case !columns && (best < 0 || lacks < best):
			best, end = lacks, i+1
		}
	}
	return end, ctx.Err()
}

// changesSchema reports whether a statement may make or change something that outlasts its session and is no row.
func changesSchema(st *pgparse.Node) bool {
	return st.GetSelectStmt() == nil && st.GetInsertStmt() == nil && st.GetUpdateStmt() == nil && st.GetDeleteStmt() == nil &&
		st.GetMergeStmt() == nil && st.GetCopyStmt() == nil && st.GetVariableSetStmt() == nil && st.GetTransactionStmt() == nil &&
		(st.GetCreateStmt() == nil || st.GetCreateStmt().GetRelation().GetRelpersistence() != "t")
}
