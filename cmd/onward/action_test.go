package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/onward-sql/onward/internal/report"
)

// github plays the API of comments.
type github struct {
	mu       sync.Mutex
	comments map[int]string
	next     int
	readOnly bool
	// people wrote the comments with these numbers, the workflow all others. self is whom the token says that it is
	// of; "" for a workflow's, which may not ask.
	people map[int]string
	self   string
	writes int
}

func (g *github) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer hunter2" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method != http.MethodGet {
		g.writes++
		if g.readOnly {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"message": "Resource not accessible by integration"}`)
			return
		}
	}
	var sent struct{ Body string }
	if r.Method == http.MethodPost || r.Method == http.MethodPatch {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	of, one := strings.CutPrefix(r.URL.Path, "/repos/o/r/issues/comments/")
	id, _ := strconv.Atoi(of)
	switch {
	case one && r.Method == http.MethodPatch && g.comments[id] != "":
		g.comments[id] = sent.Body
	case one && r.Method == http.MethodDelete && g.comments[id] != "":
		delete(g.comments, id)
	case r.URL.Path == "/repos/o/r/issues/7/comments" && r.Method == http.MethodPost:
		g.next++
		g.comments[g.next] = sent.Body
		if g.self != "" {
			g.people[g.next] = g.self
		}
		w.WriteHeader(http.StatusCreated)
	case r.URL.Path == "/repos/o/r/issues/7/comments":
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		list := []map[string]any{}
		for i := (page-1)*100 + 1; i <= min(g.next, page*100); i++ {
			user := map[string]string{"login": "github-actions[bot]", "type": "Bot"}
			if g.people[i] != "" {
				user = map[string]string{"login": g.people[i], "type": "User"}
			}
			list = append(list, map[string]any{"id": i, "body": g.comments[i], "user": user})
		}
		_ = json.NewEncoder(w).Encode(list)
	case r.URL.Path == "/user" && g.self != "":
		_ = json.NewEncoder(w).Encode(map[string]string{"login": g.self, "type": "User"})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// ours are the comments of onward, by their numbers.
func (g *github) ours() (ids []int) {
	for i := 1; i <= g.next; i++ {
		if g.people[i] == g.self && strings.HasPrefix(g.comments[i], report.MarkdownMarker) {
			ids = append(ids, i)
		}
	}
	return ids
}

// TestAction runs what the Action runs, on a repository with two branches.
func TestAction(t *testing.T) {
	t.Parallel()
	dir, temp := t.TempDir(), t.TempDir()
	script, err := filepath.Abs("../../ci/action.sh")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(temp, "onward") // testscript's way: the test is onward by that name
	if err := os.Symlink(self, bin); err != nil {
		t.Fatal(err)
	}
	run := func(env []string, command string) (string, int) {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", command)
		cmd.Dir = dir
		cmd.Env = append(append(os.Environ(), "PATH="+temp+":"+os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null",
			"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org"), env...)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run(nil, `git init -q -b main . && mkdir db && mkdir db/migrations
echo 'CREATE TABLE users (id bigint PRIMARY KEY, name text);' > db/migrations/1.sql
git add . && git commit -qm first && git update-ref refs/remotes/origin/main main && git checkout -qb branch
echo 'CREATE INDEX users_name_idx ON users (name);' > db/migrations/2.sql && git add . && git commit -qm second`); code != 0 {
		t.Fatal(out)
	}
	api := &github{comments: map[int]string{}, people: map[int]string{3: "somebody"}}
	for api.next < 120 { // on the second page
		api.next++
		api.comments[api.next] = "looks good"
	}
	const theirs = report.MarkdownMarker + "\nwhat somebody has pasted"
	api.comments[3] = theirs
	server := httptest.NewServer(api)
	defer server.Close()
	summary := filepath.Join(temp, "summary.md")
	base := []string{"RUNNER_TEMP=" + filepath.Join(temp, "runner"), "GITHUB_STEP_SUMMARY=" + summary, "GITHUB_OUTPUT=" + filepath.Join(temp, "output"),
		"GITHUB_API_URL=" + server.URL, "GITHUB_REPOSITORY=o/r", "GITHUB_REF=refs/pull/7/merge", "ONWARD_TARGET=main", "ONWARD_COMMENT=true", "ONWARD_SARIF=true"}
	action := func(wantCode int, env []string, want ...string) {
		t.Helper()
		out, code := run(append(base, env...), "bash "+script)
		if code != wantCode {
			t.Errorf("exit code %d, want %d:\n%s", code, wantCode, out)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%q is not said:\n%s", w, out)
			}
		}
		if strings.Contains(out, "hunter2") {
			t.Errorf("the token is told:\n%s", out)
		}
	}
	token := []string{"GITHUB_TOKEN=hunter2"}

	action(1, token, "::error", "comment created")
	if ids := api.ours(); len(ids) != 1 || !strings.Contains(api.comments[ids[0]], "index-create-blocking") {
		t.Fatalf("comments %v", ids)
	}
	writes := api.writes
	action(1, token, "comment unchanged")
	if api.writes != writes {
		t.Error("a comment that says it already was written")
	}
	// Somebody edited it, and there is a second one.
	api.comments[121] = report.MarkdownMarker + "\nI know better"
	api.next++
	api.comments[api.next] = report.MarkdownMarker + "\nof another run"
	run(nil, "echo 'CREATE INDEX CONCURRENTLY users_name_idx ON users (name);' > db/migrations/2.sql")
	action(0, token, "comment updated")
	if ids := api.ours(); len(ids) != 1 || ids[0] != 121 || strings.Contains(api.comments[121], "better") || strings.Contains(api.comments[121], "index-create-blocking") {
		t.Errorf("comments %v: %s", ids, api.comments[121])
	}
	// A newer onward wrote it: it has to be about this commit, and says which wrote it.
	api.comments[121] = report.MarkdownMarker + "\n<!-- onward version=99.0.0 newest=99.0.0 -->\nof another commit"
	action(0, token, "comment updated; onward 99.0.0, which is newer, wrote one before")
	if text := api.comments[121]; strings.Contains(text, "another commit") || !strings.Contains(text, "> onward 99.0.0 wrote this comment before") {
		t.Errorf("comment %s", text)
	}
	action(0, token, "comment unchanged; onward 99.0.0")
	if api.comments[3] != theirs {
		t.Error("somebody's own comment was written")
	}
	// A person's token has comments of its own.
	api.self = "release-robot"
	action(0, token, "comment created")
	action(0, token, "comment unchanged")
	if ids := api.ours(); len(ids) != 1 || ids[0] == 121 {
		t.Errorf("comments %v", ids)
	}
	api.self = ""
	// Without the right, or without a token, the rest is done, and what is not is said.
	run(nil, "git checkout -q db")
	if err := os.Remove(summary); err != nil {
		t.Error(err)
	}
	api.readOnly = true
	action(1, token, "::error", "no comment was written or updated: edit the comment: 403 Resource not accessible by integration")
	action(1, []string{"GITHUB_TOKEN="}, "::error", "no comment was written or updated: there is no token")
	if text, err := os.ReadFile(summary); err != nil || !strings.Contains(string(text), "index-create-blocking") {
		t.Errorf("the summary lacks the finding: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(temp, "runner/onward/onward.sarif")); err != nil || !strings.Contains(string(text), "index-create-blocking") {
		t.Errorf("the SARIF lacks the finding: %v", err)
	}
	// The API is not there: the verdict counts.
	server.Close()
	action(1, token, "::error", "::warning::onward: the comment could not be kept up to date")
	// Pushes have no pull request.
	action(0, []string{"GITHUB_REF=refs/heads/main", "ONWARD_TARGET=", "ONWARD_BEFORE=0000000000000000000000000000000000000000"}, "nothing to compare")
	action(1, []string{"GITHUB_REF=refs/heads/main", "ONWARD_TARGET=", "ONWARD_BEFORE=HEAD~1"}, "::error")
	// The inputs of the Action reach the script.
	var file struct {
		Runs struct {
			Steps []struct {
				Run string
				Env map[string]string
			}
		}
	}
	decode(t, "../../action.yml", &file)
	said, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	install, err := os.ReadFile("../../ci/install.sh")
	if err != nil {
		t.Fatal(err)
	}
	said = append(said, install...)
	n := 0
	for _, step := range file.Runs.Steps {
		if strings.Contains(step.Run, "${{") {
			t.Errorf("%q: what a stranger wrote would be run", step.Run)
		}
		for name := range step.Env {
			if n++; name != "GITHUB_TOKEN" && !strings.Contains(string(said), name) {
				t.Errorf("the script does not read %s", name)
			}
		}
	}
	if n == 0 {
		t.Error("no step has an environment")
	}
}
