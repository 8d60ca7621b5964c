package audit

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// The limits of the pipeline. Migrations go through it in batches, because each hand-over
// costs time. A batch has one migration or a few, up to a length of text. Syntax trees
// are many times their text, so only a few batches are in memory.
const (
	bunchBytes = 8 << 10 // of SQL in a batch
	bunchCount = 8       // migrations in a batch
)

// judgeMigrations judges the migrations of a list, which is the release, in order. It is a pipeline
// of three stages: parsing, on all processors; folding; the rules. Folding and rules
// process the migrations in the order of the list.
func (j *judge) judgeMigrations(list []releasedMigration) {
	j.ensureEngine()
	j.report.Migrations = slices.Grow(j.report.Migrations, len(list))
	l := &pipeline{judge: j, bunches: cutIntoBatches(list), free: make(chan struct{}, runtime.GOMAXPROCS(0)+2), windows: make(chan struct{}, 1)}
	l.parsed = make([]chan struct{}, len(l.bunches))
	for i := range l.parsed {
		l.parsed[i] = make(chan struct{})
	}
	for range max(1, runtime.GOMAXPROCS(0)) {
		go l.parseBatches()
	}
	folded := make(chan []judgedMigration, 2)
	go l.foldBatches(folded)
	for b := range folded {
		for k := range b {
			l.runUnpaused(func() { j.runRules(&b[k]) })
			if b[k].window > 0 {
				<-l.windows
			}
			b[k] = judgedMigration{}
		}
	}
}

// pipeline is the pipeline with its three stages.
type pipeline struct {
	judge   *judge
	bunches [][]judgedMigration
	parsed  []chan struct{} // closed when the batch is parsed
	// free has a slot for each batch that is parsed, or being parsed, and not folded yet.
	free chan struct{}
	// windows has one for each further part of a large file that is folded, or being folded, and not judged yet.
	windows   chan struct{}
	next      atomic.Int64
	working   sync.RWMutex // held for writing: all stages pause
	breathing sync.Mutex
}

// runUnpaused does a piece of work, unless all stages pause.
func (l *pipeline) runUnpaused(fn func()) {
	l.working.RLock()
	defer l.working.RUnlock()
	fn()
}

// parseBatches parses batches until there are none left.
func (l *pipeline) parseBatches() {
	for {
		l.free <- struct{}{}
		i := int(l.next.Add(1)) - 1
		if i >= len(l.bunches) {
			<-l.free
			return
		}
		for k := range l.bunches[i] {
			x := &l.bunches[i][k]
			l.runUnpaused(func() { x.readFirst(x.migration.Source, l.judge.maxStatements(&x.migration.Source, x.run)) })
		}
		close(l.parsed[i])
		l.freeMemory(i + 1)
	}
}

// freeMemory lets the process free memory after so many batches are parsed.
func (l *pipeline) freeMemory(done int) {
	if l.judge.breathe == nil || !l.breathing.TryLock() {
		return
	}
	defer l.breathing.Unlock()
	l.judge.breathe(1-float64(done)/float64(len(l.bunches)), func(fn func()) {
		l.working.Lock()
		defer l.working.Unlock()
		fn()
	})
}

// foldBatches folds the batches in their order.
func (l *pipeline) foldBatches(folded chan<- []judgedMigration) {
	defer close(folded)
	for i, b := range l.bunches {
		<-l.parsed[i]
		<-l.free
		from := 0
		for k := range b {
			l.runUnpaused(func() { l.judge.foldMigration(&b[k]) })
			if b[k].hasNext() {
				last := b[k]
				folded <- b[from : k+1]
				from = k + 1
				l.foldParts(last, folded)
			}
		}
		folded <- b[from:]
	}
}

// foldParts folds the parts of a large file that follow one.
func (l *pipeline) foldParts(x judgedMigration, folded chan<- []judgedMigration) {
	for more := true; more; {
		l.windows <- struct{}{}
		next := []judgedMigration{{}}
		l.runUnpaused(func() {
			next[0] = x.readNext()
			l.judge.foldMigration(&next[0])
		})
		x, more = next[0], next[0].hasNext()
		folded <- next
	}
}

// cutIntoBatches cuts a list into batches.
func cutIntoBatches(list []releasedMigration) [][]judgedMigration {
	all := make([]judgedMigration, len(list))
	var out [][]judgedMigration
	from, size := 0, 0
	for i, m := range list {
		all[i] = judgedMigration{releasedMigration: m}
		list[i] = releasedMigration{} // frees its text once it is judged
		if size += len(m.migration.Source.Text); size >= bunchBytes || i+1-from == bunchCount || i+1 == len(list) {
			out = append(out, all[from:i+1])
			from, size = i+1, 0
		}
	}
	return out
}
