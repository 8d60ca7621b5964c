package capture

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
)

// killMarked ends the processes with a variable in the environment that they were started with, until there are none,
// and returns how many there were.
func killMarked(mark string) int {
	killed := map[int]bool{}
	for range 10 {
		found := 0
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return len(killed)
		}
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || pid == os.Getpid() {
				continue
			}
			env, err := os.ReadFile("/proc/" + e.Name() + "/environ")
			if err != nil || !hasVariable(env, mark) {
				continue
			}
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
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

// hasVariable reports whether an environment has an entry.
func hasVariable(env []byte, entry string) bool {
	for v := range bytes.SplitSeq(env, []byte{0}) {
		if string(v) == entry {
			return true
		}
	}
	return false
}
