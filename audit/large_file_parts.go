package audit

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
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

// windows says which files are judged in parts, because the syntax tree of a statement takes many times its text.
type windows struct {
	above int // files with more statements than this
	size  int // statements of a part
}

// usualWindows keep the largest file that is read below 300 MB of memory.
var usualWindows = windows{above: 50_000, size: 5_000}

// maxStatements is how many statements of a source are judged at once.
func (w windows) maxStatements(src *script.Source) int {
	bound := len(src.Parts)
	for i := range src.Parts {
		bound += strings.Count(src.Parts[i].SQL, ";")
	}
	if bound <= w.above {
		return math.MaxInt
	}
	n := 0
	for i := range src.Parts {
		if n += pgparse.CountStatements(src.Parts[i].SQL, w.above+1-n); n > w.above {
			return w.size
		}
	}
	return math.MaxInt
}

// isSplit reports whether a source is judged in several parts.
func (w windows) isSplit(src *script.Source) bool { return w.maxStatements(src) != math.MaxInt }

// maxStatements is how many statements of a migration are judged at once. Who keeps migrations for later gets them whole,
// and a transaction around several files needs them together.
func (j *judge) maxStatements(src *script.Source, in run) int {
	if j.keep != nil || in.together != 0 {
		return math.MaxInt
	}
	return j.windows.maxStatements(src)
}

// readFirst reads the first part of a migration.
func (x *judgedMigration) readFirst(src script.Source, most int) {
	x.reader, x.most = script.NewReader(src), most
	x.script, x.err = x.reader.Next(most)
}

// hasNext reports whether a part follows.
func (x *judgedMigration) hasNext() bool { return x.err == nil && x.script != nil && x.script.More }

// readNext reads the part that follows.
func (x *judgedMigration) readNext() judgedMigration {
	out := judgedMigration{releasedMigration: x.releasedMigration, reader: x.reader, most: x.most, window: x.script.Window + 1}
	out.script, out.err = out.reader.Next(out.most)
	return out
}

// ensureReportEntry returns the report's entry of a migration: a new one, or the one of its earlier parts.
func (j *judge) ensureReportEntry(m *adapter.Migration, rm *rule.Migration) *onward.Migration {
	if s := rm.Script; s.Window == 0 {
		j.report.Migrations = append(j.report.Migrations, onward.Migration{
			ID: m.ID, Path: m.Path, Framework: rm.Framework, Tool: m.Runner.Name, Status: rm.Status, Transaction: m.Source.Mode,
			Changes: []onward.Change{}, Statements: []onward.Statement{},
		})
		j.before = nil
	}
	if len(rm.Txs) > 0 && j.before == nil {
		j.before = rm.Txs[0].Before
	}
	return &j.report.Migrations[len(j.report.Migrations)-1]
}

// reportChanges reports the changes of a migration after its last part was judged.
func (j *judge) reportChanges(rm *rule.Migration, out *onward.Migration) {
	if j.brief || rm.Script.More || j.before == nil {
		return
	}
	after := j.before
	if len(rm.Txs) > 0 {
		after = rm.Txs[len(rm.Txs)-1].After
	}
	diff := catalog.Diff(j.before, after)
	for i := range diff {
		change := diff[i].Words()
		change.New = after.CreatedSince(j.engine.Release().Deployed, diff[i].OID) && diff[i].OID != 0
		out.Changes = append(out.Changes, change)
	}
}

// reportWindowLimits lists what is not seen in a file that was judged in parts.
func (j *judge) reportWindowLimits(m *adapter.Migration, x *judgedMigration) {
	if x.window == 0 || x.hasNext() {
		return
	}
	j.addOpaque(onward.Opaque{
		Migration: m.ID, Path: m.Path, What: "what follows from statements far apart",
		Why: fmt.Sprintf("the file is large, so it is judged in %d parts of %d statements. The schema, "+
			"the session's settings and the locks of an open transaction go on from part to part. "+
			"A rule compares a statement with those of its own part: what follows from two parts together is not found, "+
			"and what a later part mends is still reported. Split the file to see it all", x.window+1, x.most),
	})
}
