package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/notify"
	"github.com/onward-sql/onward/onward"
)

// The webhook's answer decides how often it is called. No message contains a part of its address.
func TestPost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []int // one for each try; 0 is none
		asked   int32
		want    string
	}{
		{"well", []int{204}, 1, ""},
		{"well the second time", []int{503, 200}, 2, ""},
		{"broken", []int{500, 500, 500}, 2, "it answers 500, 2 times"},
		{"busy", []int{429, 200}, 2, ""},
		{"wrong address", []int{404, 200}, 1, "it answers 404"},
		{"moved", []int{302, 200}, 1, "it answers 302"},
		{"hangs", []int{0, 0, 0}, 2, "it gave no answer for 2.5s, 2 times"},
		{"hangs once", []int{0, 200}, 2, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			hang := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				code := c.answers[asked.Add(1)-1]
				if code == 0 {
					<-hang
					return
				}
				if code == http.StatusFound {
					w.Header().Set("Location", "/elsewhere")
				}
				w.WriteHeader(code)
			}))
			t.Cleanup(server.Close)
			t.Cleanup(func() { close(hang) })
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // an interrupted run is reported all the same
			start := time.Now()
			err := notify.Post(ctx, server.URL+"/hooks/geheim", &onward.Notice{Schema: onward.NoticeSchema})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want || strings.Contains(got, "geheim") {
				t.Errorf("it says %q, want %q", got, c.want)
			}
			if asked.Load() != c.asked {
				t.Errorf("%d tries, want %d", asked.Load(), c.asked)
			}
			if took := time.Since(start); took > 3*notify.Patience {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// The body is the notice, as JSON.
func TestPostBody(t *testing.T) {
	t.Parallel()
	sent := onward.Notice{
		Schema:   onward.NoticeSchema,
		At:       time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
		Command:  "onward apply",
		Outcome:  onward.NoticeUnfinished,
		Database: "db1:5432/shop",
		Step:     "s",
		Why:      "w",
		Next:     "n",
	}
	var got onward.Notice
	var kind string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		kind = r.Method + " " + r.Header.Get("Content-Type")
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&got); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	if err := notify.Post(t.Context(), server.URL, &sent); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sent, got); diff != "" || kind != "POST application/json" {
		t.Errorf("received %q, want a POST of JSON; the notice (-sent +received):\n%s", kind, diff)
	}
}

// An invalid address is refused without being quoted. The address of a dead webhook is not printed either.
func TestNobody(t *testing.T) {
	t.Parallel()
	for _, wrong := range []string{"", "geheim", "ftp://host/geheim", "https:///geheim", "http://[geheim"} {
		if err := notify.Check(wrong); err == nil || strings.Contains(err.Error(), "geheim") {
			t.Errorf("Check(%q) = %v, want an error that does not quote the address", wrong, err)
		}
	}
	if err := notify.Check("https://hooks.example.com/geheim"); err != nil {
		t.Error(err)
	}
	err := notify.Post(t.Context(), "http://127.0.0.1:1/geheim", &onward.Notice{})
	if err == nil || err.Error() != "it cannot be reached, 2 times" {
		t.Error(err)
	}
}
