package serve

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/report/html"
	"github.com/onward-sql/onward/onward"
)

var fieldOf = regexp.MustCompile(` value="[^"]*"`)

// Names and reasons of strangers stay text, and passwords in errors are hidden.
func TestHostileText(t *testing.T) {
	t.Parallel()
	const hostile = "\"'><script>alert(1)</script>&\x1b[31m\u202e"
	source := &fakeSource{target: hostile, note: hostile}
	_, address := startServer(t, Config{Changes: true, source: source})
	escaped := url.QueryEscape(hostile)
	for _, path := range []string{"/?release=v2", "/target?release=v2&name=" + escaped, "/?release=v2&q=" + escaped + "&state=failed"} {
		code, page, _ := ask(t, "GET", address+path, "")
		page = fieldOf.ReplaceAllString(page, "") // a form sends the name as it is
		if code != 200 || strings.Contains(page, "<script>") || strings.ContainsAny(page, "\x1b\u202e") || !strings.Contains(page, "alert(1)") {
			t.Errorf("GET %s: %d, want 200 and the hostile text escaped:\n%s", path, code, page)
		}
	}
	if code, _, _ := ask(t, "GET", address+"/?release="+strings.Repeat("x", 2*mostName), ""); code != 404 {
		t.Errorf("a long name: %d", code)
	}
	_, page, _ := ask(t, "GET", address+"/target?release=v2&name="+escaped, "")
	form := url.Values{"release": {"v2"}, "name": {hostile}, "token": {findToken(t, page)}}.Encode()
	if code, _, _ := ask(t, "POST", address+"/retry", form, "Origin: "+address); code != 303 || source.changes[0].target != hostile {
		t.Errorf("retry a target with a hostile name: %d, want 303; changes %+v", code, source.changes)
	}
	source.mu.Lock()
	source.fail = errors.New("dial postgres://app:hunter2@db/shop: refused")
	source.mu.Unlock()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		_, page, _ = ask(t, "GET", address+"/?release=v2", "")
		if strings.Contains(page, "could not be read") {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the page does not say that the source cannot be read")
		}
	}
	if strings.Contains(page, "hunter2") || !strings.Contains(page, "refused") {
		t.Errorf("the page has the password, or no reason:\n%s", page)
	}
	recorder := httptest.NewRecorder()
	(&Server{c: &Config{Logger: slog.New(slog.DiscardHandler)}}).writeError(recorder, source.fail, "/")
	if strings.Contains(recorder.Body.String(), "hunter2") {
		t.Error("an error shows a password")
	}
}

// A page has the reason why a backfill is slower. Its size has a bound, also with long reasons and very many targets.
func TestLargeRollout(t *testing.T) {
	t.Parallel()
	source := &fakeSource{target: "two", note: strings.Repeat("<reason> ", 600_000)} // 5 MB
	_, address := startServer(t, Config{source: source})
	_, page, _ := ask(t, "GET", address+"/?release=v2", "")
	if !strings.Contains(page, "06-backfill") || !strings.Contains(page, "slowed down: a standby lags") || !strings.Contains(page, "12 k of about 50 k rows") {
		t.Errorf("the step of a target is missing: %s", page[:min(len(page), 5000)])
	}
	if len(page) > 20_000 {
		t.Errorf("%d bytes", len(page))
	}
	r := &onward.Rollout{Release: "v2"}
	for i := range 200_000 {
		r.Targets = append(r.Targets, onward.RolloutTarget{Name: fmt.Sprint("tenant_", i), Wave: 1, State: onward.RolloutFailed, Note: source.note[:1000]})
	}
	fleet.SummarizeTargets(r, []string{"100 %"}, r.Targets)
	began := time.Now()
	var out bytes.Buffer
	if err := html.WriteFleet(&out, &html.FleetPage{Rollout: r, Search: "no such"}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s for 200,000 targets, %d bytes", time.Since(began).Round(time.Millisecond), out.Len())
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it takes %s", took)
	}
}
