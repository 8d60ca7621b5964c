package fill

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
)

// chunk is the size of a buffer, in bytes.
const chunk = 256 << 10

// stream is the COPY text of rows. One goroutine generates it while another
// sends what is ready. A fixed number of buffers limits the memory.
type stream struct {
	full  chan []byte // buffers to send
	empty chan []byte // buffers to fill
	stop  chan struct{}
	now   []byte // the buffer that Read is returning
	rest  []byte // its unread part
	// made counts the rows so far; tell is called with it.
	made atomic.Int64
	tell func(rows int64)
}

// rowSource describes the rows of a stream.
type rowSource struct {
	columns []*column
	rows    int64
	// row maps the n-th row of the stream to one of the table; nil: itself.
	row func(n int64) int64
	// extra appends a last field.
	extra func(b []byte, n int64) []byte
	// override replaces a value; it reports whether it did.
	override func(b []byte, n int64, column int) (out []byte, null, done bool)
}

func newStream(src rowSource, tell func(rows int64)) *stream {
	s := &stream{tell: tell, full: make(chan []byte, 4), empty: make(chan []byte, 6), stop: make(chan struct{})}
	for range 6 {
		s.empty <- make([]byte, 0, chunk+chunk/4)
	}
	go s.produceChunks(src)
	return s
}

func (s *stream) produceChunks(src rowSource) {
	defer close(s.full)
	var b []byte
	for n := range src.rows {
		if b == nil {
			select {
			case b = <-s.empty:
			case <-s.stop:
				return
			}
		}
		if b = src.appendRow(b, n); len(b) >= chunk {
			select {
			case s.full <- b:
				s.made.Store(n + 1)
			case <-s.stop:
				return
			}
			b = nil
		}
	}
	if len(b) > 0 {
		select {
		case s.full <- b:
			s.made.Store(src.rows)
		case <-s.stop:
		}
	}
}

// appendRow writes a row in COPY's format.
func (src *rowSource) appendRow(b []byte, n int64) []byte {
	i := n
	if src.row != nil {
		i = src.row(n)
	}
	for k, c := range src.columns {
		if k > 0 {
			b = append(b, '\t')
		}
		start := len(b)
		ok, escape := false, c.escape
		done := false
		if src.override != nil {
			var null bool
			if b, null, done = src.override(b, n, k); done {
				ok, escape = !null, true
			}
		}
		if !done {
			b, ok = c.value(b, i)
		}
		switch {
		case !ok:
			b = append(b[:start], '\\', 'N')
		case escape && bytes.ContainsAny(b[start:], "\\\t\n\r"):
			b = escapeField(b, start)
		}
	}
	if src.extra != nil {
		if len(src.columns) > 0 {
			b = append(b, '\t')
		}
		b = src.extra(b, n)
	}
	return append(b, '\n')
}

// escapeField escapes the field from start on.
func escapeField(b []byte, start int) []byte {
	field := bytes.Clone(b[start:])
	b = b[:start]
	for _, c := range field {
		switch c {
		case '\\':
			b = append(b, '\\', '\\')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, c)
		}
	}
	return b
}

// Read returns generated text.
func (s *stream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.now != nil {
			s.empty <- s.now[:0] // there is room for all buffers
			s.now = nil
		}
		s.tell(s.made.Load())
		b, ok := <-s.full
		if !ok {
			return 0, io.EOF
		}
		s.now, s.rest = b, b
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// stopStream stops the goroutine, which may be in the middle of a row.
func (s *stream) stopStream() {
	close(s.stop)
	for range s.full { // until it has ended
	}
}

// copyRows sends rows to a table.
func (f *filler) copyRows(ctx context.Context, to string, columns []string, src rowSource) error {
	s := newStream(src, f.reportProgress)
	defer s.stopStream()
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN", to, strings.Join(columns, ", "))
	_, err := f.conn.PgConn().CopyFrom(ctx, s, sql)
	return err
}
