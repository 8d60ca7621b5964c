package cli

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"
)

// The pace of Go's garbage collector. A run lasts about a second. With the runtime's own pace, a check of many files takes a fifth more
// CPU time and a quarter more memory, and the other commands up to a sixth more CPU time.
const (
	// shortRunGC is the growth of the heap between collections, percent. In a check of many files, it is pausedGC from
	// smallHeap alive on (bytes).
	shortRunGC, pausedGC = 400, 150

	smallHeap  = 70 << 20
	paceChecks = 5 * time.Millisecond
	markChecks = 50 * time.Microsecond

	// roomyHeap is the size from which on a heap is expected to fill stillLimit (bytes).
	roomyHeap = 8 << 20

	// stillLimit is the heap size at which a command that can pause collects, as long as
	// less than smallHeap is live. stillRoom is the least that it can allocate between
	// two collections (bytes). endRoom is how far above the limit the end of the work may
	// go.
	stillLimit = 112 << 20
	stillRoom  = 32 << 20
	endRoom    = 8 << 20
	// overfull is the factor of its planned size at which the runtime collects a heap by
	// itself. It leaves room, because a batch of files may need more than others, and
	// because the counted heap has free space in it that nothing fits in.
	overfull = 2
	// bunchGC is the growth between collections, in percent, of a heap that a single
	// batch fills, such as a file of a hundred thousand statements. With only a limit, it
	// would be collected all the time.
	bunchGC = 200

	// largeGC is the growth of such a heap from largeHeap alive on (bytes), and hugeGC from hugeHeap on, percent:
	// a million statements in a report fill it. A memory limit would collect it all the time.
	largeHeap, largeGC = 128 << 20, 100
	hugeHeap, hugeGC   = 256 << 20, 50
)

// Figures of the runtime.
const (
	heapObjects  = "/memory/classes/heap/objects:bytes"
	heapLive     = "/gc/heap/live:bytes"   // at the last collection
	heapAlloc    = "/gc/heap/allocs:bytes" // ever
	cyclesMarked = "/gc/cycles/total:gc-cycles"
)

// collector decides when the heap is collected. It is for a process that does one thing
// and ends: libraries must not change the garbage collector.
type collector struct {
	still atomic.Bool   // the command pauses for it
	roomy atomic.Bool   // growHeap was called
	next  atomic.Uint64 // where the heap is collected then, bytes
	// paced: the heap has outgrown that, and grows by percent. A limit would be below what is alive, and the
	// heap would be collected all the time.
	paced   atomic.Bool
	setting sync.Mutex // of paced, with the limit that goes with it
	// What was ever asked for, and how often was collected; what was alive at
	// the last collection, and what had been asked for until then (bytes).
	allocated, cycles []metrics.Sample
	live, since       uint64
}

// paceCollector lets the heap of a short run grow further than the runtime does. GOGC and GOMEMLIMIT in the environment
// override it: it then returns nil.
func paceCollector(environ func(string) string) *collector {
	if environ("GOGC") != "" || environ("GOMEMLIMIT") != "" {
		return nil
	}
	debug.SetGCPercent(shortRunGC)
	c := &collector{allocated: newSample(heapAlloc), cycles: newSample(cyclesMarked)}
	c.next.Store(stillLimit)
	return c
}

// stopPacing gives control of the heap back to the runtime, for a process that does many things
// one after the other, with pauses in which it should not wake.
func (c *collector) stopPacing() { debug.SetGCPercent(bunchGC) }

// paceSession lets the heap of a session with an editor grow further as long as little is alive: a keystroke then takes a fifth
// less processor time.
func (c *collector) paceSession() {
	if c == nil {
		return
	}
	percent := shortRunGC
	if bytesOf(newSample(heapLive)) > largeHeap {
		percent = bunchGC
	}
	debug.SetGCPercent(percent)
}

// takeOverHeap takes the heap over from the runtime, for a command that can pause. If most of the work is left, it makes room
// at once: later, the room would count as what was allocated, and the heap would be collected for it.
func (c *collector) takeOverHeap(left float64) {
	debug.SetGCPercent(-1)
	if left > 0.5 && bytesOf(newSample(heapObjects)) > roomyHeap {
		growHeap()
		c.roomy.Store(true)
	}
	c.live, c.since = bytesOf(newSample(heapObjects)), bytesOf(c.allocated)
	if live := bytesOf(newSample(heapLive)); live > stillLimit { // the texts of many files
		c.next.Store(sizeAtCollection(live))
	}
	c.setLimit(c.next.Load())
	c.still.Store(true)
	go c.watchHeap()
}

// watchHeap makes room once, and lets a heap that a single batch fills grow by percent.
func (c *collector) watchHeap() {
	heap, live := newSample(heapObjects), newSample(heapLive)
	large := false
	for range time.Tick(paceChecks) {
		if !c.roomy.Load() && bytesOf(heap) > roomyHeap {
			growHeap()
			c.roomy.Store(true)
		}
		switch {
		case large && bytesOf(live) > hugeHeap:
			debug.SetGCPercent(hugeGC)
			return
		case c.paced.Load() && !large && bytesOf(live) > largeHeap:
			debug.SetGCPercent(largeGC)
			large = true
		case !c.paced.Load() && bytesOf(live) > c.next.Load():
			c.growByPercent()
		}
	}
}

// collectIfFull is audit.CheckConfig.Breathe: if the heap is full, it is collected while
// nothing else works. All processors then mark, no new objects are marked, and writes
// have no extra cost.
func (c *collector) collectIfFull(left float64, pauseFor func(func())) {
	if c.paced.Load() {
		return
	}
	if !c.still.Load() {
		c.takeOverHeap(left)
	}
	heap, next := c.heapSize(), c.next.Load()
	if heap < next || heap+c.estimateGrowth(left) < next+endRoom {
		return
	}
	pauseFor(func() {
		marked := c.collectHeap()
		next := sizeAtCollection(c.live)
		c.next.Store(next)
		marked <- next
	})
}

// sizeAtCollection returns the size at which a heap is collected in a pause, if so much of it was live at last (bytes).
func sizeAtCollection(live uint64) uint64 {
	if live > smallHeap {
		return live * (100 + pausedGC) / 100
	}
	return max(stillLimit, live+stillRoom)
}

// collectHeap marks the heap, and returns when the live size is known. The rest is swept
// during the work, which reuses the freed memory. Until that is done, the size of the
// heap is not known and there is no limit. After it, the value that is sent is the limit.
func (c *collector) collectHeap() (next chan<- uint64) {
	limits := make(chan uint64, 1)
	c.since = bytesOf(c.allocated)
	before := bytesOf(c.cycles)
	debug.SetMemoryLimit(math.MaxInt64)
	go func() {
		runtime.GC()
		c.setLimit(<-limits)
	}()
	for bytesOf(c.cycles) == before && before != math.MaxInt64 {
		time.Sleep(markChecks)
	}
	c.live = bytesOf(newSample(heapLive))
	return limits
}

// heapSize returns how much is allocated, without garbage that is not swept yet.
func (c *collector) heapSize() uint64 { return c.live + bytesOf(c.allocated) - c.since }

// estimateGrowth estimates how much the rest of the work will allocate, from the part that is
// done.
func (c *collector) estimateGrowth(left float64) uint64 {
	return uint64(float64(bytesOf(c.allocated)) * left / max(1-left, 0.01))
}

// setLimit sets the memory limit for a heap that is collected at the size next.
func (c *collector) setLimit(next uint64) {
	c.setting.Lock()
	defer c.setting.Unlock()
	if !c.paced.Load() {
		debug.SetMemoryLimit(int64(overfull * next))
	}
}

// growByPercent lets the heap grow by percent from now on.
func (c *collector) growByPercent() {
	c.setting.Lock()
	defer c.setting.Unlock()
	c.paced.Store(true)
	debug.SetGCPercent(bunchGC)
	debug.SetMemoryLimit(math.MaxInt64)
}

func newSample(name string) []metrics.Sample { return []metrics.Sample{{Name: name}} }

// bytesOf reads a number of bytes; one that the runtime does not know is large.
func bytesOf(s []metrics.Sample) uint64 {
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return math.MaxInt64
	}
	return s[0].Value.Uint64()
}
