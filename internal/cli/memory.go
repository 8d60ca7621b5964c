package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// The collector's pace. A run lasts about a second, and a third of it would go
// to marking a heap while it changes.
const (
	// startLimit is up to where the heap may grow before anything is
	// collected, as long as less than smallHeap of it is alive (bytes).
	startLimit = 118 << 20
	smallHeap  = 70 << 20
	// laterGC is the growth between collections of a larger heap, percent.
	laterGC    = 400
	paceChecks = 5 * time.Millisecond

	// roomyHeap is from where on a heap is expected to fill stillLimit (bytes).
	roomyHeap = 8 << 20

	// stillLimit is where a command that can stand still collects, as long as
	// less than smallHeap is alive; stillRoom is the least that it has between
	// two collections (bytes). endRoom is how far above the work may end.
	stillLimit = 96 << 20
	stillRoom  = 32 << 20
	endRoom    = 8 << 20
)

const heapObjects = "/memory/classes/heap/objects:bytes"

// collector decides when the heap is collected. It is for a process that does
// one thing and ends: libraries leave the collector alone.
type collector struct {
	still atomic.Bool // a command stands still for it
	roomy atomic.Bool // makeRoom was called
	next  uint64      // where the heap is collected then, bytes
	// What there is, and what was ever asked for.
	heap, allocated []metrics.Sample
}

// paceCollector lets a small heap fill a fixed space and a large one grow by
// steps: time is to stay linear in the number of files. GOGC and GOMEMLIMIT in
// the environment have the last word: it gives nil then.
func paceCollector(environ func(string) string) *collector {
	if environ("GOGC") != "" || environ("GOMEMLIMIT") != "" {
		return nil
	}
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(startLimit)
	c := &collector{next: stillLimit, heap: []metrics.Sample{{Name: heapObjects}}, allocated: []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}}
	go func() {
		heap, live := []metrics.Sample{{Name: heapObjects}}, []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		for range time.Tick(paceChecks) {
			if !c.roomy.Load() && bytesOf(heap) > roomyHeap {
				makeRoom()
				c.roomy.Store(true)
			}
			switch still := c.still.Load(); {
			case still && c.roomy.Load():
				return
			case !still && bytesOf(live) > smallHeap:
				debug.SetGCPercent(laterGC)
				debug.SetMemoryLimit(math.MaxInt64)
				return
			}
		}
	}()
	return c
}

// breathe is audit.CheckConfig.Breathe: where the heap is full it is collected
// while nothing else works. Both processors mark then, nothing is marked that
// came into being meanwhile, and writes cost what they always do.
func (c *collector) breathe(left float64, still func(func())) {
	if !c.still.Load() {
		c.still.Store(true)
		debug.SetGCPercent(-1)
		c.limit()
	}
	heap := bytesOf(c.heap)
	if heap < c.next || heap+c.coming(left) < c.next+endRoom {
		return
	}
	still(func() {
		runtime.GC()
		live := bytesOf(c.heap)
		c.next = max(stillLimit, live+stillRoom)
		if live > smallHeap {
			c.next = live * (100 + laterGC) / 100
		}
		c.limit()
	})
}

// coming is what the rest of the work will ask for, going by what the part that
// is done has.
func (c *collector) coming(left float64) uint64 {
	return uint64(float64(bytesOf(c.allocated)) * left / max(1-left, 0.01))
}

// limit is where the heap is collected all the same: a bunch of files may need
// more than others.
func (c *collector) limit() { debug.SetMemoryLimit(int64(c.next + c.next/2)) }

// bytesOf reads a number of bytes; one that the runtime does not know is large.
func bytesOf(s []metrics.Sample) uint64 {
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return math.MaxInt64
	}
	return s[0].Value.Uint64()
}
