//go:build linux && amd64

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/confine"
)

// outside is what a program must not reach.
type outside struct {
	dir      string
	sleeper  *exec.Cmd // has a secret in its environment
	listener net.Listener
	socket   net.Listener
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	o := &outside{dir: t.TempDir()}
	for _, name := range []string{"secret", "own"} {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte("hidden-text\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	o.sleeper = exec.CommandContext(t.Context(), "sleep", "1000")
	o.sleeper.Env = []string{"SECRET=hidden-text"}
	if err := o.sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = o.sleeper.Process.Kill(); _ = o.sleeper.Wait() })
	var err error
	if o.listener, err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if o.socket, err = (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(o.dir, "socket")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.listener.Close(); o.socket.Close() })
	return o
}

// runIn runs a script of a program in a sandbox, and returns its output.
func runIn(t *testing.T, a Access, words ...string) (string, *Sandbox, error) {
	t.Helper()
	dir := t.TempDir()
	a.Write = append(a.Write, dir)
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), "TMPDIR="+dir, "PYTHONDONTWRITEBYTECODE=1"), &out, &out
	s, err := Start(cmd, a)
	if err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	s.Close()
	return out.String(), s, err
}

// findPython returns an interpreter; the test is skipped if this kernel confines less, or if there is none.
func findPython(t *testing.T) string {
	t.Helper()
	abi, err := confine.LandlockVersion()
	if err != nil || abi < confine.NewestLandlock || !confine.CanCopyDescriptors() {
		component.Need(t, component.System, fmt.Errorf("this kernel or container cannot confine a command (Landlock %d, %w)", abi, err))
	}
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import sys; print(sys.executable)").Output() // a shim would be slow
	if err != nil {
		component.NeedSetup(t, err)
	}
	return strings.TrimSpace(string(out))
}

// walls are the ways to confine a command that this machine has: both walls, and each of them alone. The rules alone are no other ones where bwrap
// makes the namespaces.
func walls(port uint16) map[string]Access {
	list := map[string]Access{}
	if bwrap, _ := chooseNamespaces(); !bwrap {
		list["rules"] = Access{Port: port, noNamespaces: true}
	}
	if CheckNamespaces() == nil {
		list["all walls"], list["namespaces"] = Access{Port: port}, Access{Port: port, abi: -1, noListener: true}
	}
	return list
}

// TestAttempts: each attempt succeeds without the sandbox, and fails in it.
func TestAttempts(t *testing.T) {
	t.Parallel()
	python3 := findPython(t)
	o := newOutside(t)
	port := o.listener.Addr().(*net.TCPAddr).Port
	other, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	elsewhere := other.Addr().(*net.TCPAddr).Port
	third, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.3:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	thirdPort := port
	for name, script := range map[string]string{
		"connects elsewhere":        fmt.Sprintf("import socket; socket.create_connection(('127.0.0.1', %d), 2)", elsewhere),
		"connects by IPv6":          fmt.Sprintf("import socket; socket.create_connection(('::ffff:127.0.0.1', %d), 2)", elsewhere),
		"fast open":                 fmt.Sprintf("import socket; s = socket.socket(); s.sendto(b'x', 0x20000000, ('127.0.0.1', %d))", elsewhere),
		"datagram":                  "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 9))",
		"connects to a Unix socket": fmt.Sprintf("import socket; s = socket.socket(socket.AF_UNIX); s.connect('%s/socket')", o.dir),
		"by a link to it": fmt.Sprintf("import os, socket; os.symlink('%s/socket', 'link'); s = socket.socket(socket.AF_UNIX); s.connect('link')",
			o.dir),
		"reads a file":          fmt.Sprintf("print(open('%s/secret').read())", o.dir),
		"lists a directory":     fmt.Sprintf("import os; os.listdir('%s')", o.dir),
		"writes a file":         fmt.Sprintf("open('%s/own', 'a').write('x')", o.dir),
		"makes a file":          fmt.Sprintf("open('%s/new', 'w')", o.dir),
		"removes a file":        fmt.Sprintf("import os; os.remove('%s/new')", o.dir),
		"changes a mode":        fmt.Sprintf("import os; os.chmod('%s/own', 0o600)", o.dir),
		"by a link to a file":   fmt.Sprintf("import os; os.symlink('%s/own', 'own'); os.chmod('own', 0o600)", o.dir),
		"reads an environment":  fmt.Sprintf("assert 'hidden' in open('/proc/%d/environ').read()", o.sleeper.Process.Pid),
		"reads onward's":        fmt.Sprintf("open('/proc/%d/environ').read()", os.Getpid()),
		"sends a signal":        fmt.Sprintf("import os; os.kill(%d, 0)", o.sleeper.Process.Pid),
		"sends onward a signal": fmt.Sprintf("import os; os.kill(%d, 0)", os.Getpid()),
		"traces": fmt.Sprintf("import ctypes, os; l = ctypes.CDLL(None, use_errno=True); assert l.ptrace(16, %d, 0, 0) == 0; l.ptrace(17, %d, 0, 0)",
			o.sleeper.Process.Pid, o.sleeper.Process.Pid),
		"a port of another address": fmt.Sprintf("import socket; s = socket.socket(); s.bind(('127.0.0.2', %d)); s.listen(); "+
			"socket.create_connection(('127.0.0.1', %d), 2)", elsewhere, elsewhere),
		"a port of IPv6": fmt.Sprintf("import socket; s = socket.socket(socket.AF_INET6); s.setsockopt(41, 26, 1); s.bind(('::1', %d)); s.listen(); "+
			"socket.create_connection(('127.0.0.1', %d), 2)", elsewhere, elsewhere),
		"a port of all addresses": fmt.Sprintf("import socket; s = socket.socket(socket.AF_INET6); s.setsockopt(41, 26, 1); s.bind(('::', %d)); s.listen(); "+
			"socket.create_connection(('127.0.0.1', %d), 2)", elsewhere, elsewhere),
		"no address":            fmt.Sprintf("import socket; socket.create_connection(('0.0.0.0', %d), 2)", elsewhere),
		"the database's port":   fmt.Sprintf("import socket; socket.create_connection(('127.0.0.3', %d), 2)", thirdPort),
		"a pair of datagrams":   "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
		"a pair of messages":    "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)",
		"a list of sockets":     "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)",
		"limits a process":      fmt.Sprintf("import resource; resource.prlimit(%d, resource.RLIMIT_CPU, (1000, 1000))", o.sleeper.Process.Pid),
		"removes its mark":      "import resource; resource.setrlimit(10, (7, 7))",
		"shared memory":         "import ctypes; c = ctypes.CDLL(None); i = c.shmget(0, 100, 0o1600); assert i >= 0 and c.shmctl(i, 0, None) == 0",
		"a message queue":       "import ctypes; c = ctypes.CDLL(None); i = c.msgget(0, 0o1600); assert i >= 0 and c.msgctl(i, 0, None) == 0",
		"semaphores":            "import ctypes; c = ctypes.CDLL(None); i = c.semget(0, 1, 0o1600); assert i >= 0 and c.semctl(i, 0, 0) == 0",
		"changes times":         fmt.Sprintf("import os; os.utime('%s/own', (1, 1))", o.dir),
		"a directory's":         fmt.Sprintf("import os; os.utime('%s', (1, 1))", o.dir),
		"by a link to a file's": fmt.Sprintf("import os; os.symlink('%s/own', 'other'); os.utime('other', (1, 1))", o.dir),
		"utimes":                fmt.Sprintf("import ctypes; assert ctypes.CDLL(None).syscall(%d, b'%s/own', None) == 0", unix.SYS_UTIMES, o.dir),
		"a new namespace":       "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0", // of users
	} {
		t.Run(name, func(t *testing.T) {
			if name == "removes a file" {
				if err := os.WriteFile(filepath.Join(o.dir, "new"), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chtimes(filepath.Join(o.dir, "own"), time.Time{}, time.Now()); err != nil { // another attempt has changed it, without the sandbox
				t.Fatal(err)
			}
			for wall, access := range walls(uint16(port)) {
				out, _, err := runIn(t, access, python3, "-c", script)
				info, failed := os.Stat(filepath.Join(o.dir, "own"))
				if failed != nil || info.ModTime().Unix() == 1 {
					t.Errorf("%s: the file was changed: %v", wall, failed)
				}
				if (name == "utimes" || strings.Contains(script, "utime")) && wall == "namespaces" {
					continue // without a listener these calls report success, and do nothing
				}
				if err == nil || strings.Contains(out, "hidden-text") || !strings.Contains(out, "Traceback") {
					t.Errorf("%s: error %v, want a traceback without hidden-text\n%s", wall, err, out)
				}
			}
			free := exec.CommandContext(t.Context(), python3, "-c", script)
			free.Dir = t.TempDir()
			out, err := free.CombinedOutput()
			if err != nil && name == "a new namespace" { // containers and a changed root forbid it
				component.Need(t, component.System, fmt.Errorf("no user namespaces here: %w", err))
			}
			if err != nil {
				t.Errorf("without a sandbox: %v\n%s", err, out)
			}
		})
	}
}

// What a program needs works: its database, its own servers and sockets, its files and modes.
func TestWork(t *testing.T) {
	t.Parallel()
	python3 := findPython(t)
	o := newOutside(t)
	script := fmt.Sprintf(`
import os, socket, threading, tempfile, subprocess, multiprocessing.connection
socket.create_connection(('127.0.0.1', %d), 2)
s = socket.socket(); s.settimeout(5); s.bind(('127.0.0.1', 0)); s.listen(); c = socket.create_connection(s.getsockname(), 2)
u = socket.socket(socket.AF_UNIX); u.bind('u.sock'); u.listen(); v = socket.socket(socket.AF_UNIX); v.connect('u.sock')
w = socket.socket(); w.setblocking(False)
assert w.connect_ex(s.getsockname()) in (0, 115)
open('f', 'w').write('#!/bin/sh\nexit 3\n'); os.chmod('f', 0o755); assert subprocess.call('./f') == 3
d = os.open('.', os.O_RDONLY); os.chmod('f', 0o644, dir_fd=d); assert os.stat('f').st_mode & 0o777 == 0o644
with open('f') as f: os.fchmod(f.fileno(), 0o600)
assert os.stat('f').st_mode & 0o777 == 0o600
os.utime('f', (1, 2)); assert os.stat('f').st_mtime == 2; os.utime('f'); assert os.stat('f').st_mtime > 2
os.symlink('f', 'l'); os.utime('l', (5, 5), follow_symlinks=False); assert os.stat('l', follow_symlinks=False).st_mtime == 5 and os.stat('f').st_mtime > 5
os.nice(1); os.sched_setaffinity(0, os.sched_getaffinity(0))
import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); socket.socketpair()
os.chown('f', os.getuid(), os.getgid())
tempfile.NamedTemporaryFile().write(b'x')
os.kill(os.getpid(), 0); p = subprocess.Popen(['sleep', '10']); p.kill(); p.wait()
open('/dev/null', 'w').write('x'); open('/etc/passwd').read(); open('/proc/self/status').read()
socket.getaddrinfo('localhost', 5432)
os.mkfifo('pipe'); os.symlink('f', 'g'); os.rename('f', 'h'); os.mkdir('m'); os.rmdir('m')
print('all done')
`, o.listener.Addr().(*net.TCPAddr).Port)
	out, s, err := runIn(t, Access{Port: uint16(o.listener.Addr().(*net.TCPAddr).Port)}, python3, "-c", script)
	if err != nil || !strings.Contains(out, "all done") || len(s.ListRefused()) != 0 || CheckNamespaces() == nil && len(s.ListGaps()) != 0 {
		t.Errorf("%v refused %q gaps %q\n%s", err, s.ListRefused(), s.ListGaps(), out)
	}
	out, s, err = runIn(t, Access{}, python3, "-c",
		"import socket\nfor a in ['192.0.2.1', 'redis.invalid']:\n  try: socket.create_connection((a, 6379), 1)\n  except OSError as e: print(e)")
	if err != nil || strings.Join(s.ListRefused(), " ") != "192.0.2.1:6379 a name server" {
		t.Errorf("%v refused %q\n%s", err, s.ListRefused(), out)
	}
	a := Access{Network: true, Read: []string{filepath.Join(o.dir, "secret")}, Write: []string{filepath.Join(o.dir, "own")}}
	out, _, err = runIn(t, a, "sh", "-c", fmt.Sprintf("cat %s/secret && echo x >>%s/own && "+
		"%s -c \"import socket; socket.create_connection(('127.0.0.1', %d), 2)\"",
		o.dir, o.dir, python3, o.listener.Addr().(*net.TCPAddr).Port))
	if err != nil || !strings.Contains(out, "hidden-text") {
		t.Errorf("a wider sandbox: %v\n%s", err, out)
	}
}

// A kernel that can do less confines a command as well as it can, and the gaps say what is left.
func TestOlderKernels(t *testing.T) {
	t.Parallel()
	python3 := findPython(t)
	o := newOutside(t)
	port := uint16(o.listener.Addr().(*net.TCPAddr).Port)
	script := fmt.Sprintf("import os, socket; socket.create_connection(('127.0.0.1', %d), 2); open('f', 'w').write('x'); os.chmod('f', 0o600)\n"+
		"try: open('%s/own', 'a'); print('hidden-text')\nexcept OSError: pass", port, o.dir)
	for _, tc := range []struct {
		access Access
		want   string
	}{
		{Access{abi: 1}, "truncate your files"},
		{Access{abi: 1, noListener: true}, "signal your processes and truncate your files"},
		{Access{abi: 3, noListener: true}, "signal your processes"},
		{Access{noListener: true}, "use Unix sockets"},
		{Access{abi: 3, noListener: true}, "connect to other machines"},
	} {
		tc.access.Port, tc.access.noNamespaces = port, true
		out, s, err := runIn(t, tc.access, python3, "-c", script)
		if err != nil || strings.Contains(out, "hidden") || !strings.Contains(strings.Join(s.ListGaps(), "\n"), tc.want) {
			t.Errorf("%+v: %v, gaps %q\n%s", tc.access, err, s.ListGaps(), out)
		}
	}
	refused := &GapsError{}
	if _, err := Start(exec.CommandContext(t.Context(), "/bin/true"), Access{abi: 1, noNamespaces: true, Require: true}); !errors.As(err, &refused) {
		t.Errorf("required: %v", err)
	}
	if CheckNamespaces() == nil {
		if _, _, err := runIn(t, Access{Require: true}, "/bin/true"); err != nil {
			t.Errorf("required, and there: %v", err)
		}
	}
	// Signals: the filter's listener decides about them.
	signals := fmt.Sprintf(`
import os, signal, subprocess
p = subprocess.Popen(['sleep', '100'], start_new_session=True); os.kill(p.pid, 0); os.killpg(p.pid, signal.SIGTERM); p.wait(); os.kill(os.getpid(), 0)
signal.pidfd_send_signal(os.pidfd_open(os.getpid()), 0)
for send in (lambda: os.kill(%[1]d, 0), lambda: os.kill(-1, 0), lambda: os.killpg(os.getpgid(%[1]d), 0),
             lambda: signal.pidfd_send_signal(os.pidfd_open(%[1]d), 0)):
    try: send(); print('hidden')
    except PermissionError: pass
print('all done')`, o.sleeper.Process.Pid)
	if out, s, err := runIn(t, Access{abi: 5, noNamespaces: true}, python3, "-c", signals); err != nil || out != "all done\n" ||
		len(s.ListGaps()) != 1 {
		t.Errorf("signals: %v %q\n%s", err, s.ListGaps(), out)
	}
	other := fmt.Sprintf("import socket; socket.create_connection(('127.0.0.1', %d), 2)", port)
	otherPort := Access{noListener: true, noNamespaces: true, Port: 1}
	if out, _, err := runIn(t, otherPort, python3, "-c", other); err == nil || !strings.Contains(out, "PermissionError") {
		t.Errorf("without a listener Landlock refuses other ports: %v\n%s", err, out)
	}
}

// A program that does not exist is an error, and a command that hangs in a call ends with the sandbox.
func TestStartFails(t *testing.T) {
	t.Parallel()
	if _, err := Start(exec.CommandContext(t.Context(), "/no/such/program"), Access{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Start of a missing program: %v, want %v", err, os.ErrNotExist)
	}
	cmd := exec.CommandContext(t.Context(), "sleep", "1000")
	s, err := Start(cmd, Access{})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.Close() // its parent thread ends
	if err := cmd.Wait(); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}
