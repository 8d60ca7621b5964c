package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// drain is for how long a server's answers are read when their client has gone: they
// say what came of its last queries.
const drain = 5 * time.Second

// buffers are what is read into.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// relay passes on what one client and the server say to one another.
type relay struct {
	proxy          *Proxy
	client, server net.Conn
	startup        Startup
	quiet          bool // nothing is recorded
	encrypted      bool // between the client and the proxy

	stripped atomic.Bool // SCRAM-SHA-256-PLUS was taken out of the server's offer
	gone     atomic.Bool // the client has

	mu     sync.Mutex // one call of the tap at a time
	tap    Tap
	held   Held          // the tap, where it is one
	pid    uint32        // of the process that serves it
	key    []byte        // to cancel with
	due    int           // answers that the server owes
	loose  bool          // messages await a Sync
	rested bool          // neither was so before the messages that are looked at
	own    *own          // reads the answer to SQL of our own; nil for none
	ended  chan struct{} // closed when the server has nothing more to say

	// Of the goroutine that reads the client.
	fromClient framer
	refusal    []byte
	drops      []Drop
	// Of the one that reads the server.
	fromServer framer
}

// run passes messages on until both sides have ended.
func (r *relay) run(from *messages) error {
	r.fromClient = framer{limits: clientLimits, emit: r.clientSays}
	r.fromServer = framer{limits: serverLimits, emit: r.serverSays}
	done := make(chan error, 1)
	go func() { done <- r.upstream() }()
	err := r.downstream(from)
	r.client.Close() //nolint:errcheck // ends the other direction
	r.server.Close() //nolint:errcheck // ends the other direction
	close(r.ended)
	up := <-done
	if r.tap != nil {
		r.tap.Close()
	}
	return errors.Join(err, up)
}

// upstream passes on what the client sends.
func (r *relay) upstream() error {
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := r.client.Read(buf[:])
		if n > 0 {
			if r.look(buf[:n]); r.refusal != nil {
				_, werr := r.client.Write(r.refusal)
				return errors.Join(werr, r.server.Close())
			}
			if _, werr := r.server.Write(buf[:n]); werr != nil {
				return werr // what the server had to say is still read
			}
		}
		if err != nil {
			r.gone.Store(true)
			return errors.Join(quiet(err), r.hangUp())
		}
	}
}

// look shows the tap what a client sends, and waits where something is dropped.
func (r *relay) look(p []byte) {
	r.mu.Lock()
	was := r.fromClient.broken
	r.rested = r.due == 0 && !r.loose && r.fromClient.nhead == 0 && r.fromClient.left == 0
	r.fromClient.feed(p)
	r.lost(was, &r.fromClient, "what the client sends is no Postgres protocol")
	held := r.held
	r.mu.Unlock()
	for _, d := range r.drops {
		r.proxy.cfg.BeforeDrop(r.proxy.ctx, d)
	}
	r.drops = r.drops[:0]
	if held != nil {
		held.Hold(r.proxy.ctx, &Session{r})
	}
}

func (r *relay) lost(was bool, f *framer, why string) {
	if f.broken && !was && r.tap != nil {
		r.tap.Lost(why)
	}
}

// hangUp tells the server that no more comes, and bounds for how long it may go on.
func (r *relay) hangUp() error {
	if err := r.server.SetReadDeadline(time.Now().Add(drain)); err != nil {
		return quiet(err)
	}
	if c, ok := r.server.(interface{ CloseWrite() error }); ok {
		return quiet(c.CloseWrite())
	}
	return nil
}

// downstream lets the client in, and passes on what the server sends.
func (r *relay) downstream(from *messages) error {
	if err := r.authenticate(from); err != nil {
		return quiet(err)
	}
	if len(from.buf) > 0 {
		if err := r.answer(from.buf); err != nil {
			return err
		}
	}
	from.buf = nil
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	for {
		n, err := r.server.Read(buf[:])
		if n > 0 {
			if werr := r.answer(buf[:n]); werr != nil {
				return werr
			}
		}
		if err != nil {
			return quiet(err)
		}
	}
}

// answer passes on what the server said, then shows it to the tap: the client does not
// wait for that, but for a tap that holds back what it sends next. A client that has gone is no
// reason not to hear the answer.
func (r *relay) answer(p []byte) error {
	if r.swallow(p) {
		return nil
	}
	if r.held != nil {
		r.show(p)
	}
	if !r.gone.Load() {
		if _, err := r.client.Write(p); err != nil {
			r.gone.Store(true)
			if err := r.hangUp(); err != nil {
				return err
			}
		}
	}
	if r.tap != nil && r.held == nil {
		r.show(p)
	}
	return nil
}

// show shows the tap what the server says.
func (r *relay) show(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.fromServer.broken
	r.fromServer.feed(p)
	r.lost(was, &r.fromServer, "what the server sends is no Postgres protocol")
}

// quiet is nil for the ends that a connection may have.
func quiet(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// authenticate passes on what the server says until it lets the client in.
func (r *relay) authenticate(from *messages) error {
	for {
		m, err := from.next()
		if err != nil {
			return err
		}
		in := false
		if m[0] == 'R' && len(m) >= 9 {
			switch code := binary.BigEndian.Uint32(m[5:]); code {
			case authOK:
				in = true
				r.begin()
			case authSASL:
				out, had, alone := withoutPlus(m)
				if alone {
					_, err := r.client.Write(fatal("28000", "the server takes SCRAM with channel binding only, which a proxy cannot pass on: "+
						"let it take scram-sha-256 without, or connect without encryption (sslmode=disable)"))
					return err
				}
				r.stripped.Store(had)
				m = out
			}
		}
		if _, err := r.client.Write(m); err != nil {
			return err
		}
		if in {
			return nil
		}
	}
}

// begin starts the recording: the server has let the client in.
func (r *relay) begin() {
	r.proxy.sessions.Add(1)
	if r.quiet {
		return
	}
	tap := r.proxy.cfg.Sink.Session(r.startup)
	r.mu.Lock()
	r.tap, r.due = tap, 1
	r.held, _ = tap.(Held)
	r.mu.Unlock()
}

// clientSays gets each message of the client.
func (r *relay) clientSays(kind byte, body []byte, size int) {
	switch {
	case kind == 'p':
		r.password(body)
	case r.tap != nil:
		r.owed(kind)
		r.tap.Client(kind, body, size)
		if r.proxy.cfg.BeforeDrop != nil && (kind == 'Q' || kind == 'P') {
			r.drops = dropped(r.drops, kind, body, r.startup.Database)
		}
	}
}

// owed counts the answers that what a client sent asks for.
func (r *relay) owed(kind byte) {
	switch kind {
	case 'Q', 'F', 'S':
		r.due++
		r.loose = false
	default:
		r.loose = true
	}
}

// serverSays gets each message of the server.
func (r *relay) serverSays(kind byte, body []byte, size int) {
	switch {
	case kind == 'K' && len(body) == size && size > 4:
		r.pid, r.key = binary.BigEndian.Uint32(body), append([]byte{}, body...)
	case kind == 'K':
	default:
		if kind == 'Z' {
			r.due--
		}
		r.tap.Server(kind, body, size)
	}
}

// password looks at nothing but the first answer to an offer of SCRAM. A client that could bind
// the channel and was not offered to ("y") is refused by a server that did offer it: it takes
// the proxy for what it is. That is told before the server does.
func (r *relay) password(body []byte) {
	const scram = "SCRAM-SHA-256\x00"
	at := len(scram) + 4
	if r.stripped.Load() && r.encrypted && len(body) > at+1 && string(body[:len(scram)]) == scram && body[at] == 'y' {
		r.refusal = fatal("28000", "this client wants to bind SCRAM to its encryption, which a proxy cannot pass on: "+
			"connect to the proxy with channel_binding=disable, or without encryption (sslmode=disable)")
	}
}
