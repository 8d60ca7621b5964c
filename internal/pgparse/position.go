package pgparse

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Lines converts byte offsets of a source to lines and columns.
type Lines struct {
	src    string
	starts []int32
	// marks speed up very long lines: counting their characters from the start each time would take
	// quadratic time.
	marks func() []mark
}

// mark is a byte offset with the number of characters before it.
type mark struct{ offset, runes int }

// marked is the approximate number of bytes between two marks.
const marked = 4096

// NewLines indexes a source.
func NewLines(src string) *Lines {
	l := &Lines{src: src, starts: make([]int32, 1, strings.Count(src, "\n")+1)}
	l.marks = sync.OnceValue(l.newMarks)
	for offset := 0; ; {
		n := strings.IndexByte(src[offset:], '\n')
		if n < 0 {
			return l
		}
		offset += n + 1
		l.starts = append(l.starts, int32(offset))
	}
}

// Position returns the line and column of a byte offset, both from 1. The column counts characters.
// Offsets outside the source are moved to its ends.
func (l *Lines) Position(offset int) (line, column int) {
	offset = max(0, min(offset, len(l.src)))
	line, _ = slices.BinarySearch(l.starts, int32(offset+1))
	start := int(l.starts[line-1])
	if offset-start > marked {
		return line, l.countRunes(offset) - l.countRunes(start) + 1
	}
	return line, utf8.RuneCountInString(l.src[start:offset]) + 1
}

// countRunes returns the number of characters before an offset.
func (l *Lines) countRunes(offset int) int {
	marks := l.marks()
	i, found := slices.BinarySearchFunc(marks, offset, func(m mark, target int) int { return cmp.Compare(m.offset, target) })
	if !found {
		i-- // the first one is at 0
	}
	return marks[i].runes + utf8.RuneCountInString(l.src[marks[i].offset:offset])
}

func (l *Lines) newMarks() []mark {
	out := []mark{{}}
	last := mark{}
	for offset := range l.src { // the first bytes of characters
		if offset-last.offset >= marked {
			last = mark{offset, last.runes + utf8.RuneCountInString(l.src[last.offset:offset])}
			out = append(out, last)
		}
	}
	return out
}

// LineStart returns the byte offset at which a line begins; lines count from 1.
func (l *Lines) LineStart(line int) int {
	switch {
	case line < 1:
		return 0
	case line > len(l.starts):
		return len(l.src)
	}
	return int(l.starts[line-1])
}

// CountLines returns the number of lines.
func (l *Lines) CountLines() int { return len(l.starts) }
