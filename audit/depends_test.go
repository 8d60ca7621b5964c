package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
)

// Django refuses a history in which a migration that has run depends on one that has not.
func TestAppliedDependsOnNew(t *testing.T) {
	t.Parallel()
	migration := func(id string, after ...string) *adapter.Migration {
		return &adapter.Migration{ID: id, Path: id + ".py", After: after}
	}
	base := []*adapter.Migration{migration("a.0001"), migration("b.0001", "a.0001")}
	squash := migration("a.0001_squashed")
	squash.Replaces = []string{"a.0001"}
	for name, c := range map[string]struct {
		head []*adapter.Migration
		want string
	}{
		"behind":     {[]*adapter.Migration{base[0], base[1], migration("a.0002", "a.0001", "b.0001")}, ""},
		"run_before": {[]*adapter.Migration{base[0], migration("a.0002", "a.0001"), migration("b.0001", "a.0001", "a.0002")}, "a.0002"},
		"a squash":   {[]*adapter.Migration{base[0], squash, migration("b.0001", "a.0001_squashed")}, ""},
	} {
		got := ""
		p := pair{
			source: adapter.Source{Framework: "django"},
			base:   &adapter.Set{Migrations: base},
			head:   &adapter.Set{Migrations: c.head, HistoryBehavior: adapter.HistoryBehavior{Overtaken: "%s is applied before its dependency %s"}},
		}
		for _, h := range compareRevisions(p, nil).history {
			if h.Kind == history.Refused && strings.Contains(h.Refusal.Harm, "b.0001 is applied before its dependency a.0002") {
				got = h.Migration
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// An app that is no longer installed leaves its tables in the database.
func TestAppNotInstalled(t *testing.T) {
	t.Parallel()
	migration := func(id string, after ...string) *adapter.Migration {
		return &adapter.Migration{ID: id, Path: id + ".py", After: after}
	}
	base := []*adapter.Migration{migration("a.0001"), migration("a.0002"), migration("b.0001")}
	for name, c := range map[string]struct {
		head []*adapter.Migration
		want string
	}{
		"one migration": {[]*adapter.Migration{base[0], base[2]}, ""},
		"the app":       {[]*adapter.Migration{base[2]}, "a"},
		"all apps":      {nil, ""},
		"needed":        {[]*adapter.Migration{migration("b.0001", "a.0002")}, ""},
	} {
		p := pair{source: adapter.Source{Framework: "django"}, base: &adapter.Set{Migrations: base}, head: &adapter.Set{Migrations: c.head}}
		for _, h := range compareRevisions(p, nil).history {
			if h.Kind == history.Deleted && h.Migration == "a.0002" && h.App != c.want {
				t.Errorf("%s: %q, want %q", name, h.App, c.want)
			}
		}
	}
}
