package deployed

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// signs is what a rule looks for in the files that differ before it has all of the code read.
type signs byte

const (
	deletesRows signs = 1 << iota // a DELETE, of the deployed code
	marksRows                     // a model of the new code whose deleted rows are marked
)

// signsVersion is the version of the results of findSigns: a cache of another version is not used.
const signsVersion = "1"

// sign says how a sign is found. One of its words, in lower case, is part of each: only these places are looked at.
type sign struct {
	sign  signs
	words []string
	// isAt reports whether the word at a place of a text is part of the sign.
	isAt func(text []byte, start int) bool
}

var allSigns = []sign{
	{deletesRows, []string{"delete"}, func(text []byte, start int) bool { return deleteText.Match(text[max(0, start-1):]) }},
	{marksRows, softDeleteWords, func(text []byte, start int) bool {
		line := text[bytes.LastIndexByte(text[:start], '\n')+1:]
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			line = line[:end]
		}
		return softDeleteSign.Match(line)
	}},
}

var signWords = lexer.NewWords(slices.Concat([]string{"delete"}, softDeleteWords)...)

// deleteText matches a DELETE at the start of a text, or behind its first byte.
var deleteText = lazyregexp.New(`(?i)^\W?delete\s+from\b`)

// findSigns returns the signs that a text has.
func findSigns(text []byte) (out signs) {
	lower := bytes.Clone(text) // of the same length, unlike what [bytes.ToLower] makes
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	signWords.Each(lower, func(offset int, word string) bool {
		for _, s := range allSigns {
			if out&s.sign == 0 && slices.Contains(s.words, word) && s.isAt(text, offset) {
				out |= s.sign
			}
		}
		return true
	})
	return out
}

// hasSign reports whether a file that differs has a sign in the revision that the sign is of. All signs are found at the first call.
func (u *Code) hasSign(s signs) bool {
	if u.changeSigns == nil {
		both := u.findSignsAt(u.base, gitrange.Added, func(c gitrange.Change) string { return cmp.Or(c.OldPath, c.Path) })&deletesRows |
			u.findSignsAt(u.Head().base, gitrange.Deleted, func(c gitrange.Change) string { return c.Path })&marksRows
		u.changeSigns = &both
	}
	return *u.changeSigns&s != 0
}

// findSignsAt returns the signs that the files that differ have in one revision. Those of the kind absent are not in it.
func (u *Code) findSignsAt(tree gitrange.Tree, absent gitrange.Kind, pathOf func(gitrange.Change) string) (out signs) {
	differs := map[string]bool{}
	for _, c := range u.Changes {
		if p := pathOf(c); c.Kind != absent && !IsDataFile(p) && !u.IsNotCode(p) {
			differs[p] = true
		}
	}
	var files []gitrange.File
	size := int64(0)
	for _, f := range tree.Files() {
		if differs[f.Path] && mayBeCode(f) {
			files = append(files, f)
			size += f.Size
		}
	}
	for _, data := range scanFiles(tree, files, u.openStorage()("-signs", signsVersion, size), func(text []byte) []byte {
		return []byte{byte(findSigns(text))}
	}) {
		if len(data) > 0 {
			out |= signs(data[0])
		}
	}
	return out
}
