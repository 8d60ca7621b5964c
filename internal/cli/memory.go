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
	markChecks = 50 * time.Microsecond

	// roomyHeap is from where on a heap is expected to fill stillLimit (bytes).
	roomyHeap = 8 << 20

	// stillLimit is where a command that can stand still collects, as long as
	// less than smallHeap is alive; stillRoom is the least that it has between
	// two collections (bytes). endRoom is how far above the work may end.
	stillLimit = 96 << 20
	stillRoom  = 32 << 20
	endRoom    = 8 << 20
	// overfull is how often as full as it should be a heap must be for the
	// runtime to collect it by itself, as a bunch of files may need more than
	// others. What is counted then has free room in it that nothing fits in.
	overfull = 2
	// bunchGC is the growth between collections of a heap that one bunch fills
	// by itself, as a file of a hundred thousand statements does, percent. At
	// its limit it would be collected all the time.
	bunchGC = 200
)

// Figures of the runtime.
const (
	heapObjects  = "/memory/classes/heap/objects:bytes"
	heapLive     = "/gc/heap/live:bytes"   // at the last collection
	heapAlloc    = "/gc/heap/allocs:bytes" // ever
	cyclesMarked = "/gc/cycles/total:gc-cycles"
)

// collector decides when the heap is collected. It is for a process that does
// one thing and ends: libraries leave the collector alone.
type collector struct {
	still atomic.Bool   // a command stands still for it
	roomy atomic.Bool   // makeRoom was called
	stays atomic.Bool   // the process goes on for hours
	next  atomic.Uint64 // where the heap is collected then, bytes
	// What was ever asked for, and how often was collected; what was alive at
	// the last collection, and what had been asked for until then (bytes).
	allocated, cycles []metrics.Sample
	live, since       uint64
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
	c := &collector{allocated: sample(heapAlloc), cycles: sample(cyclesMarked)}
	c.next.Store(stillLimit)
	go func() {
		heap, live := sample(heapObjects), sample(heapLive)
		stepping := false
		for range time.Tick(paceChecks) {
			if !c.roomy.Load() && bytesOf(heap) > roomyHeap {
				makeRoom()
				c.roomy.Store(true)
			}
			switch still := c.still.Load(); {
			case c.stays.Load():
				return
			case still && bytesOf(live) > c.next.Load():
				debug.SetGCPercent(bunchGC)
				debug.SetMemoryLimit(math.MaxInt64)
				return
			case !still && !stepping && bytesOf(live) > smallHeap:
				debug.SetGCPercent(laterGC)
				debug.SetMemoryLimit(math.MaxInt64)
				stepping = true
			}
		}
	}()
	return c
}

// stay hands the heap back to the runtime, for a process that does many things, one after
// the other, with pauses in which nothing is to be woken.
func (c *collector) stay() {
	c.stays.Store(true)
	debug.SetGCPercent(bunchGC)
	debug.SetMemoryLimit(math.MaxInt64)
}

// breathe is audit.CheckConfig.Breathe: where the heap is full it is collected
// while nothing else works. Both processors mark then, nothing is marked that
// came into being meanwhile, and writes cost what they always do.
func (c *collector) breathe(left float64, still func(func())) {
	if !c.still.Load() {
		c.still.Store(true)
		debug.SetGCPercent(-1)
		limit(c.next.Load())
		c.live, c.since = bytesOf(sample(heapObjects)), bytesOf(c.allocated)
	}
	heap, next := c.heap(), c.next.Load()
	if heap < next || heap+c.coming(left) < next+endRoom {
		return
	}
	still(func() {
		marked := c.collect()
		next := max(stillLimit, c.live+stillRoom)
		if c.live > smallHeap {
			next = c.live * (100 + laterGC) / 100
		}
		c.next.Store(next)
		marked <- next
	})
}

// collect marks the heap, and returns when it is known what is alive. The rest
// is swept beside the work, which takes what it needs of it; until that is done
// nothing tells how full the heap is, and there is no limit. Then it is limited by
// what is sent.
func (c *collector) collect() (next chan<- uint64) {
	told := make(chan uint64, 1)
	c.since = bytesOf(c.allocated)
	before := bytesOf(c.cycles)
	debug.SetMemoryLimit(math.MaxInt64)
	go func() {
		runtime.GC()
		limit(<-told)
	}()
	for bytesOf(c.cycles) == before && before != math.MaxInt64 {
		time.Sleep(markChecks)
	}
	c.live = bytesOf(sample(heapLive))
	return told
}

// heap is how much of it is taken: garbage that is not swept yet is not.
func (c *collector) heap() uint64 { return c.live + bytesOf(c.allocated) - c.since }

// coming is what the rest of the work will ask for, going by what the part that
// is done has.
func (c *collector) coming(left float64) uint64 {
	return uint64(float64(bytesOf(c.allocated)) * left / max(1-left, 0.01))
}

// limit is for a heap that is to be collected at next.
func limit(next uint64) { debug.SetMemoryLimit(int64(overfull * next)) }

func sample(name string) []metrics.Sample { return []metrics.Sample{{Name: name}} }

// bytesOf reads a number of bytes; one that the runtime does not know is large.
func bytesOf(s []metrics.Sample) uint64 {
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return math.MaxInt64
	}
	return s[0].Value.Uint64()
}
