package first_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/first"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// A setting is written once, and taken out again without a trace.
func TestWriteHook(t *testing.T) {
	t.Parallel()
	const theirs = `{"permissions":{"allow":["Bash(a && b)"]},` +
		`"hooks":{"PreToolUse":[{"matcher":"Bash","hooks":[{"type":"command","command":"theirs"}]}]},"n":12345678901234567890}`
	for _, assistant := range first.Assistants() {
		dir := t.TempDir()
		path, changed, err := first.WriteHook(dir, assistant, false)
		if err != nil || !changed {
			t.Fatalf("WriteHook for %s: changed %t, error %v, want a change", assistant, changed, err)
		}
		before, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil || !strings.Contains(string(before), "|| exit 2") {
			t.Errorf("the hook of %s is %s, %v, want || exit 2 in it", assistant, before, err)
		}
		if _, changed, err = first.WriteHook(dir, assistant, false); err != nil || changed {
			t.Errorf("%s: the second time: %v, %v", assistant, changed, err)
		}
		if _, changed, err = first.WriteHook(dir, assistant, true); err != nil || !changed {
			t.Errorf("%s: taken out: %v, %v", assistant, changed, err)
		}
		if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
			t.Errorf("%s: %s is still there", assistant, path)
		}
	}
	dir := gittest.NewDir(t, map[string]string{".claude/settings.json": theirs})
	for _, remove := range []bool{false, true} {
		if _, changed, err := first.WriteHook(dir, "claude", remove); err != nil || !changed {
			t.Fatalf("WriteHook(claude, remove %t): changed %t, error %v, want a change", remove, changed, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, ".claude/settings.json"))
		for _, want := range []string{"Bash(a && b)", "theirs", "12345678901234567890"} {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%s is gone: %s, %v", want, text, err)
			}
		}
		if strings.Contains(string(text), "onward hook") == remove {
			t.Errorf("after WriteHook(claude, remove %t) the settings are: %s", remove, text)
		}
	}
	broken := gittest.NewDir(t, map[string]string{".claude/settings.json": "// a comment\n{}"})
	if _, _, err := first.WriteHook(broken, "claude", false); err == nil {
		t.Error("a file that cannot be read was replaced")
	}
}

// TestHookPage holds that the settings on docs/hook.md are what WriteHook writes.
func TestHookPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/hook.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)In `(\\.[^`]+)`.*?```json\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != len(first.Assistants()) {
		t.Fatalf("the page has %d settings", len(blocks))
	}
	shown := map[string]string{}
	for _, b := range blocks {
		shown[b[1]] = b[2]
	}
	for _, assistant := range first.Assistants() {
		dir := t.TempDir()
		path, _, err := first.WriteHook(dir, assistant, false)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := errors.Join(json.Unmarshal(data, &want), json.Unmarshal([]byte(shown[path]), &got)); err != nil {
			t.Fatalf("parse the written settings %s, and those of the page: %v", path, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s on the page (-written +page):\n%s", path, diff)
		}
	}
}
