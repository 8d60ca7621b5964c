package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxSilence is how long a server may send nothing, and how long the answer to a catalog query may take.
	maxSilence = 60 * time.Second
	// maxAnswer limits the bytes of one answer. The schema of 100,000 tables has a tenth of it.
	maxAnswer = 256 << 20
)

// keepAlive detects a dead connection within the time that a server may be silent.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3}

type patienceKey struct{}

// WithPatience shortens how long sessions opened under this context wait for a silent server. Tests need it.
func WithPatience(ctx context.Context, most time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, most)
}

// Patience returns how long sessions opened under this context wait for a silent server.
func Patience(ctx context.Context) time.Duration {
	if most, ok := ctx.Value(patienceKey{}).(time.Duration); ok {
		return most
	}
	return maxSilence
}

// SilentError reports that a server sent nothing for too long.
type SilentError struct {
	For time.Duration
	Err error
}

// Error names the duration.
func (e *SilentError) Error() string { return "the server sent nothing for " + formatSeconds(e.For) }

// Unwrap returns the error of the connection.
func (e *SilentError) Unwrap() error { return e.Err }

// Timeout makes the driver keep this error. For any other, it reports that the connection is closed.
func (e *SilentError) Timeout() bool { return true }

// Temporary is required of an error that has Timeout.
func (e *SilentError) Temporary() bool { return false }

// EndlessError reports that a server's answer is too long, or takes too long.
type EndlessError struct{ Limit string }

// Error names the limit.
func (e *EndlessError) Error() string {
	return "the server's answer does not end: onward gave up after " + e.Limit
}

// Timeout makes the driver keep this error.
func (e *EndlessError) Timeout() bool { return true }

// Temporary is required of an error that has Timeout.
func (e *EndlessError) Temporary() bool { return false }

func formatSeconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'g', 3, 64) + " s"
}

// IsSilence reports whether an error means that a server did not answer in time.
func IsSilence(err error) bool {
	if server := new(ServerError); errors.As(err, &server) {
		err = server.Err
	}
	if errors.As(err, new(*EndlessError)) {
		return false
	}
	timeout := net.Error(nil)
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// Silence limits how long a server may send nothing on a session's connections.
//
// A session queries the catalogs, or runs short statements: each answer must be complete in time. [Silence.AllowLong]
// begins a statement that may take hours. Then the server counts as working while it answers a second session.
type Silence struct {
	limit          time.Duration
	second         *Silence
	lastByte       atomic.Int64 // the time of the last byte
	longStatements atomic.Int32 // statements that may take long
}

// NewSilence returns the limit for sessions opened under this context. The second session, if there is one, sends a
// query to the same server at least every quarter of [Patience].
func NewSilence(ctx context.Context, second *Silence) *Silence {
	return &Silence{limit: Patience(ctx), second: second}
}

// AllowLong begins a statement that may take long. The returned function ends it.
func (s *Silence) AllowLong() (end func()) {
	s.longStatements.Add(1)
	return sync.OnceFunc(func() { s.longStatements.Add(-1) })
}

// Limit returns how long the server may send nothing.
func (s *Silence) Limit() time.Duration { return s.limit }

// SilentFor returns for how long the server has sent nothing to either session.
func (s *Silence) SilentFor() time.Duration {
	last := s.lastByte.Load()
	if s.second != nil {
		last = max(last, s.second.lastByte.Load())
	}
	return time.Since(time.Unix(0, last))
}

// newBoundDialer returns a dialer whose connections are closed if the server exceeds the limit.
func newBoundDialer(s *Silence) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		b := &boundConn{Conn: c, silence: s}
		b.asked.Store(time.Now().UnixNano())
		return b, nil
	}
}

// boundConn is a connection that is closed if the server exceeds the limit. It does not set deadlines, because the
// driver uses them to end a read.
type boundConn struct {
	net.Conn
	silence *Silence
	asked   atomic.Int64 // the time of the last write
	bytes   atomic.Int64 // received since then
	broken  atomic.Value // the error of the limit, as a broken
}

// broken says how a connection exceeded the limit. The driver reads once more after it.
type broken struct{ err error }

// closeWithError closes the connection. Its later reads and writes return the same error.
func (c *boundConn) closeWithError(err error) error {
	c.broken.CompareAndSwap(nil, broken{err})
	_ = c.Conn.Close() // the answer is useless
	return c.broken.Load().(broken).err
}

// timeLeft returns how much longer the server may send nothing.
func (c *boundConn) timeLeft() time.Duration {
	waited := time.Since(time.Unix(0, c.asked.Load()))
	if c.silence.longStatements.Load() > 0 {
		waited = min(waited, c.silence.SilentFor())
	}
	return c.silence.limit - waited
}

// Write sends a query.
func (c *boundConn) Write(b []byte) (int, error) {
	if end, ok := c.broken.Load().(broken); ok {
		return 0, end.err
	}
	c.bytes.Store(0)
	c.asked.Store(time.Now().UnixNano())
	end := c.closeOnTimeout()
	n, err := c.Conn.Write(b)
	if end() {
		err = c.closeWithError(&SilentError{c.silence.limit, err})
	}
	return n, err
}

// Read reads a part of the answer.
func (c *boundConn) Read(b []byte) (int, error) {
	if end, ok := c.broken.Load().(broken); ok {
		return 0, end.err
	}
	end := c.closeOnTimeout()
	n, err := c.Conn.Read(b)
	late := end()
	if n > 0 {
		c.silence.lastByte.Store(time.Now().UnixNano())
	}
	long := c.silence.longStatements.Load() > 0
	switch size := c.bytes.Add(int64(n)); {
	case late && (long || size == 0):
		return n, c.closeWithError(&SilentError{c.silence.limit, err})
	case long: // its rows are discarded
		return n, err
	case late || err == nil && c.timeLeft() <= 0:
		return n, c.closeWithError(&EndlessError{formatSeconds(c.silence.limit)})
	case size > maxAnswer:
		return n, c.closeWithError(&EndlessError{fmt.Sprintf("%d MB", maxAnswer>>20)})
	}
	return n, err
}

// closeOnTimeout closes the connection when the time runs out. The returned function stops that, and reports whether it
// happened.
func (c *boundConn) closeOnTimeout() (end func() (late bool)) {
	var mu sync.Mutex
	var isEnded, late bool
	var timer *time.Timer
	check := func() {
		mu.Lock()
		defer mu.Unlock()
		if isEnded {
			return
		}
		if left := c.timeLeft(); left > 0 {
			timer.Reset(left)
			return
		}
		late = true
		_ = c.Conn.Close() // the read ends with an error
	}
	mu.Lock()
	timer = time.AfterFunc(max(c.timeLeft(), 0), check)
	mu.Unlock()
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		isEnded = true
		timer.Stop()
		return late
	}
}
