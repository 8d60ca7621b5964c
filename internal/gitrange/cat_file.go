package gitrange

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// errClosed is returned by reads after Repo.Close.
var errClosed = errors.New("the repository is closed")

// errMissing is the answer for an object that does not exist here.
var errMissing = errors.New("object missing; git fsck says what else is")

// batch is the one git cat-file --batch process of a Repo, which reads blobs by their ids. It starts with
// the first read, and again if it has died.
type batch struct {
	git *program
	ctx context.Context // its end kills the process

	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *excerpt
	closed bool

	// held are contents that were read, by id: base and head share most files, and several readers look at the same
	// ones. heldSize is their size in bytes.
	held     map[string][]byte
	heldSize int
}

// mostHeld limits the size of the held contents, in bytes.
const mostHeld = 12 << 20

// readObjects calls got with the content or the error of each id, in order. got must not change the
// content. The ids are sent while answers are read. It returns early with an error when the
// process fails; got was then called for the ids before only.
func (b *batch) readObjects(ids []string, got func(i int, data []byte, err error)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return errClosed
	}
	if len(ids) == 0 {
		return nil
	}
	// The end of ctx kills the process only after a moment: it may still answer.
	if err := b.ctx.Err(); err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	if err := b.startProcess(); err != nil {
		return err
	}
	known := make([][]byte, len(ids))
	for i, id := range ids {
		known[i] = b.held[id]
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		w := bufio.NewWriterSize(b.in, 4096)
		for i, id := range ids {
			if known[i] != nil {
				continue
			}
			// A failed write also ends the process's output; reading it reports the
			// error.
			w.WriteString(id)
			w.WriteByte('\n')
		}
		w.Flush()
	}()
	for i, id := range ids {
		if known[i] != nil {
			got(i, known[i], nil)
			continue
		}
		data, err := b.readAnswer()
		if failure, ok := errors.AsType[*brokenError](err); ok {
			stderr := b.stopProcess()
			<-sent
			if b.ctx.Err() != nil {
				return fmt.Errorf("git cat-file: %w", b.ctx.Err())
			}
			return &GitError{Args: []string{"cat-file", "--batch"}, Code: -1, Stderr: strings.TrimSpace(stderr + "\n" + failure.err.Error())}
		}
		if err == nil && b.heldSize+len(data) <= mostHeld {
			b.held[id] = data
			b.heldSize += len(data)
		}
		got(i, data, err)
	}
	<-sent
	return nil
}

// brokenError is the error after which the process can no longer be used.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }

// readAnswer reads one answer: "<id> <type> <size>\n<content>\n" or "<id> missing\n".
func (b *batch) readAnswer() ([]byte, error) {
	line, err := b.out.ReadString('\n')
	if err != nil {
		return nil, &brokenError{err}
	}
	words := strings.Fields(line)
	if len(words) == 2 && words[1] == "missing" {
		return nil, errMissing
	}
	if len(words) != 3 {
		return nil, &brokenError{fmt.Errorf("unknown answer %.80q", line)}
	}
	size, err := strconv.ParseInt(words[2], 10, 64)
	if err != nil || size < 0 {
		return nil, &brokenError{fmt.Errorf("unknown answer %.80q", line)}
	}
	if size > MaxFileSize {
		if _, err := io.CopyN(io.Discard, b.out, size+1); err != nil {
			return nil, &brokenError{err}
		}
		return nil, &TooLargeError{Size: size}
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(b.out, data); err != nil {
		return nil, &brokenError{err}
	}
	if _, err := b.out.Discard(1); err != nil {
		return nil, &brokenError{err}
	}
	if words[1] != "blob" {
		return nil, fmt.Errorf("object %s is a %s, not a file", words[0], words[1])
	}
	return data, nil
}

func (b *batch) startProcess() error {
	if b.cmd != nil {
		return nil
	}
	cmd := b.git.newCommand(b.ctx, "cat-file", "--batch")
	stderr := &excerpt{}
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("git cat-file: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return gitFailure(b.ctx, err, "", []string{"cat-file"})
	}
	b.cmd, b.in, b.out, b.stderr = cmd, in, bufio.NewReaderSize(out, 64<<10), stderr
	return nil
}

// stopProcess ends the process and returns its standard error.
func (b *batch) stopProcess() string {
	if b.cmd == nil {
		return ""
	}
	b.in.Close() // git ends at the end of its input; Kill is for one that is stuck writing
	b.cmd.Process.Kill()
	b.cmd.Wait() // its error is the kill
	stderr := b.stderr.String()
	b.cmd = nil
	return stderr
}

func (b *batch) closeBatch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.stopProcess()
}

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

// ListTracked returns those of the paths that git's index has: a file, a link, or a directory with one of them.
func ListTracked(ctx context.Context, root string, paths []string) (map[string]bool, error) {
	r, err := Open(ctx, root)
	if err != nil {
		return nil, err
	}
	defer r.Close() // it has only listed
	prefix, err := filepath.Rel(resolveLinks(r.Root()), resolveLinks(root))
	if err != nil {
		return nil, fmt.Errorf("list tracked files: %w", err)
	}
	args := []string{"--literal-pathspecs", "ls-files", "-z", "--cached", "--"}
	for _, p := range paths {
		args = append(args, filepath.ToSlash(filepath.Join(prefix, p)))
	}
	out, err := r.git.runForOutput(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("list tracked files: %w", err)
	}
	tracked := map[string]bool{}
	for file := range strings.SplitSeq(string(out), "\x00") {
		for i, p := range paths {
			if name := args[len(args)-len(paths)+i]; file == name || strings.HasPrefix(file, name+"/") {
				tracked[p] = true
			}
		}
	}
	return tracked, nil
}
