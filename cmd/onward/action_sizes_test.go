package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestActionKnowsSizes judges with the sizes that a nightly job left, or that the deployed revision has as a file.
func TestActionKnowsSizes(t *testing.T) {
	t.Parallel()
	const small, large = `{"schema": "onward.stats/1", "relations": [{"name": "public.users", "kind": "table", "rows": 12, "heap_bytes": 8192}, {"name": "public.orders", "kind": "table", "rows": 81000000, "heap_bytes": 24000000000}]}`,
		`{"schema": "onward.stats/1", "relations": [{"name": "public.users", "kind": "table", "rows": 81000000, "heap_bytes": 24000000000}]}`
	w := newWorkflow(t)
	w.judges(1, onPullRequest, "::error")
	// The branch's own file is not believed.
	w.bash("echo '" + small + "' > onward.stats.json && git add . && git commit -qm sizes")
	w.judges(1, onPullRequest, "::error")
	w.bash("git update-ref refs/remotes/origin/main branch && git rm -q onward.stats.json && echo 'CREATE INDEX users_id_idx ON users (id);' > " +
		"db/migrations/3.sql && git add . && git commit -qm third")
	w.judges(0, onPullRequest)
	// The cache is newer than a file.
	sizes := filepath.Join(w.temp, "runner/onward-sizes")
	if err := os.MkdirAll(sizes, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sizes, "onward.stats.json"), []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	w.judges(1, onPullRequest, "::error")
}

// TestActionReadsSizes reads the sizes of a database on the default branch only, and asks for an address if there is none.
func TestActionReadsSizes(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	w.env = append(w.env, "GITHUB_REF=refs/heads/main")
	script := "bash " + filepath.Join(filepath.Dir(w.judge), "stats/stats.sh")
	url := "ONWARD_STATS_URL=" + pgservertest.Database(t, onward.NewestMajor)
	w.run(script, 2, []string{"GITHUB_REF=refs/pull/7/merge", url}, "the default branch only")
	w.run(script, 0, nil, "no sizes are read", "ONWARD_STATS_URL")
	if _, err := os.Stat(filepath.Join(w.temp, "output")); err == nil {
		t.Error("without an address there is something to keep")
	}
	w.run(script, 0, []string{url})
	for file, want := range map[string]string{"output": "directory=", "runner/onward-sizes/onward.stats.json": `"schema": "onward.stats/1"`} {
		if text, err := os.ReadFile(filepath.Join(w.temp, file)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v", file, want, err)
		}
	}
	w.run(script, 3, []string{"ONWARD_STATS_URL=postgres://hunter2:hunter2@127.0.0.1:1/x"})
}
