package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

var keep [][]byte

// For a command that can pause, the heap is collected when it is full, not earlier, and
// not concurrently with its work. The collector belongs to the process, so this is not
// parallel.
func TestBreathe(t *testing.T) {
	percentBefore := debug.SetGCPercent(100)
	limitBefore := debug.SetMemoryLimit(math.MaxInt64)
	defer func() {
		debug.SetGCPercent(percentBefore)
		debug.SetMemoryLimit(limitBefore)
		keep = nil
	}()
	if paceCollector(func(name string) string { return map[string]string{"GOGC": "50"}[name] }) != nil {
		t.Error("GOGC in the environment is passed over")
	}
	runtime.GC()
	c := paceCollector(func(string) string { return "" })
	c.roomy.Store(true)
	pauses := 0
	breathe := func() {
		c.collectIfFull(1, func(collect func()) { pauses++; collect() })
	}
	breathe()
	if pauses != 0 {
		t.Fatalf("stood still for an empty heap")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 3 * stillLimit >> 20 {
		keep = [][]byte{make([]byte, 1<<20)} // garbage at the next turn
		breathe()
	}
	runtime.ReadMemStats(&after)
	if pauses < 2 || pauses > 4 {
		t.Errorf("%d pauses at three times the limit", pauses)
	}
	if n := int(after.NumGC - before.NumGC); n != pauses {
		t.Errorf("%d collections and %d pauses", n, pauses)
	}
	// At the end of the work it may go a little above.
	atEnd := func(excess int) (isPaused bool) {
		for keep = nil; c.heapSize() < c.next.Load()+uint64(excess); keep = append(keep, make([]byte, 1<<20)) {
		}
		c.collectIfFull(0, func(collect func()) { isPaused = true; collect() })
		return isPaused
	}
	if atEnd(0) || !atEnd(endRoom) {
		t.Error("stood still with nothing to come, or did not with too much there")
	}
	keep = nil
	for range (smallHeap >> 20) + 40 {
		keep = append(keep, make([]byte, 1<<20))
		breathe()
	}
	if c.next.Load() < 2*smallHeap {
		t.Errorf("a large heap is collected at %d MB", c.next.Load()>>20)
	}
	// A bunch that fills the heap by itself is not collected all the time.
	keep = nil
	runtime.GC()
	c.next.Store(stillLimit)
	c.setLimit(stillLimit)
	runtime.ReadMemStats(&before)
	for range 4 * stillLimit >> 20 {
		keep = append(keep, make([]byte, 1<<20))
		time.Sleep(paceChecks / 10)
	}
	runtime.ReadMemStats(&after)
	if n := after.NumGC - before.NumGC; n < 1 || n > 20 {
		t.Errorf("%d collections while four times the limit came to be alive", n)
	}
	// Nor is the next one that fills, once such a heap was freed: a stop would put the limit back.
	keep, pauses = nil, 0
	runtime.GC()
	for range 2 * stillLimit >> 20 {
		keep = append(keep, make([]byte, 1<<20))
		breathe()
	}
	if pauses > 0 {
		t.Errorf("%d pauses with a heap that grows by percent", pauses)
	}
}
