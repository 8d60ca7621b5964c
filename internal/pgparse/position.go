package pgparse

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Lines turns byte offsets of a source into lines and columns.
type Lines struct {
	src    string
	starts []int32
}

// NewLines indexes a source.
func NewLines(src string) *Lines {
	l := &Lines{src: src, starts: make([]int32, 1, strings.Count(src, "\n")+1)}
	for at := 0; ; {
		n := strings.IndexByte(src[at:], '\n')
		if n < 0 {
			return l
		}
		at += n + 1
		l.starts = append(l.starts, int32(at))
	}
}

// Position is the line and column of a byte offset, both from 1. The column
// counts characters. Offsets outside of the source are moved to its ends.
func (l *Lines) Position(offset int) (line, column int) {
	offset = max(0, min(offset, len(l.src)))
	line, _ = slices.BinarySearch(l.starts, int32(offset+1))
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
	return int(l.starts[line-1])
}

// Count is the number of lines.
func (l *Lines) Count() int { return len(l.starts) }
