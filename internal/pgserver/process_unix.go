//go:build unix

package pgserver

import (
	"crypto/rand"
	_ "embed"
	"encoding/binary"
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

// maker watches over directories from before they are made until the watchdog does, which needs them to be there.
type maker struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// watchMaking starts a shell that removes the directories should this process end before done is called. Nobody else
// may have directories of these names.
func watchMaking(dirs ...string) (*maker, error) {
	cmd := exec.Command("/bin/sh", append([]string{"-c", `trap '' HUP INT TERM; read -r made || rm -rf "$@"`, "sh"}, dirs...)...)
	cmd.Dir = "/"
	cmd.Env = helperEnvironment()
	cmd.SysProcAttr = account{}.attributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a shell: %w", err)
	}
	return &maker{cmd, stdin}, nil
}

// done lets the directories be; calling it again does nothing.
func (m *maker) done() {
	if _, err := io.WriteString(m.stdin, "made\n"); err != nil {
		return
	}
	_ = m.stdin.Close()
	_ = m.cmd.Wait()
}

// process is a running watchdog and the server that it watches over. The server is not the watchdog's child: what
// confines the server must not confine the watchdog, which runs programs.
type process struct {
	watchdog *exec.Cmd
	stdin    io.WriteCloser // the watchdog's; its end is the order to finish
	acct     account        // the server's
	data     string         // the server's data directory

	// gone is closed by the kernel, that is reading it ends, when nobody holds held any more. The server's processes
	// do, and this one until they are started.
	gone, held *os.File
	server     *os.Process   // nil before begin
	mark       uint64        // on all processes of the server, see limits; 0 is none
	memory     uint64        // how many bytes one of its processes may have; 0 is as many as there are
	log        tail          // what the server says
	logged     chan struct{} // closed when it has said all
	ended      chan struct{} // closed when the server is no more
}

// watch starts a watchdog over a private directory. It has not started the server yet: begin does. When this process
// ends, the directories are removed, whether or not begin was called.
func watch(acct account, p *private) (*process, error) {
	script := filepath.Join(p.dir, "watchdog.sh") // a file, not an argument: this is what "ps" shows
	if err := os.WriteFile(script, []byte(watchdog), 0o600); err != nil {
		return nil, err
	}
	if err := acct.own(script); err != nil {
		return nil, err
	}
	gone, held, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out := &process{
		acct: acct, data: filepath.Join(p.dir, "data"), gone: gone, held: held, mark: p.mark,
		logged: make(chan struct{}), ended: make(chan struct{}),
	}
	cmd := exec.Command("/bin/sh", script, p.dir, p.home)
	cmd.Dir = p.dir
	cmd.Env = helperEnvironment()
	cmd.ExtraFiles = []*os.File{p.lock, gone} // descriptors 3 and 4
	cmd.SysProcAttr = acct.attributes()
	if out.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, errors.Join(err, gone.Close(), held.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server's watchdog: %w", err), gone.Close(), held.Close())
	}
	out.watchdog = cmd
	return out, nil
}

// newMark is a number that nobody else has.
func newMark() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:]) >> 2
}

// begin starts the server. gaps tell what its confinement lacks.
//
// Should this process be killed before the watchdog is told the number: the child holds the watchdog's input open
// until it has become the server, and works in the data directory from then on, where the watchdog looks.
func (p *process) begin(c command) (gaps []string, err error) {
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
	// When nobody reads the log any more, because this process was killed, writing it is an error that Postgres
	// passes over.
	p.server, gaps, err = c.start([]*os.File{null, write, write, p.held})
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		defer close(p.logged)
		defer log.Close()
		p.log.follow(log)
	}()
	gaps = append(gaps, p.limit(p.server.Pid)...)
	p.tell("server %d %d", p.server.Pid, p.mark)
	_ = p.held.Close()
	go p.attend()
	return gaps, nil
}

// tell writes a line to the watchdog. One that was killed is noticed at the end.
func (p *process) tell(format string, args ...any) {
	_, _ = fmt.Fprintf(p.stdin, format+"\n", args...)
}

// settle is called when the server accepts connections, and before anybody learns where: what is in its directory
// can still be trusted.
func (p *process) settle() {
	p.limitMapped(p.server.Pid)
	for _, pid := range children(p.server.Pid) {
		p.limit(pid) // started before the first process had its limits
		p.limitMapped(pid)
	}
	if status, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid")); err == nil {
		if _, id := segment(string(status)); id != "" {
			p.tell("segment %s", id)
		}
	}
}

// attend waits for the server's end.
func (p *process) attend() {
	_, _ = io.Copy(io.Discard, p.gone) // until nobody holds it
	// The number is the server's until Wait returns, and the watchdog shall signal nobody else.
	p.tell("ended")
	_, _ = p.server.Wait()
	for range 100 {
		if !killMarked(p.mark) {
			break
		}
	}
	select {
	case <-p.logged:
	case <-time.After(time.Second): // somebody else holds the log
	}
	close(p.ended)
}

// waitGone returns when no process of the server is left. It is for after begin.
func (p *process) waitGone() { <-p.ended }

// interrupt asks the server to shut down in order
// (https://www.postgresql.org/docs/current/server-shutdown.html).
func (p *process) interrupt() error { return p.server.Signal(syscall.SIGINT) }

// end makes the watchdog shut the server down and remove the directories, and waits until it has.
func (p *process) end() error {
	_ = p.held.Close() // if the server was never started
	err := p.stdin.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	// The exit status says nothing of use: what counts is that the directories are gone, which the caller looks at.
	_ = p.watchdog.Wait()
	if p.server != nil {
		p.finish()
	}
	return errors.Join(err, p.gone.Close())
}

// finish ends a server whose watchdog was killed; otherwise it is gone already.
func (p *process) finish() {
	for range 60 {
		select {
		case <-p.ended:
			return
		case <-time.After(100 * time.Millisecond):
			// Not after the first moments: it may be on its way.
		}
		_ = p.server.Signal(syscall.SIGQUIT)
	}
	_ = p.server.Kill()
	killMarked(p.mark)
	select {
	case <-p.ended:
	case <-time.After(5 * time.Second): // nothing that could be done is left
	}
}

// segment reads from the content of postmaster.pid what names the server's first process and, in line 7, its shared
// memory: key and id. The file is the server's to write: what a stranger's server left there is no more than a claim.
func segment(status string) (pid, id string) {
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
