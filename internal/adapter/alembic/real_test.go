package alembic

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/onward"
)

// The proof: Alembic itself runs every revision on a server, through the proxy. It sends the statements that were rendered without
// a server, in the same order and in the same transactions. The revision that reads rows sends what was rendered, and more.
func TestRealTool(t *testing.T) {
	t.Parallel()
	for _, e := range environments {
		for _, each := range []bool{false, true} {
			name := e.name
			if each {
				name += ", each"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tree := adaptertest.Disk(t, filepath.Join("testdata", "shop"))
				set := loadProject(t, withVenv(t, e.name), tree)
				var order []string
				for _, m := range set.Migrations {
					order = append(order, m.ID)
				}
				real := runReal(t, pgservertest.VenvPath(t, e.name), e.scheme, each, order)
				rendered := renderedRun(set, each)
				compareRuns(t, rendered, real)
			})
		}
	}
}

// message is one statement, with the number of its transaction, 0 for none.
type message struct {
	revision, sql string
	tx            int
}

// renderedRun returns what a set says that a run sends. each gives each revision its own transaction.
func renderedRun(set *adapter.Set, each bool) []message {
	var out []message
	tx := 1
	for _, m := range set.Migrations {
		if each {
			tx++
		}
		block := 1
		for _, p := range m.Source.Parts {
			now := p.Block
			if m.Source.Mode == onward.TransactionFile {
				now = 1
			}
			if now != 0 && now != block {
				block = now
				tx++
			}
			x := message{m.ID, p.SQL, tx}
			if now == 0 {
				x.tx = 0
			}
			out = append(out, x)
		}
	}
	return out
}

// compareRuns compares two runs. The last statements of 0007 depend on rows.
func compareRuns(t *testing.T, rendered, real []message) {
	t.Helper()
	onlyReal := map[string]int{"0007": 2}
	text := func(list []message, skip map[string]int) []string {
		count := map[string]int{}
		for _, m := range list {
			count[m.revision]++
		}
		var out []string
		txs, seen := map[int]int{0: 0}, map[string]int{}
		for _, m := range list {
			if _, known := txs[m.tx]; !known {
				txs[m.tx] = len(txs)
			}
			if seen[m.revision]++; seen[m.revision] > count[m.revision]-skip[m.revision] {
				continue
			}
			line := m.revision + " " + string(rune('0'+txs[m.tx])) + " " + normalizeSQL(m.sql)
			if len(out) == 0 || out[len(out)-1] != line { // executemany sends one text for all rows
				out = append(out, line)
			}
		}
		return out
	}
	got, want := text(rendered, nil), text(real, onlyReal)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-sent +rendered):\n%s", diff)
	}
	if len(want) < 14 {
		t.Errorf("only %d statements were compared", len(want))
	}
}

var (
	blanks = regexp.MustCompile(`\s+`)
	// psycopg2 sends several rows in one statement.
	moreRows = regexp.MustCompile(`(VALUES \(\?\))(?:, ?\('(?:[^']|'')*'\))+`)
	value    = regexp.MustCompile(`(VALUES \(|email = )(?:'(?:[^']|'')*'|\$1(?:::\w+)?)`)
)

// normalizeSQL leaves out what a driver may send apart: white space and the values of parameters.
func normalizeSQL(sql string) string {
	sql = strings.TrimSuffix(strings.TrimSpace(blanks.ReplaceAllString(sql, " ")), ";")
	sql = moreRows.ReplaceAllString(value.ReplaceAllString(sql, "${1}?"), "${1}")
	return sql
}

// runReal runs alembic upgrade head on an empty database, and returns what it sent.
func runReal(t *testing.T, venv, scheme string, each bool, order []string) []message {
	t.Helper()
	database, err := url.Parse(pgservertest.Database(t, 17))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{}
	server, err := wire.ParseServer(database.String())
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := wire.Listen(context.Background(), wire.Config{Server: server, Sink: r})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = proxy.Close() }()
	cmd := exec.CommandContext(t.Context(), filepath.Join(venv, "bin", "alembic"), "upgrade", "head")
	cmd.Dir = filepath.Join("testdata", "shop")
	address := url.URL{Scheme: scheme, User: database.User, Host: proxy.Host() + ":" + proxy.Port(), Path: database.Path}
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "SHOP_URL="+address.String())
	if each {
		cmd.Env = append(cmd.Env, "SHOP_EACH=1")
	}
	if talk, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("alembic upgrade head: %v\n%s", err, talk)
	}
	return r.messages(order)
}

// recorder keeps the statements of clients in order.
type recorder struct {
	mu  sync.Mutex
	sql []string
}

func (r *recorder) Session(wire.Startup) wire.Tap { return tap{r} }

type tap struct{ *recorder }

func (p tap) Client(kind byte, body []byte, _ int) {
	switch kind {
	case 'P': // the name of the statement comes first
		_, body, _ = bytes.Cut(body, []byte{0})
	case 'Q':
	default:
		return
	}
	text, _, _ := bytes.Cut(body, []byte{0})
	p.mu.Lock()
	p.sql = append(p.sql, string(text))
	p.mu.Unlock()
}

func (tap) Server(byte, []byte, int) {}
func (tap) EndReading(string)        {}
func (tap) Close()                   {}

var (
	probe = regexp.MustCompile(`(?i)pg_catalog|^show |current_schema|alembic_version|^SELECT 'test|` +
		`^SET SESSION CHARACTERISTICS|^SELECT CAST|hstore|_pg3_|to_regtype|^DEALLOCATE ALL`)
	applied = regexp.MustCompile(`alembic_version.*?'(\d{4})'|alembic_version`)
)

// messages returns the statements of the revisions, each of which ends with its row in
// alembic_version. order is the order of the revisions.
func (r *recorder) messages(order []string) []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []message
	tx, last, open := 0, 0, false
	from, n := 0, 0
	for _, sql := range r.sql {
		word := strings.ToUpper(strings.Trim(sql, " ;\n"))
		switch {
		case strings.HasPrefix(word, "BEGIN"):
			last++
			tx, open = last, true
			continue
		case word == "COMMIT" || word == "ROLLBACK":
			tx, open = 0, false
			continue
		case applied.MatchString(sql) && regexp.MustCompile(`(?i)^\s*(INSERT|UPDATE)`).MatchString(sql):
			if n < len(order) {
				for i := from; i < len(out); i++ {
					out[i].revision = order[n]
				}
			}
			from = len(out)
			n++
			continue
		case probe.MatchString(sql):
			continue
		}
		x := message{sql: sql}
		if open {
			x.tx = tx
		}
		out = append(out, x)
	}
	return out
}
