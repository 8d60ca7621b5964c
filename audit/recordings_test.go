package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// recordingOf writes a recording of queries, and gives its path.
func recordingOf(t *testing.T, queries ...workload.Query) string {
	t.Helper()
	load := &workload.Workload{Revision: "abc123"}
	for _, q := range queries {
		q.ID, q.Calls = workload.Fingerprint(q.SQL, "", ""), 1204
		q.Senders = []workload.Sender{{Application: "web", Place: "checkout", Calls: 1204}}
		load.Queries = append(load.Queries, q)
	}
	path := filepath.Join(t.TempDir(), "workload.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := workload.Write(f, load, false); err != nil {
		t.Fatal(err)
	}
	return path
}

// An observed query is the best evidence of a use. If no parsed code uses a column, and
// no recorded query does, the finding is lowered to a note.
func TestRecordedUses(t *testing.T) {
	t.Parallel()
	const base = `
-- go.mod --
module shop

require github.com/pressly/goose/v3 v3.24.0
-- migrations/00001_init.sql --
-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, email text, nick text);
-- store/store.go --
package store

// Users reads users.
const one = "SELECT id, email FROM users WHERE id = $1"

func order(by string) string { return "ORDER BY " + map[string]string{"n": "nick"}[by] }
`
	const drop = "-- migrations/00002_more.sql --\n-- +goose Up\nSET LOCAL lock_timeout = '2s';\nALTER TABLE users DROP COLUMN nick;\n"
	read := workload.Query{
		SQL:  "SELECT id, email FROM users WHERE id = $1",
		Kind: workload.Select,
		Uses: []workload.Use{{Relation: "public.users", Reads: []string{"email", "id"}}},
	}
	for name, tt := range map[string]struct {
		queries  []workload.Query
		severity onward.Severity
		harm     string
		evidence string
	}{
		"nothing recorded": {severity: onward.Warning, harm: "is named like"},
		"it uses the column": {
			queries:  []workload.Query{read, {SQL: "SELECT nick FROM users", Kind: workload.Select}},
			severity: onward.Error, harm: "(seen in workload.json)", evidence: "query workload.json:4 recorded 1204 times, by checkout: SELECT nick FROM users abc123",
		},
		"through a view": {
			queries: []workload.Query{{
				SQL:  "SELECT x FROM shown",
				Kind: workload.Select,
				Uses: []workload.Use{{Relation: "public.shown", Reads: []string{"x"}}, {Relation: "public.users", Reads: []string{"nick"}}},
			}},
			severity: onward.Error, harm: "(seen in workload.json)", evidence: "query workload.json:3 recorded 1204 times, by checkout: SELECT x FROM shown abc123",
		},
		"it uses the table only": {
			queries:  []workload.Query{read},
			severity: onward.Info, harm: "none of the recorded queries on its table (1) uses it",
		},
		"it knows nothing of the table": {
			queries:  []workload.Query{{SQL: "SELECT a FROM others", Kind: workload.Select}},
			severity: onward.Warning, harm: "is named like",
		},
		"a migration is no code": {
			queries:  []workload.Query{{SQL: "UPDATE users SET nick = $1", Kind: workload.Update, Mark: workload.Migration}},
			severity: onward.Warning, harm: "is named like",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Config{Dir: repository(t, base, drop), Base: "main"}
			if tt.queries != nil {
				c.Workload = []string{recordingOf(t, tt.queries...)}
			}
			r := changelog0(t, c)
			for _, f := range r.Findings {
				if f.Rule != "column-drop" {
					continue
				}
				if f.Severity != tt.severity || !strings.Contains(f.Harm, tt.harm) {
					t.Errorf("%v: %s, want %v: %s", f.Severity, f.Harm, tt.severity, tt.harm)
				}
				if tt.evidence != "" {
					e := f.Evidence[0]
					if got := e.Kind + " " + e.Path + ":" + strconv.Itoa(e.Line) + " " + e.Text + " " + e.Revision; got != tt.evidence {
						t.Errorf("evidence %q, want %q", got, tt.evidence)
					}
				}
				return
			}
			t.Errorf("no finding on the column: %v", found(r))
		})
	}
}

// A recording that cannot be read is the caller's mistake, and says which file.
func TestRecordingUnread(t *testing.T) {
	t.Parallel()
	path := gittest.NewFile(t, "load.json", "{}")
	dir := repository(t, "-- m/001_a.sql --\nCREATE TABLE a (id int);\n", "-- m/002_b.sql --\nDROP TABLE a;\n")
	for _, p := range []string{path, path + ".gone"} {
		c := Config{Dir: dir, Base: "main"}
		c.Workload = []string{p}
		_, err := Changelog(t.Context(), c)
		if input := new(config.InputError); !errors.As(err, &input) || !strings.Contains(err.Error(), p) {
			t.Errorf("Changelog with the recording %s = %v, want an InputError that names it", p, err)
		}
	}
}
