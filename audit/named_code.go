package audit

import (
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/usage"
)

// named looks for the name of a column in the code that works on its table: where SQL
// that was parsed and mappers do not have it, it may be the column all the same.
func (u *deployedCode) named(b *usage.Bound, q question, out *analysis.Usage) {
	works := b.Works(q.Name)
	if len(works) == 0 {
		return
	}
	u.codes = map[string]*codeText{}
	defer func() { u.codes = nil }()
	var words []string
	if !b.Leaves(q.Name, q.Column) {
		words = spellings(q.Column)
	}
	hits, err := gitrange.Words(u.base, append(words, q.Column), func(p string) bool { return !works[p] })
	if err != nil {
		return
	}
	puts := b.Puts(q.Name)
	hits = slices.DeleteFunc(hits, func(h gitrange.Hit) bool { return !puts[h.Path] && u.inQuery(h) })
	var table []gitrange.Hit
	for _, e := range b.Relation(q.Name) {
		table = append(table, gitrange.Hit{Word: q.Name.Name, Path: e.Path, Line: e.Line})
	}
	if found := u.weigh(q, hits, table); found.Used {
		out.Named, out.Nothing, out.Evidence = true, false, found.Evidence
	}
}

// inQuery reports whether a word stands nowhere in its line but in queries: they were
// parsed, and have told what they use.
func (u *deployedCode) inQuery(h gitrange.Hit) bool {
	t := u.blocks(h.Path)
	if t == nil || h.Line > len(t.starts) {
		return false
	}
	line, seen := t.line(h.Line-1), false
	for at := 0; at+len(h.Word) <= len(line); at++ {
		if line[at:at+len(h.Word)] != h.Word || !alone(line, at, len(h.Word)) {
			continue
		}
		s, ok := t.span(t.starts[h.Line-1] + at)
		if !ok || !beginsQuery.MatchString(s.text) {
			return false
		}
		seen = true
	}
	return seen
}

// blocks is a file as blocks, read once for a question.
func (u *deployedCode) blocks(p string) *codeText {
	t, known := u.codes[p]
	if !known {
		if text, err := u.base.Read(p); err == nil {
			t = readCode(p, string(text))
		}
		u.codes[p] = t
	}
	return t
}

// hitOf is a hit of a word in a line.
func hitOf(word, p string, line int, text string) gitrange.Hit {
	return gitrange.Hit{Word: word, Path: p, Line: line, Text: text}
}
