package hook

import (
	"encoding/json"
	"io"
	"os"
	"strings"
)

// exitRefused is the exit code that assistants read as a refusal.
const exitRefused = 2

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// WriteAnswer writes the answer in the form that the assistant reads, and returns the exit code. Claude Code, Codex and
// VS Code read the text of standard error after the exit code 2; Cursor and Copilot read JSON.
func (d *Decision) WriteAnswer(out, errors io.Writer) (code int, err error) {
	refused := len(d.Refused) > 0
	text := "onward: refused.\n" + strings.Join(d.Refused, "\n")
	notes := "onward: " + strings.Join(d.Notes, "\nonward: ")
	var answer map[string]any
	switch {
	case d.Assistant == Cursor && refused:
		answer = map[string]any{"permission": "deny", "user_message": text, "agent_message": text}
	case d.Assistant == Cursor:
		answer = map[string]any{} // its own questions stay
		if len(d.Notes) > 0 {
			answer["agent_message"] = notes
		}
	case d.Assistant == Copilot && refused:
		answer = map[string]any{"permissionDecision": "deny", "permissionDecisionReason": text}
	case refused:
		_, err := io.WriteString(errors, text+"\n")
		return exitRefused, err
	case len(d.Notes) > 0 && (d.Assistant == Claude || d.Assistant == VSCode || d.Assistant == Codex):
		answer = map[string]any{"hookSpecificOutput": map[string]any{"hookEventName": "PreToolUse", "additionalContext": notes}}
	case len(d.Notes) > 0 && d.Assistant == Generic:
		_, err := io.WriteString(errors, notes+"\n")
		return 0, err
	}
	if answer == nil {
		return 0, nil
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil && refused {
		return exitRefused, err
	} else if err != nil {
		return 0, err
	}
	return 0, nil
}
