//go:build linux && amd64

package sandbox

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/confine"
)

func needNamespaces(t *testing.T) {
	t.Helper()
	if err := CheckNamespaces(); err != nil {
		component.Need(t, component.System, fmt.Errorf("no namespaces here: %w", err))
	}
}

// In its namespaces a command sees nothing of the machine but what it may use, and it works: it reaches its database, and it has an empty
// home and /tmp.
func TestNamespaces(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	python3 := findPython(t)
	o := newOutside(t)
	database, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer database.Close()
	heard := make(chan string, 1)
	go func() {
		conn, err := database.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = conn.Write([]byte("ready"))
		all, _ := io.ReadAll(conn)
		heard <- string(all)
	}()
	port := database.Addr().(*net.TCPAddr).Port
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf(`
import os, socket, stat, subprocess, multiprocessing
wrong = []
def refused(name, act):
    try: wrong.append((name, act()))
    except OSError: pass
if len([p for p in os.listdir('/proc') if p.isdigit()]) != 2: wrong.append(os.listdir('/proc'))
if [n for _, n in socket.if_nameindex()] != ['lo']: wrong.append(socket.if_nameindex())
if not set(os.listdir('/tmp')) <= {p.split('/')[2] for p in (os.getcwd(), %[5]q) if p.startswith('/tmp/')}: wrong.append(os.listdir('/tmp'))
refused('the name of a file', lambda: os.stat(%[1]q))
refused('the arguments of a process', lambda: open('/proc/%[2]d/cmdline').read())
refused('the shadow file', lambda: os.stat('/etc/shadow') if os.getuid() == 0 else open('/etc/shadow'))
refused('a service', lambda: socket.create_connection(('127.0.0.1', %[3]d), 2))
refused('a file of the root', lambda: open('/new', 'w'))
refused('a file of the system', lambda: open('/usr/new', 'w'))
refused('a setting of the kernel', lambda: open('/proc/sys/kernel/core_pattern', 'w'))
refused('the first process', lambda: open('/proc/1/mem', 'rb'))
refused('its program', lambda: os.readlink('/proc/1/exe'))
os.symlink(%[4]q, '/tmp/link')
refused('a mode by a link', lambda: os.chmod('/tmp/link', 0o600))
refused('a mode by its path', lambda: os.chmod(%[4]q, 0o600))
refused('the times by a link', lambda: os.utime('/tmp/link', (1, 1)))
for d in ('/tmp', %[5]q):
    f = d + '/own'; open(f, 'w').write('x'); os.chmod(f, 0o604); os.utime(f, (1, 2))
    if stat.S_IMODE(os.stat(f).st_mode) != 0o604 or os.stat(f).st_mtime != 2: wrong.append(f)
os.chdir('/tmp'); os.mkdir('sub'); os.chdir('sub'); os.chmod('../own', 0o600); os.symlink('/tmp/own', 'l'); os.chmod('l', 0o640)
if stat.S_IMODE(os.stat('/tmp/own').st_mode) != 0o640: wrong.append('a relative path')
multiprocessing.Lock()
c = socket.create_connection(('127.0.0.1', %[6]d), 5)
if c.recv(5) != b'ready': wrong.append('no greeting')
c.sendall(b'x' * 1000000); c.close()
print(wrong or 'all done')
`, o.dir+"/secret", o.sleeper.Process.Pid, o.listener.Addr().(*net.TCPAddr).Port, filepath.Join(o.dir, "own"), home, port)
	out, s, err := runIn(t, Access{Port: uint16(port), Require: true}, python3, "-c", script)
	if err != nil || out != "all done\n" || len(s.ListGaps()) != 0 {
		t.Errorf("%v, gaps %q\n%s", err, s.ListGaps(), out)
	}
	select {
	case all := <-heard:
		if len(all) != 1_000_000 {
			t.Errorf("the database heard %d bytes", len(all))
		}
	case <-time.After(10 * time.Second):
		t.Error("the connection to the database did not end")
	}
	for _, name := range []string{filepath.Join(home, "own"), "/tmp/own"} {
		if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("look for %s outside the sandbox: %v, want that it does not exist", name, err)
		}
	}
	if info, err := os.Stat(filepath.Join(o.dir, "own")); err != nil || info.Mode().Perm() != 0o644 || info.ModTime().Unix() == 1 {
		t.Errorf("the file outside: %v %v", info, err)
	}
}

// The end of a command says what ended it, and no process of its namespaces outlives it, its sandbox or its timeout.
func TestNamespacesEnd(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	for script, want := range map[string]struct {
		code   int
		signal unix.Signal
	}{"exit 3": {3, 0}, "kill -SEGV $$": {128 + 11, unix.SIGSEGV}, "exit 139": {139, 0}} {
		_, s, err := runIn(t, Access{}, "/bin/sh", "-c", script)
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) || exit.ExitCode() != want.code || s.Signal() != want.signal {
			t.Errorf("%s: %v, signal %d", script, err, s.Signal())
		}
	}
	mark := Access{Mark: 4711}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "setsid sleep 1000 & setsid sleep 1000 & echo; sleep 1000")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(cmd, mark)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = out.Read(make([]byte, 1))
	if pids, _ := ListProcesses(4711); len(pids) < 4 {
		t.Errorf("processes %v", pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	s.Close()
	pids, _ := ListProcesses(4711)
	if pids = slices.DeleteFunc(pids, isZombie); len(pids) != 0 {
		t.Errorf("processes %v are left", pids)
	}
}

// A private directory holds no more than it may.
func TestPrivateSize(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"/tmp", sharedMemory, home} {
		out, _, err := runIn(t, Access{}, "/bin/sh", "-c", "dd if=/dev/zero of="+dir+"/x bs=1M count=300 && sleep 2 && echo has more")
		full := strings.Contains(out, "No space left") || strings.Contains(out, "it wrote more than 256 MB in "+dir)
		if err == nil || !full || strings.Contains(out, "has more") {
			t.Errorf("write 300 MB to %s: %v, want no space or the limit of 256 MB\n%s", dir, err, out)
		}
	}
}

func rulesFor(rights uint64, paths ...string) (out []confine.Rule) {
	for _, p := range paths {
		out = append(out, confine.Rule{Path: p, Rights: rights})
	}
	return out
}

// The root has what the rules grant, with the links on the way, and nothing twice.
func TestPlanRoot(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"real/lib/deep", "copy/sub", "home/tools/bin"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("real", filepath.Join(dir, "link")), os.WriteFile(filepath.Join(dir, "home/file"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	path := func(name string) string { return filepath.Join(dir, name) }
	rules := rulesFor(mayRun, path("link/lib"), path("real/lib/deep"), path("missing"), path("home/tools"), path("home/file"), path("copy/sub"))
	rules = append(rules, rulesFor(mayChange, path("copy"))...)
	rules = append(rules, rulesFor(unix.LANDLOCK_ACCESS_FS_READ_DIR, path("real"), path("home/tools/bin"))...)
	r := planRoot(rules, []string{path("home"), path("copy")})
	want := fmt.Sprint([]mount{
		{path("copy"), writable}, {path("home"), private}, {path("home/file"), readOnly}, {path("home/tools"), readOnly},
		{path("real"), emptyDirectory}, {path("real/lib"), readOnly},
	})
	if got := fmt.Sprint(r.Mounts); got != want || len(r.Links) != 1 || r.Links[path("link")] != "real" {
		t.Errorf("got  %s, links %v\nwant %s", got, r.Links, want)
	}
}
