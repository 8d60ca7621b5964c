package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// drain is for how long a server's answers are read when their client has gone: they
// say what came of its last queries.
const drain = 5 * time.Second

// Sizes of what is read at once: most messages are short, and most connections never send a long one.
const (
	shortRead = 4 << 10
	longRead  = 32 << 10
)

// readBuffer is what one side of a connection is read into.
type readBuffer []byte

// readFrom reads what a connection has. If that fills the buffer, the next read takes more. The result is valid until
// the next call.
func (b *readBuffer) readFrom(conn net.Conn) ([]byte, error) {
	if *b == nil {
		*b = make([]byte, shortRead)
	}
	n, err := conn.Read(*b)
	got := (*b)[:n]
	if n == len(*b) && n < longRead {
		*b = make([]byte, longRead)
	}
	return got, err
}

// relay passes on what one client and the server say to one another.
type relay struct {
	proxy          *Proxy
	client, server net.Conn
	whole          *wholeMessages // nil for none
	startup        Startup
	isSilent       bool // nothing is recorded
	encrypted      bool // between the client and the proxy

	stripped atomic.Bool // SCRAM-SHA-256-PLUS was removed from the server's offer
	gone     atomic.Bool // the client has

	mu          sync.Mutex // one call of the tap at a time
	tap         Tap
	held        HoldingTap    // the tap, if it can hold messages
	probe       *probe        // asks for a [ProbedTap]; nil for none
	pid         uint32        // of the process that serves it
	key         []byte        // to cancel with
	owedAnswers int           // answers that the server owes
	awaitsSync  bool          // messages await a Sync
	wasIdle     bool          // neither was so before the messages that are looked at
	own         *ownAnswer    // reads the answer to SQL of our own; nil for none
	unseen      []byte        // what the client may have already, and the tap was not shown
	ended       chan struct{} // closed when the server has nothing more to say

	// Of the goroutine that reads the client.
	fromClient framer
	refusal    []byte
	drops      []Drop
	// Of the one that reads the server.
	fromServer framer
}

// relayMessages passes messages on until both sides have ended.
func (r *relay) relayMessages(from *messages) error {
	r.fromClient = framer{limits: clientLimits, emit: r.onClientMessage}
	r.fromServer = framer{limits: serverLimits, emit: r.onServerMessage}
	defer r.proxy.addRelay(r)()
	done := make(chan error, 1)
	go func() { done <- r.relayClient() }()
	err := r.relayServer(from)
	r.client.Close() //nolint:errcheck // ends the other direction
	r.server.Close() //nolint:errcheck // ends the other direction
	close(r.ended)
	up := <-done
	if r.tap != nil {
		r.tap.Close()
	}
	r.whole.closeTap()
	return errors.Join(err, up)
}

// relayClient passes on what the client sends.
func (r *relay) relayClient() error {
	var buf readBuffer
	for {
		p, err := buf.readFrom(r.client)
		if len(p) > 0 {
			if r.showClientData(p); r.refusal != nil {
				_, werr := r.client.Write(r.refusal)
				return errors.Join(werr, r.server.Close())
			}
			r.whole.showClientData(p)
			r.mu.Lock()
			probe := r.probe
			r.mu.Unlock()
			if probe != nil {
				p = probe.addQuestions(p)
			}
			if _, werr := r.server.Write(p); werr != nil {
				return werr // what the server had to say is still read
			}
		}
		if err != nil {
			r.gone.Store(true)
			return errors.Join(ignoreClosed(err), r.halfCloseServer())
		}
	}
}

// showClientData shows the tap what a client sends, and waits where something is dropped. A client may send this because of an
// answer that the goroutine of the server has passed on and not yet shown: the tap sees the answer first.
func (r *relay) showClientData(p []byte) {
	r.showUnseenAnswer()
	r.mu.Lock()
	wasBroken := r.fromClient.broken
	r.wasIdle = r.owedAnswers == 0 && !r.awaitsSync && r.fromClient.nhead == 0 && r.fromClient.left == 0
	r.fromClient.feedPiece(p)
	reportUnreadable(r.tap, wasBroken, &r.fromClient, brokenClient)
	holdingTap := r.held
	r.mu.Unlock()
	if len(r.drops) > 0 {
		r.proxy.showUnseenAnswers()
	}
	for _, d := range r.drops {
		r.proxy.cfg.BeforeDrop(r.proxy.ctx, d)
	}
	r.drops = r.drops[:0]
	if holdingTap != nil {
		holdingTap.Hold(r.proxy.ctx, &Session{r})
	}
}

// Why nothing more of a session is shown.
const (
	brokenClient = "what the client sends is no Postgres protocol"
	brokenServer = "what the server sends is no Postgres protocol"
)

// reportUnreadable tells the tap, if there is one, that a stream has become unreadable. wasBroken: it was so before, and the tap knows.
func reportUnreadable(tap Tap, wasBroken bool, f *framer, reason string) {
	if f.broken && !wasBroken && tap != nil {
		tap.EndReading(reason)
	}
}

// halfCloseServer tells the server that no more comes, and bounds for how long it may go on.
func (r *relay) halfCloseServer() error {
	if err := r.server.SetReadDeadline(time.Now().Add(drain)); err != nil {
		return ignoreClosed(err)
	}
	if c, ok := r.server.(interface{ CloseWrite() error }); ok {
		return ignoreClosed(c.CloseWrite())
	}
	return nil
}

// relayServer lets the client in, and passes on what the server sends.
func (r *relay) relayServer(from *messages) error {
	if err := r.relayAuthentication(from); err != nil {
		return ignoreClosed(err)
	}
	if len(from.buf) > 0 {
		if err := r.relayAnswer(from.buf); err != nil {
			return err
		}
	}
	from.buf = nil
	var buf readBuffer
	for {
		p, err := buf.readFrom(r.server)
		if len(p) > 0 {
			if werr := r.relayAnswer(p); werr != nil {
				return werr
			}
		}
		if err != nil {
			return ignoreClosed(err)
		}
	}
}

// relayAnswer passes on what the server said, then shows it to the tap: the client does not
// wait for that, but for a tap that holds back what it sends next. A client that has gone is no
// reason not to hear the answer.
func (r *relay) relayAnswer(p []byte) error {
	if r.interceptOwnAnswer(p) {
		return nil
	}
	if r.probe != nil { // set by this goroutine
		r.mu.Lock()
		p = r.probe.stripAnswer(p)
		r.mu.Unlock()
	}
	r.whole.showServerData(p)
	if r.tap != nil {
		r.mu.Lock()
		r.unseen = p
		r.mu.Unlock()
		defer r.showUnseenAnswer()
	}
	if r.held != nil {
		r.showUnseenAnswer()
	}
	if !r.gone.Load() {
		if _, err := r.client.Write(p); err != nil {
			r.gone.Store(true)
			if err := r.halfCloseServer(); err != nil {
				return err
			}
		}
	}
	return nil
}

// showUnseenAnswer shows the tap the server's last answer, once.
func (r *relay) showUnseenAnswer() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.unseen == nil {
		return
	}
	wasBroken := r.fromServer.broken
	r.fromServer.feedPiece(r.unseen)
	r.unseen = nil
	reportUnreadable(r.tap, wasBroken, &r.fromServer, brokenServer)
}

// ignoreClosed is nil for the ends that a connection may have.
func ignoreClosed(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// relayAuthentication passes on what the server says until it lets the client in.
func (r *relay) relayAuthentication(from *messages) error {
	for {
		m, err := from.nextMessage()
		if err != nil {
			return err
		}
		in := false
		if m[0] == 'R' && len(m) >= 9 {
			switch code := binary.BigEndian.Uint32(m[5:]); code {
			case authOK:
				in = true
				r.beginRecording()
			case authSASL:
				out, hadPlus, alone := removeChannelBinding(m)
				if alone {
					_, err := r.client.Write(fatalMessage("28000", "the server takes SCRAM with channel binding only, which a proxy cannot pass on: "+
						"let it take scram-sha-256 without, or connect without encryption (sslmode=disable)"))
					return err
				}
				r.stripped.Store(hadPlus)
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

// beginRecording starts the recording: the server has let the client in.
func (r *relay) beginRecording() {
	r.proxy.sessions.Add(1)
	r.addSearchPath()
	if r.whole != nil {
		r.whole.setTap(r.proxy.cfg.Whole.Session(r.startup))
	}
	if r.isSilent {
		return
	}
	tap := r.proxy.cfg.Sink.Session(r.startup)
	r.mu.Lock()
	r.tap, r.owedAnswers = tap, 1
	r.held, _ = tap.(HoldingTap)
	if probed, ok := tap.(ProbedTap); ok {
		r.probe = newProbe(probed)
	}
	r.mu.Unlock()
}

// addSearchPath adds what the server's settings say to the startup parameters of a client that sets no search_path.
func (r *relay) addSearchPath() {
	if r.proxy.cfg.SearchPath == nil {
		return
	}
	const name = "search_path"
	options := strings.ReplaceAll(r.startup.Parameters["options"], "-", "_")
	if _, set := r.startup.Parameters[name]; set || strings.Contains(options, name) {
		return
	}
	if path := r.proxy.cfg.SearchPath(r.proxy.ctx, r.startup.User, r.startup.Database); path != "" {
		r.startup.Parameters[name] = path
	}
}

// onClientMessage gets each message of the client.
func (r *relay) onClientMessage(kind byte, body []byte, size int) {
	switch {
	case kind == 'p':
		r.checkChannelBinding(body)
	case r.tap != nil:
		r.countOwedAnswers(kind)
		r.tap.Client(kind, body, size)
		if r.probe != nil && (kind == 'Q' || kind == 'S') {
			r.probe.askTap(kind)
		}
		if r.proxy.cfg.BeforeDrop != nil && (kind == 'Q' || kind == 'P') {
			r.drops = appendDrops(r.drops, kind, body, r.startup.Database)
		}
	}
}

// countOwedAnswers counts the answers that what a client sent asks for.
func (r *relay) countOwedAnswers(kind byte) {
	switch kind {
	case 'Q', 'F', 'S':
		r.owedAnswers++
		r.awaitsSync = false
	default:
		r.awaitsSync = true
	}
}

// onServerMessage gets each message of the server.
func (r *relay) onServerMessage(kind byte, body []byte, size int) {
	switch {
	case kind == 'K' && len(body) == size && size > 4:
		r.pid, r.key = binary.BigEndian.Uint32(body), append([]byte{}, body...)
	case kind == 'K':
	default:
		if kind == 'Z' {
			r.owedAnswers--
		}
		r.tap.Server(kind, body, size)
	}
}

// checkChannelBinding reads only the first answer to an offer of SCRAM. A client that supports channel binding and got
// no offer of it ("y") is refused by a server that made the offer: it detects the proxy. The proxy reports this
// before the server does.
func (r *relay) checkChannelBinding(body []byte) {
	const scram = "SCRAM-SHA-256\x00"
	offset := len(scram) + 4
	if r.stripped.Load() && r.encrypted && len(body) > offset+1 && string(body[:len(scram)]) == scram && body[offset] == 'y' {
		r.refusal = fatalMessage("28000", "this client wants to bind SCRAM to its encryption, which a proxy cannot pass on: "+
			"connect to the proxy with channel_binding=disable, or without encryption (sslmode=disable)")
	}
}
