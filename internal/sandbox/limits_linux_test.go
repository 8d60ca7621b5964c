//go:build linux && amd64

package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// Calls that do nothing for other processes report success, so that a program which cares for its threads goes on.
func TestOthersStay(t *testing.T) {
	t.Parallel()
	python3 := findPython(t)
	o := newOutside(t)
	pid := o.sleeper.Process.Pid
	read := func() string {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		status, err2 := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		_, allowed, _ := strings.Cut(string(status), "Cpus_allowed_list:")
		allowed, _, _ = strings.Cut(allowed, "\n")
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		return allowed + " nice " + fields[16] + " policy " + fields[38]
	}
	before := read()
	script := fmt.Sprintf(`
import ctypes, os
l = ctypes.CDLL(None)
os.sched_setaffinity(%[1]d, {min(os.sched_getaffinity(0))}); os.sched_setscheduler(%[1]d, os.SCHED_BATCH, os.sched_param(0))
os.setpriority(os.PRIO_PROCESS, %[1]d, 19)
l.syscall(%[2]d, 1, %[1]d, 3 << 13)
print('all done')
`, pid, unix.SYS_IOPRIO_SET)
	reniceScript := fmt.Sprintf("import os\nfor which, who in ((1, 0), (1, os.getpgid(%d)), (2, 0), (2, os.getuid())): os.setpriority(which, who, 19)\n", pid)
	out, _, err := runIn(t, Access{noNamespaces: true}, python3, "-c", reniceScript+script)
	if err != nil || !strings.Contains(out, "all done") {
		t.Errorf("renice and reschedule another process: %v, want that the calls report success\n%s", err, out)
	}
	if after := read(); after != before {
		t.Errorf("another process was changed: %s, then %s", before, after)
	}
	free := exec.CommandContext(t.Context(), python3, "-c", script)
	if out, err := free.CombinedOutput(); err != nil {
		t.Errorf("without a sandbox: %v\n%s", err, out)
	}
	if after := read(); after == before {
		t.Error("without a sandbox nothing changes either")
	}
}

// A process that has left its group, its parent and its environment keeps the mark.
func TestMark(t *testing.T) {
	t.Parallel()
	python3 := findPython(t)
	mark := confine.NewMark()
	script := `
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: os.closerange(0, 3); os.execve('/bin/sleep', ['sleep', '1000'], {})
    os._exit(0)
os.wait()`
	if CheckNamespaces() == nil {
		if _, s, err := runIn(t, Access{}, python3, "-c", script); err != nil || s.CountLeft() != 1 {
			t.Errorf("in namespaces %v, %d processes are left", err, s.CountLeft())
		}
	}
	if out, _, err := runIn(t, Access{Mark: mark, noNamespaces: true}, python3, "-c", script); err != nil {
		t.Fatalf("leave a process with mark %v: %v\n%s", mark, err, out)
	}
	if pids, memory := ListProcesses(mark); len(pids) != 1 || memory == 0 {
		t.Errorf("processes %v with %d bytes", pids, memory)
	}
	if n := KillMarked(mark); n != 1 {
		t.Errorf("%d processes were ended", n)
	}
	for end := time.Now().Add(10 * time.Second); KillMarked(mark) != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("a process is left")
		}
	}
}

// Memory, files and core dumps are bounded from the first instruction on.
func TestLimits(t *testing.T) {
	t.Parallel()
	python3 := findPython(t)
	script := fmt.Sprintf(`
import mmap, os, resource, signal
assert resource.getrlimit(resource.RLIMIT_DATA)[1] == %d and resource.getrlimit(resource.RLIMIT_CORE)[1] == 0
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try: mmap.mmap(-1, %d, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); print('memory')
except (OSError, MemoryError): pass
try: os.truncate(os.open('big', os.O_CREAT | os.O_RDWR), %d); print('file')
except OSError: pass
print('all done')`, MaxMemory, MaxMemory+1<<20, MaxDisk+1)
	if out, _, err := runIn(t, Access{}, python3, "-c", script); err != nil || out != "all done\n" {
		t.Errorf("exceed the limits: %v, want no output but all done\n%s", err, out)
	}
}
