package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/report/markdown"
)

// workflow runs what the two Actions run, on a repository with two branches.
type workflow struct {
	*testing.T
	dir, temp, judge, commenter string
	env                         []string
	api                         *github
}

func newWorkflow(t *testing.T) *workflow {
	t.Helper()
	w := &workflow{T: t, dir: t.TempDir(), temp: t.TempDir(), api: &github{
		comments: map[int]string{}, people: map[int]string{3: "somebody"}, fork: "stranger/r", head: strings.Repeat("a", 40), state: "open",
	}}
	var err error
	if w.judge, err = filepath.Abs("../../ci/action.sh"); err != nil {
		t.Fatal(err)
	}
	w.commenter = filepath.Join(filepath.Dir(w.judge), "comment/comment.sh")
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(executable, filepath.Join(w.temp, "onward")); err != nil { // testscript's way: the test is onward by that name
		t.Fatal(err)
	}
	server := w.api.serve(t)
	w.env = append(os.Environ(), "PATH="+w.temp+":"+os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.org", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.org",
		"RUNNER_TEMP="+filepath.Join(w.temp, "runner"), "GITHUB_STEP_SUMMARY="+filepath.Join(w.temp, "summary.md"), "GITHUB_OUTPUT="+filepath.Join(w.temp, "output"),
		"GITHUB_API_URL="+server.URL, "GITHUB_REPOSITORY=o/r", "ONWARD_DEFAULT=main")
	w.bash(`git init -q -b main . && mkdir db && mkdir db/migrations
echo 'CREATE TABLE users (id bigint PRIMARY KEY, name text);' > db/migrations/1.sql
git add . && git commit -qm first && git update-ref refs/remotes/origin/main main && git checkout -qb branch
echo 'CREATE INDEX users_name_idx ON users (name);' > db/migrations/2.sql && git add . && git commit -qm second`)
	return w
}

// run runs a command, and holds its exit code and what it prints.
func (w *workflow) run(command string, code int, env []string, want ...string) {
	w.Helper()
	cmd := exec.CommandContext(w.Context(), "bash", "-c", command)
	cmd.Dir, cmd.Env = w.dir, append(w.env[:len(w.env):len(w.env)], env...)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != code {
		w.Errorf("%s: exit code %d, want %d:\n%s", command, got, code, out)
	}
	for _, text := range want {
		if !strings.Contains(string(out), text) {
			w.Errorf("%s: %q is not printed:\n%s", command, text, out)
		}
	}
	if strings.Contains(string(out), "hunter2") {
		w.Errorf("the token is printed:\n%s", out)
	}
}

func (w *workflow) bash(command string) {
	w.Helper()
	w.run(command, 0, nil)
}

// judges runs the judging Action; what it leaves becomes the artifact of the run.
func (w *workflow) judges(code int, env []string, want ...string) {
	w.Helper()
	w.run("bash "+w.judge, code, env, want...)
	files := map[string]string{}
	for _, name := range []string{"report.json", "pull-request"} {
		if text, err := os.ReadFile(filepath.Join(w.temp, "runner/onward/artifact", name)); err == nil {
			files[name] = string(text)
		}
	}
	w.api.leave(w.T, files)
}

// comments runs the commenting Action.
func (w *workflow) comments(code int, env []string, want ...string) {
	w.Helper()
	w.commentsOn(map[string]any{}, code, env, want...)
}

// commentsOn runs the commenting Action on an event with other facts of its run.
func (w *workflow) commentsOn(other map[string]any, code int, env []string, want ...string) {
	w.Helper()
	run := map[string]any{
		"id":              99,
		"event":           "pull_request",
		"head_sha":        strings.Repeat("a", 40),
		"head_branch":     "branch",
		"head_repository": map[string]any{"full_name": "stranger/r"},
	}
	for key, value := range other {
		run[key] = value
	}
	event, err := json.Marshal(map[string]any{"workflow_run": run, "repository": map[string]any{"full_name": "o/r"}})
	if err != nil {
		w.Fatal(err)
	}
	file := filepath.Join(w.temp, "event.json")
	if err := os.WriteFile(file, event, 0o600); err != nil {
		w.Fatal(err)
	}
	w.run("bash "+w.commenter, code, append([]string{
		"GITHUB_EVENT_NAME=workflow_run", "GITHUB_EVENT_PATH=" + file, "GITHUB_TOKEN=hunter2", "ONWARD_COMMENT=true", "ONWARD_SARIF=true",
	}, env...), want...)
}

var onPullRequest = []string{"GITHUB_EVENT_NAME=pull_request", "GITHUB_REF=refs/pull/7/merge", "ONWARD_TARGET=main", "ONWARD_NUMBER=7"}

// TestAction judges a pull request, and keeps its one comment up to date.
func TestAction(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	api := w.api
	for api.next < 120 { // on the second page
		api.next++
		api.comments[api.next] = "looks good"
	}
	const theirs = markdown.Marker + "\nwhat somebody has pasted"
	api.comments[3] = theirs

	w.judges(1, onPullRequest, "::error")
	w.comments(0, nil, "comment created")
	if ids := api.ours(); len(ids) != 1 || !strings.Contains(api.comments[ids[0]], "index-create-blocking") {
		t.Fatalf("comments %v", ids)
	}
	writes := api.writes
	w.comments(0, nil, "comment unchanged")
	if api.writes != writes {
		t.Error("a comment that says it already was written")
	}
	for file, want := range map[string]string{
		"summary.md": "index-create-blocking", "runner/onward-comment/onward.sarif": "index-create-blocking", "output": "ref=refs/pull/7/head\nsha=aaaa",
	} {
		if text, err := os.ReadFile(filepath.Join(w.temp, file)); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s lacks %q: %v", file, want, err)
		}
	}
	// Somebody edited it, and there is a second one.
	api.comments[121] = markdown.Marker + "\nI know better"
	api.next++
	api.comments[api.next] = markdown.Marker + "\nof another run"
	w.bash("echo 'CREATE INDEX CONCURRENTLY users_name_idx ON users (name);' > db/migrations/2.sql")
	w.judges(0, onPullRequest)
	w.comments(0, nil, "comment updated")
	if ids := api.ours(); len(ids) != 1 || ids[0] != 121 || strings.Contains(api.comments[121], "better") ||
		strings.Contains(api.comments[121], "index-create-blocking") {
		t.Errorf("comments %v: %s", ids, api.comments[121])
	}
	// A newer onward wrote it: it has to be about this commit, and says which wrote it.
	api.comments[121] = markdown.Marker + "\n<!-- onward version=99.0.0 newest=99.0.0 -->\nof another commit"
	w.comments(0, nil, "comment updated; onward 99.0.0, which is newer, wrote one before")
	if text := api.comments[121]; strings.Contains(text, "another commit") || !strings.Contains(text, "> onward 99.0.0 wrote this comment before") {
		t.Errorf("comment %s", text)
	}
	w.comments(0, nil, "comment unchanged; onward 99.0.0")
	if api.comments[3] != theirs {
		t.Error("somebody's own comment was written")
	}
	// A person's token has comments of its own.
	api.self = "release-robot"
	w.comments(0, nil, "comment created")
	w.comments(0, nil, "comment unchanged")
	if ids := api.ours(); len(ids) != 1 || ids[0] == 121 {
		t.Errorf("comments %v", ids)
	}
	api.self = ""
	// A missing right is reported.
	w.bash("git checkout -q db")
	w.judges(1, onPullRequest, "::error")
	api.readOnly = true
	w.comments(0, nil, "no comment was written or updated: edit the comment: 403 Resource not accessible by integration")
	w.comments(0, []string{"ONWARD_COMMENT=false"})
	if api.readOnly = false; strings.Contains(api.comments[121], "index-create-blocking") {
		t.Error("a comment was written")
	}
}

// TestCommentDistrustsArtifact comments on nothing that the run's event does not confirm, and reads nothing without bounds.
func TestCommentDistrustsArtifact(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	api := w.api
	w.comments(0, nil, "the run left no report")
	w.judges(1, onPullRequest)
	text, err := os.ReadFile(filepath.Join(w.temp, "runner/onward/artifact/report.json"))
	if err != nil {
		t.Fatal(err)
	}
	good := string(text)
	for name, c := range map[string]struct {
		files map[string]string
		says  string
	}{
		"another pull request":       {map[string]string{"report.json": good, "pull-request": "8"}, "the head of the pull request 8 is"},
		"a number that is a path":    {map[string]string{"report.json": good, "pull-request": "7/../8"}, "with a number"},
		"a number with a sign":       {map[string]string{"report.json": good, "pull-request": "+7"}, "with a number"},
		"no number":                  {map[string]string{"report.json": good, "pull-request": ""}, "with a number"},
		"none":                       {map[string]string{"report.json": good, "pull-request": "0"}, "names the pull request 0"},
		"one file":                   {map[string]string{"report.json": good}, "the artifact has 1 files"},
		"a third file":               {map[string]string{"report.json": good, "pull-request": "7", "x.sh": "true"}, "the artifact has 3 files"},
		"a file outside":             {map[string]string{"../report.json": good, "pull-request": "7"}, "does not consist of report.json"},
		"a bomb":                     {map[string]string{"report.json": good + strings.Repeat(" ", 40<<20), "pull-request": "7"}, "has more than 33554432 bytes"},
		"a long number":              {map[string]string{"report.json": good, "pull-request": strings.Repeat("7", 100)}, "has more than 12 bytes"},
		"a key that no report has":   {map[string]string{"report.json": strings.Replace(good, "{", `{"shell": "true",`, 1), "pull-request": "7"}, "unknown field"},
		"text after the report":      {map[string]string{"report.json": good + "{}", "pull-request": "7"}, "not a report"},
		"a report that is no object": {map[string]string{"report.json": "[]", "pull-request": "7"}, "not a report"},
	} {
		api.leave(t, c.files)
		w.comments(2, nil, c.says)
		if t.Failed() {
			t.Fatalf("the case %q failed: see the errors above", name)
		}
	}
	api.artifact = []byte("no zip file")
	w.comments(2, nil, "is not a zip file")
	api.claimed = 1 << 30
	w.comments(2, nil, "the artifact has 1073741824 bytes")
	api.artifact, api.claimed = make([]byte, 9<<20), 10
	w.comments(2, nil, "more than 8388608 bytes")

	api.leave(t, map[string]string{"report.json": good, "pull-request": "7\n"})
	for _, other := range []map[string]any{
		{"head_sha": strings.Repeat("c", 40)}, {"head_repository": nil}, {"head_repository": map[string]any{"full_name": "o/r"}},
		{"event": "push"}, {"event": "pull_request_target"}, {"id": 0}, {"head_sha": "main"},
	} {
		w.commentsOn(other, 2, nil)
	}
	api.state = "closed"
	w.comments(2, nil, "the pull request 7 is closed")
	api.state = "open"
	w.comments(2, []string{"GITHUB_REPOSITORY=o/other"}, "the event is of the repository")
	w.comments(2, []string{"GITHUB_EVENT_NAME=pull_request_target"}, "written on workflow_run")
	if api.writes != 0 {
		t.Errorf("%d comments were written", api.writes)
	}
	// A push of this repository has findings, and no comment.
	w.commentsOn(map[string]any{"event": "push", "head_branch": "main", "head_repository": map[string]any{"full_name": "o/r"}}, 0, nil, "no pull request")
	if text, err := os.ReadFile(filepath.Join(w.temp, "output")); err != nil || !strings.Contains(string(text), "ref=refs/heads/main") {
		t.Errorf("the findings of a push have no ref: %v", err)
	}
	w.comments(0, nil, "comment created") // all else is as it was
}

// TestActionFindsBase compares each event with what is deployed, or fails.
func TestActionFindsBase(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	zeros := "ONWARD_BEFORE=" + strings.Repeat("0", 40)
	for _, c := range []struct {
		env  string
		code int
		says string
	}{
		{"GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/main ONWARD_BEFORE=HEAD~1", 1, "::error"},
		{"GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/branch " + zeros, 1, "index-create-blocking"},
		{"GITHUB_EVENT_NAME=merge_group ONWARD_GROUP=HEAD~1", 1, "index-create-blocking"},
		{"GITHUB_EVENT_NAME=merge_group ONWARD_GROUP=", 1, "index-create-blocking"},
		{"GITHUB_EVENT_NAME=workflow_dispatch GITHUB_REF=refs/heads/branch", 1, "index-create-blocking"},
		{"GITHUB_EVENT_NAME=schedule ONWARD_BASE=HEAD~1", 1, "index-create-blocking"},
		{"GITHUB_EVENT_NAME=workflow_dispatch ONWARD_DEFAULT=", 2, "Set the input base"},
		{"GITHUB_EVENT_NAME=workflow_dispatch ONWARD_DEFAULT=nowhere", 2, "nowhere"},
		{"GITHUB_EVENT_NAME=pull_request_target ONWARD_TARGET=main", 2, "Run it on pull_request"},
	} {
		w.run("bash "+w.judge, c.code, strings.Fields(c.env), c.says)
	}
	// On the default branch itself there is nothing before it.
	w.bash("git update-ref refs/remotes/origin/main HEAD")
	for _, env := range []string{"GITHUB_EVENT_NAME=workflow_dispatch", "GITHUB_EVENT_NAME=push " + zeros, "GITHUB_EVENT_NAME=schedule"} {
		w.run("bash "+w.judge, 2, strings.Fields(env), "nothing says which revision is deployed")
	}
	w.bash("git config http.https://github.com/.extraheader 'AUTHORIZATION: basic aHVudGVyMg=='")
	w.run("bash "+w.judge, 2, []string{"GITHUB_EVENT_NAME=schedule"}, "::warning::onward: actions/checkout left the job's token")
}

// step is a step of an Action or a workflow.
type step struct {
	Uses, Run string
	With, Env map[string]string
}

// TestActionFiles holds what the steps of the Actions get: the inputs reach the scripts, and only the comment has a token.
func TestActionFiles(t *testing.T) {
	t.Parallel()
	for file, scripts := range map[string][]string{
		"action.yml":            {"ci/action.sh", "ci/install.sh", "ci/source_key.sh"},
		"ci/comment/action.yml": {"ci/comment/comment.sh", "ci/install.sh", "ci/source_key.sh"},
		"ci/stats/action.yml":   {"ci/stats/stats.sh", "ci/install.sh", "ci/source_key.sh"},
	} {
		var action struct{ Runs struct{ Steps []step } }
		decode(t, "../../"+file, &action)
		var scriptText []byte
		for _, script := range scripts {
			text, err := os.ReadFile("../../" + script)
			if err != nil {
				t.Fatal(err)
			}
			scriptText = append(scriptText, text...)
		}
		n := 0
		for _, s := range action.Runs.Steps {
			if strings.Contains(s.Run, "${{") {
				t.Errorf("%s: %q: what a stranger wrote would be run", file, s.Run)
			}
			for name, value := range s.Env {
				if n++; name != "GITHUB_TOKEN" && !strings.Contains(string(scriptText), name) {
					t.Errorf("%s: no script reads %s", file, name)
				}
				if file == "action.yml" && (strings.Contains(strings.ToLower(name+value), "token") || strings.Contains(value, "secrets.")) {
					t.Errorf("%s: the step that runs the branch's code has %s=%s", file, name, value)
				}
			}
			if file != "action.yml" && strings.HasPrefix(s.Uses, "actions/checkout") {
				t.Errorf("%s checks out the branch", file)
			}
		}
		if n == 0 {
			t.Errorf("%s: no step has an environment", file)
		}
	}
}

// TestPin writes a version into what pipelines include, and sees that another one is written.
func TestPin(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	files := []string{"action.yml", "ci/comment/action.yml", "ci/stats/action.yml", "ci/onward.gitlab-ci.yml"}
	for _, name := range files {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args string
		code int
	}{
		{"--check v1.2.3", 1}, {"v1.2.3", 0}, {"--check v1.2.3", 0}, {"v1.2.3-rc.1", 0}, {"--check v1.2.3", 1},
		{"v1.2.4", 0}, {"1.2.4", 2}, {"v1.2.4/../x", 2}, {"", 2},
	} {
		cmd := exec.CommandContext(t.Context(), "bash", append([]string{"../../scripts/pin.sh"}, strings.Fields(c.args)...)...)
		cmd.Env = append(os.Environ(), "ONWARD_ROOT="+root)
		if out, _ := cmd.CombinedOutput(); cmd.ProcessState.ExitCode() != c.code {
			t.Errorf("%s: exit code %d, want %d: %s", c.args, cmd.ProcessState.ExitCode(), c.code, out)
		}
	}
	for _, name := range files {
		if text, err := os.ReadFile(filepath.Join(root, name)); err != nil || strings.Count(string(text), ": v1.2.4\n") != 1 ||
			strings.HasSuffix(name, "gitlab-ci.yml") != strings.Contains(string(text), "\n  ONWARD_IMAGE: ghcr.io/onward-sql/onward:1.2.4-git\n") {
			t.Errorf("pin.sh v1.2.4 left %s without exactly one v1.2.4 (read: %v):\n%s", name, err, text)
		}
	}
	var action struct {
		Inputs struct{ Version struct{ Default string } }
	}
	decode(t, filepath.Join(root, "action.yml"), &action)
	if action.Inputs.Version.Default != "v1.2.4" {
		t.Errorf("the default is %q", action.Inputs.Version.Default)
	}
}
