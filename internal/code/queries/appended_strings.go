package queries

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/code/source"
)

// Programs assemble SQL from parts that are not side by side: by += and, in Go, by Sprintf.

const (
	// maxAppended bounds how many parts are appended to a string, and maxApart how many other strings may be between.
	maxAppended = 16
	maxApart    = 60
)

// appendLaterStrings returns a query with the strings that the program appends to its variable afterwards: q += "…". It returns
// the query alone if the result is no SQL, for example because only one of two branches runs.
func appendLaterStrings(r *source.File, s *Text, from, to int) *Text {
	name := r.FindHolder(r.Strings[from])
	if name == "" || len(s.SQL) > MaxSQL {
		return s
	}
	var parts []lexer.String
	offset := r.Strings[to].End
	for i := to + 1; i < len(r.Strings) && i < to+maxApart && len(parts) < maxAppended; i++ {
		l := r.Strings[i]
		if l.Open < offset {
			continue
		}
		code := r.Text[offset:l.Open]
		if bytes.Contains(code, []byte("\nfunc ")) || bytes.Contains(code, []byte("\ndef ")) || r.FindHolder(l) == name {
			break
		}
		before := bytes.TrimRight(code, " \t\r\n(fr`$")
		if before, found := bytes.CutSuffix(before, []byte("+=")); found && bytes.HasSuffix(bytes.TrimRight(before, " \t"), []byte(name)) {
			parts = append(parts, l)
		}
		offset = l.End
	}
	if len(parts) == 0 {
		return s
	}
	whole := &Text{SQL: slices.Clone(s.SQL), Segments: slices.Clone(s.Segments), holes: slices.Clone(s.holes), Quoted: s.Quoted, Fills: s.Fills}
	for _, l := range parts {
		whole.AddString(r.Text, l, r.Language)
	}
	if list := whole.parseStatements(); len(list) == 0 || firstFailure(list) >= 0 {
		return s
	}
	return whole
}
