package confine

import (
	"os"
	"path/filepath"
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
