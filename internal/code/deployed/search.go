package deployed

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/bits"
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
	columns := append(facts.Spellings(q.Column), q.Column)
	if q.Column == "" {
		columns = u.tableNames(q)
	}
	tables, searched := newMarks(u.tableNames(q)), newMarks(columns)
	b := u.indexFor(q)
	works := b.FilesUsing(q.Name) // was searched already, and weighed
	var paths []string
	for i, words := range u.ReadFiles().readIdentifiers() {
		f := &u.ReadFiles().files[i]
		if len(words) == 0 || works[f.Path] || b.Skip != nil && b.Skip(f.Path) || !tables.areIn(words) || !searched.areIn(words) {
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

// markSet are the marks of names that are looked for in many files.
type markSet struct {
	list []uint32 // sorted
	// bits has a bit for the low bits of each mark: most names of a file are none of them.
	bits [markBits / 64]uint64
}

const markBits = 1 << 14

// newMarks returns the marks of names.
func newMarks(words []string) *markSet {
	m := &markSet{}
	for _, w := range words {
		if w != "" {
			h := facts.HashText(w)
			m.list = append(m.list, h)
			m.bits[h%markBits/64] |= 1 << (h % 64)
		}
	}
	slices.Sort(m.list)
	return m
}

// areIn reports whether one of the marks is among the sorted marks of a file.
func (m *markSet) areIn(file []uint32) bool {
	if len(m.list)*bits.Len(uint(len(file))) < len(file) {
		return slices.ContainsFunc(m.list, func(h uint32) bool {
			_, found := slices.BinarySearch(file, h)
			return found
		})
	}
	for _, h := range file {
		if m.bits[h%markBits/64]&(1<<(h%64)) != 0 {
			if _, found := slices.BinarySearch(m.list, h); found {
				return true
			}
		}
	}
	return false
}

// identifiersVersion is the version of the results of [mentions.FindIdentifiers]: a cache of another version is not used.
const identifiersVersion = "1"

// readIdentifiers returns the names in each file of the code, as sorted marks. They are read when the first question
// needs them, and cached by the content of the file.
func (c *Files) readIdentifiers() [][]uint32 {
	if c.names != nil {
		return c.names
	}
	c.names = make([][]uint32, len(c.files))
	store := c.openStore("-names", identifiersVersion)
	at := map[string]int{}
	for i, f := range c.files {
		if f.Observed || f.Facts != nil && f.Facts.OtherDatabase {
			continue
		}
		if data, ok := store.Get(c.ids[i]); ok && c.ids[i] != "" {
			c.names[i] = decodeMarks(data)
			continue
		}
		at[f.Path] = i
	}
	var lock sync.Mutex
	bunches := slices.Collect(slices.Chunk(slices.Sorted(maps.Keys(at)), statementFiles))
	adapter.EachParallel(len(bunches), func(n int) {
		texts, _ := c.base.ReadAll(bunches[n]) // files that cannot be read are skipped; c.err reports it
		for p, text := range texts {
			var marks []uint32
			if bytes.IndexByte(text[:min(len(text), 1<<10)], 0) < 0 { // else it is no text
				marks = mentions.FindIdentifiers(text)
			}
			lock.Lock()
			c.names[at[p]] = marks
			if id := c.ids[at[p]]; id != "" {
				store.Put(id, encodeMarks(marks))
			}
			lock.Unlock()
		}
	})
	_ = store.Save() // if this fails, the next run reads as much as this one
	return c.names
}

// encodeMarks writes the marks of names for the cache.
func encodeMarks(marks []uint32) []byte {
	out := make([]byte, 0, 4*len(marks))
	for _, m := range marks {
		out = binary.LittleEndian.AppendUint32(out, m)
	}
	return out
}

// decodeMarks reads what encodeMarks wrote.
func decodeMarks(data []byte) []uint32 {
	out := make([]uint32, len(data)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return out
}
