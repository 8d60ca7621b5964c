package pgserver

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

const (
	// largestFile: Postgres splits tables and temporary files into files of 1 GB.
	largestFile = 1<<30 + 16<<20
	openFiles   = 4096
	// moreProcesses is how many more processes there may be than now, in total: the kernel counts them per user.
	moreProcesses = 2048
)

// limitProcess restricts a process of the server, and its future children.
func (p *process) limitProcess(pid int) (gaps []string) {
	confine.OnOwnThread(func() {
		if err := p.acct.switchThreadUser(); err != nil {
			gaps = []string{noLimitsNote(err)}
			return
		}
		gaps = p.setLimits(pid)
	})
	return gaps
}

// switchThreadUser changes the calling thread's user to the account's: root in a container often may not set limits of another
// user's process.
func (a account) switchThreadUser() error {
	if !a.switchesUser() {
		return nil
	}
	// These system calls change the thread only, without the C library, which would change all threads.
	for _, set := range []struct {
		call uintptr
		id   uint32
	}{{unix.SYS_SETRESGID, a.gid}, {unix.SYS_SETRESUID, a.uid}} {
		if _, _, errno := unix.RawSyscall(set.call, uintptr(set.id), uintptr(set.id), uintptr(set.id)); errno != 0 {
			return errno
		}
	}
	return nil
}

func noLimitsNote(err error) string {
	return fmt.Sprintf("the memory, files and processes of the server have no limits of their own (%v)", err)
}

func (p *process) setLimits(pid int) (gaps []string) {
	limits := map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: largestFile, unix.RLIMIT_NOFILE: openFiles, unix.RLIMIT_NPROC: countProcesses() + moreProcesses,
	}
	if p.memory == 0 {
		p.memory = memoryLimitPerProcess()
	}
	if p.memory != 0 {
		limits[unix.RLIMIT_DATA] = p.memory
	}
	if p.mark != 0 {
		limits[confine.MarkLimit] = p.mark
	}
	if err := confine.LowerLimits(pid, limits); err != nil && !errors.Is(err, syscall.ESRCH) { // it has ended
		return []string{noLimitsNote(err)}
	}
	// If memory runs out anyway, the kernel should kill the server first. If this is not allowed, the kernel
	// chooses.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("800"), 0)
	return nil
}

// countProcesses returns the number of processes and threads on the machine.
func countProcesses() uint64 {
	// "0.20 0.18 0.12 1/80 11206"
	text, _ := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(text)); len(f) > 3 {
		_, all, _ := strings.Cut(f[3], "/")
		if n, err := strconv.ParseUint(all, 10, 32); err == nil {
			return n
		}
	}
	return 1 << 16
}

// memoryLimitPerProcess returns how much memory one process of the server may have: a quarter of the machine's, or of the
// container's. It has a lower limit, so that a rehearsal does not fail for a reason that production does not have.
func memoryLimitPerProcess() uint64 {
	const least, most = 512 << 20, 4 << 30
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	all := uint64(info.Totalram) * uint64(info.Unit) //nolint:unconvert // a machine of 32 bits counts in uint32
	if groupLimit, ok := groupMemoryLimit(); ok {
		all = min(all, groupLimit)
	}
	return min(max(all/4, least), most)
}

// groupMemoryLimit returns the memory limit of this process's control group, or of one above it.
func groupMemoryLimit() (most uint64, ok bool) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return 0, false
	}
	lower := func(file string) {
		text, err := os.ReadFile(file)
		if err != nil {
			return
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && (!ok || n < most) { // else "max"
			most, ok = n, true
		}
	}
	for line := range strings.Lines(string(text)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // number:controllers:path
		if len(f) < 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "memory.max"
		if f[1] == "memory" { // cgroup version 1
			root, file = "/sys/fs/cgroup/memory", "memory.limit_in_bytes"
		} else if f[1] != "" {
			continue
		}
		for dir := filepath.Clean("/" + f[2]); ; dir = filepath.Dir(dir) {
			lower(filepath.Join(root, dir, file))
			if dir == "/" {
				break
			}
		}
	}
	return most, ok
}

// limitAddressSpace limits the address space of a process. It includes shared memory, which is not part of its first limit
// and is only known when the server is ready.
func (p *process) limitAddressSpace(pid int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.server.Pid))
	pages, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseUint(pages, 10, 32)
	if err != nil || p.memory == 0 {
		return
	}
	most := n*uint64(os.Getpagesize()) + p.memory
	confine.OnOwnThread(func() {
		// If it cannot be set, the first limit could not be set either, and that was reported.
		if p.acct.switchThreadUser() == nil {
			_ = unix.Prlimit(pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most}, nil)
		}
	})
}

// childProcesses returns the child processes of a process.
func childProcesses(pid int) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var out []int
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// killMarked kills the processes with a mark, and reports whether there was one.
func killMarked(mark uint64) (some bool) {
	for _, pid := range confine.ListMarked(mark) {
		some = killAlive(pid) || some
	}
	return some
}

// killInDir kills the processes whose working directory is the given one.
func killInDir(dir string) (some bool) {
	return killWhere(func(proc string) bool {
		workingDir, err := os.Readlink(filepath.Join(proc, "cwd"))
		return err == nil && workingDir == dir
	})
}

// killWhere kills the processes for whose /proc entry says is true.
func killWhere(says func(proc string) bool) (some bool) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil || pid == os.Getpid() || !says(proc) {
			continue
		}
		some = killAlive(pid) || some
	}
	return some
}

// killAlive kills a process that is not dead already, and reports whether it was alive. A zombie has no working directory.
func killAlive(pid int) bool {
	_, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	return (err == nil || errors.Is(err, fs.ErrPermission)) && syscall.Kill(pid, syscall.SIGKILL) == nil
}
