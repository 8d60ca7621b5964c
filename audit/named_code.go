package audit

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/usage"
)

// named looks for the name of a column in the code that works on its table: where SQL
// that was parsed and mappers do not have it, it may be the column all the same.
func (u *deployedCode) named(b *usage.Bound, q question, out *analysis.Usage) {
	works := b.Works(q.Name)
	if len(works) == 0 {
		return
	}
	words := []string{q.Column}
	leaves := b.Leaves(q.Name, q.Column)
	if len(leaves) == 0 { // else SQL alone names it
		words = append(words, spellings(q.Column)...)
	}
	found := u.mentions(works, words)
	whose := u.belonging(q, u.others(q))
	found = slices.DeleteFunc(found, func(m mention) bool {
		return slices.ContainsFunc(leaves, func(e usage.Use) bool { return e.Path == m.path && e.Line == m.Line }) || whose.ofOther(u.codes[m.path], m)
	})
	uses := append(b.PutColumn(q.Name, q.Column), q.weigh(found, b.Relation(q.Name))...)
	u.codes = nil
	if len(uses) > 0 {
		out.Named, out.Nothing, out.Evidence = true, false, u.evidence(uses, maxEvidence)
	}
}

// mentions are the places of some names in some files, which are kept as blocks until
// the question is answered.
func (u *deployedCode) mentions(works map[string]bool, words []string) []mention {
	var paths []string
	for p := range works {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	texts, _ := u.base.ReadAll(paths) // what cannot be read again says nothing
	u.codes = map[string]*codeText{}
	var out []mention
	for _, p := range paths {
		text := texts[p]
		if !slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) }) {
			continue
		}
		source := usage.Cut(p, text)
		list := source.Mentions(words)
		if len(list) == 0 {
			continue
		}
		t := readBlocks(source, string(text))
		u.codes[p] = t
		for _, m := range list {
			out = append(out, mention{Mention: m, path: p, text: t.line(m.Line - 1)})
		}
	}
	return out
}
