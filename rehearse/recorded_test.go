package rehearse_test

import (
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// With a recording, the deployed code's own pages wait, by name, and its own queries fail,
// after the statement that breaks them. Queries that must not be sent are left out.
func TestRecordedTraffic(t *testing.T) {
	t.Parallel()
	file := gittest.NewFile(t, "workload.json", `{"schema": "onward.workload/1", "sources": ["record"], "queries": [
{"id": "1", "sql": "SELECT total FROM orders WHERE user_id = $1", "kind": "select", "params": ["bigint"], "uses": [{"relation": "public.orders"}], "calls": 9, "senders": [{"place": "checkout", "calls": 9}]},
{"id": "2", "sql": "INSERT INTO orders (user_id, total) VALUES ($1, $2)", "kind": "insert", "params": ["bigint", "integer"], "uses": [{"relation": "public.orders"}], "calls": 9, "senders": [{"place": "checkout", "calls": 9}]},
{"id": "3", "sql": "SELECT email, mood FROM users WHERE id = $1", "kind": "select", "params": ["bigint"], "uses": [{"relation": "public.users"}], "calls": 90, "senders": [{"place": "profile", "calls": 90}]},
{"id": "4", "sql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity, users", "kind": "select", "uses": [{"relation": "public.users"}], "calls": 900}
], "sequences": [{"transaction": "commit", "steps": [{"query": "1"}, {"query": "2"}], "count": 9}]}`)
	c := on(branch(t, shopBase, []txtar.File{
		step("ALTER TABLE orders ADD COLUMN note text;\nSELECT pg_sleep(0.5);"),
		{Name: "00003_moods.sql", Data: []byte("-- +goose Up\nALTER TABLE users ADD COLUMN age int;\nALTER TABLE users DROP COLUMN mood;\n")},
	}))
	c.Workload, c.Traffic, c.Rows = []string{file}, true, fill.Plan{All: 200, Seed: 1}
	r, h := rehearsed(t, c)
	if len(h.Statements) != 4 || h.Traffic == nil || h.Traffic.Recorded == nil {
		t.Fatalf("%d statements, traffic %+v", len(h.Statements), h.Traffic)
	}
	got := h.Traffic.Recorded
	if h.Traffic.Source != "workload" || got.Queries != 4 || got.Run != 3 || got.Touching != 3 || got.Tried != 3 || got.Transactions != 1 ||
		len(got.Left) != 1 || got.Left[0].Examples[0].ID != "4" {
		t.Errorf("source %s, recorded %+v", h.Traffic.Source, got)
	}
	if len(h.Traffic.Waiters) == 0 || h.Traffic.Waiters[0].Sender != "checkout" || h.Traffic.Waiters[0].Statement != 0 || h.Traffic.Waiters[0].WorstMS < 250 {
		t.Errorf("waiters %+v", h.Traffic.Waiters)
	}
	for _, w := range h.Traffic.Waiters {
		if w.Sender != "checkout" && w.WorstMS > 250 {
			t.Errorf("%s waited for %.0f ms", w.Sender, w.WorstMS)
		}
	}
	if len(h.Traffic.Failures) != 1 {
		t.Fatalf("failures %+v", h.Traffic.Failures)
	}
	f := h.Traffic.Failures[0]
	if f.ID != "3" || f.Sender != "profile" || f.Error.Code != "42703" || f.After == nil || !strings.Contains(text(r, h.Statements[*f.After]), "DROP COLUMN") {
		t.Errorf("failure %+v", f)
	}
}
