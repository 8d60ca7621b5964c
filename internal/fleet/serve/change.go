package serve

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/onward-sql/onward/config"
)

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
