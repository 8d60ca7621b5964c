package redact

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Limits of errors and notices, in bytes. A function may raise a text of 1 GB.
const (
	maxErrorBody  = 64 << 10 // a longer message is shortened
	maxErrorField = 8 << 10  // of each of its texts
	maxRow        = 16 << 20 // of a row that nobody reads
)

// LimitErrors makes a connection shorten long errors and notices as they arrive, so that they take no
// memory.
func LimitErrors(c *pgconn.Config) { limitMessages(c, false) }

// LimitAnswers is LimitErrors for a connection that runs a stranger's statements: a long row, which nobody reads, is dropped as it arrives.
func LimitAnswers(c *pgconn.Config) { limitMessages(c, true) }

func limitMessages(c *pgconn.Config, dropsLongRows bool) {
	build := c.BuildFrontend
	c.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		return build(&errorLimiter{from: bufio.NewReader(r), dropsLongRows: dropsLongRows}, w)
	}
}

// errorLimiter reads the server's messages, and passes all but long errors and rows on unchanged.
type errorLimiter struct {
	from *bufio.Reader
	head [5]byte
	read int    // bytes of head that were read
	body int    // bytes of the message that are still to be passed on
	made []byte // passed on first
	// dropsLongRows: a row of more than maxRow bytes is not passed on.
	dropsLongRows bool
}

func (l *errorLimiter) Read(p []byte) (int, error) {
	for len(l.made) == 0 && l.body == 0 {
		if err := l.readHead(); err != nil {
			return 0, err
		}
	}
	if len(l.made) > 0 {
		n := copy(p, l.made)
		l.made = l.made[n:]
		return n, nil
	}
	n, err := l.from.Read(p[:min(len(p), l.body)])
	l.body -= n
	return n, err
}

// readHead reads the head of a message, and all of a long error.
func (l *errorLimiter) readHead() error {
	for l.read < len(l.head) {
		n, err := l.from.Read(l.head[l.read:])
		if l.read += n; err != nil && l.read < len(l.head) {
			return err
		}
	}
	l.read = 0
	kind, size := l.head[0], int(binary.BigEndian.Uint32(l.head[1:]))-4
	if kind == 'D' && l.dropsLongRows && size > maxRow {
		_, err := io.CopyN(io.Discard, l.from, int64(size))
		return err
	}
	if (kind != 'E' && kind != 'N') || size <= maxErrorBody {
		l.made, l.body = append([]byte(nil), l.head[:]...), max(size, 0)
		return nil
	}
	body, err := shortenError(io.LimitReader(l.from, int64(size)))
	if err != nil {
		return err
	}
	l.made = append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...)
	return nil
}

// shortenError reads the fields of an error, and keeps the beginning of each.
func shortenError(from io.Reader) ([]byte, error) {
	r := bufio.NewReader(from)
	var out []byte
	for {
		code, err := r.ReadByte()
		if err == nil && code != 0 {
			out = append(out, code)
			out, err = shortenField(out, r)
		} else if err == nil {
			_, err = io.Copy(io.Discard, r)
			return append(out, 0), err
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
	}
}

// shortenField reads the text of a field up to its zero byte, and appends its beginning.
func shortenField(out []byte, r *bufio.Reader) ([]byte, error) {
	from, size := len(out), 0
	for {
		piece, err := r.ReadSlice(0)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if err == nil {
			piece = piece[:len(piece)-1]
		}
		size += len(piece)
		out = append(out, piece[:min(len(piece), from+maxErrorField-len(out))]...)
		if err != nil {
			continue
		}
		if keptBytes := len(out) - from; size > keptBytes {
			for i := 0; i < utf8.UTFMax && !utf8.Valid(out[from:]); i++ {
				out = out[:len(out)-1]
			}
			out = fmt.Appendf(out, "… (%d bytes)", size)
		}
		return append(out, 0), nil
	}
}

// ConnectError returns the driver's error for a failed connection as one sentence, which begins with the reason. The driver tries each address
// with TLS and without, and lists all attempts. Other errors stay as they are.
func ConnectError(err error) error {
	failed := new(pgconn.ConnectError)
	if !errors.As(err, &failed) {
		return err
	}
	return &connectError{err, failed}
}

type connectError struct {
	error
	failed *pgconn.ConnectError
}

func (e *connectError) Unwrap() error { return e.error }

// Error names each reason once. That a server has no TLS is a reason only if there is no other one.
func (e *connectError) Error() string {
	var reasons, withoutTLS []string
	for _, attempt := range listAttempts(e.failed.Unwrap()) {
		reason := connectReason(attempt)
		if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	for _, reason := range reasons {
		if !strings.Contains(reason, "server refused TLS connection") {
			withoutTLS = append(withoutTLS, reason)
		}
	}
	if len(withoutTLS) > 0 {
		reasons = withoutTLS
	}
	c := e.failed.Config
	return fmt.Sprintf("%s (user %s, database %s)", strings.Join(reasons, "; "), c.User, c.Database)
}

// listAttempts returns the errors of all attempts.
func listAttempts(err error) []error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, attempt := range list.Unwrap() {
			out = append(out, listAttempts(attempt)...)
		}
		return out
	}
	return []error{err}
}

// connectReason returns why an attempt failed, with the server's address.
func connectReason(err error) string {
	if unknown := new(net.DNSError); errors.As(err, &unknown) {
		return unknown.Error()
	}
	server, rest, ok := strings.Cut(err.Error(), " (")
	if !ok { // no server was dialed
		return err.Error()
	}
	_, text, _ := strings.Cut(rest, "): ")
	for _, prefix := range []string{"dial error: ", "server error: ", "tls error: ", "dial error: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	if op := new(net.OpError); errors.As(err, &op) && op.Op == "dial" {
		text = strings.TrimPrefix(op.Err.Error(), "connect: ")
	}
	return text + " at " + server
}
