package serve

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/onward"
)

// fakeSource has one release with two targets, and records changes.
type fakeSource struct {
	mu      sync.Mutex
	reads   int
	changes []change
	fail    error
	target  string
	note    string
	ended   *onward.Rollout // has the state of the release, if it has ended, and the reason
}

func (f *fakeSource) readRelease(_ context.Context, release string) (*snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	if f.fail != nil {
		return nil, f.fail
	}
	r := &onward.Rollout{Release: "v2"}
	fleet.SummarizeTargets(r, []string{"canary"}, []onward.RolloutTarget{
		{Name: "one", Wave: 1, State: onward.RolloutDone}, {Name: f.target, Wave: 1, State: onward.RolloutFailed, Note: f.note},
		{Name: "busy", Wave: 1, State: onward.RolloutRunning},
	})
	if f.ended != nil {
		r.State, r.Why, r.Targets = f.ended.State, f.ended.Why, r.Targets[:2]
	}
	steps := map[string]*onward.AppliedStep{"busy": {ID: "06-backfill", State: onward.ApplyWaiting, Rows: 12000, Of: 50000, Note: "slowed down: a standby lags"}}
	return &snapshot{releases: []fleet.Release{{Name: "v2"}}, rollout: r, steps: steps}, nil
}

func (f *fakeSource) readPlans(context.Context, string) ([]apply.PlanStatus, error) {
	return nil, errors.New("no plans")
}

func (f *fakeSource) makeChange(_ context.Context, c *change) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changes = append(f.changes, *c)
	return nil
}

func (f *fakeSource) countReads() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

const secret = "a secret of some length"

// startServer serves pages until the test ends.
func startServer(t *testing.T, c Config) (s *Server, address string) {
	t.Helper()
	if c.source == nil && c.List == nil && c.Queue == nil {
		c.source = &fakeSource{target: "two"}
	}
	c.Interval, c.Logger, c.Who = 20*time.Millisecond, slog.New(slog.DiscardHandler), "test"
	c.Access.Loopback = true
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s.pageWait, s.ending = 2*time.Second, time.Second
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	if c.source != nil {
		listener = smallBuffers{listener}
	}
	go func() { ended <- s.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the server does not end")
		}
	})
	return s, "http://" + listener.Addr().String()
}

// smallBuffers accepts connections whose buffers are soon full.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = tcp.SetWriteBuffer(1)
	}
	return conn, err
}

// ask sends a request. headers are NAME: VALUE; Host is one of them.
func ask(t *testing.T, method, address, form string, headers ...string) (code int, body string, h http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
		}
		r.Header.Add(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var out strings.Builder
	if _, err := answerBody(&out, answer); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, out.String(), answer.Header
}

func answerBody(out *strings.Builder, r *http.Response) (int64, error) {
	buffer := make([]byte, 1<<20)
	var n int64
	for {
		k, err := r.Body.Read(buffer)
		out.Write(buffer[:k])
		if n += int64(k); err != nil {
			if err.Error() == "EOF" {
				err = nil
			}
			return n, err
		}
	}
}

var tokenOf = regexp.MustCompile(`name="token" value="([0-9a-f]{64})"`)

// findToken returns the token in the forms of a page.
func findToken(t *testing.T, page string) string {
	t.Helper()
	m := tokenOf.FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no form has a token: %s", page)
	}
	return m[1]
}

// A page under another name than the server's own is refused: it may be one that somebody else has pointed here.
func TestOtherHosts(t *testing.T) {
	t.Parallel()
	public, _ := url.Parse("https://Fleet.example.org")
	_, address := startServer(t, Config{Access: Access{Public: public}})
	port := address[strings.LastIndex(address, ":"):]
	for host, want := range map[string]int{
		"127.0.0.1" + port: 200, "localhost" + port: 200, "LOCALHOST" + port: 200, "fleet.example.org": 200, "FLEET.example.org": 200,
		"evil.example.org": 421, "evil.example.org" + port: 421, "127.0.0.1.evil.example.org" + port: 421, "localhost": 421, "127.0.0.1:1": 421,
		"127.0.0.2" + port: 421, "[::1]" + port: 421, "localhost" + port + ".evil.example.org": 421, "fleet.example.org:444": 421,
	} {
		if code, _, _ := ask(t, "GET", address+"/?release=v2", "", "Host: "+host); code != want {
			t.Errorf("%s: %d, want %d", host, code, want)
		}
	}
}

// Forms of other pages are refused, and those without the reader's token. The page without changes has no form and refuses all.
func TestForms(t *testing.T) {
	t.Parallel()
	source := &fakeSource{target: "two"}
	_, address := startServer(t, Config{Changes: true, source: source})
	_, page, _ := ask(t, "GET", address+"/?release=v2", "")
	token := findToken(t, page)
	form := "release=v2&token=" + token
	ownHeaders := []string{"Origin: " + address, "Sec-Fetch-Site: same-origin"}
	for _, c := range []struct {
		what, path, form string
		headers          []string
		want             int
	}{
		{"nothing says where it is from", "/pause", form, nil, 403},
		{"another site", "/pause", form, []string{"Origin: " + address, "Sec-Fetch-Site: cross-site"}, 403},
		{"another page of the site", "/pause", form, []string{"Sec-Fetch-Site: same-site"}, 403},
		{"typed by the user", "/pause", form, []string{"Sec-Fetch-Site: none"}, 403},
		{"another origin", "/pause", form, []string{"Origin: http://evil.example.org"}, 403},
		{"no origin", "/pause", form, []string{"Origin: null"}, 403},
		{"no token", "/pause", "release=v2", ownHeaders, 403},
		{"another token", "/pause", "release=v2&token=" + strings.Repeat("0", 64), ownHeaders, 403},
		{"the token in the address", "/pause?token=" + token, "release=v2", ownHeaders, 403},
		{"another release", "/pause", "release=v3&token=" + token, ownHeaders, 404},
		{"no release", "/pause", "token=" + token, ownHeaders, 404},
		{"another target", "/skip", form + "&name=three&reason=x", ownHeaders, 404},
		{"no reason", "/skip", form + "&name=two&reason=+", ownHeaders, 409},
		{"too large", "/skip", form + "&name=two&reason=" + strings.Repeat("x", mostForm), ownHeaders, 403},
	} {
		if code, _, _ := ask(t, "POST", address+c.path, c.form, c.headers...); code != c.want {
			t.Errorf("%s: %d, want %d", c.what, code, c.want)
		}
	}
	if len(source.changes) > 0 {
		t.Fatalf("changed: %+v", source.changes)
	}
	for _, c := range [][2]string{{"/pause", form}, {"/resume", form}, {"/skip", form + "&name=two&reason=moved"}, {"/retry", form + "&name=two"}} {
		code, _, h := ask(t, "POST", address+c[0], c[1], ownHeaders...)
		if code != 303 || !strings.HasPrefix(h.Get("Location"), "/") {
			t.Errorf("%s: %d %s", c[0], code, h.Get("Location"))
		}
	}
	if got := source.changes; len(got) != 4 || got[0].kind != "pause" || got[2] != (change{"skip", "v2", "two", "moved", "test"}) {
		t.Errorf("the changes are %+v, want pause, resume, skip, retry", got)
	}
	if code, _, _ := ask(t, "GET", address+"/pause", ""); code != 405 {
		t.Errorf("GET /pause: %d", code)
	}

	_, readOnly := startServer(t, Config{})
	for _, path := range []string{"/?release=v2", "/target?release=v2&name=two"} {
		if code, page, _ := ask(t, "GET", readOnly+path, ""); code != 200 || strings.Contains(page, `method="post"`) || strings.Contains(page, "<button>skip") {
			t.Errorf("%s: %d, a page without changes has a form: %s", path, code, page)
		}
	}
	for _, path := range []string{"/pause", "/resume", "/skip", "/retry"} {
		if code, _, _ := ask(t, "POST", readOnly+path, form+"&name=two&reason=x", "Origin: "+readOnly); code != 403 {
			t.Errorf("%s without --allow-changes: %d", path, code)
		}
	}
}

// The page, its events and its changes need the token. A session is in a cookie that scripts and other sites do not get.
func TestLogin(t *testing.T) {
	t.Parallel()
	public, _ := url.Parse("https://fleet.example.org")
	s, address := startServer(t, Config{Changes: true, Access: Access{Token: secret, Public: public}})
	for _, path := range []string{"/", "/?release=v2", "/target?release=v2&name=two", "/events?release=v2", "/?token=" + url.QueryEscape(secret)} {
		if code, page, _ := ask(t, "GET", address+path, ""); code != 401 || strings.Contains(page, "two") || strings.Contains(page, "v2") {
			t.Errorf("%s without login: %d %s", path, code, page)
		}
	}
	origin := "Origin: " + address
	if code, _, h := ask(t, "POST", address+"/login", "login=wrong", origin); code != 401 || h.Get("Set-Cookie") != "" {
		t.Errorf("wrong token: %d %s", code, h)
	}
	if code, _, _ := ask(t, "POST", address+"/login", "login="+url.QueryEscape(secret), "Origin: http://evil.example.org"); code != 403 {
		t.Errorf("a login from another page: %d", code)
	}
	code, _, h := ask(t, "POST", address+"/login", "login="+url.QueryEscape(secret), origin)
	cookie := h.Get("Set-Cookie")
	if code != 303 {
		t.Fatalf("login with the token: %d, want 303; cookie %s", code, cookie)
	}
	for _, want := range []string{"HttpOnly", "SameSite=Strict", "Secure", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("the cookie is %s, without %s", cookie, want)
		}
	}
	session := "Cookie: " + strings.Split(cookie, ";")[0]
	code, page, h := ask(t, "GET", address+"/?release=v2", "", session)
	if code != 200 || strings.Contains(page, secret) || h.Get("Content-Security-Policy") != policy || h.Get("Cache-Control") != "no-store" {
		t.Errorf("the page after the login: %d, headers %s\n%s", code, h, page)
	}
	// The token of another session's forms is no use.
	_, _, h = ask(t, "POST", address+"/login", "login="+url.QueryEscape(secret), origin)
	other := "Cookie: " + strings.Split(h.Get("Set-Cookie"), ";")[0]
	if code, _, _ := ask(t, "POST", address+"/pause", "release=v2&token="+findToken(t, page), other, origin); code != 403 {
		t.Errorf("a form of another session: %d", code)
	}
	if code, _, _ := ask(t, "POST", address+"/logout", "token="+findToken(t, page), session, origin); code != 303 {
		t.Errorf("log out: %d", code)
	}
	if code, _, _ := ask(t, "GET", address+"/?release=v2", "", session); code != 401 {
		t.Errorf("after the end of the session: %d", code)
	}
	limited := false
	for range 2 * loginTries {
		if code, _, _ := ask(t, "POST", address+"/login", "login=guess", origin); code == 429 {
			limited = true
		}
	}
	if !limited || len(s.access.logins.tries) != 1 {
		t.Error("nobody limits the tries")
	}
}

// The limiter gives an address new tries after some time, and its memory has a bound.
func TestLimiter(t *testing.T) {
	t.Parallel()
	l, now := newLimiter(), time.Now()
	for i := range loginTries {
		if !l.allowTry("10.0.0.1:5", now) {
			t.Fatalf("try %d", i)
		}
	}
	if l.allowTry("10.0.0.1:6", now) || !l.allowTry("10.0.0.2:5", now) {
		t.Error("the tries are not those of an address")
	}
	if !l.allowTry("10.0.0.1:5", now.Add(loginPause)) || l.allowTry("10.0.0.1:5", now.Add(loginPause)) {
		t.Error("the tries are counted wrongly")
	}
	for i := range 3 * mostLoginAddresses {
		l.allowTry(netip.AddrPortFrom(netip.AddrFrom4([4]byte{11, byte(i >> 16), byte(i >> 8), byte(i)}), 1).String(), now)
	}
	if len(l.tries) > mostLoginAddresses+1 {
		t.Errorf("%d addresses", len(l.tries))
	}
	for range loginTries {
		l.allowTry("[2001:db8::1]:5", now)
	}
	if l.allowTry("[2001:db8::2]:5", now) {
		t.Error("each address of an IPv6 network has tries of its own")
	}
}

// A proxy's header counts only from the address of the proxy.
func TestProxy(t *testing.T) {
	t.Parallel()
	source := &fakeSource{target: "two"}
	_, address := startServer(t, Config{Changes: true, source: source, Access: Access{
		Header: "X-Forwarded-User", Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}})
	if code, _, _ := ask(t, "GET", address+"/?release=v2", ""); code != 403 {
		t.Errorf("without the header: %d", code)
	}
	if code, _, _ := ask(t, "GET", address+"/?release=v2", "", "X-Forwarded-User: ada", "X-Forwarded-User: eve"); code != 403 {
		t.Errorf("with two headers: %d", code)
	}
	code, page, _ := ask(t, "GET", address+"/?release=v2", "", "X-Forwarded-User: ada <b>")
	if code != 200 || !strings.Contains(page, "ada &lt;b&gt;") {
		t.Errorf("with one header: %d, want 200 and the escaped user:\n%s", code, page)
	}
	form := "release=v2&token=" + findToken(t, page)
	if code, _, _ := ask(t, "POST", address+"/pause", form, "X-Forwarded-User: eve", "Origin: "+address); code != 403 {
		t.Errorf("a form of another user: %d", code)
	}
	code, _, _ = ask(t, "POST", address+"/pause", form, "X-Forwarded-User: ada <b>", "Origin: "+address)
	if code != 303 || source.changes[0].who != "ada <b>, test" {
		t.Errorf("pause by the proxy's user: %d, want 303; changes %+v", code, source.changes)
	}
	_, elsewhere := startServer(t, Config{Access: Access{Header: "X-Forwarded-User", Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}})
	if code, _, _ := ask(t, "GET", elsewhere+"/?release=v2", "", "X-Forwarded-User: ada"); code != 403 {
		t.Errorf("from another address than the proxy's: %d", code)
	}
}

// A server that other machines can reach is refused without a login, and so are weak or contradictory ones.
func TestRefusedAccess(t *testing.T) {
	t.Parallel()
	for name, a := range map[string]Access{
		"no login": {}, "short token": {Token: "short"}, "two logins": {Token: secret, Header: "X-User", Trusted: []netip.Prefix{{}}},
		"a header from everywhere": {Header: "X-User", Loopback: true},
	} {
		if _, err := New(Config{Access: a, source: &fakeSource{}}); err == nil {
			t.Errorf("%s is not refused", name)
		}
	}
	if _, err := New(Config{Access: Access{Token: secret}, source: &fakeSource{}}); err != nil {
		t.Error(err)
	}
}
