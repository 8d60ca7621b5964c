package cli

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The heap has room in huge pages, and nothing is in memory for it. Not
// parallel: the heap is the process's own.
func TestMakeRoom(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage"); err != nil {
		t.Logf("a kernel without huge pages: %v", err)
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	growHeap()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapInuse) - int64(before.HeapInuse); grown > 4<<20 {
		t.Errorf("%d kB of the heap are in use for it", grown>>10)
	}
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	advised, size := 0, 0
	for line := range strings.Lines(string(smaps)) {
		switch fields := strings.Fields(line); fields[0] {
		case "Size:":
			size, _ = strconv.Atoi(fields[1])
		case "VmFlags:":
			if slices.Contains(fields, "hg") {
				advised += size << 10
			}
		}
	}
	if want := stillLimit - roomyHeap - 2*hugePage; advised < want {
		t.Errorf("%d MB are advised, want %d", advised>>20, want>>20)
	}
}
