package deployed

import (
	"bytes"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
)

// findColumnName searches the name of a column in the code that uses its table: even if parsed SQL
// and mappers do not have it, a name may mean the column.
func (u *Code) findColumnName(b *index.Bound, q question, out *analysis.Usage) {
	works := b.FilesUsing(q.Name)
	if len(works) == 0 {
		return
	}
	words := []string{q.Column}
	leaves := b.FindIgnored(q.Name, q.Column)
	if len(leaves) == 0 { // otherwise only SQL names it
		words = append(words, facts.Spellings(q.Column)...)
	}
	found := u.findMentions(works, words)
	owner := u.newColumnOwner(q, u.otherTables(q))
	found = slices.DeleteFunc(found, func(m mention) bool {
		return slices.ContainsFunc(leaves, func(e index.Use) bool { return e.Path == m.path && e.Line == m.Line }) || owner.isOtherTable(u.codes[m.path], m)
	})
	uses := append(b.PutColumn(q.Name, q.Column), q.selectBestMentions(found, b.Relation(q.Name))...)
	u.codes = nil
	if len(uses) > 0 {
		out.Named, out.Nothing, out.Evidence = true, false, u.makeEvidence(uses, maxEvidence)
	}
}

// findMentions returns the places of some names in some files, whose blocks are kept until
// the question is answered.
func (u *Code) findMentions(works map[string]bool, words []string) []mention {
	var paths []string
	for p := range works {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	texts, _ := u.base.ReadAll(paths) // a file that cannot be read again is skipped
	u.codes = map[string]*codeText{}
	var out []mention
	for _, p := range paths {
		text := texts[p]
		if !slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) }) {
			continue
		}
		source := mentions.CutFile(p, text)
		list := source.Mentions(words)
		if len(list) == 0 {
			continue
		}
		t := readBlocks(source, string(text))
		u.codes[p] = t
		for _, m := range list {
			out = append(out, mention{Mention: m, path: p, text: t.lineText(m.Line - 1)})
		}
	}
	return out
}
