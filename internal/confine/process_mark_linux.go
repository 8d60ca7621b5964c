package confine

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MarkLimit is a limit that has had no effect since Linux 2.5 (RLIMIT_LOCKS), and is inherited. A lowered limit cannot be raised again,
// and a filter can refuse any change. So its value is a mark that a program's processes cannot remove.
const MarkLimit = 10

// ListMarked returns the IDs of the processes with a mark, including zombies.
func ListMarked(mark uint64) []int {
	if mark == 0 {
		return nil
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && pid != os.Getpid() && HasMark(pid, mark) {
			out = append(out, pid)
		}
	}
	return out
}

// HasMark reports whether a process has a mark.
func HasMark(pid int, mark uint64) bool {
	limits, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "limits"))
	_, line, _ := strings.Cut(string(limits), "\nMax file locks")
	f := strings.Fields(line)
	return err == nil && len(f) > 1 && f[0] == strconv.FormatUint(mark, 10)
}

// LowerLimits lowers limits of a process, by their numbers. A limit that is lower already stays.
func LowerLimits(pid int, limits map[int]uint64) error {
	for resource, most := range limits {
		var now unix.Rlimit
		err := unix.Prlimit(pid, resource, nil, &now)
		if err == nil {
			now.Max = min(now.Max, most)
			err = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: min(now.Cur, now.Max), Max: now.Max}, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// OnOwnThread runs f on a thread that runs nothing else, then or later.
func OnOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			// The main thread represents the process, and would not end. So it is occupied here while another
			// thread runs f.
			OnOwnThread(f)
			runtime.UnlockOSThread()
		} else {
			f() // never unlocked: the thread ends with the goroutine
		}
		close(done)
	}()
	<-done
}

// ForgetDescriptors makes the calling thread's children inherit only the files that they are given. Go's own files
// are close-on-exec; files that the parent of this process left open are not.
func ForgetDescriptors() {
	if unix.Unshare(unix.CLONE_FILES) == nil {
		_ = unix.CloseRange(3, ^uint(0)>>33, unix.CLOSE_RANGE_CLOEXEC)
	}
}

// ForgetCapabilities makes programs that the calling thread starts lose all capabilities of root but those for files, for their own
// processes, and for low ports. It does nothing to others.
func ForgetCapabilities() {
	keep := []int{
		unix.CAP_CHOWN, unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER, unix.CAP_FSETID, unix.CAP_KILL, unix.CAP_SETGID, unix.CAP_SETUID,
		unix.CAP_NET_BIND_SERVICE,
	}
	for c := range unix.CAP_LAST_CAP + 1 {
		if !slices.Contains(keep, c) {
			_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0) // only root may, and others need not
		}
	}
}

// ForbidNewPrivileges makes the calling thread and its children unable to get more privileges by running a program. The other
// restrictions need it.
func ForbidNewPrivileges() error { return unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
