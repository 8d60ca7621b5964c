// Package machine has the formats that programs read: a file each.
package machine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// WriteReport prints the report in the project's JSON protocol, described at
// [onward.Report]. A list that is empty is [], never null.
//
// It is written piece by piece, migration by migration and statement by statement: for a
// large file it is many times the text.
func WriteReport(w io.Writer, r *onward.Report) error {
	whole := *r
	if whole.Schema == "" {
		whole.Schema = onward.ReportSchema
	}
	whole.Postgres = NonNilList(whole.Postgres)
	whole.Migrations, whole.Findings = []onward.Migration{}, []onward.Finding{}
	whole.Opaque = NonNilList(whole.Opaque)
	whole.Rehearsals = fillRehearsalLists(whole.Rehearsals)
	out := newJSONWriter(w)
	out.writeObject(&whole, "", many{"migrations", len(r.Migrations), func(i int) { out.writeMigration(r.Migrations[i]) }},
		many{"findings", len(r.Findings), func(i int) {
			f := r.Findings[i]
			f.Evidence = NonNilList(f.Evidence)
			out.writeObject(&f, element)
		}})
	return out.endDocument()
}

// indent is one level; element is the prefix of an element in a list of the report.
const (
	indent  = "  "
	element = indent + indent
)

// jsonWriter writes values, indented. It escapes characters that are not visible as
// themselves; the decoded text is the same. It keeps the first error.
type jsonWriter struct {
	to  *bufio.Writer
	one bytes.Buffer // the value that is being written
	enc *json.Encoder
	err error
}

func newJSONWriter(w io.Writer) *jsonWriter {
	out := &jsonWriter{to: bufio.NewWriterSize(w, 64<<10)}
	out.enc = json.NewEncoder(&out.one)
	out.enc.SetEscapeHTML(false)
	return out
}

// many is a list of an object that is written element by element. In the object itself
// the list is empty, not nil.
type many struct {
	name  string
	n     int
	write func(i int)
}

func (w *jsonWriter) writeText(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

// writeObject writes an object whose lines begin with prefix. lists must be in the order of
// its fields.
func (w *jsonWriter) writeObject(v any, prefix string, lists ...many) {
	b := w.encodeValue(v, prefix)
	if len(lists) > 0 {
		b = bytes.Clone(b) // the elements are inserted between its parts
	}
	for _, l := range lists {
		if l.n == 0 {
			continue
		}
		// No string holds a line break, so this finds the field itself.
		_, after, found := bytes.Cut(b, []byte("\n"+prefix+indent+`"`+l.name+`": [`))
		if !found && w.err == nil {
			w.err = fmt.Errorf("the report has no list of %s", l.name)
		}
		if w.err != nil {
			return
		}
		w.writeText(b[:len(b)-len(after)])
		next := "\n" + prefix + element
		for i := range l.n {
			w.writeText([]byte(next))
			l.write(i)
			next = ",\n" + prefix + element
		}
		w.writeText([]byte("\n" + prefix + indent))
		b = after
	}
	w.writeText(b)
}

// writeMigration writes a migration of the report.
func (w *jsonWriter) writeMigration(m onward.Migration) {
	all := m.Statements
	m.Changes, m.Statements = NonNilList(m.Changes), []onward.Statement{}
	w.writeObject(&m, element, many{"statements", len(all), func(i int) {
		s := fillStatementLists(all[i])
		w.writeObject(&s, element+element)
	}})
}

// WriteLocks prints {"statements": […]}; a statement has variants if versions differ.
func WriteLocks(w io.Writer, locks []onward.Locks) error {
	out := struct {
		Statements []onward.Locks `json:"statements"`
	}{slices.Clone(NonNilList(locks))}
	for i := range out.Statements {
		s := &out.Statements[i]
		s.Statement = fillStatementLists(s.Statement)
		s.Variants = slices.Clone(s.Variants)
		for j := range s.Variants {
			s.Variants[j].Effects = NonNilList(s.Variants[j].Effects)
		}
		if v := s.Variants; len(v) == 1 && v[0].Refused == "" && !v[0].NoTransaction && v[0].Note == "" {
			s.Variants = nil
		}
	}
	return WriteJSON(w, out)
}

// fillStatementLists replaces nil lists of a statement by empty ones.
func fillStatementLists(s onward.Statement) onward.Statement {
	s.Observed = fillObservedLists(s.Observed)
	s.Effects = slices.Clone(NonNilList(s.Effects))
	for j := range s.Effects {
		s.Effects[j].Blocks = NonNilList(s.Effects[j].Blocks)
	}
	return s
}

// encodeValue encodes a value, without a line break at its end. The next call overwrites the
// bytes.
func (w *jsonWriter) encodeValue(v any, prefix string) []byte {
	w.one.Reset()
	w.enc.SetIndent(prefix, indent)
	if err := w.enc.Encode(v); err != nil && w.err == nil {
		w.err = err
	}
	return escape.CommandsInJSON(escape.HiddenInJSON(bytes.TrimSuffix(w.one.Bytes(), []byte("\n"))))
}

// endDocument ends the text.
func (w *jsonWriter) endDocument() error {
	w.writeText([]byte("\n"))
	if w.err != nil {
		return w.err
	}
	return w.to.Flush()
}

// fillRehearsalLists replaces nil lists of the rehearsals by empty ones.
func fillRehearsalLists(in []onward.Rehearsal) []onward.Rehearsal {
	out := slices.Clone(in)
	for i := range out {
		r := &out[i]
		r.Tables, r.Transactions = NonNilList(r.Tables), NonNilList(r.Transactions)
		r.Differences, r.Notes = NonNilList(r.Differences), NonNilList(r.Notes)
		r.Statements = slices.Clone(NonNilList(r.Statements))
		for j := range r.Statements {
			r.Statements[j].Observed = fillObservedLists(NonNilList(r.Statements[j].Observed))
		}
		if r.Traffic != nil {
			t := *r.Traffic
			t.Slots, t.Stalls, t.Failures = NonNilList(t.Slots), NonNilList(t.Stalls), NonNilList(t.Failures)
			r.Traffic = &t
		}
	}
	return out
}

func fillObservedLists(in []onward.Observed) []onward.Observed {
	out := slices.Clone(in)
	for i := range out {
		out[i].Blocks = NonNilList(out[i].Blocks)
	}
	return out
}

// NonNilList returns the list, or an empty one instead of nil.
func NonNilList[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// WriteJSON prints a value as the report is printed.
func WriteJSON(w io.Writer, v any) error {
	out := newJSONWriter(w)
	out.writeObject(v, "")
	return out.endDocument()
}

// Marked is a part of a report that an editor marks in a file.
type Marked struct {
	Severity onward.Severity
	// Rule is the finding's rule, "" if it is no finding. Page is the URL with more about
	// it.
	Rule, Page string
	Path       string
	// Line, Column, EndLine and EndColumn count as in a finding. Code that could not be
	// judged has no end; if its position is not known, Line is 0.
	Line, Column, EndLine, EndColumn int
	Message                          string
	// Finding is nil for code that could not be judged. Unread is set if that code should
	// have been readable.
	Finding *onward.Finding
	Unread  bool
}

// ListMarks returns a report's marks, the worst findings first.
func ListMarks(r *onward.Report) []Marked {
	var out []Marked
	list := listAnnotations(r)
	for i := range list {
		a := &list[i]
		out = append(out, Marked{
			Severity: a.severity, Rule: a.rule, Page: a.helpURL(), Path: a.path,
			Line: a.line, Column: a.column, EndLine: a.endLine, EndColumn: a.endColumn,
			Message: escape.Controls(a.message), Finding: a.finding, Unread: a.unread,
		})
	}
	return out
}
