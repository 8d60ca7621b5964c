package sandbox

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// ListProcesses returns the processes of the program with a mark, and how much memory they have together.
func ListProcesses(mark uint64) (pids []int, memory uint64) {
	pids = confine.ListMarked(mark)
	return pids, MeasureMemory(pids)
}

// MeasureMemory returns how much memory processes have together. Pages that they share count once, if it matters.
func MeasureMemory(pids []int) uint64 {
	count := func(file string, fields ...string) (sum uint64) {
		for _, pid := range pids {
			sum += sumFields(filepath.Join("/proc", strconv.Itoa(pid), file), fields)
		}
		return sum
	}
	sum := count("status", "RssAnon:", "RssShmem:")
	if sum < MaxMemory {
		return sum
	}
	return count("smaps_rollup", "Pss_Anon:", "Pss_Shmem:")
}

// sumFields adds fields of a file in /proc that are in kilobytes.
func sumFields(file string, fields []string) (sum uint64) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0 // the process has gone
	}
	for line := range strings.Lines(string(text)) {
		for _, name := range fields {
			if rest, ok := strings.CutPrefix(line, name); ok {
				n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 40)
				sum += n << 10
			}
		}
	}
	return sum
}

// KillMarked ends the processes with a mark until there are none, and returns how many there were.
func KillMarked(mark uint64) int {
	killed := map[int]bool{}
	for range 20 {
		found := 0
		for _, pid := range confine.ListMarked(mark) {
			if isZombie(pid) {
				continue
			}
			if unix.Kill(pid, unix.SIGKILL) == nil {
				found++
				killed[pid] = true
			}
		}
		if found == 0 {
			break
		}
	}
	return len(killed)
}

// isZombie reports whether a process is dead, and nobody has asked for its status.
func isZombie(pid int) bool {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	_, rest, _ := strings.Cut(string(text[strings.LastIndexByte(string(text), ')')+1:]), " ")
	return err != nil || strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}
