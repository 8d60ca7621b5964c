package command

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/onward-sql/onward/internal/address"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Limits of a command's output, in bytes: MaxOutput of stdout, maxTalk of the end of stderr, and maxLine of a line in a message.
const (
	MaxOutput = 256 << 20
	maxTalk   = 64 << 10
	maxLine   = 1000
)

// Command is a program and how to run it.
type Command struct {
	Words []string
	Dir   string
	Env   []string
	// Timeout ends it and all processes that it started.
	Timeout time.Duration
	// Start starts it; nil for cmd.Start. Started is called with the process after that, if it is not nil.
	Start   func(*exec.Cmd) error
	Started func(pid int)
	// Signal returns the signal that ended it, if its process does not say so; 0 for none. It may be nil.
	Signal func() syscall.Signal
}

// Error says why a command failed.
type Error struct {
	// Program is the first word of the command. Message is the last line that it printed, or why it did not start.
	Program, Message string
	TimedOut         bool
	// LeftRunning is set if the command itself succeeded, and a process that it left has its output open.
	LeftRunning bool
}

// Error names the program.
func (e *Error) Error() string { return e.Program + ": " + e.Message }

// Run runs a command without input and returns what it printed to stdout. Errors: an [*Error], and the context's.
func Run(ctx context.Context, c Command) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	program, err := lookPath(c.Words[0], c.Env)
	if err != nil {
		return nil, &Error{Program: c.Words[0], Message: "there is no such program on the PATH"}
	}
	out := &limitedBuffer{limit: MaxOutput, stop: cancel}
	talk := &tail{limit: maxTalk}
	cmd := exec.CommandContext(limited, program, c.Words[1:]...)
	cmd.Dir, cmd.Env = c.Dir, c.Env
	cmd.Stdout, cmd.Stderr = out, talk
	cmd.WaitDelay = 2 * time.Second
	OwnGroup(cmd)
	start := c.Start
	if start == nil {
		start = (*exec.Cmd).Start
	}
	if err = start(cmd); err == nil {
		if c.Started != nil {
			c.Started(cmd.Process.Pid)
		}
		err = cmd.Wait()
	}
	Sweep(cmd)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case out.over:
		return nil, &Error{Program: c.Words[0], Message: fmt.Sprintf("it printed more than %d MB", MaxOutput>>20)}
	case limited.Err() != nil:
		return nil, &Error{
			Program: c.Words[0], TimedOut: true,
			Message: "it took too long; the limit is " + c.Timeout.String() + describeLastOutput(talk),
		}
	case err == nil:
		return out.Bytes(), nil
	}
	message := talk.errorLine()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		signal := KilledBy(cmd.ProcessState)
		if signal == "" && c.Signal != nil {
			signal = describeSignal(c.Signal())
		}
		if signal != "" {
			message = "it was ended by " + signal + describeLastOutput(talk)
		}
	}
	if message == "" { // some tools print their errors to stdout
		printed := &tail{buf: out.Bytes()[max(0, out.Len()-maxTalk):]}
		message = cmp.Or(printed.errorLine(), err.Error())
	}
	return out.Bytes(), &Error{Program: c.Words[0], Message: message, LeftRunning: errors.Is(err, exec.ErrWaitDelay)}
}

func describeLastOutput(t *tail) string {
	if line := t.lastLine(); line != "" {
		return "; its last output: " + line
	}
	return ""
}

// limitedBuffer keeps the output up to a limit, and stops the command at that.
type limitedBuffer struct {
	bytes.Buffer
	limit int
	over  bool
	stop  func()
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.limit {
		b.over = true
		b.stop()
		return 0, errors.New("too much output")
	}
	return b.Buffer.Write(p)
}

// tail keeps the end of what is written to it.
type tail struct {
	buf   []byte
	limit int
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf = append(t.buf, p...)
	if excess := len(t.buf) - t.limit; excess > 0 {
		t.buf = append(t.buf[:0], t.buf[excess:]...)
	}
	return len(p), nil
}

// errorLines match lines with an error: "Error: x", "app.SomeException: x". After them, Node, Ruby and others print more.
var errorLines = lazyregexp.New(`(?m)^\s*(?:[\w.:]*(?:Error|Exception)\b.*: .*|(?:PHP )?(?i:error|fatal)\b.*)$`)

// starterLines match what a starter of programs says about one that failed: go run, make, npm, pnpm, yarn. The program's own error is above.
var starterLines = lazyregexp.New(`(?m)^[ \t]*(?:exit status \d+|make(?:\[\d+\])?: \*\*\* .*|\[?ELIFECYCLE\]? .*|` +
	`error Command failed with exit code \d+\.|info Visit https://yarnpkg\.com/.*|` +
	`npm (?:ERR!|error)(?: (?:code (?:\d+|ELIFECYCLE)|errno \d+|path|command|Lifecycle script|Exit status|A complete log)\b.*)?)\r?$`)

// errorLine returns the last line with an error, else the last line, shortened and without passwords.
func (t *tail) errorLine() string {
	if found := errorLines.FindAllString(t.programText(), -1); len(found) > 0 {
		return printableLine(found[len(found)-1])
	}
	return t.lastLine()
}

// lastLine returns the last line, shortened and without passwords.
func (t *tail) lastLine() string {
	text := t.programText()
	return printableLine(text[strings.LastIndexByte(text, '\n')+1:])
}

// programText returns the text without what a starter says, unless it is all.
func (t *tail) programText() string {
	text := strings.TrimSpace(string(t.buf))
	return cmp.Or(strings.TrimSpace(starterLines.ReplaceAllString(text, "")), text)
}

// printableLine shortens a line and hides passwords.
func printableLine(line string) string {
	line = address.HidePasswords(strings.TrimSpace(line))
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}
