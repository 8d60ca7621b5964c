package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/report/html"
)

func serveStyle(w http.ResponseWriter, r *http.Request) {
	serveFile(w, r, "text/css; charset=utf-8", html.FleetStyle())
}

func serveScript(w http.ResponseWriter, r *http.Request) {
	serveFile(w, r, "text/javascript; charset=utf-8", html.FleetScript())
}

// serveFile serves a file that the browser caches and revalidates with its ETag.
func serveFile(w http.ResponseWriter, r *http.Request, kind, text string) {
	sum := sha256.Sum256([]byte(text))
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(text))
}

// mostName bounds the names in a request.
const mostName = 1000

var errUnknown = errors.New("there is no such release, or no such target in it")

// releaseFeed returns the feed of a release that the source knows; for "", of the newest one.
func (s *Server) releaseFeed(ctx context.Context, release string) (*feed, error) {
	key := "release " + release
	read := func(ctx context.Context) (*snapshot, error) { return s.source.readRelease(ctx, release) }
	if release == "" || s.hasFeed(key) {
		return s.findOrAddFeed(key, read)
	}
	newest, err := s.releaseFeed(ctx, "")
	if err != nil {
		return nil, err
	}
	last := newest.awaitReading(ctx, s, mayBeEarlier)
	switch {
	case last.value == nil:
		return newest, nil // its page says why
	case slices.ContainsFunc(last.value.releases, func(r fleet.Release) bool { return r.Name == release }):
		return s.findOrAddFeed(key, read)
	}
	return nil, errUnknown
}

// targetFeed returns the feed of a target of a release, with the plans on it.
func (s *Server) targetFeed(ctx context.Context, release, name string) (*feed, error) {
	parent, err := s.releaseFeed(ctx, release)
	if err != nil {
		return nil, err
	}
	if last := parent.awaitReading(ctx, s, mayBeEarlier); last.value != nil && last.value.findTarget(name) == nil {
		return nil, errUnknown
	}
	return s.findOrAddFeed("target "+release+"\x00"+name, func(ctx context.Context) (*snapshot, error) {
		last := parent.awaitReading(ctx, s, mayBeEarlier)
		if last.value == nil {
			return nil, last.missing
		}
		out := *last.value
		var err error
		if out.plans, err = s.source.readPlans(ctx, name); err != nil {
			out.plansProblem = describeProblem(err)
		}
		return &out, nil
	})
}

// findRequestedFeed returns the feed of the page that a request is about.
func (s *Server) findRequestedFeed(r *http.Request) (f *feed, name string, err error) {
	q := r.URL.Query()
	release := q.Get("release")
	name = q.Get("name")
	switch {
	case len(release) > mostName || len(name) > mostName:
		err = errUnknown
	case name != "":
		f, err = s.targetFeed(r.Context(), release, name)
	default:
		f, err = s.releaseFeed(r.Context(), release)
	}
	return f, name, err
}

func (s *Server) serveRelease(w http.ResponseWriter, r *http.Request, user *reader) {
	f, _, err := s.findRequestedFeed(r)
	if err != nil {
		s.writeError(w, err, "/")
		return
	}
	q := r.URL.Query()
	if last := f.awaitReading(r.Context(), s, mayBeEarlier); q.Get("release") == "" && last.value != nil && last.value.rollout != nil {
		http.Redirect(w, r, "/?"+url.Values{"release": {last.value.rollout.Release}}.Encode(), http.StatusFound)
		return
	}
	number, _ := strconv.Atoi(q.Get("page"))
	s.writePage(w, r, user, f, &html.FleetPage{State: clipText(q.Get("state"), 20), Search: clipText(q.Get("q"), 200), Number: number})
}

func (s *Server) serveTarget(w http.ResponseWriter, r *http.Request, user *reader) {
	f, name, err := s.findRequestedFeed(r)
	if err == nil && name == "" {
		err = errUnknown
	}
	if err != nil {
		s.writeError(w, err, "/")
		return
	}
	s.writePage(w, r, user, f, &html.FleetPage{Target: &html.FleetTarget{}})
}

// clipText returns the beginning of a text.
func clipText(text string, most int) string {
	if len(text) > most {
		text = text[:most]
	}
	return strings.ToValidUTF8(text, "")
}

// writePage writes a page from the last reading of a feed.
func (s *Server) writePage(w http.ResponseWriter, r *http.Request, user *reader, f *feed, p *html.FleetPage) {
	last := f.awaitReading(r.Context(), s, mayBeEarlier)
	if last.value == nil {
		err := last.missing
		if err == nil {
			err = errors.New("the databases have not answered yet")
		}
		w.Header().Set("Refresh", "5")
		s.writeError(w, err, "")
		return
	}
	v := last.value
	p.Rollout, p.Steps, p.At, p.Problem, p.Version = v.rollout, v.steps, last.at, last.problem, last.version
	p.Releases, p.Ended = listReleaseLinks(v.releases), v.rollout != nil && fleet.HasEnded(v.rollout)
	p.User, p.LogOut, p.Changes, p.Token = user.name, s.access.Token != "", s.c.Changes, s.access.formToken(user)
	if p.Target != nil {
		name := r.URL.Query().Get("name")
		if p.Target.Target = v.findTarget(name); p.Target.Target == nil {
			s.writeError(w, errUnknown, "/")
			return
		}
		p.Target.Problem = v.plansProblem
		for _, plan := range v.plans {
			p.Target.Plans = append(p.Target.Plans, html.StatusPlan{Plan: plan.Plan, Applied: plan.Applied})
		}
	}
	var out bytes.Buffer
	if err := html.WriteFleet(&out, p); err != nil {
		s.c.Logger.Error("the page cannot be made", "error", err)
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes())
}

func listReleaseLinks(releases []fleet.Release) (out []html.FleetRelease) {
	for i := range releases {
		r := &releases[i]
		out = append(out, html.FleetRelease{Name: r.Name, State: r.State, Began: r.Began, Done: r.Done, Failed: r.Failed})
	}
	return out
}

// writeError writes a page with an error.
func (s *Server) writeError(w http.ResponseWriter, err error, back string) {
	code := http.StatusServiceUnavailable
	switch {
	case errors.Is(err, errUnknown):
		code = http.StatusNotFound
	case errors.As(err, new(*config.InputError)):
		code = http.StatusConflict
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_ = html.WriteProblem(w, describeProblem(err), back)
}

// serveEvents tells a page when the source was read, and whether the content has changed. A client that does not take an event in time is
// dropped.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request, _ *reader) {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		http.Error(w, "only the page itself may follow it", http.StatusForbidden)
		return
	}
	if s.clients.Add(1) > int32(s.mostClients) {
		s.clients.Add(-1)
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many pages are live", http.StatusServiceUnavailable)
		return
	}
	defer s.clients.Add(-1)
	f, _, err := s.findRequestedFeed(r)
	if err != nil {
		s.writeError(w, err, "/")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // the request was read
	for s.access.identifyReader(r) != nil {
		f.ensureRunning(s)
		last, changed := f.lastReading()
		if last.value != nil {
			news, _ := json.Marshal(struct {
				At      string `json:"at"`
				Version string `json:"version"`
			}{last.at.UTC().Format(time.DateTime) + " UTC", last.version})
			if control.SetWriteDeadline(time.Now().Add(s.writeTime)) != nil {
				return
			}
			if _, err := fmt.Fprintf(w, "data: %s\n\n", news); err != nil || control.Flush() != nil {
				return
			}
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.closed:
			return
		case <-changed:
		case <-time.After(s.pulse):
		}
	}
}

// readForm reads a form of the page, and refuses one without the reader's token.
func (s *Server) readForm(w http.ResponseWriter, r *http.Request, user *reader) bool {
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil || !s.access.isFormToken(user, r.PostForm.Get("token")) {
		http.Error(w, "the form is too old: load the page again", http.StatusForbidden)
		return false
	}
	return true
}

// serveChange carries a change out, and shows the page again.
func (s *Server) serveChange(w http.ResponseWriter, r *http.Request, user *reader, kind string) {
	if !s.c.Changes {
		http.Error(w, "this page is read-only: --allow-changes allows changes", http.StatusForbidden)
		return
	}
	if !s.readForm(w, r, user) {
		return
	}
	c := &change{
		kind: kind, release: r.PostForm.Get("release"), target: r.PostForm.Get("name"),
		reason: strings.TrimSpace(clipText(r.PostForm.Get("reason"), 500)), who: s.c.Who,
	}
	if user.name != "" {
		c.who = user.name + ", " + c.who
	}
	back := "/?" + url.Values{"release": {c.release}}.Encode()
	if c.target != "" {
		back = "/target?" + url.Values{"release": {c.release}, "name": {c.target}}.Encode()
	}
	// It goes on if the reader leaves: half of a pause is none.
	ctx, stop := context.WithTimeout(context.WithoutCancel(r.Context()), changePatience)
	defer stop()
	control := http.NewResponseController(w)
	_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(changePatience+30*time.Second))
	feeds, err := s.checkChange(ctx, c)
	if err == nil {
		s.changing.Lock()
		err = s.source.makeChange(ctx, c)
		s.changing.Unlock()
	}
	if err != nil {
		s.c.Logger.Warn("a change was refused", "kind", kind, "release", c.release, "target", c.target, "who", c.who, "error", describeProblem(err))
		s.writeError(w, err, back)
		return
	}
	s.c.Logger.Info("changed", "kind", kind, "release", c.release, "target", c.target, "reason", c.reason, "who", c.who)
	for _, f := range feeds {
		f.awaitReading(ctx, s, beginsAfterCall)
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// checkChange refuses a change of something that the source does not know, and returns the feeds that are about it.
func (s *Server) checkChange(ctx context.Context, c *change) ([]*feed, error) {
	if c.release == "" || len(c.release) > mostName || len(c.target) > mostName {
		return nil, errUnknown
	}
	f, err := s.releaseFeed(ctx, c.release)
	if err != nil {
		return nil, err
	}
	last := f.awaitReading(ctx, s, mayBeEarlier)
	if last.value == nil || last.value.rollout == nil {
		return nil, errUnknown
	}
	feeds := []*feed{f}
	switch c.kind {
	case skipChange, retryChange:
		if last.value.findTarget(c.target) == nil {
			return nil, errUnknown
		}
		if c.kind == skipChange && c.reason == "" {
			return nil, &config.InputError{Err: errors.New("a reason is missing: the ledger keeps it")}
		}
		targetFeed, err := s.targetFeed(ctx, c.release, c.target)
		if err != nil {
			return nil, err
		}
		feeds = append(feeds, targetFeed)
	default:
		c.target = ""
	}
	return feeds, nil
}
