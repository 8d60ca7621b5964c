// Package hook judges what a coding assistant is about to do: an edit of a migration, or a command that may lose a
// database's data. It reads the event that the assistant gives to its hooks, before the tool runs.
//
// An event without a migration and without a database passes before any step that could fail. For all others each
// failure is a refusal.
package hook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fault"
)

// DefaultLimit is how long judging an event may take.
const DefaultLimit = 20 * time.Second

// mostEvent limits the size of an event: 32 MB.
const mostEvent = 32 << 20

// Config is what Judge needs.
type Config struct {
	// Dir is the directory of events that name none.
	Dir string
	// Assistant is the assistant that an event is from, if it does not show it; "" for none.
	Assistant Assistant
	// Settings returns the configuration of a directory.
	Settings func(dir string) (*config.Config, error)
	// Getenv returns a variable of the assistant's environment.
	Getenv func(string) string
	// Limit is the time for one event; 0 is DefaultLimit.
	Limit time.Duration
	// Deployed says where to read the deployed database.
	Deployed audit.Deployed
}

// Decision is the answer to an event.
type Decision struct {
	Assistant Assistant
	// Refused are the reasons to refuse it; nil if it may happen.
	Refused []string
	// Notes say what was not judged.
	Notes []string
}

// Judge reads an event and judges it. Every failure is a refusal.
func Judge(ctx context.Context, c Config, in io.Reader) Decision {
	limit := c.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	ctx, stop := context.WithTimeout(ctx, limit)
	defer stop()
	done := make(chan Decision, 1)
	go func() {
		d := Decision{Assistant: c.Assistant}
		defer func() {
			if recovered := recover(); recovered != nil {
				d.Refused = append(d.Refused, fault.FromPanic(recovered).Error())
			}
			done <- d
		}()
		judgeEvent(ctx, &c, in, &d)
	}()
	select {
	case d := <-done:
		return d
	case <-ctx.Done():
		select {
		case d := <-done:
			return d
		default:
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return Decision{Assistant: c.Assistant, Refused: []string{"onward was interrupted before it judged it"}}
		}
		return Decision{Assistant: c.Assistant, Refused: []string{fmt.Sprintf("it was not judged within %v (onward hook --limit)", limit)}}
	}
}

func judgeEvent(ctx context.Context, c *Config, in io.Reader, d *Decision) {
	data, err := io.ReadAll(io.LimitReader(in, mostEvent+1))
	if err == nil && len(data) > mostEvent {
		err = fmt.Errorf("the event is larger than %d bytes", mostEvent)
	}
	if err != nil {
		d.refuse("the event cannot be read: %v", err)
		return
	}
	e, err := readEvent(data, c.Assistant)
	if e != nil {
		d.Assistant = e.assistant
	}
	if err != nil {
		d.refuse("the event cannot be read: %v", err)
		return
	}
	if e.dir == "" || !filepath.IsAbs(e.dir) {
		e.dir = joinPath(c.Dir, e.dir)
	}
	r := &reader{c: c, ctx: ctx, event: e, decision: d}
	r.judgeFiles(e.edits, e.dir)
	r.judgeCommand()
	for _, q := range e.queries {
		if danger := newSQLReader(e.dir).findDamage(q, 0); danger != "" {
			d.refuse("the tool %s, and its database is not known. A person can run the statement.", danger)
		}
	}
}

func (d *Decision) refuse(format string, args ...any) {
	if reason := fmt.Sprintf(format, args...); !slices.Contains(d.Refused, reason) {
		d.Refused = append(d.Refused, reason)
	}
}

// reader judges one event.
type reader struct {
	c        *Config
	ctx      context.Context
	event    *event
	decision *Decision
}

// judgeCommand judges a shell script.
func (r *reader) judgeCommand() {
	text := r.event.command
	if text == "" || !namesDatabase(text) && !scriptWords.MatchString(text) && !fileWords.MatchString(text) &&
		!strings.ContainsAny(text, ">") && !strings.Contains(text, patchBegin) {
		return
	}
	s := readScript(text, r.event.dir, r.c.Getenv)
	for _, err := range s.unread {
		r.decision.refuse("the command names a tool for databases and cannot be read as a shell script: %v", err)
	}
	for i := range s.runs {
		r.judgeInvocation(&s.runs[i])
	}
	r.judgeWrites(s)
}

// judgeInvocation judges one program that a script runs.
func (r *reader) judgeInvocation(run *invocation) {
	name := programName(run.args[0].text)
	if run.args[0].text == codeRun {
		name = codeRun
	}
	tool := findTool(name)
	if tool == nil {
		if !run.args[0].known && run.args[0].text == "" && len(run.args) > 1 && destroyingWords.MatchString(joinWords(run.args[1:]).text) {
			r.decision.refuse("the shell computes the program's name, and its arguments have a word that destroys")
		}
		return
	}
	if len(run.args) > 1 && (arguments{all: run.args[1:]}).hasOption("--help") {
		return
	}
	danger := tool.danger(arguments{all: run.args[1:], run: run})
	if danger == "" {
		return
	}
	shown := name
	if name == codeRun {
		shown = "the code"
	} else if list := (arguments{all: run.args[1:]}).listWords(); len(list) > 0 && !strings.Contains(list[0], "://") && !tool.libpq {
		shown += " " + list[0]
	}
	list, reason := r.resolveDatabases(run, tool)
	if reason != "" {
		r.decision.refuse("%s %s, and onward cannot determine its database: %s.\n"+
			"Write the address into the command, and let a person list it in %s if its data may be lost:\n"+
			"  hook:\n    disposable: [localhost/app_dev]", shown, danger, reason, config.Name)
		return
	}
	settings, err := r.c.Settings(run.dir)
	if err != nil {
		r.decision.refuse("%s %s, and the settings that list disposable databases cannot be read: %v", shown, danger, err)
		return
	}
	for _, d := range list {
		if !d.isDisposable(settings.Hook.Disposable) {
			r.decision.refuse("%s %s, in %s. If that data may be lost, let a person list it in %s:\n  hook:\n    disposable: [%s]",
				shown, danger, d, config.Name, d)
		}
	}
}

// judgeWrites judges the files that a script changes.
func (r *reader) judgeWrites(s *script) {
	list := listWriteEdits(s.writes)
	if patchStart := strings.Index(r.event.command, patchBegin); patchStart >= 0 {
		edits, err := readPatch(r.event.command[patchStart:])
		if err != nil {
			r.decision.refuse("the patch in the command cannot be read: %v", err)
		}
		list = append(list, edits...)
	}
	r.judgeFiles(list, r.event.dir)
}

// exitRefused is the exit code that assistants read as a refusal.
const exitRefused = 2

func fileExists(name string) bool {
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

var (
	// codeOptions are the options of an interpreter before code: python -c CODE.
	codeOptions = map[string][]string{
		"python": {"-c"}, "php": {"-r"}, "ruby": {"-e"}, "perl": {"-e", "-E"}, "deno": {"eval"},
		"node": {"-e", "--eval", "-p", "--print", "-pe"},
	}
	// valueOptions are the options of an interpreter that take the next word, and are neither code nor a program.
	valueOptions = map[string][]string{
		"python": {"-W", "-X"}, "php": {"-d", "-c"}, "ruby": {"-r", "-I"}, "perl": {"-I", "-M"},
		"node": {"-r", "--require", "--import", "--loader", "-P", "--project"},
	}
)

// interpreterFamily returns the interpreter whose options a program takes; "" if it is none.
func interpreterFamily(name string) string {
	switch {
	case slices.Contains(pythons, name):
		return "python"
	case slices.Contains([]string{"node", "bun", "tsx", "ts-node"}, name):
		return "node"
	case codeOptions[name] != nil:
		return name
	}
	return ""
}

// isInterpreter reports whether a program takes code on the command line, or another program.
func isInterpreter(name string) bool { return name != "bun" && interpreterFamily(name) != "" }

// unwrapInterpreter drops an interpreter before a program, and records code on its command line. It reports whether a program follows.
func (r *scriptReader) unwrapInterpreter(run *invocation) bool {
	family := interpreterFamily(programName(run.args[0].text))
	if family == "perl" || family == "ruby" {
		r.recordWrites(run)
	}
	for i := 1; i < len(run.args); i++ {
		w := run.args[i]
		isGroup := (family == "perl" || family == "ruby") && !strings.HasPrefix(w.text, "--") && strings.HasPrefix(w.text, "-") &&
			strings.HasSuffix(strings.ToLower(w.text), "e")
		switch {
		case w.text == "-m" && family == "python" && i+1 < len(run.args):
			run.args = run.args[i+1:]
			if programName(run.args[0].text) == "django" {
				run.args = append([]word{{"manage.py", true}}, run.args[1:]...)
			}
			return true
		case (isGroup || slices.Contains(codeOptions[family], w.text)) && i+1 < len(run.args):
			run.args = []word{{codeRun, true}, run.args[i+1]}
			r.out.runs = append(r.out.runs, *run)
			return false
		case slices.Contains(valueOptions[family], w.text):
			i++
		case w.text == "-" || strings.HasPrefix(w.text, "-") || w.text == "run" && family == "node":
		default:
			run.args = run.args[i:]
			return isKnownProgram(programName(run.args[0].text)) || slices.Contains([]string{"python", "php", "ruby"}, family)
		}
	}
	if run.stdin != nil {
		run.args = []word{{codeRun, true}, *run.stdin}
		r.out.runs = append(r.out.runs, *run)
	}
	return false
}

// codeRun is the name of a program whose text is on the command line.
const codeRun = "(code)"
