package audit

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
)

// A migration with another number and the old name is the old one, even if it was edited:
// its statements, or other renumbered migrations, prove it. A migration that only has the
// name of a deleted one is new.
func TestRenumbered(t *testing.T) {
	t.Parallel()
	set := func(files ...string) *adapter.Set {
		s := &adapter.Set{}
		for i := 0; i < len(files); i += 2 {
			text := files[i+1]
			s.Migrations = append(s.Migrations, &adapter.Migration{
				ID: files[i], Path: files[i], Hash: text, Source: script.Source{Text: text, Parts: []script.Part{{SQL: text}}},
			})
		}
		return s
	}
	const a, b, c, d = "CREATE TABLE a (id int);", "CREATE TABLE b (id int);", "CREATE TABLE c (id int);", "CREATE TABLE d (id int);"
	for name, tc := range map[string]struct {
		base, head *adapter.Set
		renamed    []string // new and old names
		fresh      []string
	}{
		"half of it is what it was": {
			set("2024-01-02-000000_oauth/up", a+b), set("2025-08-01-000001_oauth/up", a+b+"CREATE INDEX ON a (id);"),
			[]string{"2025-08-01-000001_oauth/up", "2024-01-02-000000_oauth/up"}, nil,
		},
		"Flyway": {set("V3__oauth", a), set("V4__oauth", a+b), []string{"V4__oauth", "V3__oauth"}, nil},
		"the same name, another text": {
			set("0003_update", a), set("0004_update", b), nil, []string{"0004_update"},
		},
		"the whole directory has other numbers": {
			set("0001_a", a, "0002_b", b, "0003_c", c, "0004_d", d), set("0101_a", a, "0102_b", b, "0103_c", c, "0104_d", "SELECT 1;"),
			[]string{"0101_a", "0001_a", "0102_b", "0002_b", "0103_c", "0003_c", "0104_d", "0004_d"}, nil,
		},
		"two of one name": {
			set("0001_a", a, "0002_a", b), set("0003_a", a+c), nil, []string{"0003_a"},
		},
		"the old one is still there": {
			set("0001_a", a), set("0001_a", a, "0002_a", a+b), nil, []string{"0002_a"},
		},
		"numbers alone": {set("0001", a), set("0002", a+b), nil, []string{"0002"}},
	} {
		got := compareRevisions(pair{source: adapter.Source{Framework: "sql"}, base: tc.base, head: tc.head}, nil)
		var renamed, fresh []string
		for _, h := range got.history {
			if h.Kind == history.RenamedID {
				renamed = append(renamed, h.Migration, h.Other)
			}
		}
		for _, r := range got.release {
			fresh = append(fresh, r.migration.ID)
		}
		if !slices.Equal(renamed, tc.renamed) || !slices.Equal(fresh, tc.fresh) {
			t.Errorf("%s: renamed %q, new %q", name, renamed, fresh)
		}
	}
}
