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
	l := &line{judge: j, bunches: bunched(list), free: make(chan struct{}, runtime.GOMAXPROCS(0)+2)}
	l.parsed = make([]chan struct{}, len(l.bunches))
	for i := range l.parsed {
		l.parsed[i] = make(chan struct{})
	}
	for range max(1, runtime.GOMAXPROCS(0)) {
		go l.parse()
	}
	folded := make(chan []judged, 2)
	go l.fold(folded)
	for b := range folded {
		for k := range b {
			l.work(func() { j.rules(&b[k]) })
			b[k] = judged{}
		}
	}
}

// line is the three that work, one behind the other.
type line struct {
	judge   *judge
	bunches [][]judged
	parsed  []chan struct{} // closed where the bunch is
	// free has one for each bunch that is parsed, or being parsed, and not folded yet.
	free      chan struct{}
	next      atomic.Int64
	working   sync.RWMutex // held for writing: all stand still
	breathing sync.Mutex
}

// work does a piece of work; none is done while all stand still.
func (l *line) work(do func()) {
	l.working.RLock()
	defer l.working.RUnlock()
	do()
}

// parse parses bunches until there is none left.
func (l *line) parse() {
	for {
		l.free <- struct{}{}
		i := int(l.next.Add(1)) - 1
		if i >= len(l.bunches) {
			<-l.free
			return
		}
		for k := range l.bunches[i] {
			x := &l.bunches[i][k]
			l.work(func() { x.script, x.err = script.Build(x.migration.Source) })
		}
		close(l.parsed[i])
		l.breathe(i + 1)
	}
}

// breathe lets the process make room when so many bunches are parsed.
func (l *line) breathe(done int) {
	if l.judge.breathe == nil || !l.breathing.TryLock() {
		return
	}
	defer l.breathing.Unlock()
	l.judge.breathe(1-float64(done)/float64(len(l.bunches)), func(do func()) {
		l.working.Lock()
		defer l.working.Unlock()
		do()
	})
}

// fold folds the bunches in their order.
func (l *line) fold(folded chan<- []judged) {
	defer close(folded)
	for i, b := range l.bunches {
		<-l.parsed[i]
		<-l.free
		for k := range b {
			l.work(func() { l.judge.fold(&b[k]) })
		}
		folded <- b
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
