package first_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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
			t.Fatal(assistant, changed, err)
		}
		before, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil || !strings.Contains(string(before), "|| exit 2") {
			t.Errorf("%s: %s, %v", assistant, before, err)
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
			t.Fatal(changed, err)
		}
		text, err := os.ReadFile(filepath.Join(dir, ".claude/settings.json"))
		for _, want := range []string{"Bash(a && b)", "theirs", "12345678901234567890"} {
			if err != nil || !strings.Contains(string(text), want) {
				t.Errorf("%s is gone: %s, %v", want, text, err)
			}
		}
		if strings.Contains(string(text), "onward hook") == remove {
			t.Errorf("%v: %s", remove, text)
		}
	}
	broken := gittest.NewDir(t, map[string]string{".claude/settings.json": "// a comment\n{}"})
	if _, _, err := first.WriteHook(broken, "claude", false); err == nil {
		t.Error("a file that cannot be read was replaced")
	}
}
