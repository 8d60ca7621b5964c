package cli

import (
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The collector's pace. A run lasts about a second, and a third of it would go
// to collecting a heap that is still small; on the other hand a heap that has
// grown is not to double.
const (
	smallHeap  = 30 << 20 // bytes
	lazyGC     = 200      // percent of growth between collections below smallHeap
	thriftyGC  = 60       // and above
	paceChecks = 10 * time.Millisecond
)

// paceCollector lets a small heap grow freely and keeps a large one tight. It
// is for a process that does one thing and ends: libraries leave the collector
// alone. GOGC in the environment has the last word.
func paceCollector(environ func(string) string) {
	if environ("GOGC") != "" || environ("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(lazyGC)
	go func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for range time.Tick(paceChecks) {
			metrics.Read(live)
			if live[0].Value.Kind() != metrics.KindUint64 || live[0].Value.Uint64() > smallHeap {
				debug.SetGCPercent(thriftyGC)
				return
			}
		}
	}()
}
