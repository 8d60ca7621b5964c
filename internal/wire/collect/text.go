package collect

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	binder "github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/workload"
)

// text is what one message says: its statements. A text that is too long has none.
type text struct {
	parts   []part
	fixture bool // nothing but rows that are laid in or taken away
}

// part is one statement of a text, as it is written.
type part struct {
	form    *form
	control control
	place   place
	values  hashes // of its literals
	sql     string // where values are asked for
}

// form is how a statement is written, but for literals, comments and white space.
type form struct {
	shape *shape // nil: there are too many
	from  []int  // the client's parameter for each of the shape's, 0 for a literal
}

// shape is a statement without its values. Forms with lists of different lengths have one.
type shape struct {
	serial uint64
	normal workload.Normal
	own    workload.Mark // what it is wherever it is sent
	books  bool          // it reads or writes what a migration tool keeps
	writes bool
	ddl    bool // it changes the schema for others
	all    bool // it takes away all rows of a table
}

// text reads a message, or knows it.
func (c *Collector) text(k key, sql string) *text {
	if t, ok := c.texts.get(k); ok {
		return t
	}
	t := &text{}
	for _, s := range statements(sql) {
		t.parts = append(t.parts, c.part(s))
	}
	t.fixture = len(t.parts) >= 3
	for i := range t.parts {
		s := t.parts[i].form.shape
		t.fixture = t.fixture && s != nil && (s.writes || s.own != workload.Code)
	}
	c.texts.put(k, t)
	return t
}

// statements cuts a message. What nobody can cut is one statement.
func statements(sql string) []string {
	if at := strings.IndexByte(sql, ';'); at < 0 || strings.TrimSpace(sql[at+1:]) == "" {
		if strings.TrimSpace(sql) == "" || emptyStatement(sql) {
			return nil
		}
		return []string{sql}
	}
	list, err := workload.Split(sql)
	if err != nil || len(list) == 0 {
		if emptyStatement(sql) {
			return nil
		}
		return []string{sql}
	}
	return list
}

// emptyStatement: comments and semicolons only.
func emptyStatement(sql string) bool {
	l := lexer{sql: sql}
	for {
		w := l.next()
		if w.kind == pgparse.LexemeEnd {
			return true
		}
		if w.text != ";" {
			return false
		}
	}
}

// part reads one statement.
func (c *Collector) part(sql string) part {
	p := part{control: controlOf(sql), place: placeOf(sql), values: literals(sql)}
	if c.cfg.Values {
		p.sql = sql
	}
	k := c.key(workload.Lexical(nil, sql))
	if f, ok := c.forms.get(k); ok {
		p.form = f
		return p
	}
	n := workload.Normalise(sql)
	p.form = &form{from: n.From}
	p.form.shape = c.shape(n)
	c.forms.put(k, p.form)
	return p
}

// shape is the one of a text, made where it is new.
func (c *Collector) shape(n workload.Normal) *shape {
	c.mu.Lock()
	s := c.shapes[n.SQL]
	c.mu.Unlock()
	if s != nil {
		return s
	}
	n.Comments = nil
	s = &shape{normal: n}
	s.judge(c.books)
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.shapes[n.SQL]; other != nil {
		return other
	}
	if len(c.shapes) >= c.cfg.MaxQueries || c.bytes+len(n.SQL) > maxSQL {
		c.left.many++
		return nil
	}
	c.serial++
	s.serial = c.serial
	c.bytes += len(n.SQL)
	c.shapes[n.SQL] = s
	return s
}

// judge finds out what a statement is, wherever it is sent.
func (s *shape) judge(books map[string]bool) {
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
	relations := binder.Relations(root)
	catalogs := len(relations) > 0 && n.Kind == workload.Select
	for _, r := range relations {
		schema, name := pgparse.RangeName(r)
		s.books = s.books || books[strings.ToLower(name)]
		catalogs = catalogs && (schema == "pg_catalog" || schema == "information_schema" || schema == "" && strings.HasPrefix(name, "pg_"))
	}
	switch {
	case n.Kind == workload.Other:
		s.own = workload.Session
	case n.Kind == workload.DDL:
		s.changes(root)
	case s.books:
		s.own = workload.Migration
	case catalogs:
		s.own = workload.Introspection
	}
	if d := pgparse.Unwrap(root); d != nil {
		del, ok := d.(*pgparse.DeleteStmt)
		s.all = ok && del.WhereClause == nil && len(del.UsingClause) == 0
	}
}

// changes judges DDL. Temporary tables are the code's own, and so is a TRUNCATE of one
// table; one of several is how suites clean up.
func (s *shape) changes(root *pgparse.Node) {
	s.own, s.ddl = workload.Migration, true
	switch d := pgparse.Unwrap(root).(type) {
	case *pgparse.TruncateStmt:
		s.own, s.ddl, s.all, s.writes = workload.Code, false, true, true
		if len(d.Relations) > 1 {
			s.own = workload.Fixture
		}
	case *pgparse.CreateStmt:
		if d.Relation.GetRelpersistence() == "t" {
			s.own, s.ddl = workload.Code, false
		}
	case *pgparse.CreateTableAsStmt:
		if d.Into.GetRel().GetRelpersistence() == "t" {
			s.own, s.ddl = workload.Code, false
		}
	case *pgparse.SelectStmt:
		if d.IntoClause.GetRel().GetRelpersistence() == "t" {
			s.own, s.ddl = workload.Code, false
		}
	case *pgparse.RefreshMatViewStmt, *pgparse.DoStmt:
		s.own, s.ddl = workload.Code, false
	}
}
