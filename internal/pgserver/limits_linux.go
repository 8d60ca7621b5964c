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
)

const (
	// largestFile: Postgres cuts tables and temporary files into files of 1 GB.
	largestFile = 1<<30 + 16<<20
	openFiles   = 4096
	// moreProcesses is how many there may be beside those of the moment, of everybody: the kernel counts by user.
	moreProcesses = 2048
	// rlimitLocks bounds nothing since Linux 2.5, and is inherited. A limit that was lowered cannot be raised again,
	// nor, by our filter, be changed at all: so it is a mark that a server's processes cannot get rid of.
	rlimitLocks = 10
)

// limit bounds a process of the server, and all that it starts from now on.
func (p *process) limit(pid int) (gaps []string) {
	onOwnThread(func() {
		if err := p.acct.become(); err != nil {
			gaps = []string{unlimited(err)}
			return
		}
		gaps = p.setLimits(pid)
	})
	return gaps
}

// become makes the calling thread the account's: who is root in a container mostly has no right to set limits of
// somebody else's process.
func (a account) become() error {
	if !a.dropped() {
		return nil
	}
	// These calls change the thread only; the C library, which changes them all, is not there.
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

func unlimited(err error) string {
	return fmt.Sprintf("the memory, files and processes of the server have no limits of their own (%v)", err)
}

func (p *process) setLimits(pid int) (gaps []string) {
	limits := map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: largestFile, unix.RLIMIT_NOFILE: openFiles, unix.RLIMIT_NPROC: processes() + moreProcesses,
	}
	if p.memory == 0 {
		p.memory = memoryOfOne()
	}
	if p.memory != 0 {
		limits[unix.RLIMIT_DATA] = p.memory
	}
	if p.mark != 0 {
		limits[rlimitLocks] = p.mark
	}
	for resource, most := range limits {
		var now unix.Rlimit
		err := unix.Prlimit(pid, resource, nil, &now)
		if err == nil && now.Max > most {
			now.Max = most
		}
		if err == nil {
			err = unix.Prlimit(pid, resource, &unix.Rlimit{Cur: min(now.Cur, now.Max), Max: now.Max}, nil)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) { // it has ended
			return []string{unlimited(err)}
		}
	}
	// Should memory run out all the same, the server goes first. Where this is not allowed the kernel chooses.
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("800"), 0)
	return nil
}

// processes is how many processes and threads there are on the machine.
func processes() uint64 {
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

// memoryOfOne is how much memory a process of the server may have for itself: a quarter of the machine's, or of the
// container's, but not so little that a rehearsal fails where production would not.
func memoryOfOne() uint64 {
	const least, most = 512 << 20, 4 << 30
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	all := uint64(info.Totalram) * uint64(info.Unit) //nolint:unconvert // a machine of 32 bits counts in uint32
	if of, ok := memoryOfGroup(); ok {
		all = min(all, of)
	}
	return min(max(all/4, least), most)
}

// memoryOfGroup is what the control group of this process, or one above it, may use.
func memoryOfGroup() (most uint64, ok bool) {
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
		if f[1] == "memory" { // the first version
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

// limitMapped bounds all that a process may map: what it shares with others is not in the limit that it has from its
// start, and is known when the server is ready.
func (p *process) limitMapped(pid int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.server.Pid))
	pages, _, _ := strings.Cut(string(text), " ")
	n, err := strconv.ParseUint(pages, 10, 32)
	if err != nil || p.memory == 0 {
		return
	}
	most := n*uint64(os.Getpagesize()) + p.memory
	onOwnThread(func() {
		// Where it cannot be set, the other limit could not be set either, and that was said.
		if p.acct.become() == nil {
			_ = unix.Prlimit(pid, unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most}, nil)
		}
	})
}

// children are the processes that a process has started.
func children(pid int) []int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	var out []int
	for _, f := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(f); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// killMarked kills the processes that bear a mark, and reports whether there was one.
func killMarked(mark uint64) (some bool) {
	if mark == 0 {
		return false
	}
	return killWhere(func(proc string) bool {
		limits, err := os.ReadFile(filepath.Join(proc, "limits"))
		_, line, _ := strings.Cut(string(limits), "\nMax file locks")
		f := strings.Fields(line)
		return err == nil && len(f) > 1 && f[0] == strconv.FormatUint(mark, 10)
	})
}

// killBelow kills the processes that work in a directory.
func killBelow(dir string) (some bool) {
	return killWhere(func(proc string) bool {
		at, err := os.Readlink(filepath.Join(proc, "cwd"))
		return err == nil && at == dir
	})
}

// killWhere kills the processes of which the entry in /proc says so. The dead, which are listed until somebody asks
// for their status, work nowhere.
func killWhere(says func(proc string) bool) (some bool) {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range procs {
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil || pid == os.Getpid() || !says(proc) {
			continue
		}
		if _, err := os.Readlink(filepath.Join(proc, "cwd")); err == nil || errors.Is(err, fs.ErrPermission) {
			some = syscall.Kill(pid, syscall.SIGKILL) == nil || some
		}
	}
	return some
}
