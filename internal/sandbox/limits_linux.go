package sandbox

import (
	"errors"
	"os/exec"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// openFiles is how many files a process may have open.
const openFiles = 4096

func lowerLimits(pid int, mark uint64) error {
	return confine.LowerLimits(pid, map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: MaxDisk, unix.RLIMIT_NOFILE: openFiles, unix.RLIMIT_DATA: MaxMemory, confine.MarkLimit: mark,
	})
}

// listProcesses returns the program's processes.
func (s *Sandbox) listProcesses() []int {
	s.mu.Lock()
	tree := s.tree
	s.mu.Unlock()
	out := confine.ListMarked(s.mark)
	if tree != nil {
		out = append(out, tree.Members()...)
	}
	return out
}

// isOwnProcess reports whether a process is the program's.
func (s *Sandbox) isOwnProcess(pid int) bool {
	if confine.HasMark(pid, s.mark) {
		return true
	}
	s.mu.Lock()
	tree := s.tree
	s.mu.Unlock()
	return tree != nil && slices.Contains(tree.Members(), pid)
}

// canTrace reports whether a program can be started so that it stops before its first instruction. Its limits are set then, and not a
// moment later.
var canTrace = sync.OnceValue(func() (ok bool) {
	confine.OnOwnThread(func() {
		cmd := exec.Command("/bin/true")
		cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
		if cmd.Start() != nil {
			return
		}
		continueTraced(cmd.Process.Pid)
		ok = cmd.Wait() == nil
	})
	return ok
})

// continueTraced lets a program go on that the calling thread has started, and which has stopped before its first instruction.
func continueTraced(pid int) {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(pid, &status, 0, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = unix.PtraceDetach(pid) // if it has been killed, its waiter learns that
}
