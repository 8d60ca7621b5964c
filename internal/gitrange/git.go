package gitrange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"
)

// safety comes before every git command: nothing that the repository's own
// configuration names may run or change what is printed.
var safety = []string{
	"--no-pager",
	"-c", "core.quotepath=false",
	"-c", "core.fsmonitor=false",
	"-c", "core.hooksPath=/dev/null",
	"-c", "core.splitIndex=false",
	"-c", "diff.external=",
	"-c", "diff.orderFile=/dev/null",
	"-c", "diff.autoRefreshIndex=true",
	"-c", "diff.renameLimit=1000",
	"-c", "submodule.recurse=false",
}

// program is the git program as it is run for one directory.
type program struct {
	dir   string
	env   []string
	extra []string // further -c options: filters of the repository switched off
}

// newCommand prepares a git command. It ends when ctx does.
func (p *program) newCommand(ctx context.Context, args ...string) *exec.Cmd {
	all := make([]string, 0, len(safety)+len(p.extra)+len(args))
	all = append(all, safety...)
	all = append(all, p.extra...)
	all = append(all, args...)
	cmd := exec.CommandContext(ctx, "git", all...)
	cmd.Dir = p.dir
	cmd.Env = p.env
	// A child that outlives git (none is expected) must not hold us up.
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// runForOutput runs git and returns what it printed.
func (p *program) runForOutput(ctx context.Context, args ...string) ([]byte, error) {
	return p.runWithInput(ctx, nil, nil, args...)
}

// runWithInput runs git with stdin, and with env added to the environment.
func (p *program) runWithInput(ctx context.Context, stdin io.Reader, env []string, args ...string) ([]byte, error) {
	cmd := p.newCommand(ctx, args...)
	cmd.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], env...)
	var out bytes.Buffer
	var stderr excerpt
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &stderr
	if err := cmd.Run(); err != nil {
		return out.Bytes(), gitFailure(ctx, err, stderr.String(), args)
	}
	return out.Bytes(), nil
}

// gitFailure turns the failure of a git process into an error for people.
func gitFailure(ctx context.Context, err error, stderr string, args []string) error {
	if ctx.Err() != nil {
		return fmt.Errorf("git %s: %w", args[0], ctx.Err())
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("the git program was not found in PATH; install git: %w", err)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &GitError{Args: args, Code: exit.ExitCode(), Ended: exit.String(), Stderr: stderr}
	}
	return fmt.Errorf("git %s: %w", args[0], err)
}

// hasExitCode says whether err is a git command that ended with code.
func hasExitCode(err error, code int) bool {
	ge, ok := errors.AsType[*GitError](err)
	return ok && ge.Code == code
}

// isMissingObject says whether git failed for want of an object that a partial
// clone left on the server. The words are stable: LC_ALL is C.
func isMissingObject(err error) bool {
	ge, ok := errors.AsType[*GitError](err)
	return ok && isMissingObjectText(ge.Stderr)
}

func isMissingObjectText(stderr string) bool {
	for _, words := range []string{"promisor remote", "lazy fetching disabled", "transport '", "unable to read", "missing object", "missing blob"} {
		if strings.Contains(stderr, words) {
			return true
		}
	}
	return false
}

// excerpt keeps the first part of what is written to it, enough for a message.
type excerpt struct{ buf []byte }

const excerptSize = 16 << 10

func (t *excerpt) Write(p []byte) (int, error) {
	if room := excerptSize - len(t.buf); room > 0 {
		t.buf = append(t.buf, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *excerpt) String() string { return string(t.buf) }
