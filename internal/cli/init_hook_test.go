package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
)

func TestAgrees(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, " y ": true, "\n": false, "": false, "n\n": false, "yes please\n": false} {
		var out strings.Builder
		if got := askToConfirm(strings.NewReader(answer), &out, "really?"); got != want || out.String() != "really? [y/N] " {
			t.Errorf("askToConfirm(%q) = %t, want %t; it printed %q", answer, got, want, out.String())
		}
	}
}

func TestAddToConfig(t *testing.T) {
	t.Parallel()
	const part = "hook:\n  disposable:\n    - \"localhost/app_dev\"\n"
	root := t.TempDir()
	path := filepath.Join(root, config.Name)
	if err := addToConfig(root, "", part); err != nil {
		t.Fatal(err)
	}
	expectText(t, path, part)
	const own = "# ours\nfail_on: warning"
	if err := os.WriteFile(path, []byte(own), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := addToConfig(root, path, part); err != nil {
		t.Fatal(err)
	}
	expectText(t, path, own+"\n\n"+part)
	if err := addToConfig(root, path, part); err == nil || !strings.Contains(err.Error(), "hook occurs here twice") {
		t.Errorf("a second part: %v", err)
	}
	expectText(t, path, own+"\n\n"+part)
}

func expectText(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s has %q (error %v), want %q", path, text, err, want)
	}
}
