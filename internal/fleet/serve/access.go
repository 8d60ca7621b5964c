package serve

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
)

// Access says who may read the page.
type Access struct {
	// Token is the secret of a login; "" for none.
	Token string
	// Header is the header in which a proxy names the user; "" for none. Only requests from the addresses Trusted count.
	Header  string
	Trusted []netip.Prefix
	// Public is the address that browsers use; nil if it is the listener's.
	Public *url.URL
	// Loopback: only this machine can connect.
	Loopback bool
}

// leastToken is the least length of a token.
const leastToken = 16

// gate decides who may do what.
type gate struct {
	*Access
	sum      [sha256.Size]byte // of the login token
	key      []byte            // for the tokens in forms
	sessions *sessions
	logins   *limiter
}

// reader is somebody who may read the page.
type reader struct {
	name    string // "" if nobody must log in
	session string
}

func newGate(a *Access) (*gate, error) {
	switch {
	case a.Token != "" && len(a.Token) < leastToken:
		return nil, &config.InputError{Err: errors.New("the token is too short: it needs 16 characters or more")}
	case a.Token != "" && a.Header != "":
		return nil, &config.InputError{Err: errors.New("a token and a proxy's header contradict each other: choose one login")}
	case a.Header != "" && len(a.Trusted) == 0:
		return nil, &config.InputError{Err: errors.New("the header is not trusted from everywhere: name the proxy's address")}
	case a.Token == "" && a.Header == "" && !a.Loopback:
		return nil, &config.InputError{Err: errors.New("other machines can connect to this address, so the page needs a login: a token or a proxy's header")}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	return &gate{Access: a, sum: sha256.Sum256([]byte(a.Token)), key: key, sessions: &sessions{ends: map[string]time.Time{}}, logins: newLimiter()}, nil
}

// policy allows the page its own style, script, events and forms, and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'"

// checkRequests refuses requests under other names, which a page of somebody else may have sent, and forms of other pages.
func (g *gate) checkRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !g.knowsHost(r) {
			http.Error(w, "this page is not served under this name: see --public-url", http.StatusMisdirectedRequest)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !g.isOwnForm(r) {
			http.Error(w, "the form is not of this page", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// knowsHost reports whether a request names this server. Another name may be one that its owner has pointed here, to read the page with
// the reader's browser.
func (g *gate) knowsHost(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	if g.Public != nil && host == strings.ToLower(g.Public.Host) {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	localAddr, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return false
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), "80"
	}
	if port != portOf(localAddr) {
		return false
	}
	if name == "localhost" {
		return localAddr.Addr().Unmap().IsLoopback()
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip == localAddr.Addr().Unmap()
}

func portOf(addr netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(addr.String())
	return port
}

// isOwnForm reports whether the browser says that a form is of this page. A browser that says nothing is too old.
func (g *gate) isOwnForm(r *http.Request) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site != "" && site != "same-origin" || site == "" && origin == "" {
		return false
	}
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || !strings.EqualFold(u.Host, r.Host) {
		return false
	}
	return g.Public == nil || !strings.EqualFold(u.Host, g.Public.Host) || u.Scheme == g.Public.Scheme
}

// identifyReader returns who sends a request; nil for somebody who must log in.
func (g *gate) identifyReader(r *http.Request) *reader {
	switch {
	case g.Header != "":
		names := r.Header.Values(g.Header)
		if !g.isFromTrustedProxy(r) || len(names) != 1 || names[0] == "" || len(names[0]) > 200 {
			return nil
		}
		return &reader{name: names[0], session: "proxy " + names[0]}
	case g.Token != "":
		cookie, err := r.Cookie(cookieName)
		if err != nil || !g.sessions.isOpen(cookie.Value) {
			return nil
		}
		return &reader{session: cookie.Value}
	}
	return &reader{}
}

// isFromTrustedProxy reports whether a request comes from the proxy.
func (g *gate) isFromTrustedProxy(r *http.Request) bool {
	remoteAddr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	for _, p := range g.Trusted {
		if p.Contains(remoteAddr.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// formToken returns the token that a reader's forms must have.
func (g *gate) formToken(user *reader) string {
	mac := hmac.New(sha256.New, g.key)
	mac.Write([]byte(user.session))
	return hex.EncodeToString(mac.Sum(nil))
}

func (g *gate) isFormToken(user *reader, token string) bool {
	return subtle.ConstantTimeCompare([]byte(g.formToken(user)), []byte(token)) == 1
}

// isLoginToken compares the token of a login in constant time.
func (g *gate) isLoginToken(text string) bool {
	sum := sha256.Sum256([]byte(text))
	return g.Token != "" && subtle.ConstantTimeCompare(sum[:], g.sum[:]) == 1
}

// hasHTTPS reports whether browsers use TLS.
func (g *gate) hasHTTPS() bool { return g.Public != nil && g.Public.Scheme == "https" }
