package cli

import (
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector's pace. A run lasts about a second, and a quarter of it would
// go to marking a heap that is still small.
const (
	// startLimit is up to where the heap may grow before anything is
	// collected, as long as less than smallHeap of it is alive (bytes).
	startLimit = 118 << 20
	smallHeap  = 70 << 20
	// laterGC is the growth between collections of a larger heap, percent.
	laterGC    = 150
	paceChecks = 5 * time.Millisecond
)

// paceCollector lets a small heap fill a fixed space and a large one grow by
// steps: time is to stay linear in the number of files. It is for a process that does one thing and ends: libraries leave the
// collector alone. GOGC and GOMEMLIMIT in the environment have the last word.
func paceCollector(environ func(string) string) {
	if environ("GOGC") != "" || environ("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(startLimit)
	go func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for range time.Tick(paceChecks) {
			metrics.Read(live)
			if live[0].Value.Kind() != metrics.KindUint64 || live[0].Value.Uint64() > smallHeap {
				debug.SetGCPercent(laterGC)
				debug.SetMemoryLimit(math.MaxInt64)
				return
			}
		}
	}()
}
