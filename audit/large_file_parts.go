package audit

import (
	"fmt"
	"math"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

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
