package first

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
)

// assistantHook is the settings file of a coding assistant's hooks, and the entry that starts onward.
type assistantHook struct {
	path string
	// events are the lists that get an entry.
	events []string
	entry  map[string]any
	// nested: the entry is in a list of its own, below a matcher.
	nested bool
	// version is the version of the file; 0 for none.
	version int
}

// hookCommand starts the hook. A program that is missing or killed is a refusal, too.
func hookCommand(tool string) string { return "onward hook --tool " + tool + " || exit 2" }

// hookSeconds is the time that an assistant waits: longer than the hook's own limit.
const hookSeconds = 60

var assistantHooks = map[string]assistantHook{
	"claude": {
		path: ".claude/settings.json", events: []string{"PreToolUse"}, nested: true,
		entry: map[string]any{"type": "command", "command": hookCommand("claude"), "timeout": hookSeconds},
	},
	"codex": {
		path: ".codex/hooks.json", events: []string{"PreToolUse"}, nested: true,
		entry: map[string]any{"type": "command", "command": hookCommand("codex"), "timeout": hookSeconds},
	},
	"cursor": {
		path: ".cursor/hooks.json", events: []string{"preToolUse", "beforeShellExecution"}, version: 1,
		entry: map[string]any{"command": hookCommand("cursor"), "timeout": hookSeconds, "failClosed": true},
	},
	"copilot": {
		path: ".github/hooks/onward.json", events: []string{"preToolUse"}, version: 1,
		entry: map[string]any{"type": "command", "bash": "onward hook || exit 2", "timeoutSec": hookSeconds},
	},
}

// Assistants lists the assistants whose setting can be written. VS Code reads Copilot's.
func Assistants() []string { return []string{"claude", "codex", "copilot", "cursor"} }

// WriteHook writes the setting of an assistant below a directory, and returns the file's path. With remove it takes
// the setting out again. Other settings in the file stay; changed is false if there was nothing to do.
func WriteHook(root, assistant string, remove bool) (path string, changed bool, err error) {
	h, known := assistantHooks[assistant]
	if !known {
		return "", false, fmt.Errorf("no setting for %q is known", assistant)
	}
	settings := map[string]any{}
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(h.path)))
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return h.path, false, fmt.Errorf("read %s: %w", h.path, err)
	}
	if !missing {
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(&settings); err != nil {
			return h.path, false, fmt.Errorf("%s is no JSON that onward can change (%w); docs/hook.md has the setting", h.path, err)
		}
	}
	hooks, isObject := settings["hooks"].(map[string]any)
	if settings["hooks"] != nil && !isObject {
		return h.path, false, fmt.Errorf("%s: hooks is no object; docs/hook.md has the setting", h.path)
	}
	if hooks == nil {
		hooks = map[string]any{}
	}
	found := removeOwnHooks(hooks, h.events)
	if remove && !found {
		return h.path, false, nil
	}
	if !remove {
		for _, event := range h.events {
			list, _ := hooks[event].([]any)
			var entry any = h.entry
			if h.nested {
				entry = map[string]any{"matcher": "*", "hooks": []any{h.entry}}
			}
			hooks[event] = append(list, entry)
		}
		if h.version > 0 && settings["version"] == nil {
			settings["version"] = h.version
		}
	}
	if settings["hooks"] = hooks; len(hooks) == 0 {
		delete(settings, "hooks")
	}
	if _, hasMore := settings["version"]; remove && (len(settings) == 0 || len(settings) == 1 && hasMore) {
		return h.path, true, os.Remove(filepath.Join(root, filepath.FromSlash(h.path)))
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(settings); err != nil {
		return h.path, false, err
	}
	return h.path, out.String() != string(data), gitrange.ReplaceFile(root, h.path, out.String())
}

// removeOwnHooks removes onward's entries from some lists, and reports whether there were some.
func removeOwnHooks(hooks map[string]any, events []string) (found bool) {
	isOwn := func(entry any) bool {
		text, err := json.Marshal(entry)
		return err == nil && strings.Contains(string(text), `"onward hook`)
	}
	for _, event := range events {
		list, _ := hooks[event].([]any)
		before := len(list)
		list = slices.DeleteFunc(list, func(entry any) bool {
			group, _ := entry.(map[string]any)
			inner, nested := group["hooks"].([]any)
			if !nested {
				return isOwn(entry)
			}
			remainingHooks := slices.DeleteFunc(slices.Clone(inner), isOwn)
			found = found || len(remainingHooks) < len(inner)
			group["hooks"] = remainingHooks
			return len(remainingHooks) == 0
		})
		found = found || len(list) < before
		if hooks[event] = list; len(list) == 0 {
			delete(hooks, event)
		}
	}
	return found
}
