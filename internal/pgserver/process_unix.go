//go:build unix

package pgserver

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed watchdog.sh
var watchdog string

// creationGuard protects directories from before their creation until the watchdog takes over, which needs existing
// directories.
type creationGuard struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// guardCreation starts a shell that removes the directories if this process ends before keepDirs is called. Nobody else
// may have directories with these names.
func guardCreation(dirs ...string) (*creationGuard, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", `trap '' HUP INT TERM; read -r made || rm -rf "$@"`, "sh"}, dirs...)...)
	cmd.Dir = "/"
	cmd.Env = helperEnvironment()
	cmd.SysProcAttr = account{}.sysProcAttr()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a shell: %w", err)
	}
	return &creationGuard{cmd, stdin}, nil
}

// keepDirs keeps the directories; calling it again does nothing.
func (m *creationGuard) keepDirs() {
	if _, err := io.WriteString(m.stdin, "made\n"); err != nil {
		return
	}
	_ = m.stdin.Close()
	_ = m.cmd.Wait()
}

// process is a running watchdog and its server. The server is not the watchdog's child, because the server's
// restrictions must not apply to the watchdog, which runs programs.
type process struct {
	watchdog *exec.Cmd
	stdin    io.WriteCloser // the watchdog's; closing it is the order to finish
	acct     account        // the server's
	data     string         // the server's data directory

	// The kernel closes gone, so that reading it ends, when nobody has held open any more. The server's processes
	// have it open, and this process until they are started.
	exitPipe, exitPipeWriter *os.File
	server                   *os.Process   // nil before begin
	mark                     uint64        // on all processes of the server, see limits; 0 is none
	memory                   uint64        // memory limit of one of its processes, in bytes; 0 is no limit
	log                      logTail       // the server's log
	logged                   chan struct{} // closed when the log is complete
	ended                    chan struct{} // closed when the server has ended
}

// launchWatchdog starts a watchdog for a private directory. The server is not started yet: begin does that. When this process
// ends, the directories are removed, whether or not begin was called.
func launchWatchdog(acct account, p *privateDir) (*process, error) {
	script := filepath.Join(p.dir, "watchdog.sh") // a file, not an argument: "ps" shows this
	if err := os.WriteFile(script, []byte(watchdog), 0o600); err != nil {
		return nil, err
	}
	if err := acct.changeOwner(script); err != nil {
		return nil, err
	}
	exitReader, exitWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out := &process{
		acct: acct, data: filepath.Join(p.dir, "data"), exitPipe: exitReader, exitPipeWriter: exitWriter, mark: p.mark,
		logged: make(chan struct{}), ended: make(chan struct{}),
	}
	cmd := exec.Command("/bin/sh", script, p.dir, p.home)
	cmd.Dir = p.dir
	cmd.Env = helperEnvironment()
	cmd.ExtraFiles = []*os.File{p.lock, exitReader} // descriptors 3 and 4
	cmd.SysProcAttr = acct.sysProcAttr()
	if out.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, exitReader.Close(), exitWriter.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server's watchdog: %w", err), exitReader.Close(), exitWriter.Close())
	}
	out.watchdog = cmd
	return out, nil
}

// startServer starts the server. gaps lists the missing restrictions.
//
// If this process is killed before the watchdog gets the process ID, the watchdog still finds the server: the child
// holds the watchdog's input open until it executes the server, and works in the data directory from then on, where
// the watchdog looks.
func (p *process) startServer(c command) (gaps []string, err error) {
	log, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, errors.Join(err, log.Close(), write.Close())
	}
	defer null.Close()
	defer write.Close()
	// If this process was killed, nobody reads the log any more. Writing it is then an error that Postgres ignores.
	p.server, gaps, err = c.startProcess([]*os.File{null, write, write, p.exitPipeWriter}, p.ended)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		defer close(p.logged)
		defer log.Close()
		p.log.readPipe(log)
	}()
	gaps = append(gaps, p.limitProcess(p.server.Pid)...)
	p.sendWatchdog("server %d %d", p.server.Pid, p.mark)
	_ = p.exitPipeWriter.Close()
	go p.awaitExit()
	return gaps, nil
}

// sendWatchdog writes a line to the watchdog. If the watchdog was killed, that is noticed at the end.
func (p *process) sendWatchdog(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stdin, format+"\n", args...)
}

// finishStart is called when the server accepts connections, and before anybody knows its address: the content of its
// directory can still be trusted.
func (p *process) finishStart() {
	p.limitAddressSpace(p.server.Pid)
	for _, pid := range childProcesses(p.server.Pid) {
		p.limitProcess(pid) // started before the first process had its limits
		p.limitAddressSpace(pid)
	}
	if status, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid")); err == nil {
		if _, id := parseSegment(string(status)); id != "" {
			p.sendWatchdog("segment %s", id)
		}
	}
}

// awaitExit waits for the server's end.
func (p *process) awaitExit() {
	_, _ = io.Copy(io.Discard, p.exitPipe) // until nobody has it open
	// The process ID is the server's until Wait returns, and the watchdog must not signal any other process.
	p.sendWatchdog("ended")
	_, _ = p.server.Wait()
	for range 100 {
		if !killMarked(p.mark) {
			break
		}
	}
	select {
	case <-p.logged:
	case <-time.After(time.Second): // another process has the log open
	}
	close(p.ended)
}

// waitForEnd returns when no process of the server is left. It must be called after begin.
func (p *process) waitForEnd() { <-p.ended }

// interrupt requests a fast shutdown of the server (https://www.postgresql.org/docs/current/server-shutdown.html).
func (p *process) interrupt() error { return p.server.Signal(syscall.SIGINT) }

// endServer makes the watchdog shut the server down and remove the directories, and waits for that.
func (p *process) endServer() error {
	_ = p.exitPipeWriter.Close() // if the server was never started
	err := p.stdin.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	// The exit status is useless: the caller checks that the directories are gone.
	_ = p.watchdog.Wait()
	if p.server != nil {
		p.killRemaining()
	}
	return errors.Join(err, p.exitPipe.Close())
}

// killRemaining ends a server whose watchdog was killed; otherwise it has ended already.
func (p *process) killRemaining() {
	for range 60 {
		select {
		case <-p.ended:
			return
		case <-time.After(100 * time.Millisecond):
			// Not at once: it may be ending.
		}
		_ = p.server.Signal(syscall.SIGQUIT)
	}
	_ = p.server.Kill()
	killMarked(p.mark)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second): // nothing else can be done
	}
}

// parseSegment reads from the content of postmaster.pid the ID of the server's first process and, from line 7, the key
// and ID of its shared memory. An untrusted server can write this file, so the result is only a claim.
func parseSegment(status string) (pid, id string) {
	lines := strings.Split(status, "\n")
	if len(lines) > 6 {
		if fields := strings.Fields(lines[6]); len(fields) == 2 {
			if _, err := strconv.ParseUint(fields[1], 10, 31); err == nil {
				id = fields[1]
			}
		}
	}
	return lines[0], id
}
