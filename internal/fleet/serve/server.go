// Package serve is the page of onward fleet serve: how far releases are on many targets, live. It reads the source once for all readers,
// and only while somebody looks.
package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/fleet/queuedb"
	"github.com/onward-sql/onward/internal/report/html"
)

// Config is what [New] needs.
type Config struct {
	// List lists the targets; nil if only the queue is read.
	List *fleet.TargetList
	// Waves divide the targets, as the release was begun.
	Waves []fleet.Amount
	// Queue is the queue database; nil reads the ledgers of the targets.
	Queue *queuedb.Queue
	// Interval is the pause between two reads.
	Interval time.Duration
	// Changes allows pause, resume, skip and retry, which need a list.
	Changes bool
	// Who is this process, for the ledgers.
	Who    string
	Access Access
	Logger *slog.Logger

	source releaseSource // set by tests; nil for the queue or the ledgers
}

// Server serves the page.
type Server struct {
	c        *Config
	access   *gate
	source   releaseSource
	handler  http.Handler
	clients  atomic.Int32 // open streams of /events
	changing sync.Mutex   // one change at a time

	ctx    context.Context // of the feeds
	stop   context.CancelFunc
	reads  sync.WaitGroup
	mu     sync.Mutex // of feeds
	feeds  map[string]*feed
	closed chan struct{} // closed when the events must end

	mostClients       int
	pageWait, pulse   time.Duration
	writeTime, ending time.Duration
}

// The limits of a server.
const (
	mostClients = 200              // of events
	mostFeeds   = 32               // pages that are live at once
	pageWait    = 10 * time.Second // of a page for the first reading
	pulse       = 10 * time.Second // between two events, at most
	writeTime   = 5 * time.Second  // in which a client must take an event
	ending      = 5 * time.Second  // for requests under way when the server ends
	// changePatience limits a change: a pause writes to each database.
	changePatience = 2 * time.Minute
	mostForm       = 64 << 10
)

// New returns a server.
func New(c Config) (*Server, error) {
	s := &Server{
		c: &c, feeds: map[string]*feed{}, closed: make(chan struct{}), mostClients: mostClients, pageWait: pageWait, pulse: pulse, writeTime: writeTime,
		ending: ending, source: c.source,
	}
	var err error
	if s.access, err = newGate(&c.Access); err != nil {
		return nil, err
	}
	if s.source == nil {
		var known *ledgers
		if c.List != nil {
			known = &ledgers{list: c.List, waves: c.Waves, queue: c.Queue}
		}
		s.source = known
		if c.Queue != nil {
			s.source = &queued{queue: c.Queue, ledgers: known}
		}
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.handler = s.newHandler()
	return s, nil
}

// Run serves until the context ends. Then it finishes the requests that are under way.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.c.Logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		close(s.closed)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.ending)
		defer cancel()
		if server.Shutdown(patience) != nil {
			_ = server.Close()
		}
	}
	s.stop()
	s.reads.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// newHandler returns the pages, each with the checks that it needs.
func (s *Server) newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /style.css", serveStyle)
	mux.HandleFunc("GET /live.js", serveScript)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /{$}", s.requireReader(s.serveRelease))
	mux.HandleFunc("GET /target", s.requireReader(s.serveTarget))
	mux.HandleFunc("GET /events", s.requireReader(s.serveEvents))
	mux.HandleFunc("POST /login", s.logIn)
	mux.HandleFunc("POST /logout", s.requireReader(s.logOut))
	for _, kind := range []string{pauseChange, resumeChange, skipChange, retryChange} {
		mux.HandleFunc("POST /"+kind, s.requireReader(func(w http.ResponseWriter, r *http.Request, user *reader) { s.serveChange(w, r, user, kind) }))
	}
	return s.access.checkRequests(mux)
}

var errTooMany = errors.New("too many different pages are open at the moment")

func (s *Server) hasFeed(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.feeds[key] != nil
}

// findOrAddFeed returns the feed of a key, which it makes if there is none.
func (s *Server) findOrAddFeed(key string, read func(ctx context.Context) (*snapshot, error)) (*feed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.feeds[key]; f != nil {
		return f, nil
	}
	if len(s.feeds) >= mostFeeds {
		for other, f := range s.feeds {
			if !f.isRunning() {
				delete(s.feeds, other)
			}
		}
		if len(s.feeds) >= mostFeeds {
			return nil, errTooMany
		}
	}
	f := newFeed(s.c.Interval, read)
	s.feeds[key] = f
	return f, nil
}

const (
	cookieName   = "onward_fleet"
	sessionTime  = 12 * time.Hour
	mostSessions = 1000

	// An address has loginTries, and one more after each loginPause.
	loginTries = 5
	loginPause = 10 * time.Second
	// mostLoginAddresses bounds the addresses whose tries are counted separately. All others share their tries.
	mostLoginAddresses = 1000
)

// sessions are the sessions of readers that have logged in, by the ID in their cookie.
type sessions struct {
	mu   sync.Mutex
	ends map[string]time.Time // by ID: when the session ends
}

// openSession returns the ID of a new session. The oldest one ends if there are too many.
func (s *sessions) openSession() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	oldest := ""
	for id, end := range s.ends {
		if time.Now().After(end) {
			delete(s.ends, id)
		} else if oldest == "" || end.Before(s.ends[oldest]) {
			oldest = id
		}
	}
	if len(s.ends) >= mostSessions {
		delete(s.ends, oldest)
	}
	id := rand.Text()
	s.ends[id] = time.Now().Add(sessionTime)
	return id
}

func (s *sessions) isOpen(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.ends[id])
}

func (s *sessions) endSession(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ends, id)
}

// limiter limits how often somebody may try a token.
type limiter struct {
	mu    sync.Mutex
	tries map[netip.Prefix]*tries
}

type tries struct {
	left float64
	at   time.Time
}

func newLimiter() *limiter { return &limiter{tries: map[netip.Prefix]*tries{}} }

// allowTry counts a try. An IPv6 user has a whole /64.
func (l *limiter) allowTry(remote string, now time.Time) bool {
	key := netip.Prefix{} // the others
	if remoteAddr, err := netip.ParseAddrPort(remote); err == nil {
		addr, bits := remoteAddr.Addr().Unmap(), 32
		if addr.Is6() {
			bits = 64
		}
		key, _ = addr.Prefix(bits)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tries[key] == nil && len(l.tries) >= mostLoginAddresses {
		for other, t := range l.tries {
			if now.Sub(t.at) > loginTries*loginPause {
				delete(l.tries, other)
			}
		}
		if len(l.tries) >= mostLoginAddresses {
			key = netip.Prefix{}
		}
	}
	t := l.tries[key]
	if t == nil {
		t = &tries{left: loginTries, at: now}
		l.tries[key] = t
	}
	t.left = min(loginTries, t.left+float64(now.Sub(t.at))/float64(loginPause))
	t.at = now
	if t.left < 1 {
		return false
	}
	t.left--
	return true
}

// requireReader calls f for readers that need no login, or have logged in.
func (s *Server) requireReader(f func(http.ResponseWriter, *http.Request, *reader)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if user := s.access.identifyReader(r); user != nil {
			f(w, r, user)
			return
		}
		if s.access.Token == "" {
			http.Error(w, "the proxy that logs you in is missing in between", http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_ = html.WriteLogin(w, "")
	}
}

// logIn opens a session for somebody who knows the token.
func (s *Server) logIn(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, problem string) {
		w.WriteHeader(code)
		_ = html.WriteLogin(w, problem)
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	// Wrong tokens from the same address do not lock the right one out: it is too long to guess.
	if !s.access.isLoginToken(r.PostFormValue("login")) {
		if !s.access.logins.allowTry(r.RemoteAddr, time.Now()) {
			w.Header().Set("Retry-After", "10")
			refuse(http.StatusTooManyRequests, "too many tries: wait for some seconds")
			return
		}
		s.c.Logger.Warn("a login was refused", "from", r.RemoteAddr)
		refuse(http.StatusUnauthorized, "this is not the token")
		return
	}
	s.setCookie(w, s.access.sessions.openSession(), int(sessionTime.Seconds()))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Server) setCookie(w http.ResponseWriter, id string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: id, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.access.hasHTTPS(),
	})
}

// logOut ends a session.
func (s *Server) logOut(w http.ResponseWriter, r *http.Request, user *reader) {
	if s.readForm(w, r, user) {
		s.access.sessions.endSession(user.session)
		s.setCookie(w, "", -1)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}
