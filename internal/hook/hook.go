package hook

import (
	"context"
	"errors"
	"fmt"
	"io"
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
		if danger := findSQLDamage(q, e.dir); danger != "" {
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
