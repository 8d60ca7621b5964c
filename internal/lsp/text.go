package lsp

import (
	"errors"
	"sort"
	"strings"
	"unicode/utf8"
)

// encoding is what a column of the protocol counts.
type encoding string

// The encodings that are spoken. An editor that offers none counts as UTF-16 does.
const (
	utf8Units  encoding = "utf-8"
	utf16Units encoding = "utf-16"
)

// text is a document: its content, and where its lines begin. It is never changed.
type text struct {
	content string
	starts  []int // byte offsets
	units   encoding
}

// newText finds the lines of a content. As in the protocol, "\n", "\r\n" and "\r" end one.
func newText(content string, units encoding) *text {
	t := &text{content: content, starts: []int{0}, units: units}
	for i := 0; i < len(content); i++ {
		switch content[i] {
		case '\n':
			t.starts = append(t.starts, i+1)
		case '\r':
			if i+1 == len(content) || content[i+1] != '\n' {
				t.starts = append(t.starts, i+1)
			}
		}
	}
	return t
}

// offset is the byte that a position is in front of. A column behind the end of its line is
// that end, a line behind the last one the end of the text; inside of a character it is where
// that begins.
func (t *text) offset(p position) int {
	if p.Line >= uint32(len(t.starts)) { //nolint:gosec // lines of at most maxText bytes
		return len(t.content)
	}
	at, end := t.starts[p.Line], len(t.content)
	if int(p.Line)+1 < len(t.starts) {
		end = t.starts[p.Line+1]
	}
	line := strings.TrimRight(t.content[at:end], "\r\n")
	want := int(p.Character)
	for i, r := range line {
		n := t.width(r, line[i:])
		if want < n {
			return at + i
		}
		want -= n
	}
	return at + len(line)
}

// width is how many columns a character takes.
func (t *text) width(r rune, rest string) int {
	if t.units == utf8Units {
		_, n := utf8.DecodeRuneInString(rest)
		return n
	}
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// position is the place of a byte.
func (t *text) position(offset int) position {
	offset = min(max(offset, 0), len(t.content))
	line := sort.SearchInts(t.starts, offset+1) - 1
	column := 0
	rest := t.content[t.starts[line]:offset]
	for i, r := range rest {
		column += t.width(r, rest[i:])
	}
	return position{Line: uint32(line), Character: uint32(column)} //nolint:gosec // at most maxText
}

// errRange is why a change cannot be made.
var errRange = errors.New("the change ends before it begins")

// changed is the text with one change made to it.
func (t *text) changed(c contentChange) (*text, error) {
	if c.Range == nil {
		return newText(c.Text, t.units), nil
	}
	start, end := t.offset(c.Range.Start), t.offset(c.Range.End)
	if end < start {
		return nil, errRange
	}
	if len(t.content)-(end-start)+len(c.Text) > maxMessage {
		return nil, errTooLong
	}
	return newText(t.content[:start]+c.Text+t.content[end:], t.units), nil
}

var errTooLong = errors.New("the document is too long")

// at is the byte at a line and a column as onward counts them: from 1, in lines that end with
// "\n", and characters.
func (t *text) at(line, column int) int {
	offset := 0
	for ; line > 1; line-- {
		next := strings.IndexByte(t.content[offset:], '\n')
		if next < 0 {
			return len(t.content)
		}
		offset += next + 1
	}
	for i, r := range t.content[offset:] {
		if column <= 1 || r == '\n' {
			return offset + i
		}
		column--
	}
	return len(t.content)
}

// span is the range of two bytes.
func (t *text) span(start, end int) span {
	return span{Start: t.position(start), End: t.position(max(start, end))}
}
