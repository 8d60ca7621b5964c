package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/internal/sockets"
)

// Proxy is a running proxy, which accepts clients until Close. Its methods may be called concurrently.
type Proxy struct {
	cfg      Config
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	all      sync.WaitGroup
	closing  sync.Once

	mu     sync.Mutex
	open   map[net.Conn]bool
	relays map[*relay]bool
	closed bool

	sessions, current, failed, untrusted, cancels atomic.Int64
}

// Listen starts a proxy. Its connections end with the context, or with Close, which must be
// called in any case. The error says why it cannot listen.
func Listen(ctx context.Context, cfg Config) (*Proxy, error) {
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	if cfg.Grace == 0 {
		cfg.Grace = 2 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	network, addr := "tcp", cfg.Listen
	if dir, ok := strings.CutPrefix(cfg.Listen, "unix:"); ok {
		network, addr = "unix", filepath.Join(dir, socketName)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, addr)
	if err != nil {
		return nil, fmt.Errorf("the proxy cannot listen on %s: %w", cfg.Listen, err)
	}
	p := &Proxy{cfg: cfg, listener: l, open: map[net.Conn]bool{}, relays: map[*relay]bool{}}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.all.Add(1)
	go p.acceptClients()
	context.AfterFunc(p.ctx, p.closeAll)
	return p, nil
}

// socketName is libpq's, for its default port.
const (
	socketPort = 5432
	socketName = ".s.PGSQL.5432"
)

// Addr returns the address of the listener.
func (p *Proxy) Addr() net.Addr { return p.listener.Addr() }

// Host is what PGHOST has to be: an address, or the directory of the socket.
func (p *Proxy) Host() string {
	if t, ok := p.Addr().(*net.TCPAddr); ok {
		if t.IP.IsUnspecified() {
			return "127.0.0.1"
		}
		return t.IP.String()
	}
	return filepath.Dir(p.Addr().String())
}

// Port is what PGPORT has to be.
func (p *Proxy) Port() string {
	if t, ok := p.Addr().(*net.TCPAddr); ok {
		return strconv.Itoa(t.Port)
	}
	return strconv.Itoa(socketPort)
}

// Stats counts a proxy's connections.
type Stats struct {
	Sessions  int64 // clients that the server let in, until now
	Current   int64 // connections that are open
	Failed    int64 // clients that never got to the server
	Untrusted int64 // failed clients that did not trust the proxy's certificate
	Cancels   int64 // requests to cancel a query
}

// Stats tells how many connections there were.
func (p *Proxy) Stats() Stats {
	return Stats{p.sessions.Load(), p.current.Load(), p.failed.Load(), p.untrusted.Load(), p.cancels.Load()}
}

// Close stops listening, waits for clients to leave by themselves as long as Config.Grace,
// and cuts off those that stay. When it returns nothing of the proxy runs any more.
func (p *Proxy) Close() error {
	var err error
	p.closing.Do(func() {
		err = p.listener.Close()
		if errors.Is(err, net.ErrClosed) { // the context had ended
			err = nil
		}
		done := make(chan struct{})
		go func() { p.all.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(p.cfg.Grace):
		}
		p.cancel()
		p.closeAll()
		<-done
	})
	return err
}

// closeAll closes the listener and all connections.
func (p *Proxy) closeAll() {
	p.listener.Close() //nolint:errcheck // closed already, mostly
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for c := range p.open {
		c.Close() //nolint:errcheck // whoever uses it hears of it
	}
}

// trackConn keeps a connection for cut, and lets it go.
func (p *Proxy) trackConn(c net.Conn) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.Close() //nolint:errcheck // whoever uses it hears of it
	}
	p.open[c] = true
	return func() {
		c.Close() //nolint:errcheck // it has ended
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, c)
	}
}

// addRelay keeps a relay for showUnseenAnswers until it is removed.
func (p *Proxy) addRelay(r *relay) (remove func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.relays[r] = true
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.relays, r)
	}
}

// showUnseenAnswers shows the taps every answer that a client may have. A client can drop a database
// after it has an answer, and before the goroutine that wrote the answer shows it to the tap.
func (p *Proxy) showUnseenAnswers() {
	p.mu.Lock()
	relays := slices.Collect(maps.Keys(p.relays))
	p.mu.Unlock()
	for _, r := range relays {
		r.showUnseenAnswer()
	}
}

func (p *Proxy) acceptClients() {
	defer p.all.Done()
	for {
		conn, err := p.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed), p.ctx.Err() != nil:
			return
		case err != nil: // too many open files, say
			p.cfg.Logger.Info("a connection could not be accepted", "error", err)
			time.Sleep(50 * time.Millisecond)
			continue
		}
		p.all.Add(1)
		p.current.Add(1)
		go func() {
			defer p.all.Done()
			defer p.current.Add(-1)
			defer p.trackConn(conn)()
			if err := p.serveClient(conn); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
				p.cfg.Logger.Debug("a connection ended", "error", err)
			}
		}()
	}
}

// serveClient handles one client from its first byte.
func (p *Proxy) serveClient(conn net.Conn) error {
	h, err := readHello(p.ctx, conn, p.cfg.TLS)
	if err != nil {
		p.failed.Add(1)
		if errors.Is(err, errUntrusted) {
			p.untrusted.Add(1)
		}
		return err
	}
	if h.code == codeCancel {
		p.cancels.Add(1)
		return p.forwardCancel(h)
	}
	startup, replication := parseStartup(h.message)
	if p.cfg.Startup != nil && !replication {
		h.message = addStartupParameters(h.message, startup, p.cfg.Startup(startup))
	}
	server, from, err := p.cfg.Server.openConn(p.ctx, h.message, true)
	if err != nil {
		p.failed.Add(1)
		p.cfg.Logger.Info("the server cannot be reached", "error", err)
		_, werr := h.conn.Write(fatalMessage("08006", "the server cannot be reached: %v", err))
		return errors.Join(err, werr)
	}
	defer p.trackConn(server)()
	if p.cfg.Clients != nil && !from.asksForProof() {
		if err := p.cfg.Clients.authenticateClient(conn, h.conn); err != nil {
			p.failed.Add(1)
			return err
		}
	}
	if p.cfg.Tests != nil {
		client, known := sockets.FindClient(conn)
		startup.Test = p.cfg.Tests(func(pid int) bool { return known && client.IsHeldBy([]int{pid}) })
	}
	r := &relay{proxy: p, client: h.conn, server: server, startup: startup, isSilent: replication || p.cfg.Sink == nil, ended: make(chan struct{})}
	if p.cfg.Whole != nil && !replication {
		r.whole = newWholeMessages()
	}
	_, r.encrypted = h.conn.(interface{ HandshakeContext(context.Context) error })
	return r.relayMessages(from)
}

// forwardCancel passes a request to cancel on, whose key is the server's own, and waits for the server
// to have taken it: it closes the connection then.
func (p *Proxy) forwardCancel(h firstMessage) error {
	return p.sendCancelRequest(p.ctx, h.message)
}
