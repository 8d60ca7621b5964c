package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/onward-sql/onward/onward"
)

// JSON prints the report in the project's JSON protocol, described at
// [onward.Report]. A list that is empty is [], never null.
//
// It is written as it is made, migration by migration and statement by
// statement: of a large file it is many times the text.
func JSON(w io.Writer, r *onward.Report) error {
	whole := *r
	if whole.Schema == "" {
		whole.Schema = onward.ReportSchema
	}
	whole.Postgres = list(whole.Postgres)
	whole.Migrations, whole.Findings = []onward.Migration{}, []onward.Finding{}
	whole.Opaque = list(whole.Opaque)
	whole.Rehearsals = rehearsals(whole.Rehearsals)
	out := newJSONWriter(w)
	out.object(&whole, "", many{"migrations", len(r.Migrations), func(i int) { out.migration(r.Migrations[i]) }},
		many{"findings", len(r.Findings), func(i int) {
			f := r.Findings[i]
			f.Evidence = list(f.Evidence)
			out.object(&f, element)
		}})
	return out.close()
}

// indent is one step; element is where an element of a list of the report begins.
const (
	indent  = "  "
	element = indent + indent
)

// jsonWriter writes values, indented; characters that are not seen as themselves
// are written as escapes, which means the same to every reader. It keeps the
// first error.
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

// many is a list of an object that is written element by element. In the object
// itself it is empty, not nil.
type many struct {
	name  string
	n     int
	write func(i int)
}

func (w *jsonWriter) text(b []byte) {
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

// object writes an object whose lines begin with prefix. Its lists are named in
// the order of its fields.
func (w *jsonWriter) object(v any, prefix string, lists ...many) {
	b := w.marshal(v, prefix)
	if len(lists) > 0 {
		b = bytes.Clone(b) // the elements come between
	}
	for _, l := range lists {
		if l.n == 0 {
			continue
		}
		// No string holds a line break, so this is the field itself.
		_, after, found := bytes.Cut(b, []byte("\n"+prefix+indent+`"`+l.name+`": [`))
		if !found && w.err == nil {
			w.err = fmt.Errorf("the report has no list of %s", l.name)
		}
		if w.err != nil {
			return
		}
		w.text(b[:len(b)-len(after)])
		next := "\n" + prefix + element
		for i := range l.n {
			w.text([]byte(next))
			l.write(i)
			next = ",\n" + prefix + element
		}
		w.text([]byte("\n" + prefix + indent))
		b = after
	}
	w.text(b)
}

// migration writes one of the report's.
func (w *jsonWriter) migration(m onward.Migration) {
	all := m.Statements
	m.Changes, m.Statements = list(m.Changes), []onward.Statement{}
	w.object(&m, element, many{"statements", len(all), func(i int) {
		s := statement(all[i])
		w.object(&s, element+element)
	}})
}

// statement has every list in place.
func statement(s onward.Statement) onward.Statement {
	s.Observed = observed(s.Observed)
	s.Effects = slices.Clone(list(s.Effects))
	for j := range s.Effects {
		s.Effects[j].Blocks = list(s.Effects[j].Blocks)
	}
	return s
}

// marshal spells a value, without a line break at its end. The next call makes
// the bytes other ones.
func (w *jsonWriter) marshal(v any, prefix string) []byte {
	w.one.Reset()
	w.enc.SetIndent(prefix, indent)
	if err := w.enc.Encode(v); err != nil && w.err == nil {
		w.err = err
	}
	return tameJSON(escapeHidden(bytes.TrimSuffix(w.one.Bytes(), []byte("\n"))))
}

// close ends the text.
func (w *jsonWriter) close() error {
	w.text([]byte("\n"))
	if w.err != nil {
		return w.err
	}
	return w.to.Flush()
}

// rehearsals has every list of the rehearsals in place.
func rehearsals(in []onward.Rehearsal) []onward.Rehearsal {
	out := slices.Clone(in)
	for i := range out {
		r := &out[i]
		r.Tables, r.Transactions = list(r.Tables), list(r.Transactions)
		r.Differences, r.Notes = list(r.Differences), list(r.Notes)
		r.Statements = slices.Clone(list(r.Statements))
		for j := range r.Statements {
			r.Statements[j].Observed = observed(list(r.Statements[j].Observed))
		}
		if r.Traffic != nil {
			t := *r.Traffic
			t.Slots, t.Stalls, t.Failures = list(t.Slots), list(t.Stalls), list(t.Failures)
			r.Traffic = &t
		}
	}
	return out
}

func observed(in []onward.Observed) []onward.Observed {
	out := slices.Clone(in)
	for i := range out {
		out[i].Blocks = list(out[i].Blocks)
	}
	return out
}

// list is the list itself, or an empty one for none.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// writeJSON prints a value as the report is printed.
func writeJSON(w io.Writer, v any) error {
	out := newJSONWriter(w)
	out.object(v, "")
	return out.close()
}

// StatsJSON prints sizes as onward stats does.
func StatsJSON(w io.Writer, s *onward.Stats) error { return writeJSON(w, s) }

// escapeHidden spells hidden characters as \uXXXX. Outside strings, JSON
// has none of them.
func escapeHidden(data []byte) []byte {
	if plain(data) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for len(data) > 0 {
		if data[0] < 0x7f {
			n := 1
			for n < len(data) && data[n] < 0x7f {
				n++
			}
			out, data = append(out, data[:n]...), data[n:]
			continue
		}
		r, size := utf8.DecodeRune(data)
		switch {
		case !hidden(r):
			out = append(out, data[:size]...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		data = data[size:]
	}
	return out
}
