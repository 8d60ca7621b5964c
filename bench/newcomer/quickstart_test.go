package newcomer

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// snapshot is what `make snapshot` made where ONWARD_SNAPSHOT names it, else an onward that is built here.
func snapshot(t *testing.T) *Releases {
	t.Helper()
	r, err := LoadReleases(os.Getenv("ONWARD_SNAPSHOT"), "../../install.sh")
	if os.Getenv("ONWARD_SNAPSHOT") == "" {
		r, err = Build(t.Context(), "../..")
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestQuickStart runs the README's quick start word for word as somebody would who has nothing yet, and then its
// steps in CI as the Action runs them.
func TestQuickStart(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"curl", "git", "bash"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Fatal(needed, "is needed")
		}
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, err := QuickStart(string(readme))
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	stop, err := Serve(home, snapshot(t))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	out, code := Run(t.Context(), home, home, Script(commands))
	if code != 0 {
		t.Fatalf("the README's quick start exits with %d, want 0:\n%s", code, out)
	}
	_, rest, _ := strings.Cut(out, "$ onward init")
	for _, want := range []string{
		"onward.yaml",
		"index-create-blocking  migrations/2_emails.sql:1:1", "creating index orders_email_idx blocks writes to orders",
		"rewrote migrations/2_emails.sql", "Safe to deploy if files in migrations run without a transaction",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is not printed, or not in its place:\n%s", want, out)
		}
		rest = after
	}
	if _, err := os.Stat(filepath.Join(home, "shop/onward.yaml")); err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(commands, func(c Command) bool { return c.Exit == 1 }) {
		t.Error("nothing is found in the quick start")
	}

	// CI: the Action with what the README says, on the branch of a pull request. The release here has another version.
	if version := action(t, string(readme)); version != "v1.2.3" {
		t.Errorf("the README's Action has the version %s", version)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	ci := "set -e\ngit add . && git commit -q -m emails\ngit update-ref refs/remotes/origin/main main\n" +
		"export RUNNER_TEMP=$HOME/runner GITHUB_PATH=$HOME/path GITHUB_STEP_SUMMARY=$HOME/summary.md GITHUB_OUTPUT=$HOME/output GITHUB_REF=refs/pull/1/merge " +
		"GITHUB_EVENT_NAME=pull_request\n" +
		"ONWARD_VERSION=latest bash " + root + "/ci/install.sh\nPATH=$(cat $GITHUB_PATH):/usr/bin:/bin\n" +
		"command -v onward\nONWARD_TARGET=main bash " + root + "/ci/action.sh\ncat $GITHUB_STEP_SUMMARY"
	out, code = Run(t.Context(), home, filepath.Join(home, "shop"), ci)
	if code != 0 || !strings.Contains(out, filepath.Join(home, "runner/onward-program/onward")) || !strings.Contains(out, "2_emails.sql") {
		t.Errorf("in CI: exit code %d: %s", code, out)
	}
}

// action is the version that the README's steps in CI give to the Action.
func action(t *testing.T, readme string) string {
	t.Helper()
	_, text, _ := strings.Cut(readme, "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	var steps []struct {
		Uses string
		With map[string]any
	}
	if err := yaml.Unmarshal([]byte(text), &steps); err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		if version, ok := s.With["version"].(string); ok && strings.HasPrefix(s.Uses, "onward-sql/onward@") {
			return version
		}
	}
	t.Fatalf("the README's steps have no Action of onward with a version: %s", text)
	return ""
}
