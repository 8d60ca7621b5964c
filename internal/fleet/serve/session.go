package serve

import (
	"crypto/rand"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/report/html"
)

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

func newSessions() *sessions { return &sessions{ends: map[string]time.Time{}} }

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
