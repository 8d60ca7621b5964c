// Package source is one file of deployed code while it is read: its text, its strings, and the facts so far.
//
// The package of each language reads declarations with it; package queries reads SQL with it.
package source

import (
	"bytes"
	"path"
	"slices"
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

// AddModel adds a model that has a table or fields.
func (r *File) AddModel(m *facts.Model) {
	if m == nil || m.Table == "" && m.Class == "" {
		return
	}
	moveForeignConstants(m)
	if schema, table, ok := strings.Cut(m.Table, "."); ok && m.Schema == "" {
		m.Schema, m.Table = schema, table
	}
	r.Facts.Models = append(r.Facts.Models, *m)
}

// A declaration may name its table or column by a constant that another file declares.

// moveForeignConstants moves the names of constants of other files to fields of their own.
func moveForeignConstants(m *facts.Model) {
	if constant, ok := strings.CutPrefix(m.Table, foreign); ok {
		m.Table, m.Constant = "", constant
	}
	if strings.HasPrefix(m.Schema, foreign) {
		m.Schema = ""
	}
	for i := range m.Fields {
		if constant, ok := strings.CutPrefix(m.Fields[i].Column, foreign); ok {
			m.Fields[i].Column, m.Fields[i].Constant = "", constant
		}
	}
}

// A class of constants in a program may hold the values of a column: an enum, a union of
// texts, a block of constants of one type. The index finds the type in the schema by its
// name and its labels.

// MaxLabels bounds how many labels of a class are recorded.
const MaxLabels = 500

// AddEnum records a class of constants.
func (r *File) AddEnum(e facts.Enum) {
	if len(e.Labels) > 1 && len(e.Labels) <= MaxLabels {
		r.Facts.Enums = append(r.Facts.Enums, e)
	}
}

// enumReach bounds the length of a class's head, or of a union.
const enumReach = 2 << 10

// EachMatch calls f for each place of a word at which a pattern matches. The pattern must
// begin with the word: alone, the pattern would be tried at each byte of the code.
func (r *File) EachMatch(word string, p *lazyregexp.Regexp, f func(offset int, m []int)) {
	for offset := 0; ; offset++ {
		n := bytes.Index(r.Text[offset:], []byte(word))
		if n < 0 {
			return
		}
		if offset += n; offset > 0 && lexer.NameByte[word[0]] && lexer.NameByte[r.Text[offset-1]] {
			continue
		}
		if m := p.FindSubmatchIndex(r.Text[offset:min(len(r.Text), offset+enumReach)]); m != nil {
			for i := range m {
				if m[i] >= 0 {
					m[i] += offset
				}
			}
			f(offset, m)
		}
	}
}

// MakeLabel returns a label with a name, a text or both.
func (r *File) MakeLabel(name, text string, offset int) facts.Label {
	if len(text) > facts.MaxConstant {
		text = ""
	}
	return facts.Label{Name: name, Text: text, Line: r.LineAt(offset)}
}

var (
	enumHead  = lazyregexp.New(`^enum\s+(?:class\s+|struct\s+)?(\w+)([^{};=]*)\{`)
	enumEntry = lazyregexp.New(`^(?:\s|//[^\n]*|/\*(?s:.*?)\*/|@\w[\w.]*(?:\([^()]*\))?|\[[^\]]*\])*([A-Za-z_]\w*)`)
	enumTable = lazyregexp.New(`(?i)\b(?:val|string|text)\s+\w*table\w*|\w*tables?(?:names?)?\s*$`)
)

// ReadBlockEnums reads the enums of Java, Kotlin, C# and TypeScript: names between braces, each
// with or without a text. If the texts are declared to be table names, they count as tables too.
func ReadBlockEnums(r *File) {
	r.EachMatch("enum ", enumHead, func(offset int, m []int) {
		if r.IsInString(offset) || IsComment(r.LineOf(offset)) {
			return
		}
		e := facts.Enum{Class: r.GroupText(m, 1), Line: r.LineAt(m[0])}
		end := r.EachEntry(m[1], func(from, to int, text string) bool {
			if n := enumEntry.FindSubmatchIndex(r.Text[from:to]); n != nil {
				e.Labels = append(e.Labels, r.MakeLabel(string(r.Text[from+n[2]:from+n[3]]), text, from+n[2]))
			}
			return len(e.Labels) <= MaxLabels
		})
		r.AddEnum(e)
		if enumTable.Match(r.Text[m[4]:m[5]]) || enumTable.Match(r.Text[m[2]:m[3]]) || enumTable.Match(r.Text[end:r.FindBlockEnd(end)]) {
			for _, l := range e.Labels {
				if l.Text != "" {
					r.AddModel(&facts.Model{Table: l.Text, Line: l.Line, Put: true})
				}
			}
		}
	})
}

// IsInString reports whether an offset is in a string of the program.
func (r *File) IsInString(offset int) bool {
	i := r.StringAfter(offset)
	return i > 0 && offset < r.Strings[i-1].Reach
}

// StringAfter returns the index of the first string that begins at an offset or after it.
func (r *File) StringAfter(offset int) int {
	i, _ := slices.BinarySearchFunc(r.Strings, offset, func(l lexer.String, offset int) int { return l.Open - offset })
	return i
}

// EachEntry calls f for each entry between commas, from an offset within braces to their
// end or a semicolon. f gets the first text in the entry, and stops the loop by returning
// false. EachEntry returns the offset at which it stops.
func (r *File) EachEntry(offset int, f func(from, to int, text string) bool) (end int) {
	from, depth, text := offset, 0, ""
	end = len(r.Text)
	r.EachCode(offset, end, func(i int) bool {
		switch c := r.Text[i]; {
		case strings.IndexByte("({[", c) >= 0:
			depth++
		case depth == 0 && c != ')':
			if end = i; !f(from, i, text) || c != ',' {
				return false
			}
			from, text, end = i+1, "", len(r.Text)
		case strings.IndexByte(")}]", c) >= 0:
			depth--
		}
		return true
	}, func(l lexer.String) bool {
		if text == "" && !l.Symbol {
			text = string(r.Text[l.From:l.To])
		}
		return true
	})
	return end
}

// FindBlockEnd returns the offset of a line that closes the block at an offset.
func (r *File) FindBlockEnd(offset int) int {
	if n := bytes.Index(r.Text[offset:], []byte("\n}")); n >= 0 {
		return offset + n
	}
	return len(r.Text)
}

// quoted matches a text of the program.
var quoted = lazyregexp.New(`["']([^"'\n]*)["']`)

// AddTexts adds the texts between two offsets to a class.
func (r *File) AddTexts(e *facts.Enum, from, to int) {
	for _, t := range quoted.FindAllSubmatchIndex(r.Text[from:to], -1) {
		e.Labels = append(e.Labels, r.MakeLabel("", string(r.Text[from+t[2]:from+t[3]]), from+t[2]))
	}
}

// Reader reads what files of some extensions declare. Most files have none of its signs, and are not read a second time.
type Reader struct {
	Endings []string
	// Signs are texts of which each file with such declarations has at least one. An empty list means all files.
	Signs []string
	Read  func(r *File)
}
