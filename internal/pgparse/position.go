package pgparse

import (
	"sort"
	"unicode/utf8"
)

// Lines turns byte offsets of a source into lines and columns.
type Lines struct {
	src    string
	starts []int
}

// NewLines indexes a source.
func NewLines(src string) *Lines {
	l := &Lines{src: src, starts: []int{0}}
	for i := 0; i < len(src); i++ {
		if src[i] == '\n' {
			l.starts = append(l.starts, i+1)
		}
	}
	return l
}

// Position is the line and column of a byte offset, both from 1. The column
// counts characters. Offsets outside of the source are moved to its ends.
func (l *Lines) Position(offset int) (line, column int) {
	offset = max(0, min(offset, len(l.src)))
	line = sort.SearchInts(l.starts, offset+1)
	start := l.starts[line-1]
	return line, utf8.RuneCountInString(l.src[start:offset]) + 1
}

// Start is the byte offset at which a line begins; lines count from 1.
func (l *Lines) Start(line int) int {
	switch {
	case line < 1:
		return 0
	case line > len(l.starts):
		return len(l.src)
	}
	return l.starts[line-1]
}

// Count is the number of lines.
func (l *Lines) Count() int { return len(l.starts) }
