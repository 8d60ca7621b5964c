package lsp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

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
