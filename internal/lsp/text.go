package lsp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// encoding is the unit of the protocol's columns.
type encoding string

// The supported encodings. An editor that offers none uses UTF-16.
const (
	utf8Units  encoding = "utf-8"
	utf16Units encoding = "utf-16"
)

// text is a document: its content, and where its lines begin. It is immutable.
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

// offsetOf returns the offset of the byte after a position. A column after the end of its line
// means that end, a line after the last one the end of the text. A position within a
// character means the character's start.
func (t *text) offsetOf(p position) int {
	if p.Line >= uint32(len(t.starts)) { //nolint:gosec // lines of at most maxText bytes
		return len(t.content)
	}
	lineStart, end := t.starts[p.Line], len(t.content)
	if int(p.Line)+1 < len(t.starts) {
		end = t.starts[p.Line+1]
	}
	line := strings.TrimRight(t.content[lineStart:end], "\r\n")
	want := int(p.Character)
	for i, r := range line {
		n := t.columnWidth(r, line[i:])
		if want < n {
			return lineStart + i
		}
		want -= n
	}
	return lineStart + len(line)
}

// columnWidth is how many columns a character takes.
func (t *text) columnWidth(r rune, rest string) int {
	if t.units == utf8Units {
		_, n := utf8.DecodeRuneInString(rest)
		return n
	}
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// positionOf converts an offset.
func (t *text) positionOf(offset int) position {
	offset = min(max(offset, 0), len(t.content))
	line := sort.SearchInts(t.starts, offset+1) - 1
	column := 0
	rest := t.content[t.starts[line]:offset]
	for i, r := range rest {
		column += t.columnWidth(r, rest[i:])
	}
	return position{Line: uint32(line), Character: uint32(column)} //nolint:gosec // at most maxText
}

// errRange is the error for a change with an invalid range.
var errRange = errors.New("the change ends before it begins")

// applyChange returns the text with one change applied.
func (t *text) applyChange(c contentChange) (*text, error) {
	if c.Range == nil {
		return newText(c.Text, t.units), nil
	}
	start, end := t.offsetOf(c.Range.Start), t.offsetOf(c.Range.End)
	if end < start {
		return nil, errRange
	}
	if len(t.content)-(end-start)+len(c.Text) > maxMessage {
		return nil, errTooLong
	}
	return newText(t.content[:start]+c.Text+t.content[end:], t.units), nil
}

var errTooLong = errors.New("the document is too long")

// offsetOfLineColumn returns the offset of a line and a column as onward counts them: from 1, in lines that
// end with "\n", and in characters.
func (t *text) offsetOfLineColumn(line, column int) int {
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

// spanOf converts a range of two offsets.
func (t *text) spanOf(start, end int) span {
	return span{Start: t.positionOf(start), End: t.positionOf(max(start, end))}
}

// maxMessage bounds one message: a document of maxText bytes, each escaped, and some more.
const maxMessage = 64 << 20

// maxHeader bounds a line of a message's head.
const maxHeader = 4 << 10

// frames is the base protocol's framing of messages. The library's own (channel.LSP) allocates as many
// bytes as a head announces, whatever the number, and stops at the first head that it cannot read. This
// one looks for the next head.
//
// https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#baseProtocol
type frames struct {
	in  *bufio.Reader
	out io.WriteCloser
}

func newFrames(in io.Reader, out io.WriteCloser) *frames {
	return &frames{in: bufio.NewReaderSize(in, 64<<10), out: out}
}

// Send writes one message.
func (f *frames) Send(message []byte) error {
	var b bytes.Buffer
	b.Grow(len(message) + 40)
	b.WriteString("Content-Length: " + strconv.Itoa(len(message)) + "\r\n\r\n")
	b.Write(message)
	_, err := f.out.Write(b.Bytes())
	return err
}

// Recv reads one message. A message that is too long is skipped and replaced by an invalid one, so that
// its sender gets an error.
func (f *frames) Recv() ([]byte, error) {
	size, err := f.readHead()
	if err != nil {
		return nil, err
	}
	if size > maxMessage {
		if _, err := io.CopyN(io.Discard, f.in, size); err != nil {
			return nil, err
		}
		return []byte("too long"), nil
	}
	// Not allocated at once: that many bytes may never arrive.
	var b bytes.Buffer
	if n, err := io.CopyN(&b, f.in, size); n < size {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b.Bytes(), nil
}

// readHead reads the head of the next message, and returns the message's length. It skips lines that are no
// head, such as the rest of a message that was longer than announced.
func (f *frames) readHead() (int64, error) {
	size := int64(-1)
	for {
		line, err := f.readLine()
		if err != nil {
			return 0, err
		}
		if line == "" && size >= 0 {
			return size, nil
		}
		const name = "content-length:"
		start := len(line) - len(name)
		for start >= 0 && !strings.EqualFold(line[start:start+len(name)], name) {
			start--
		}
		if start < 0 {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(line[start+len(name):]), 10, 64)
		if err != nil || n < 0 {
			n = -1
		}
		size = n
	}
}

// readLine reads a line without its end; of a long line, it returns the last part.
func (f *frames) readLine() (string, error) {
	var tail []byte
	for {
		part, err := f.in.ReadSlice('\n')
		tail = append(tail, part...)
		if len(tail) > maxHeader {
			tail = append(tail[:0], tail[len(tail)-maxHeader:]...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return "", err
		}
		return strings.TrimRight(string(tail), "\r\n"), nil
	}
}

// Close closes the output.
func (f *frames) Close() error { return f.out.Close() }
