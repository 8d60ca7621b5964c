package serve

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// follow opens the events of the release, and returns a channel with their lines.
func follow(t *testing.T, address string) (code int, lines <-chan string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, "GET", address+"/events?release=v2", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		defer answer.Body.Close()
		for s := bufio.NewScanner(answer.Body); s.Scan(); {
			if data, ok := strings.CutPrefix(s.Text(), "data: "); ok {
				out <- data
			}
		}
	}()
	return answer.StatusCode, out, cancel
}

// receive returns the next event.
func receive(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line := <-lines:
		return line
	case <-time.After(10 * time.Second):
		t.Fatal("no event")
		return ""
	}
}

// All clients share one read of the source. Their number has a limit, and nothing is read when nobody looks.
func TestClients(t *testing.T) {
	t.Parallel()
	source := &fakeSource{target: "two"}
	s, address := startServer(t, Config{source: source})
	s.mostClients = 8
	var list []<-chan string
	var stops []func()
	for range s.mostClients {
		code, lines, stop := follow(t, address)
		if code != 200 || !strings.Contains(receive(t, lines), `"version":"`) {
			t.Fatalf("follow the events: %d, want 200 and a version in the first event", code)
		}
		list, stops = append(list, lines), append(stops, stop)
	}
	if code, _, _ := follow(t, address); code != 503 {
		t.Errorf("a client above the limit: %d", code)
	}
	before := source.countReads()
	time.Sleep(400 * time.Millisecond) // 20 intervals
	if n := source.countReads() - before; n < 2 || n > 45 {
		t.Errorf("%d reads for %d clients", n, s.mostClients)
	}
	// Another version is announced to each.
	last := receive(t, list[0])
	source.mu.Lock()
	source.note = "it failed again"
	source.mu.Unlock()
	version := func(line string) string { return line[strings.Index(line, "version"):] }
	for _, lines := range list {
		for end := time.Now().Add(10 * time.Second); version(receive(t, lines)) == version(last); {
			if time.Now().After(end) {
				t.Fatal("no client learns of a change")
			}
		}
	}
	for _, stop := range stops {
		stop()
	}
	for end := time.Now().Add(10 * time.Second); s.clients.Load() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d clients are left", s.clients.Load())
		}
	}
	if code, lines, _ := follow(t, address); code != 200 || receive(t, lines) == "" {
		t.Error("no place is free again")
	}
	r, _ := http.NewRequest("GET", address+"/events?release=v2", http.NoBody)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer, err := http.DefaultClient.Do(r); err != nil || answer.StatusCode != 403 {
		t.Errorf("events for another site: %v", err)
	}
}

// A feed that nobody wants ends, and one that somebody wants again reads again.
func TestIdleFeed(t *testing.T) {
	t.Parallel()
	source := &fakeSource{target: "two"}
	s, _ := startServer(t, Config{source: source})
	f, err := s.findOrAddFeed("x", func(ctx context.Context) (*snapshot, error) { return source.readRelease(ctx, "v2") })
	if err != nil {
		t.Fatal(err)
	}
	if last := f.awaitReading(t.Context(), s, mayBeEarlier); last.value == nil || last.version == "" {
		t.Fatalf("the first reading is %+v, want a value and a version", last)
	}
	f.mu.Lock()
	f.wanted = time.Now().Add(-time.Hour)
	f.mu.Unlock()
	for end := time.Now().Add(10 * time.Second); f.isRunning(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not end")
		}
	}
	tries := f.last.tries
	if last := f.awaitReading(t.Context(), s, beginsAfterCall); last.tries <= tries+1 {
		t.Errorf("a fresh reading is one of before: %+v", last)
	}
	for i := range 2 * mostFeeds {
		f, err := s.findOrAddFeed(strings.Repeat("y", i+1), f.read)
		if err == nil {
			f.ensureRunning(s)
		} else if i < mostFeeds-1 {
			t.Fatalf("feed %d, of %d allowed ones: %v", i, mostFeeds, err)
		}
	}
	if len(s.feeds) > mostFeeds {
		t.Errorf("%d feeds", len(s.feeds))
	}
}

// A client that does not take its events is dropped.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	s, address := startServer(t, Config{})
	s.writeTime = 200 * time.Millisecond
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.(*net.TCPConn).SetReadBuffer(1)
	if _, err := conn.Write([]byte("GET /events?release=v2 HTTP/1.1\r\nHost: " + strings.TrimPrefix(address, "http://") + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	var f *feed
	for end := time.Now().Add(10 * time.Second); f == nil; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the client is not there")
		}
		s.mu.Lock()
		f = s.feeds["release v2"]
		s.mu.Unlock()
	}
	for end := time.Now().Add(30 * time.Second); s.clients.Load() > 0; {
		f.mu.Lock() // many events at once fill the buffers of the connection
		close(f.changed)
		f.changed = make(chan struct{})
		f.mu.Unlock()
		if time.Now().After(end) {
			t.Fatal("the client is not dropped")
		}
	}
}
