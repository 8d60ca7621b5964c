package deployed

import (
	"bytes"
	"slices"
	"sync"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
)

// searchNames searches all of the code for the names of a table or a column before a report says that nothing names
// it. A match was not understood, so it is no use; the report says that it is not known.
func (u *Code) searchNames(q question, out *analysis.Usage) {
	if !out.Known || out.Used || out.Named || out.Nothing {
		return
	}
	tables := marksOf(u.tableNames(q))
	columns := append(facts.Spellings(q.Column), q.Column)
	if q.Column == "" {
		columns = u.tableNames(q)
	}
	b := u.indexFor(q)
	works := b.FilesUsing(q.Name) // was searched already, and weighed
	var paths []string
	for i, words := range u.ReadFiles().readIdentifiers() {
		f := &u.ReadFiles().files[i]
		if len(words) == 0 || works[f.Path] || b.Skip != nil && b.Skip(f.Path) || !hasAny(words, tables) || !hasAny(words, marksOf(columns)) {
			continue
		}
		if paths = append(paths, f.Path); len(paths) == maxSearched {
			break
		}
	}
	if found := u.mentionedIn(paths, columns); len(found) > 0 {
		out.Mentioned, out.Evidence = true, u.makeEvidence(found, maxEvidence)
	}
}

// maxSearched bounds the files that are read again for a question.
const maxSearched = 20

// mentionedIn returns the places of names in files, outside of queries, comments and messages.
func (u *Code) mentionedIn(paths, words []string) (found []index.Use) {
	if len(paths) == 0 {
		return nil
	}
	texts, _ := u.base.ReadAll(paths) // a file that cannot be read again is skipped
	for _, p := range paths {
		for _, m := range mentions.CutFile(p, texts[p]).Mentions(words) {
			if found = append(found, index.Use{Path: p, Line: m.Line, How: facts.Names, Grade: facts.Named}); len(found) == maxEvidence {
				return found
			}
		}
	}
	return found
}

// marksOf returns the marks of names, sorted.
func marksOf(words []string) (out []uint32) {
	for _, w := range words {
		if w != "" {
			out = append(out, facts.HashText(w))
		}
	}
	return out
}

// hasAny reports whether sorted marks have one of some others.
func hasAny(sorted, marks []uint32) bool {
	return slices.ContainsFunc(marks, func(m uint32) bool {
		_, found := slices.BinarySearch(sorted, m)
		return found
	})
}

// readIdentifiers returns the names in each file of the code, as sorted marks. They are read when the first question
// needs them.
func (c *Files) readIdentifiers() [][]uint32 {
	if c.names != nil {
		return c.names
	}
	c.names = make([][]uint32, len(c.files))
	var lock sync.Mutex
	at := map[string]int{}
	for i, f := range c.files {
		if !f.Observed {
			at[f.Path] = i
		}
	}
	paths := make([]string, 0, len(at))
	for p := range at {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	bunches := slices.Collect(slices.Chunk(paths, statementFiles))
	adapter.EachParallel(len(bunches), func(n int) {
		texts, _ := c.base.ReadAll(bunches[n]) // files that cannot be read are skipped; c.err reports it
		for p, text := range texts {
			if bytes.IndexByte(text[:min(len(text), 1<<10)], 0) >= 0 {
				continue // no text
			}
			marks := mentions.FindIdentifiers(text)
			lock.Lock()
			c.names[at[p]] = marks
			lock.Unlock()
		}
	})
	return c.names
}
