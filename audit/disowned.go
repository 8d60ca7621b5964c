package audit

import (
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
)

// A release that has stopped using a column may still have to name it: so that
// its mapper leaves it alone.

var (
	// Prisma's fields, fields of GORM's, bun's and sqlx' structs, ActiveRecord's list.
	// gorm:"-:migration" is a column all the same.
	prismaIgnore = regexp.MustCompile(`\s@ignore(?:\s|$)`)
	dashTag      = regexp.MustCompile("`.*\\b(?:gorm:\"-(?::all)?\"|bun:\"-\"|db:\"-\")")
	ignoredList  = regexp.MustCompile(`\bignored_columns\s*(?:\+|\|\|)?=|\bignore_columns?\b`)
	// entry is a line of a list that goes over several.
	entry = regexp.MustCompile(`^["':]?\w+["']?,?\s*(?:#.*)?$`)
)

// maxList is how many lines above it a list begins that an entry is looked for in.
const maxList = 20

// disowned reports whether a hit of a column tells a mapper to leave it alone.
func (u *deployedCode) disowned(h gitrange.Hit) bool {
	switch path.Ext(h.Path) {
	case ".prisma":
		return prismaIgnore.MatchString(h.Text)
	case ".go":
		return dashTag.MatchString(h.Text)
	case ".rb":
		return ignoredList.MatchString(h.Text) || entry.MatchString(h.Text) && u.inIgnoredList(h)
	}
	return false
}

// inIgnoredList reports whether a line is an entry of such a list, which begins
// above it and has not ended.
func (u *deployedCode) inIgnoredList(h gitrange.Hit) bool {
	text, err := u.base.Read(h.Path)
	if err != nil {
		return false
	}
	lines := strings.SplitAfterN(string(text), "\n", h.Line+1)
	for i := min(h.Line, len(lines)) - 2; i >= 0 && i >= h.Line-maxList; i-- {
		line := strings.TrimSpace(lines[i])
		if ignoredList.MatchString(line) {
			return !strings.ContainsAny(line, "])") // what it lists is still to come
		}
		if line != "" && !comment(line) && !entry.MatchString(line) {
			return false
		}
	}
	return false
}
