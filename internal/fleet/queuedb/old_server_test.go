package queuedb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/fleet"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A server that is older than onward knows fails at once: no worker waits for it, and the others go on.
func TestOldServer(t *testing.T) {
	t.Parallel()
	s := newScene(t, 3)
	path := filepath.Join(t.TempDir(), "targets.txt")
	text := fmt.Sprintf("%q name=old\n%q schemas=tenant_*\n", pgservertest.Server(t, onward.OldestMajor-1).URL("postgres"), s.db)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.source = fleet.Source{Text: path}
	s.settings.Source, s.settings.Late, s.settings.StopAfter, s.settings.Within = path, false, "1", time.Hour
	q := s.open(t)
	s.start(t, q, false)
	s.startWorker(t, q)
	s.await(t, q, onward.RolloutFailed)
	s.checkOnce(t, 3)
	got := ask[string](t, q, "SELECT state || ': ' || note FROM onward_queue.target WHERE name = 'old'")
	if got != "failed: it is Postgres 12, and this release of onward knows 13 to 19" {
		t.Errorf("the target on Postgres 12 is %q", got)
	}
	exec(t, q, "UPDATE onward_queue.target SET state = 'failed' WHERE name = 'tenant_02'")
	pgservertest.Exec(t, s.conn, "UPDATE onward_fleet.target SET state = 'failed' WHERE name = 'tenant_02'", "UPDATE tenant_02.counter SET n = 0")
	list, err := s.config.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Retry(t.Context(), []*fleet.Target{list[0], list[2]}, "v2", "ada"); err == nil || !strings.Contains(err.Error(), "old: it is Postgres 12") {
		t.Errorf("the old server was tried again: %v", err)
	}
	s.await(t, q, onward.RolloutFailed)
	s.checkOnce(t, 3)
}
