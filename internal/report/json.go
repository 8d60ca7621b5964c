package report

import (
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
func JSON(w io.Writer, r *onward.Report) error {
	whole := *r
	if whole.Schema == "" {
		whole.Schema = onward.ReportSchema
	}
	whole.Postgres = list(whole.Postgres)
	whole.Migrations = slices.Clone(list(whole.Migrations))
	for i := range whole.Migrations {
		m := &whole.Migrations[i]
		m.Changes = list(m.Changes)
		m.Statements = statements(m.Statements)
	}
	whole.Findings = slices.Clone(list(whole.Findings))
	for i := range whole.Findings {
		whole.Findings[i].Evidence = list(whole.Findings[i].Evidence)
	}
	whole.Opaque = list(whole.Opaque)
	whole.Rehearsals = rehearsals(whole.Rehearsals)
	return writeJSON(w, &whole)
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

func statements(in []onward.Statement) []onward.Statement {
	out := slices.Clone(list(in))
	for i := range out {
		out[i].Observed = observed(out[i].Observed)
		out[i].Effects = slices.Clone(list(out[i].Effects))
		for j := range out[i].Effects {
			out[i].Effects[j].Blocks = list(out[i].Effects[j].Blocks)
		}
	}
	return out
}

// writeJSON prints a value, indented; characters that are not seen as
// themselves are written as escapes, which means the same to every reader.
func writeJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(tameJSON(escapeHidden(b.Bytes())))
	return err
}

// StatsJSON prints sizes as onward stats does.
func StatsJSON(w io.Writer, s *onward.Stats) error { return writeJSON(w, s) }

// escapeHidden spells hidden characters as \uXXXX. Outside of strings, JSON
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
