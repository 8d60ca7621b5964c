package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/onward"
)

// writing maps the verbs of [Usage.WriteEvidence] to the uses of a table by queries.
var writing = map[string][]facts.How{
	"insert": {facts.Inserts}, "update": {facts.Updates}, "delete": {facts.Deletes}, "truncate": {facts.Truncates},
	"copy": {facts.Copies, facts.Exports},
}

// hasVerb reports whether a query has one of the verbs.
func (w *Written) hasVerb(events []string) bool {
	return slices.ContainsFunc(events, func(event string) bool { return slices.Contains(writing[event], w.How) })
}

// WriteEvidence returns evidence that the deployed code does one of these to a table: "insert", "update",
// "delete", "truncate", "copy" (from it or to it). MERGE counts as its branches. It returns nil if
// there is none.
func (u Usage) WriteEvidence(events ...string) []onward.Evidence {
	for i := range u.Writes {
		if u.Writes[i].hasVerb(events) {
			return []onward.Evidence{u.Writes[i].Evidence}
		}
	}
	return nil
}

// SetEvidence returns evidence that the deployed code writes a column of a table: an INSERT lists it, or
// an UPDATE sets it.
func (u Usage) SetEvidence(column string, events ...string) []onward.Evidence {
	return u.findColumnWrite(events, column, func(facts.Given) bool { return true })
}

// SetToEvidence returns evidence that an UPDATE of the deployed code sets a column to a
// text for which matches returns true.
func (u Usage) SetToEvidence(column string, matches func(value string) bool) []onward.Evidence {
	return u.findColumnWrite([]string{"update"}, column, func(g facts.Given) bool { return g.Constant && matches(g.Value) })
}

// findColumnWrite finds a query with one of the verbs that sets a column.
func (u Usage) findColumnWrite(events []string, column string, matches func(facts.Given) bool) []onward.Evidence {
	for i := range u.Writes {
		if w := &u.Writes[i]; w.hasVerb(events) && slices.ContainsFunc(w.Columns, func(g facts.Given) bool { return g.Column == column && matches(g) }) {
			return []onward.Evidence{w.Evidence}
		}
	}
	return nil
}

// ByWriters reduces the evidence for a column to the code that writes it, for a change that does not
// break queries that read it.
func (u Usage) ByWriters() Usage { return u.withEvidence(u.Written) }

// ByReaders reduces it to the code that reads the column.
func (u Usage) ByReaders() Usage { return u.withEvidence(u.Read) }

func (u Usage) withEvidence(places []onward.Evidence) Usage {
	if u.Written != nil || u.Read != nil {
		u.Evidence = places
	}
	return u
}
