package sql

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// file is a migration's file while it is loaded: its text, and how it is sent.
type file struct {
	tree    adapter.Tree
	place   *migrationDir
	m       *adapter.Migration
	options adapter.Options
	// path is its name in the directory, name is that without further directories, text its content, and lines are the comment
	// lines that may be markers.
	path, name, text string
	lines            []line
	// own is set if its runner is the directory's, and not only this file's. marked is
	// set if it has the runner's markers.
	own, marked bool
	// trust is how far its markers are believed.
	trust trust

	// mode is how it is sent, regions the parts of it that are sent. whole is set if each
	// is one message. hash is the text that identifies a version of the file; "" for the
	// text that is sent.
	mode    onward.Transaction
	whole   bool
	regions [][2]int
	hash    string
}

// setParts sets the parts and the mode of a migration.
func (r *runner) setParts(p *migrationDir, m *adapter.Migration, read *adapter.File, up string, o adapter.Options) {
	f := &file{tree: p.tree, place: p, m: m, options: o, path: up, name: path.Base(up), text: read.Text, regions: [][2]int{{0, len(read.Text)}}}
	sender := r.chooseRunner(f)
	m.Runner.Tool = history.Tool{
		Name: sender.name, Unit: sender.unit, Apart: sender.apart, Ended: sender.ended, Begin: sender.begin, End: sender.end,
		KeepsSession: sender.keepsSession, WaitsFor: sender.waitsFor, RowTable: sender.rowTable,
	}
	m.Runner.Guessed = sender.assumed && o.Transaction == ""
	f.own, f.mode, f.whole = sender == r, sender.mode, sender.whole
	if f.mode == "" {
		f.mode = onward.TransactionNone
	}
	if sender.marks != nil && (f.marked || !sender.loose) {
		sender.marks.applyMarkers(f)
	}
	if sender.send != nil {
		sender.send(f)
	}
	for _, span := range f.regions {
		if part := adapter.TrimmedPart(f.text, span[0], span[1]); part.SQL != "" {
			part.Message = f.whole && o.Transaction == ""
			m.Source.Parts = append(m.Source.Parts, part)
		}
	}
	m.Seal(f.mode, o, f.hash)
	if f.marked && f.trust == markersUnproven {
		f.addWholeForm(sender)
	}
}

// warnOfLostLines reports the first line inside a string of each part that a tool leaves out. which says what it leaves out.
func (f *file) warnOfLostLines(tool, which string, isLost func(line string) bool) {
	regions := f.regions
	for _, part := range f.m.Source.Parts {
		regions = append(regions, [2]int{part.Start, part.Start + len(part.SQL)})
	}
	for _, region := range regions {
		var lex adapter.Lexer
		offset := region[0]
		for l := range strings.Lines(f.text[region[0]:region[1]]) {
			if lex.Open() == "a string" && isLost(strings.TrimRight(l, "\r\n")) {
				f.m.Refuse(offset, tool+" leaves out this line, which is inside a string",
					tool+" drops "+which+" before it sends a statement: the value has no such line", "write the line break as \\n in a string of one line: E'…'")
				f.m.Problems[len(f.m.Problems)-1].Severity = onward.Warning
				break
			}
			lex.Feed(l)
			offset += len(l)
		}
	}
}

// chooseRunner returns the runner that decides how a file is sent: the directory's, else the one
// whose markers the file has, else the one that its name fits. It sets the file's lines, trust and marked. It reports markers that mean
// nothing in the directory.
func (r *runner) chooseRunner(f *file) *runner {
	f.lines = findHintedLines(f.text)
	isSure := r.sure != nil && r.sure(f.text)
	if tool := toolByMarkers(f.lines); tool != nil {
		if f.trust = f.place.deployed.judgeMarkers(f, tool); f.trust == markersForeign {
			f.place.deployed.refuseMarkers(f, tool)
		}
		switch {
		case isSure:
			return r
		case f.trust == markersForeign:
			return f.place.deployed.chooseSender(r)
		}
		f.marked = true
		return tool
	}
	if isSure {
		return r
	}
	if r.loose {
		for _, tool := range tools {
			if tool.owns != nil && tool.owns(f.name) {
				return tool
			}
		}
	}
	return r
}
