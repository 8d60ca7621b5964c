package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"
)

// HoldingTap is a Tap that can hold a client's messages before they go on to the server. It sees the server's messages before the client
// gets them.
type HoldingTap interface {
	Tap
	// Hold is called before messages that Client was shown are passed on, by the
	// connection's own goroutine: it may take its time, and other connections go on. The context
	// ends with the proxy.
	Hold(ctx context.Context, s *Session)
}

// Session is a client's session at the server, for a HoldingTap, which can run SQL in it, cancel its query or end it.
type Session struct{ r *relay }

// PID is the server process that serves it, as the server reported it at the start. A pooler may
// report another number.
func (s *Session) PID() int {
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	return int(s.r.pid)
}

// ErrBusy says that a session is at work, or that half of a message is on its way.
var ErrBusy = errors.New("the session is at work")

// Run has the server run SQL in the session, unseen by its client. Only Hold may call it. The error
// is ErrBusy if the client still waits for an answer, or else the server's.
func (s *Session) Run(ctx context.Context, sql string) error {
	r := s.r
	r.mu.Lock()
	if !r.wasIdle {
		r.mu.Unlock()
		return ErrBusy
	}
	result := make(chan error, 1)
	r.own = newOwnAnswer(result)
	r.mu.Unlock()
	message := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(len(sql)+5))
	if _, err := r.server.Write(append(append(message, sql...), 0)); err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-r.ended:
		return errors.New("the server has closed the connection")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Cancel asks the server to end what the session is doing, and waits for it to have heard.
func (s *Session) Cancel(ctx context.Context) error {
	s.r.mu.Lock()
	key := append([]byte{}, s.r.key...)
	s.r.mu.Unlock()
	if key == nil {
		return errors.New("the server gave no key to cancel with")
	}
	ctx, stop := context.WithTimeout(ctx, dialTimeout)
	defer stop()
	message := binary.BigEndian.AppendUint32(nil, uint32(len(key)+8))
	message = append(binary.BigEndian.AppendUint32(message, codeCancel), key...)
	return s.r.proxy.sendCancelRequest(ctx, message)
}

// Disconnect ends a session that waits for its client, with a last word to it; a transaction that is open
// is rolled back at once.
func (s *Session) Disconnect(sqlstate, words string) {
	s.r.client.Write(fatalMessage(sqlstate, "%s", words)) //nolint:errcheck // it may have gone
	s.r.server.Close()                                    //nolint:errcheck // whoever reads it hears of it
	s.r.client.Close()                                    //nolint:errcheck // the same
}

// ownAnswer reads what the server answers to SQL of the proxy's own.
type ownAnswer struct {
	framer
	result     chan error
	err        error
	isFinished bool
}

// ownLimits are of messages that tell what came of it.
var ownLimits = newLimits(map[byte]int32{'E': MaxShort, 'Z': 1})

func newOwnAnswer(result chan error) *ownAnswer {
	o := &ownAnswer{result: result}
	o.framer = framer{limits: ownLimits, emit: func(kind byte, body []byte, _ int) {
		switch kind {
		case 'E':
			o.err = errors.New(ErrorField(body, 'M') + " (SQLSTATE " + ErrorField(body, 'C') + ")")
		case 'Z':
			o.isFinished = true
			o.result <- o.err
		}
	}}
	return o
}

// ErrorField is what an error of the server says under a letter: C is its SQLSTATE, M its message.
func ErrorField(body []byte, letter byte) string {
	for len(body) > 1 {
		end := 1
		for end < len(body) && body[end] != 0 {
			end++
		}
		if body[0] == letter {
			return string(body[1:end])
		}
		body = body[min(end+1, len(body)):]
	}
	return ""
}

// interceptOwnAnswer keeps from the client what the server answers to SQL of our own.
func (r *relay) interceptOwnAnswer(p []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own == nil {
		return false
	}
	if r.own.feedPiece(p); r.own.isFinished || r.own.broken {
		r.own = nil
	}
	return true
}

// addStartupParameters is a startup message that sets more, but for what it sets itself.
func addStartupParameters(message []byte, startup Startup, more map[string]string) []byte {
	out := append([]byte{}, message[:len(message)-1]...)
	for name, value := range more {
		if _, ok := startup.Parameters[name]; !ok {
			out = append(append(append(append(out, name...), 0), value...), 0)
		}
	}
	out = append(out, 0)
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

// sendCancelRequest sends a request to cancel, and waits for the server to have taken it: it closes the
// connection then.
func (p *Proxy) sendCancelRequest(ctx context.Context, message []byte) error {
	server, _, err := p.cfg.Server.openConn(ctx, message, false)
	if err != nil {
		return err
	}
	defer p.trackConn(server)()
	if err := server.SetReadDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, server)
	return err
}

// maxFrame is the longest message that Postgres takes or sends.
const maxFrame = 1<<30 + 1<<20

// framer cuts a stream of the Postgres protocol into messages, and calls emit for each. The stream may come in pieces of any size.
// It holds at most the part of one message that the limits let it show.
type framer struct {
	limits *limits
	emit   func(kind byte, body []byte, size int)
	broken bool // a message has an impossible length: nothing more is shown

	head  [5]byte
	nhead int
	body  []byte // what of a message in pieces is shown
	want  int    // how many bytes of it are shown
	left  int    // bytes of the message that are still to come
	size  int
}

// feedPiece takes the next piece.
func (f *framer) feedPiece(p []byte) {
	for len(p) > 0 && !f.broken {
		switch {
		case f.left > 0:
			p = f.continueMessage(p)
		case f.nhead == 0 && len(p) >= 5:
			p = f.takeWholeMessage(p)
		default:
			n := copy(f.head[f.nhead:], p)
			f.nhead += n
			p = p[n:]
			if f.nhead == 5 {
				f.beginMessage(f.head[0], int(binary.BigEndian.Uint32(f.head[1:])))
			}
		}
	}
}

// takeWholeMessage emits a message from the piece itself, without a copy, and returns the rest. It begins a message whose end is not there yet.
func (f *framer) takeWholeMessage(p []byte) []byte {
	kind, size := p[0], int(binary.BigEndian.Uint32(p[1:]))-4
	if size < 0 || size > maxFrame {
		f.broken = true
		return nil
	}
	if len(p) < 5+size {
		f.head[0] = kind
		f.beginMessage(kind, size+4)
		return p[5:]
	}
	if limit := f.limits[kind]; limit != unseen {
		f.emit(kind, p[5:5+min(size, int(limit))], size)
	}
	return p[5+size:]
}

// beginMessage starts a message in pieces.
func (f *framer) beginMessage(kind byte, length int) {
	f.nhead = 0
	f.head[0] = kind
	f.size = length - 4
	if f.size < 0 || f.size > maxFrame {
		f.broken = true
		return
	}
	f.left = f.size
	f.want = min(f.size, int(f.limits[kind]))
	f.body = f.body[:0]
	if f.left == 0 {
		f.endMessage()
	}
}

// continueMessage takes what p has of the message that was begun.
func (f *framer) continueMessage(p []byte) []byte {
	n := min(f.left, len(p))
	if room := f.want - len(f.body); room > 0 {
		f.body = append(f.body, p[:min(n, room)]...)
	}
	if f.left -= n; f.left == 0 {
		f.endMessage()
	}
	return p[n:]
}

func (f *framer) endMessage() {
	if f.limits[f.head[0]] != unseen {
		f.emit(f.head[0], f.body, f.size)
	}
	if cap(f.body) > MaxBind {
		f.body = nil
	}
}
