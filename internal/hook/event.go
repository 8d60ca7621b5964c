package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Assistant is a coding assistant, by the form of its events and answers.
type Assistant string

// The assistants.
const (
	Claude  Assistant = "claude"
	Cursor  Assistant = "cursor"
	Codex   Assistant = "codex"
	Copilot Assistant = "copilot" // the CLI
	VSCode  Assistant = "vscode"
	Generic Assistant = "generic"
)

// Assistants lists the assistants.
func Assistants() []Assistant { return []Assistant{Claude, Cursor, Codex, Copilot, VSCode, Generic} }

// event is what an assistant is about to do.
type event struct {
	assistant Assistant
	dir       string // in which it works
	// command is a shell script; "" for none.
	command string
	edits   []fileEdit
	// queries are the SQL of a tool that speaks to a database itself.
	queries []string
}

// fileEdit is one change of a file.
type fileEdit struct {
	path string
	// content is the whole new text; nil if the edit changes parts.
	content  *string
	replaced []replacement
	hunks    []hunk // of a patch
	movedTo  string
	deleted  bool
	// unknown says why the new text cannot be known; "" if it can.
	unknown string
}

// replacement replaces a text, once or everywhere.
type replacement struct {
	before, after string
	all           bool
}

var errNoTool = errors.New("the event names no tool, no command and no file")

// readEvent reads an event. usual is the assistant of an event that does not show its own.
func readEvent(data []byte, usual Assistant) (*event, error) {
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	var top map[string]json.RawMessage
	if err := decoder.Decode(&top); err != nil {
		return nil, fmt.Errorf("the event is no JSON object: %w", err)
	}
	e := &event{assistant: usual, dir: textField(top, "cwd", "working_directory", "workingDirectory")}
	eventName := textField(top, "hook_event_name", "hookEventName", "event")
	toolName := textField(top, "tool_name", "toolName", "tool")
	e.assistant = findAssistant(top, eventName, usual)
	if e.dir == "" {
		e.dir = firstText(top["workspace_roots"])
	}
	before := []string{"PreToolUse", "preToolUse", "beforeShellExecution", "beforeMCPExecution", "BeforeTool"}
	if eventName != "" && !slices.Contains(before, eventName) {
		return e, nil // an event after the tool, or of the session
	}
	input := top
	for _, key := range []string{"tool_input", "toolArgs", "tool_args", "toolInput", "input", "arguments"} {
		raw, found := top[key]
		if !found {
			continue
		}
		inner, err := parseArguments(raw, toolName)
		if err != nil {
			return e, fmt.Errorf("%s cannot be read: %w", key, err)
		}
		input = inner
		break
	}
	if toolName == "" && eventName == "" && len(readPaths(input)) == 0 && textField(input, "command", "cmd", "patch") == "" {
		return e, errNoTool
	}
	return e, e.readToolInput(toolName, input)
}

// parseArguments reads the arguments of a tool: an object, an object in a string, or a patch.
func parseArguments(raw json.RawMessage, toolName string) (map[string]json.RawMessage, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if strings.Contains(text, patchBegin) || !strings.HasPrefix(strings.TrimSpace(text), "{") {
			key := "command"
			if !shellTools.MatchString(toolName) {
				key = "patch"
			}
			quoted, err := json.Marshal(text)
			return map[string]json.RawMessage{key: quoted}, err
		}
		raw = json.RawMessage(text)
	}
	out := map[string]json.RawMessage{}
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return out, nil
	}
	return out, json.Unmarshal(raw, &out)
}

// findAssistant returns the assistant that an event is from.
func findAssistant(top map[string]json.RawMessage, eventName string, usual Assistant) Assistant {
	hasKey := func(key string) bool { _, ok := top[key]; return ok }
	switch {
	case hasKey("cursor_version") || eventName == "beforeShellExecution" || eventName == "beforeMCPExecution" ||
		eventName == "preToolUse" && hasKey("conversation_id"):
		return Cursor
	case hasKey("toolName"):
		return Copilot
	case usual != "":
		return usual
	case eventName == "PreToolUse":
		return Claude
	}
	return Generic
}

var (
	shellTools = lazyregexp.New(`(?i)^(bash|shell|sh|powershell|pwsh|terminal|run_?in_?terminal|run_?terminal(_?cmd|` +
		`_?command)?|execute_?command|exec_?command|local_shell|run_shell_command)$`)
	writerTools = lazyregexp.New(`(?i)(write|edit|insert|create|delete|remove|rename|move|patch|replace|save|append|update)`)
	deleters    = lazyregexp.New(`(?i)^(delete|delete_?file|remove_?file)$`)
	planTools   = lazyregexp.New(`(?i)^(todo|task|agent|web|update_?plan)`)
)

// readToolInput reads what a tool gets. The fields have other names in each assistant.
func (e *event) readToolInput(toolName string, input map[string]json.RawMessage) error {
	if planTools.MatchString(toolName) {
		return nil
	}
	if dir := textField(input, "working_directory", "workdir", "cwd"); dir != "" {
		e.dir = joinPath(e.dir, dir)
	}
	for _, key := range []string{"command", "cmd", "script", "patch", "input", "patchText"} {
		text, err := parseScript(input[key])
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		trimmed := strings.TrimSpace(text)
		switch {
		case text == "":
		case strings.HasPrefix(trimmed, patchBegin) || key == "patch" || key == "patchText":
			edits, err := readPatch(trimmed)
			if err != nil {
				return err
			}
			e.edits = append(e.edits, edits...)
		// "input" is a script only for a shell. Other tools have other things in it.
		case key == "input" && !shellTools.MatchString(toolName):
		case toolName == "str_replace_editor" || toolName == "str_replace_based_edit_tool":
			// Its command is a word: "view", "create".
		default:
			e.command = text
		}
	}
	// A shell has no other arguments that matter. A tool that writes may have a command and a file.
	if e.command != "" && !writerTools.MatchString(toolName) {
		return nil
	}
	if isDatabaseTool(toolName) {
		for _, key := range []string{"sql", "query", "statement", "queries", "statements"} {
			e.queries = append(e.queries, parseTexts(input[key])...)
		}
	}
	return e.readFileEdits(toolName, input)
}

// isDatabaseTool reports whether a tool may send SQL to a database, by its name: any tool of a server of the model context
// protocol (mcp), and any with sql, postgres or query in its name.
func isDatabaseTool(toolName string) bool {
	lower := strings.ToLower(toolName)
	return strings.Contains(lower, "mcp") || strings.Contains(lower, "sql") || strings.Contains(lower, "postgres") || strings.Contains(lower, "query")
}

// readFileEdits reads the edits of files.
func (e *event) readFileEdits(toolName string, input map[string]json.RawMessage) error {
	paths := readPaths(input)
	list := slices.Concat(parseObjects(input["edits"]), parseObjects(input["replacements"]))
	for _, part := range list {
		path := paths
		if partPaths := readPaths(part); len(partPaths) > 0 {
			path = partPaths
		}
		if len(path) == 0 {
			return errors.New("an edit names no file")
		}
		r, ok := parseReplacement(part)
		if !ok {
			e.edits = append(e.edits, fileEdit{path: path[0], unknown: "the event does not have the new text"})
			continue
		}
		if last := len(e.edits) - 1; last >= 0 && e.edits[last].path == path[0] && e.edits[last].replaced != nil {
			e.edits[last].replaced = append(e.edits[last].replaced, r)
			continue
		}
		e.edits = append(e.edits, fileEdit{path: path[0], replaced: []replacement{r}})
	}
	if len(list) > 0 || len(paths) == 0 {
		return nil
	}
	r, replaces := parseReplacement(input)
	content, writes := optionalTextField(input, "content", "contents", "file_text", "fileText", "text")
	for _, path := range paths {
		switch {
		case replaces:
			e.edits = append(e.edits, fileEdit{path: path, replaced: []replacement{r}})
		case deleters.MatchString(toolName):
			e.edits = append(e.edits, fileEdit{path: path, deleted: true})
		case writes && (toolName == "" || writerTools.MatchString(toolName)):
			e.edits = append(e.edits, fileEdit{path: path, content: &content})
		case writerTools.MatchString(toolName) && textField(input, "command") != "view":
			e.edits = append(e.edits, fileEdit{path: path, unknown: "the event of the tool " + toolName + " does not have the new text"})
		}
	}
	return nil
}

// parseReplacement reads a replacement from the fields that the assistants use. ok is false if the text before or after is missing.
func parseReplacement(input map[string]json.RawMessage) (r replacement, ok bool) {
	var hasOld, hasNew bool
	r.before, hasOld = optionalTextField(input, "old_string", "oldString", "old_str", "oldText", "old_text")
	r.after, hasNew = optionalTextField(input, "new_string", "newString", "new_str", "newText", "new_text")
	for _, key := range []string{"replace_all", "replaceAll"} {
		var all bool
		if json.Unmarshal(input[key], &all) == nil && all {
			r.all = true
		}
	}
	return r, hasOld && hasNew
}

// readPaths returns the files that a tool gets.
func readPaths(input map[string]json.RawMessage) []string {
	for _, key := range []string{"file_path", "filePath", "path", "target_file", "notebook_path", "file", "filename", "files", "paths"} {
		if list := parseTexts(input[key]); len(list) > 0 {
			return list
		}
	}
	return nil
}

func textField(object map[string]json.RawMessage, keys ...string) string {
	text, _ := optionalTextField(object, keys...)
	return text
}

// optionalTextField returns the first of some fields that is a text.
func optionalTextField(object map[string]json.RawMessage, keys ...string) (string, bool) {
	for _, key := range keys {
		var text *string
		if raw, found := object[key]; found && json.Unmarshal(raw, &text) == nil && text != nil {
			return *text, true
		}
	}
	return "", false
}

func firstText(raw json.RawMessage) string {
	if list := parseTexts(raw); len(list) > 0 {
		return list[0]
	}
	return ""
}

// parseTexts reads a text or a list of texts.
func parseTexts(raw json.RawMessage) []string {
	var text string
	if json.Unmarshal(raw, &text) == nil && text != "" {
		return []string{text}
	}
	var list []string
	_ = json.Unmarshal(raw, &list) // something else
	return list
}

func parseObjects(raw json.RawMessage) []map[string]json.RawMessage {
	var list []map[string]json.RawMessage
	_ = json.Unmarshal(raw, &list) // something else
	return list
}

// parseScript reads a shell script: a text, or the arguments of a program.
func parseScript(raw json.RawMessage) (string, error) {
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return "", nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var args []string
	if err := json.Unmarshal(raw, &args); err != nil {
		return "", errors.New("neither a text nor a list of texts")
	}
	return quoteArguments(args), nil
}

// quoteArguments returns a script that runs a program with arguments.
func quoteArguments(args []string) string {
	quoted := make([]string, 0, len(args))
	for _, a := range args {
		quoted = append(quoted, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(quoted, " ")
}
