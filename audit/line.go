package audit

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// The pace of the line: migrations go through it in bunches, because handing
// over costs; a bunch is a part of a migration's text long, or of a few. As
// syntax trees are many times their text, only a few are under way.
const (
	bunchBytes = 8 << 10
	bunchCount = 8
)

// all judges the migrations of a list, which is the release, in order. It is a
// line of three: parsing, on all processors; folding; the rules. Each takes
// the migrations in the order of the list.
func (j *judge) all(list []*adapter.Migration) {
	j.run()
	j.report.Migrations = slices.Grow(j.report.Migrations, len(list))
	bunches := bunched(list)
	slots := make([]chan struct{}, len(bunches))
	for i := range slots {
		slots[i] = make(chan struct{})
	}
	// Bunches that are parsed, or being parsed, and not folded yet.
	free := make(chan struct{}, runtime.GOMAXPROCS(0)+2)
	var next atomic.Int64
	var working sync.RWMutex // held for writing: all stand still
	var breathing sync.Mutex
	breathe := func(done int) {
		if j.breathe != nil && breathing.TryLock() {
			j.breathe(1-float64(done)/float64(len(bunches)), func(do func()) {
				working.Lock()
				defer working.Unlock()
				do()
			})
			breathing.Unlock()
		}
	}
	for range max(1, runtime.GOMAXPROCS(0)) {
		go func() {
			for {
				free <- struct{}{}
				i := int(next.Add(1)) - 1
				if i >= len(bunches) {
					<-free
					return
				}
				for k := range bunches[i] {
					x := &bunches[i][k]
					working.RLock()
					x.script, x.err = script.Build(x.migration.Source)
					working.RUnlock()
				}
				close(slots[i])
				breathe(i + 1)
			}
		}()
	}
	folded := make(chan []judged, 2)
	go func() {
		defer close(folded)
		for i, b := range bunches {
			<-slots[i]
			<-free
			for k := range b {
				working.RLock()
				j.fold(&b[k])
				working.RUnlock()
			}
			folded <- b
		}
	}()
	for b := range folded {
		for k := range b {
			working.RLock()
			j.rules(&b[k])
			working.RUnlock()
			b[k] = judged{}
		}
	}
}

// bunched cuts a list into bunches.
func bunched(list []*adapter.Migration) [][]judged {
	all := make([]judged, len(list))
	var out [][]judged
	from, size := 0, 0
	for i, m := range list {
		all[i] = judged{migration: m, status: onward.StatusNew}
		list[i] = nil
		if size += len(m.Source.Text); size >= bunchBytes || i+1-from == bunchCount || i+1 == len(list) {
			out = append(out, all[from:i+1])
			from, size = i+1, 0
		}
	}
	return out
}
