package sql

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// file is a migration's file on its way: what it says, and how it is sent.
type file struct {
	tree    adapter.Tree
	m       *adapter.Migration
	options adapter.Options
	// name is its name without the directory; text its content; lines are those that
	// may be marks.
	name, text string
	lines      []line
	// own: its runner is that of the directory, and not of this file alone. marked: it
	// has the runner's marks.
	own, marked bool

	// mode is how it is sent, regions what of it; whole: each in one message. hash
	// is what tells two versions of it apart, "" for what is sent.
	mode    onward.Transaction
	whole   bool
	regions [][2]int
	hash    string
}

// load gives a migration its parts and mode.
func (r *runner) load(p *place, m *adapter.Migration, read *adapter.File, name string, o adapter.Options) {
	f := &file{tree: p.tree, m: m, options: o, name: name, text: read.Text, regions: [][2]int{{0, len(read.Text)}}}
	by := r.of(f)
	m.Runner.Tool = history.Tool{Name: by.name, Unit: by.unit, Apart: by.apart, Ended: by.ended}
	m.Runner.Guessed = by.assumed && o.Transaction == ""
	f.own, f.mode, f.whole = by == r, by.mode, by.whole
	if f.mode == "" {
		f.mode = onward.TransactionNone
	}
	if by.marks != nil && (f.marked || !by.loose) {
		by.marks.apply(f)
	}
	if by.send != nil {
		by.send(f)
	}
	for _, at := range f.regions {
		if part := adapter.Part(f.text, at[0], at[1]); part.SQL != "" {
			part.Message = f.whole && o.Transaction == ""
			m.Source.Parts = append(m.Source.Parts, part)
		}
	}
	m.Seal(f.mode, o, f.hash)
}

// of is the runner whose ways a file of a directory goes: the directory's, or the one
// whose marks it has, or else whose name.
func (r *runner) of(f *file) *runner {
	if r.sure != nil && r.sure(f.text) {
		return r
	}
	f.lines = hintedLines(f.text)
	if by := markedBy(f.lines); by != nil {
		f.marked = true
		return by
	}
	if r.loose {
		for _, by := range tools {
			if by.owns != nil && by.owns(f.name) {
				return by
			}
		}
	}
	return r
}
