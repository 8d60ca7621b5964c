package source

import (
	"bytes"
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/fault"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// File is one file while it is read.
type File struct {
	Path     string
	Text     []byte
	Language *lexer.Language
	Strings  []lexer.String
	Comments []lexer.Span
	Facts    *facts.Facts
	consts   map[string][]int // the strings that are a name's value
	// TypedEnd is the offset up to which queries on all columns count.
	TypedEnd int
	// KeepStatements is set if the caller wants Statements and no facts. SQLEnd is the end of the last string of the
	// current SQL. CreatesSchema is set if some SQL creates a schema.
	KeepStatements bool
	Statements     []facts.Statement
	SQLEnd         int
	CreatesSchema  bool
	// Parsed is the file as its language's own parser has read it; nil before.
	Parsed any
	// Fills are the texts that the program inserts for verbs of a format, by their offset.
	Fills map[int]string
	// schemas is set if a script declares schemas to Drizzle. schemasRead is set if that is known.
	schemas, schemasRead bool
	// at is the offset up to which lines are counted.
	at, line int
}

// LineOf returns the line of an offset, from its first word on.
func (r *File) LineOf(offset int) string {
	from := bytes.LastIndexByte(r.Text[:offset], '\n') + 1
	return string(bytes.TrimSpace(r.Text[from : from+lexer.LineEnd(r.Text[from:])]))
}

// LineAt returns the number of the line of an offset.
func (r *File) LineAt(offset int) int {
	if offset < r.at {
		if offset < r.at/2 {
			r.at, r.line = 0, 1
		} else {
			r.line -= bytes.Count(r.Text[offset:r.at], []byte{'\n'})
			r.at = offset
			return r.line
		}
	}
	r.line += bytes.Count(r.Text[r.at:offset], []byte{'\n'})
	r.at = offset
	return r.line
}

// GroupText returns the text of a group of a match; "" if the group did not match.
func (r *File) GroupText(m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return string(r.Text[m[2*i]:m[2*i+1]])
}

// EachLine calls f for each line of the file, with its number, its indentation and its text
// without surrounding space.
func (r *File) EachLine(f func(number, indent int, line string)) {
	number := 0
	for line := range strings.Lines(string(r.Text)) {
		number++
		trimmed := strings.TrimSpace(line)
		f(number, len(line)-len(strings.TrimLeft(line, " \t")), trimmed)
	}
}

// FirstGroup returns the first non-empty group of a pattern in a line; "" for none.
func FirstGroup(p *lazyregexp.Regexp, line string) string {
	m := p.FindStringSubmatch(line)
	for i := 1; i < len(m); i++ {
		if m[i] != "" {
			return m[i]
		}
	}
	return ""
}

// IsComment reports whether a line is a comment.
func IsComment(line string) bool {
	return strings.HasPrefix(line, "//") || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#[") || strings.HasPrefix(line, "*") ||
		strings.HasPrefix(line, "/*") || strings.HasPrefix(line, "-- ")
}

// CatchPanic runs a function that reads a file, and returns the message if onward panics; "" if
// not.
func CatchPanic(read func()) (failed string) {
	defer func() {
		if p := recover(); p != nil {
			failed = fault.FromPanic(p).Error()
		}
	}()
	read()
	return ""
}

// NewFile returns a file that is not read yet.
func NewFile(file string, text []byte) *File {
	return &File{Path: file, Text: text, Language: lexer.LanguageOf(file), Facts: &facts.Facts{}, line: 1}
}

// IsQueryFile reports whether a file holds queries and nothing else.
func IsQueryFile(file string) bool {
	if lexer.LanguageOf(file) != nil {
		return false // such as query.sql.go
	}
	switch path.Ext(file) {
	case ".sql", ".pgsql", ".psql":
		return true
	}
	base := strings.TrimSuffix(file, path.Ext(file))
	return path.Ext(base) == ".sql" // a template of one
}
