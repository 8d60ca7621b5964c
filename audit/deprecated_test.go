package audit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

const deprecatedBase = `
-- go.mod --
module shop

require github.com/pressly/goose/v3 v3.24.0
-- migrations/00001_init.sql --
-- +goose Up
CREATE TABLE users (id bigint PRIMARY KEY, email text, nick text, age int);
-- migrations/00002_words.sql --
-- +goose Up
COMMENT ON COLUMN users.nick IS 'onward: deprecated 2026-11-01, remove after 2027-02-01, renamed to name';
-- store/store.go --
package store

const one = "SELECT id, email FROM users WHERE id = $1"

func order(by string) string { return "ORDER BY " + map[string]string{"n": "nick"}[by] }
`

// What a recording says of a deprecated column that goes: that nobody used it, or who does,
// or nothing at all.
func TestDeprecatedDrop(t *testing.T) {
	t.Parallel()
	read := workload.Query{
		SQL:  "SELECT id, email FROM users WHERE id = $1",
		Kind: workload.Select,
		Uses: []workload.Use{{Relation: "public.users", Reads: []string{"email", "id"}}},
	}
	const drop = "SET LOCAL lock_timeout = '2s';\nALTER TABLE users DROP COLUMN nick;\n"
	for name, tt := range map[string]struct {
		change     string
		queries    []workload.Query
		rule       string
		severity   onward.Severity
		fact, harm string
	}{
		"nobody used it": {
			drop, []workload.Query{read}, "column-drop", onward.Info,
			"deprecated since 2026-11-01, to be removed after 2027-02-01",
			"nobody used it in 1,204 recorded calls on the table (1 queries)",
		},
		"somebody does": {
			drop, []workload.Query{read, {SQL: "SELECT nick FROM users", Kind: workload.Select}}, "column-drop", onward.Error,
			"deprecated since", "the deployed code uses the column (seen in workload.json)",
		},
		"another table only": {
			drop, []workload.Query{{SQL: "SELECT a FROM others", Kind: workload.Select}}, "column-drop", onward.Warning,
			"deprecated since", "no query on the table, which proves nothing",
		},
		"nothing recorded": {drop, nil, "column-drop", onward.Warning, "deprecated since", "is named like"},
		"not deprecated": {
			strings.Replace(drop, "nick", "age", 1), []workload.Query{read}, "column-drop", onward.Info,
			"column age of users is dropped", "nor does any of the recorded queries on its table (1)",
		},
		"a new name": {
			strings.Replace(drop, "DROP COLUMN nick", "RENAME COLUMN nick TO name", 1), []workload.Query{read},
			"column-rename", onward.Info, "deprecated since 2026-11-01", `nobody used "nick" in 1,204 recorded calls`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Config{
				Dir:  repository(t, deprecatedBase, "-- migrations/00003_more.sql --\n-- +goose Up\n"+tt.change),
				Base: "main",
				Now:  time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
			}
			if tt.queries != nil {
				c.Workload = []string{recordingOf(t, tt.queries...)}
			}
			r := changelog0(t, c)
			for _, f := range r.Findings {
				if f.Rule != tt.rule {
					continue
				}
				if f.Severity != tt.severity || !strings.Contains(f.Fact, tt.fact) || !strings.Contains(f.Harm, tt.harm) {
					t.Errorf("%v: %s: %s; want %v: %s: %s", f.Severity, f.Fact, f.Harm, tt.severity, tt.fact, tt.harm)
				}
				if name == "not deprecated" && strings.Contains(f.Fact+f.Harm, "deprecated") {
					t.Errorf("words of a deprecation that is none: %s: %s", f.Fact, f.Harm)
				}
				return
			}
			t.Errorf("no finding of %s: %v", tt.rule, found(r))
		})
	}
}

// A deprecated column is an error from the day after its last on, wherever it is called so.
func TestPastSunset(t *testing.T) {
	t.Parallel()
	const more = "-- migrations/00003_more.sql --\n-- +goose Up\nCREATE TABLE others (id int PRIMARY KEY);\n"
	day := func(d int) time.Time { return time.Date(2027, 2, d, 12, 0, 0, 0, time.UTC) }
	for name, tt := range map[string]struct {
		change     string
		now        time.Time
		configured map[string]string
		want       string
	}{
		"the last day":                   {more, day(1), nil, ""},
		"the day after":                  {more, day(2), nil, "error migrations/00002_words.sql:2"},
		"it goes":                        {more + "SET LOCAL lock_timeout = '2s';\nALTER TABLE users DROP COLUMN nick;\n", day(2), nil, ""},
		"onward.yaml gives it more time": {more, day(2), map[string]string{"users.nick": "deprecated, remove after 2027-03-01"}, ""},
		"onward.yaml has another":        {more, day(1), map[string]string{"users.age": "deprecated, remove after 2027-01-01"}, "error onward.yaml:1"},
		"a later comment takes it back":  {more + "COMMENT ON COLUMN users.nick IS 'the nick';\n", day(2), nil, ""},
		"words that cannot be read": {
			more + "COMMENT ON COLUMN users.nick IS 'onward: deprecated soon';\n", day(2), nil,
			"warning migrations/00003_more.sql:3",
		},
		"no migrations, and the day goes": {"-- README.md --\nx\n", day(2), nil, "error migrations/00002_words.sql:2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := config.Default()
			settings.Deprecated = tt.configured
			r := changelog0(t, Config{Dir: repository(t, deprecatedBase, tt.change), Base: "main", Now: tt.now, Settings: settings})
			got := ""
			for _, f := range r.Findings {
				if f.Rule == "column-past-sunset" {
					got += f.Severity.String() + " " + fmt.Sprintf("%s:%d", f.Path, f.Line)
				}
			}
			if got != tt.want {
				t.Errorf("found %q, want %q: %v", got, tt.want, found(r))
			}
		})
	}
}
