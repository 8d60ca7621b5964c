//go:build unix

package pgserver

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed watchdog.sh
var watchdog string

// account is who the server runs as. The zero value is the user of this process.
type account struct {
	name     string // "" for the zero value
	uid, gid uint32
}

// serverAccount is the zero account unless this process is root: Postgres refuses to run as root, so "nobody" it is.
func serverAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	nobody := account{name: "nobody", uid: 65534, gid: 65534}
	if u, err := user.Lookup("nobody"); err == nil {
		uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return account{}, fmt.Errorf("account nobody: %w", err)
		}
		nobody.uid, nobody.gid = uint32(uid), uint32(gid)
	}
	return nobody, nil
}

// dropped reports whether the server runs as somebody else than this process.
func (a account) dropped() bool { return a.name != "" }

// own gives files to the account.
func (a account) own(paths ...string) error {
	if !a.dropped() {
		return nil
	}
	for _, path := range paths {
		if err := os.Lchown(path, int(a.uid), int(a.gid)); err != nil {
			return err
		}
	}
	return nil
}

// reach tells why the account cannot enter a directory, or nil. Of a path that does not exist yet, the part that does
// is looked at.
func (a account) reach(dir string) error {
	if !a.dropped() {
		return nil
	}
	for {
		info, err := os.Stat(dir)
		if err == nil {
			stat, _ := info.Sys().(*syscall.Stat_t)
			need := os.FileMode(0o001)
			switch {
			case stat == nil:
			case stat.Uid == a.uid:
				need = 0o100
			case stat.Gid == a.gid:
				need = 0o010
			}
			if info.Mode()&need == 0 {
				return fmt.Errorf("directory %s (mode %#o) cannot be entered by %s, as whom the server runs", dir, info.Mode().Perm(), a.name)
			}
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil
		}
		dir = parent
	}
}

func (a account) attributes() *syscall.SysProcAttr {
	// A session of its own: Ctrl-C in the terminal is for this process, which then decides what to do.
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.dropped() {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid}
	}
	return attr
}

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

// process is a running watchdog and the server below it.
type process struct {
	cmd   *exec.Cmd
	data  string // the server's data directory
	stdin io.WriteCloser
	// gone is closed by the kernel, that is reading it ends, when no process of the server is left.
	gone *os.File
}

// watch starts a watchdog over a private directory. It has not started the server yet: begin does. When this process
// ends, the directories are removed, whether or not begin was called.
func watch(acct account, dir, sockets string, lock, log *os.File, command ...string) (*process, error) {
	script := filepath.Join(dir, "watchdog.sh") // a file, not an argument: this is what "ps" shows
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
	defer held.Close()
	cmd := exec.Command("/bin/sh", append([]string{script, dir, sockets}, command...)...)
	cmd.Dir = dir
	cmd.Env = serverEnvironment(os.Environ())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lock, held} // descriptors 3 and 4
	cmd.SysProcAttr = acct.attributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, gone.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the server's watchdog: %w", err), gone.Close())
	}
	return &process{cmd: cmd, data: filepath.Join(dir, "data"), stdin: stdin, gone: gone}, nil
}

// begin starts the server.
func (p *process) begin() error {
	_, err := io.WriteString(p.stdin, "start\n")
	return err
}

// waitGone returns when no process of the server is left, or none was ever started and end was called.
func (p *process) waitGone() {
	_, _ = io.Copy(io.Discard, p.gone) // nothing is ever written: this waits for the end
}

// end makes the watchdog shut the server down and remove the directories, and waits until it has.
func (p *process) end() error {
	err := p.stdin.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	// The exit status says nothing of use: what counts is that the directories are gone, which the caller looks at.
	_ = p.cmd.Wait()
	p.killOrphan()
	return errors.Join(err, p.gone.Close())
}

// killOrphan ends a server whose watchdog was killed: only then is there a postmaster.pid still.
func (p *process) killOrphan() {
	status, err := os.ReadFile(filepath.Join(p.data, "postmaster.pid"))
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(status), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		return
	}
	// Where it can be asked, make sure that the number does not belong to somebody else by now.
	if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); err == nil && cwd != p.data {
		return
	}
	for range 60 {
		if syscall.Kill(pid, syscall.SIGQUIT) != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// serverEnvironment is ours without what would change the server's or initdb's mind.
func serverEnvironment(env []string) []string {
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "PG") || strings.HasPrefix(name, "LC_") || name == "LANG" || name == "LANGUAGE" || name == "TZ" {
			continue
		}
		out = append(out, kv)
	}
	return append(out, "LC_ALL=C")
}

// interrupt asks a process to end.
func interrupt(pid int) error { return syscall.Kill(pid, syscall.SIGINT) }

// ownedByUs reports whether a directory belongs to this process's user or to the server's account.
func ownedByUs(info os.FileInfo, acct account) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && (int(stat.Uid) == os.Geteuid() || acct.dropped() && stat.Uid == acct.uid)
}

// initdb runs the program of that name as the account.
func (a account) initdb(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = "/"
	cmd.Env = serverEnvironment(os.Environ())
	cmd.SysProcAttr = a.attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// allocated is what a file takes on its disk.
func allocated(info os.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Blocks * 512 // of this size on every system, whatever the file system's blocks are
	}
	return info.Size()
}
