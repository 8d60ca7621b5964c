package gitrange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
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
