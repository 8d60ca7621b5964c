package deployed

import (
	"bytes"
	"fmt"
	"math/bits"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/onward"
)

// searchNames searches all of the code for the names of a table or a column before a report says that nothing names
// it. A match was not understood, so it is no use; the report says that it is not known.
func (u *Code) searchNames(q question, out *analysis.Usage) {
	if !out.Known || out.Used || out.Named || out.Nothing {
		return
	}
	names := append(facts.Spellings(q.Column), q.Column)
	if q.Column == "" {
		names = u.tableNames(q)
	}
	tables, searched := newMarks(u.tableNames(q)), newMarks(names)
	b := u.indexFor(q)
	alreadyWeighed := b.FilesUsing(q.Name)
	var paths []string
	for i, words := range u.ReadFiles().readIdentifiers() {
		f := &u.ReadFiles().files[i]
		if len(words) == 0 || alreadyWeighed[f.Path] || b.Skip != nil && b.Skip(f.Path) ||
			!tables.isAnyIn(words) || !searched.isAnyIn(words) {
			continue
		}
		if paths = append(paths, f.Path); len(paths) == maxSearched {
			break
		}
	}
	if found := u.findMentionsIn(paths, names); len(found) > 0 {
		out.Mentioned, out.Evidence = true, u.makeEvidence(found, maxEvidence)
	}
}

// maxSearched bounds the files that are read again for a question.
const maxSearched = 20

// findMentionsIn returns the places of names in files, outside of queries, comments and messages.
func (u *Code) findMentionsIn(paths, words []string) (found []index.Use) {
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

// isAnyIn reports whether any of the marks is among the sorted marks of a file.
func (m *markSet) isAnyIn(file []uint32) bool {
	// Few names in a large file: search the file for each of them. Else look each of its marks up.
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

// faultyPaths returns the paths of the files that onward could not read: its reader failed, or git lacks the file.
func (c *Files) faultyPaths() (paths []string) {
	for _, f := range c.files {
		if f.Facts != nil && f.Facts.Fault != "" {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// mayBeInFaulty reports whether such a file contains the name in a question, so that its use of the name is not known.
func (u *Code) mayBeInFaulty(q question) bool {
	paths := u.ReadFiles().faultyPaths()
	if len(paths) == 0 {
		return false
	}
	words := append(facts.TableWords(q.Name.Name), q.Name.Name)
	if q.Column != "" {
		words = append(facts.Spellings(q.Column), q.Column)
	}
	texts, err := u.base.ReadAll(paths)
	for _, text := range texts {
		for _, w := range words {
			if w != "" && bytes.Contains(text, []byte(w)) {
				return true
			}
		}
	}
	return err != nil
}

// mostFaults bounds the files in a report: a partial clone may lack all of them.
const mostFaults = 3

// ListFaults lists the files of the deployed code that onward could not read, if the code was read at all.
func (u *Code) ListFaults() (out []onward.Opaque) {
	if u == nil || u.text == nil {
		return nil
	}
	more := 0
	for _, f := range u.text.files {
		switch {
		case f.Facts == nil || f.Facts.Fault == "":
		case len(out) == mostFaults:
			more++
		default:
			out = append(out, onward.Opaque{Path: f.Path, What: "a file of the deployed code", Why: f.Facts.Fault, Usage: true})
		}
	}
	if more > 0 {
		out[len(out)-1].What = fmt.Sprintf("this and %d other files of the deployed code", more)
	}
	return out
}
