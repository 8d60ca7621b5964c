// Package collect makes a workload of what a proxy shows: each distinct query once, without its values, counted,
// with its senders and its order.
//
// Its memory is bounded, whatever is sent: there are limits for distinct queries, sequences and parsed texts.
// What exceeds them is counted, and noted in the workload. Unless values are requested, only their hashes are
// kept, until the end of a sequence. The exception is string literals: a few texts are kept for each query,
// because only the server can say which of them name objects.
package collect

import (
	"hash/maphash"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/onward-sql/onward/internal/pgparse"
	binder "github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// text has the statements of one message. A text that is too long has none.
type text struct {
	parts   []textStatement
	fixture bool // it may load test data: it has three statements or more that only write, or it changes the schema
}

// textStatement is one statement of a text, as it is written.
type textStatement struct {
	form    *form
	control control
	place   codePlace
	values  hashes             // of its literals
	strings []workload.Strings // its string literals by parameter; nil if they were not read
	sql     string             // where values are asked for
}

// form is how a statement is written, but for literals, comments and white space.
type form struct {
	shape *shape // nil: there are too many
	from  []int  // the client's parameter for each of the shape's, 0 for a literal
}

// shape is a statement without its values. Forms with lists of different lengths have one.
type shape struct {
	normal     workload.Normal
	ownMark    workload.Mark // what it is wherever it is sent
	usesBooks  bool          // it reads or writes a table in which a migration tool records its migrations
	writes     bool
	ddl        bool // it changes the schema for others
	deletesAll bool // it takes away all rows of a table
	read       int  // how many of its texts were read for string literals
}

// lookupText returns the statements of a message, from the cache if it is known.
func (c *Collector) lookupText(k key, sql string) *text {
	if t, ok := c.texts.get(k); ok {
		return t
	}
	t := &text{}
	for _, s := range splitStatements(sql) {
		t.parts = append(t.parts, c.readStatement(s))
	}
	t.fixture = len(t.parts) >= 3
	makesSchema := false
	for i := range t.parts {
		s := t.parts[i].form.shape
		t.fixture = t.fixture && s != nil && (s.writes || s.ownMark != workload.Code)
		makesSchema = makesSchema || s != nil && s.ddl
	}
	t.fixture = t.fixture || makesSchema
	c.texts.put(k, t)
	return t
}

// splitStatements cuts a message. If it cannot be cut, it is one statement.
func splitStatements(sql string) []string {
	if semicolon := strings.IndexByte(sql, ';'); semicolon < 0 || strings.TrimSpace(sql[semicolon+1:]) == "" {
		if strings.TrimSpace(sql) == "" || isEmptyStatement(sql) {
			return nil
		}
		return []string{sql}
	}
	list, err := workload.SplitMessage(sql)
	if err != nil || len(list) == 0 {
		if isEmptyStatement(sql) {
			return nil
		}
		return []string{sql}
	}
	return list
}

// isEmptyStatement: comments and semicolons only.
func isEmptyStatement(sql string) bool {
	l := lexer{sql: sql}
	for {
		w := l.nextWord()
		if w.kind == pgparse.LexemeEnd {
			return true
		}
		if w.text != ";" {
			return false
		}
	}
}

// readStatement reads one statement.
func (c *Collector) readStatement(sql string) textStatement {
	p := textStatement{control: parseControl(sql), place: readCodePlace(sql), values: literalHashes(sql)}
	if c.cfg.Values {
		p.sql = sql
	}
	k := c.textKey(workload.AppendLexicalKey(nil, sql))
	if f, ok := c.forms.get(k); ok {
		p.form = f
	} else {
		n := workload.Normalize(sql)
		p.form = &form{from: n.From}
		p.form.shape = c.findOrAddShape(n)
		c.forms.put(k, p.form)
	}
	if c.readsStrings(p.form.shape) {
		p.strings = workload.ReadStrings(sql)
	}
	return p
}

// findOrAddShape returns the shape of a text, and makes a new one if needed.
func (c *Collector) findOrAddShape(n workload.Normal) *shape {
	c.mu.Lock()
	s := c.shapes[n.SQL]
	c.mu.Unlock()
	if s != nil {
		return s
	}
	n.Comments = nil
	s = &shape{normal: n}
	s.classifyStatement(c.books)
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.shapes[n.SQL]; other != nil {
		return other
	}
	if len(c.shapes) >= c.cfg.MaxQueries || c.bytes+len(n.SQL) > maxSQL {
		c.left.many++
		return nil
	}
	c.bytes += len(n.SQL)
	c.shapes[n.SQL] = s
	return s
}

// classifyStatement finds out what a statement is, wherever it is sent.
func (s *shape) classifyStatement(books map[string]bool) {
	n := &s.normal
	switch n.Kind {
	case workload.Insert, workload.Update, workload.Delete, workload.Merge:
		s.writes = true
	case workload.Copy:
		s.writes = strings.Contains(strings.ToUpper(n.SQL), " FROM STDIN")
	}
	var root *pgparse.Node
	if f, err := pgparse.SplitBy(n.SQL, pgparse.Reader{Message: true}); err == nil && len(f.Stmts) == 1 && f.Stmts[0].Err == nil {
		root = f.Stmts[0].Node
	}
	relations := binder.ListRelations(root)
	catalogs := len(relations) > 0 && n.Kind == workload.Select
	for _, r := range relations {
		schema, name := pgparse.RangeName(r)
		s.usesBooks = s.usesBooks || books[strings.ToLower(name)]
		catalogs = catalogs && (schema == "pg_catalog" || schema == "information_schema" || schema == "" && strings.HasPrefix(name, "pg_"))
	}
	switch {
	case n.Kind == workload.Other:
		s.ownMark = workload.Session
	case n.Kind == workload.DDL:
		s.classifyDDL(root)
	case s.usesBooks:
		s.ownMark = workload.Migration
	case catalogs:
		s.ownMark = workload.Introspection
	}
	if d := pgparse.Unwrap(root); d != nil {
		del, ok := d.(*pgparse.DeleteStmt)
		s.deletesAll = ok && del.WhereClause == nil && len(del.UsingClause) == 0
	}
}

// classifyDDL judges DDL. Temporary tables are the code's own, and so is a TRUNCATE of one
// table; one of several is how suites clean up.
func (s *shape) classifyDDL(root *pgparse.Node) {
	s.ownMark, s.ddl = workload.Migration, true
	switch d := pgparse.Unwrap(root).(type) {
	case *pgparse.TruncateStmt:
		s.ownMark, s.ddl, s.deletesAll, s.writes = workload.Code, false, true, true
		if len(d.Relations) > 1 {
			s.ownMark = workload.Fixture
		}
	case *pgparse.CreateStmt:
		if d.Relation.GetRelpersistence() == "t" {
			s.ownMark, s.ddl = workload.Code, false
		}
	case *pgparse.CreateTableAsStmt:
		if d.Into.GetRel().GetRelpersistence() == "t" {
			s.ownMark, s.ddl = workload.Code, false
		}
	case *pgparse.SelectStmt:
		if d.IntoClause.GetRel().GetRelpersistence() == "t" {
			s.ownMark, s.ddl = workload.Code, false
		}
	case *pgparse.RefreshMatViewStmt, *pgparse.DoStmt:
		s.ownMark, s.ddl = workload.Code, false
	}
}

// Config says what the collector knows beforehand.
type Config struct {
	// Owner is the role of queries without a Role: the owner of a throwaway database.
	Owner string
	// Books are the names of tables in which migration tools keep what has run, without
	// schemas, in lower case.
	Books []string
	// Values keeps a few examples of what each query's parameters were. They are data.
	Values bool
	// MaxQueries and MaxSequences bound how many distinct ones are kept; 0 is 50,000 and 20,000.
	MaxQueries, MaxSequences int
}

// Bounds that nobody has to change.
const (
	maxTexts    = 16 << 10 // texts whose reading is kept
	maxForms    = 64 << 10
	maxSQL      = 96 << 20 // bytes of distinct queries' texts
	maxSteps    = 500      // of a sequence
	maxSenders  = 64       // of a query
	maxPeople   = 20_000   // senders of all
	maxPrepared = 20_000   // statements of a session
	maxQueued   = 1 << 18  // messages of a session that wait for their answers
)

// Collector is a wire.Sink. Its methods may be called concurrently.
type Collector struct {
	cfg   Config
	seed  [2]maphash.Seed
	books map[string]bool
	types *pgtype.Map // for reading values; guarded by mu

	texts *recent[key, *text]
	forms *recent[key, *form]

	mu        sync.Mutex // over all below, and all queries' counts
	shapes    map[string]*shape
	queries   map[queryKey]*query
	sequences map[uint64]*sequence
	people    map[workload.Sender]*person
	bytes     int
	left      leftOut
}

// leftOut counts what is not in the workload.
type leftOut struct {
	long, many, sequences, calls int64
	why                          map[string]int64
}

// key is a text's: two hashes, so that no two texts have one.
type key [2]uint64

// New makes an empty collector.
func New(cfg Config) *Collector {
	if cfg.MaxQueries == 0 {
		cfg.MaxQueries = 50_000
	}
	if cfg.MaxSequences == 0 {
		cfg.MaxSequences = 20_000
	}
	c := &Collector{
		cfg:       cfg,
		seed:      [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		books:     map[string]bool{},
		types:     pgtype.NewMap(),
		texts:     newRecent[key, *text](maxTexts),
		forms:     newRecent[key, *form](maxForms),
		shapes:    map[string]*shape{},
		queries:   map[queryKey]*query{},
		sequences: map[uint64]*sequence{},
		people:    map[workload.Sender]*person{},
		left:      leftOut{why: map[string]int64{}},
	}
	for _, b := range cfg.Books {
		c.books[b] = true
	}
	return c
}

// Session starts the recording of one client.
func (c *Collector) Session(start wire.Startup) wire.Tap { return newSession(c, start) }

// textKey returns the key of a text.
func (c *Collector) textKey(text []byte) key {
	return key{maphash.Bytes(c.seed[0], text), maphash.Bytes(c.seed[1], text)}
}
