package capture

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/internal/wire/ordered"
	"github.com/onward-sql/onward/onward"
)

// converter makes migrations of segments.
type converter struct {
	books  *books
	files  *migrationFiles
	source adapter.Source
	// known are the migrations that the framework's own adapter reads, by their files.
	known map[string]*adapter.Migration
	// filled is set if the tables had generated rows, printed if the SQL was printed and did not run.
	filled, printed bool
	// left is how many bytes of files may still be searched for statements.
	left int
}

// maxSearched bounds the search for statements in their files.
const maxSearched = 1 << 30

// convertSegments returns the migrations of the segments of one run. Segments of one file are one migration, if the tool has
// no history table. before is how many migrations ran before them.
func (c *converter) convertSegments(segments []*Segment, before int) []*adapter.Migration {
	var out []*adapter.Migration
	for _, s := range c.locateSegments(segments) {
		out = append(out, c.convertSegment(s.Segment, s.path, before+len(out)))
	}
	return out
}

// located is a segment with its file.
type located struct {
	*Segment
	path string
}

// locateSegments finds the files of segments.
func (c *converter) locateSegments(segments []*Segment) []located {
	var out []located
	for _, s := range segments {
		p := c.files.findFile(s)
		if n := len(out); n > 0 && s.ID == "" && p != "" && out[n-1].path == p {
			out[n-1].Statements = append(out[n-1].Statements, s.Statements...)
			continue
		}
		out = append(out, located{s, p})
	}
	return out
}

// convertSegment returns a segment as the audit reads it.
func (c *converter) convertSegment(s *Segment, file string, index int) *adapter.Migration {
	id := s.segmentName(index)
	if s.ID == "" && file != "" {
		id = path.Base(file)
	}
	f := &adapter.File{Path: cmp.Or(file, c.source.Dir, ".")}
	if file != "" {
		f = adapter.ReadFile(c.files.tree, file)
	}
	m := f.Start(c.source, id, id)
	k := c.known[file]
	if k != nil {
		m.ID, m.Version, m.After, m.Replaces, m.Runner = k.ID, k.Version, k.After, k.Replaces, k.Runner
	}
	if k == nil {
		m.Runner.Tool = all.Traits(c.source.Framework).Tool
	}
	m.Runner.Guessed, m.Runner.Otherwise, m.Runner.Conditional, m.Runner.KeepsSession = false, "", false, true
	m.Failed, m.Opaque, m.Source.LineComment = "", nil, lineCommentPrefix(file)
	statements, dropped := c.books.dropRepeats(s.Statements)
	m.Source.Mode = c.books.transactionMode(statements)
	m.Runner.Rerun = m.Source.Mode == onward.TransactionNone
	end, lineFinder := 0, newPlaces(f.Text, k)
	for _, st := range statements {
		p := c.makePart(st, f.Text, lineFinder)
		if m.Source.Mode == onward.TransactionFile {
			p.Block = 0
		}
		if p.Start < end && p.Start >= 0 {
			p.Start = -1
			lineFinder.setPlace(&p, c.books.parseStatement(st))
		}
		end = max(end, p.Start+len(p.SQL))
		p.OfRows = !c.printed && p.Start < 0 && path.Ext(file) != ".sql" && c.touchesRows(st)
		m.Source.Parts = append(m.Source.Parts, p)
	}
	c.addOpaqueParts(m, s, dropped)
	if c.source.Options.Transaction != "" {
		m.Source.Mode = c.source.Options.Transaction
	}
	m.Hash = hashMigration(f.Text, statements)
	return m
}

// touchesRows reports whether a statement reads or writes rows. A program may have put the values of generated rows into it.
func (c *converter) touchesRows(st *ordered.Statement) bool {
	return slices.ContainsFunc(c.books.parseStatement(st), func(n *pgparse.Node) bool { return n != nil && isRowStatement(n) })
}

// hashMigration identifies a migration: by its file, else by its SQL.
func hashMigration(text string, list []*ordered.Statement) string {
	h := sha256.New()
	h.Write([]byte(text))
	if text == "" {
		for _, st := range list {
			fmt.Fprintf(h, "%d\x00%s\x00", st.Transaction, st.Sent)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// transactionMode returns whether all statements run in one transaction.
func (b *books) transactionMode(list []*ordered.Statement) onward.Transaction {
	if list = b.withoutSessionSettings(list); len(list) > 0 && commonTransaction(list) == 0 {
		return onward.TransactionNone
	}
	return onward.TransactionFile
}

// withoutSessionSettings returns statements without settings of the session before and between transactions.
func (b *books) withoutSessionSettings(list []*ordered.Statement) []*ordered.Statement {
	return slices.DeleteFunc(slices.Clone(list), func(st *ordered.Statement) bool { return st.Transaction == 0 && b.classifyStatement(st).isSession })
}

// commonTransaction returns the transaction in which all statements run; 0 if there is none.
func commonTransaction(list []*ordered.Statement) int {
	for _, st := range list {
		if st.Transaction != list[0].Transaction {
			return 0
		}
	}
	if len(list) == 0 {
		return 0
	}
	return list[0].Transaction
}

// makePart returns a statement with its place: its text in the file, else a place that is found by its names, else the first
// line.
func (c *converter) makePart(st *ordered.Statement, text string, lineFinder *places) script.Part {
	p := script.Part{SQL: st.SQL, Start: -1, Line: 1, Column: 1, EndLine: 1, EndColumn: 1, Message: st.Message, Block: st.Transaction}
	sql := trimSQL(st.SQL)
	if c.left -= len(text); c.left > 0 && len(sql) > 8 && strings.Count(text, sql) == 1 {
		p.SQL, p.Start = sql, strings.Index(text, sql)
		return p
	}
	lineFinder.setPlace(&p, c.books.parseStatement(st))
	return p
}

// lineCommentPrefix returns what begins a comment in a file.
func lineCommentPrefix(file string) string {
	switch path.Ext(file) {
	case ".sql":
		return "--"
	case ".py", ".rb", ".ex", ".exs", ".sh", ".yaml", ".yml":
		return "#"
	case "":
		return "--"
	}
	return "//"
}

// addOpaqueParts adds what is not known of a migration.
func (c *converter) addOpaqueParts(m *adapter.Migration, s *Segment, dropped int) {
	note := func(subject, reason string, failed bool) {
		m.Opaque = append(m.Opaque, onward.Opaque{Migration: m.ID, Path: m.Path, What: subject, Why: reason, Failed: failed})
	}
	if c.books.hasOnlySessionSettings(s.Statements) && !c.printed {
		note("migration "+m.ID, "it sent no statement"+c.describeRowsUsed()+"; what it does on other rows is not known", false)
	}
	for _, st := range s.Statements {
		if st.Unread != "" {
			note(shortenStatement(st.SQL), st.Unread, true)
		}
		if st.Rows {
			note(shortenStatement(st.SQL), "its rows came from the client and were not kept", false)
		}
	}
	reads, writes := c.books.countUnmatched(s.Statements)
	if writes > 0 && path.Ext(m.Path) != ".sql" {
		note("migration "+m.ID, fmt.Sprintf("%d of its statements changed no row%s; they are judged, and code that depends on their result is not",
			writes, c.describeRowsUsed()), false)
	}
	for i, sql := range reads {
		if i == 3 {
			note("migration "+m.ID, fmt.Sprintf("%d more queries found no row", len(reads)-i), false)
			break
		}
		note(shortenStatement(sql), "the query found no row"+c.describeRowsUsed()+"; what the migration does with rows is not known", false)
	}
	if dropped > 0 {
		note("migration "+m.ID, fmt.Sprintf("%d more statements of its loops have the same shape and were left out", dropped), false)
	}
}

// describeRowsUsed says on which rows a migration ran.
func (c *converter) describeRowsUsed() string {
	if c.filled {
		return ", with generated rows in the tables"
	}
	return " on empty tables"
}

// shortenStatement returns the beginning of a statement for a message.
func shortenStatement(sql string) string {
	text := []rune(strings.Join(strings.Fields(sql), " "))
	if len(text) > 80 {
		return string(text[:79]) + "…"
	}
	return string(text)
}
