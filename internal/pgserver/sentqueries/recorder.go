package sentqueries

import (
	"bytes"
	"context"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/wire"
)

// Recorder keeps what the sessions that come through its proxy send.
type Recorder struct {
	mu       sync.Mutex
	sessions []*session
}

// session is what a session sends, in order.
type session struct {
	recorder    *Recorder
	application string
	texts       []string
}

// RecordQueries begins a proxy before the server of an address. It returns the address of the proxy.
func RecordQueries(t testing.TB, address string) (*Recorder, string) {
	t.Helper()
	r := &Recorder{}
	server, err := wire.ParseServer(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := wire.Listen(context.Background(), wire.Config{Server: server, Sink: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = proxy.Close() })
	database, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxyURL := url.URL{Scheme: "postgres", User: database.User, Host: proxy.Host() + ":" + proxy.Port(), Path: database.Path, RawQuery: "sslmode=disable"}
	return r, proxyURL.String()
}

// Session implements [wire.Sink].
func (r *Recorder) Session(start wire.Startup) wire.Tap {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &session{recorder: r, application: start.Parameters["application_name"]}
	r.sessions = append(r.sessions, s)
	return s
}

// Client implements [wire.Tap].
func (s *session) Client(kind byte, body []byte, _ int) {
	switch kind {
	case 'P': // the name of the statement comes first
		_, body, _ = bytes.Cut(body, []byte{0})
	case 'Q':
	default:
		return
	}
	text, _, _ := bytes.Cut(body, []byte{0})
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	s.texts = append(s.texts, string(text))
}

// Server implements [wire.Tap].
func (*session) Server(byte, []byte, int) {}

// Lost implements [wire.Tap].
func (*session) EndReading(string) {}

// Close implements [wire.Tap].
func (*session) Close() {}

// CheckQueries fails for each statement of onward's that finds something by another search_path than onward's own. A statement that is in a step,
// or is on one of the tables or on a plan's cursor, keeps the plan's search_path. least is the least number of statements.
func (r *Recorder) CheckQueries(t testing.TB, least int, steps []string, tables ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	count, reported := 0, map[string]bool{}
	for _, s := range r.sessions {
		if !strings.HasPrefix(s.application, "onward") {
			continue
		}
		pinned := false
		for _, message := range s.texts {
			f, err := pgparse.SplitText(message)
			if err != nil {
				continue
			}
			for i := range f.Stmts {
				count++
				n, text := f.Stmts[i].Node, f.Src[f.Stmts[i].Start:f.Stmts[i].End]
				if names := Unqualified(text); !pinned && len(names) > 0 && !isOfStep(n, tables) && !isInSteps(text, steps) && !reported[text] {
					reported[text] = true
					t.Errorf("%s: %s\n%s", s.application, strings.Join(names, ", "), text)
				}
				pinned = isPathPinnedAfter(n, text, pinned)
			}
		}
	}
	if count < least {
		t.Errorf("%d statements", count)
	}
}

// isPathPinnedAfter reports whether a session has onward's own search_path after a statement.
func isPathPinnedAfter(n *pgparse.Node, text string, pinned bool) bool {
	switch set := n.GetVariableSetStmt(); {
	case set.GetName() == "search_path":
		return strings.HasSuffix(text, "= pg_catalog, pg_temp")
	case n.GetTransactionStmt() != nil && !strings.Contains(strings.ToUpper(text), "SAVEPOINT"):
		return false
	case strings.Contains(text, "set_config('search_path', 'pg_catalog, pg_temp', true)"):
		return true
	case strings.Contains(text, "set_config('search_path'"):
		return false
	}
	return pinned
}

func isInSteps(text string, steps []string) bool {
	return slices.ContainsFunc(steps, func(s string) bool { return strings.Contains(s, strings.TrimSpace(text)) })
}

// isOfStep reports whether a statement names a table of the plan's or of its cursors, and none of the server's. A block runs the statement of a batch.
func isOfStep(n *pgparse.Node, tables []string) (found bool) {
	if block := n.GetDoStmt(); block != nil {
		return slices.ContainsFunc(pgparse.ReadBody(blockText(block)).Parts, func(p pgparse.Part) bool {
			return isOfStep(pgparse.ParseStatement(p.SQL), tables)
		})
	}
	catalogs := false
	pgparse.Walk(n, func(msg any) bool {
		if r, ok := msg.(*pgparse.RangeVar); ok {
			found = found || r.GetSchemaname() == "onward" || slices.Contains(tables, r.GetRelname())
			catalogs = catalogs || strings.HasPrefix(r.GetRelname(), "pg_")
		}
		return true
	})
	return found && !catalogs
}
