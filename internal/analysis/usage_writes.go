package analysis

import (
	"slices"

	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// writing are what queries do to a table, by its name in the rules.
var writing = map[string][]usage.How{
	"insert": {usage.Inserts}, "update": {usage.Updates}, "delete": {usage.Deletes}, "truncate": {usage.Truncates},
	"copy": {usage.Copies, usage.Exports},
}

// does reports whether a query does one of some things.
func (w *Written) does(events []string) bool {
	return slices.ContainsFunc(events, func(event string) bool { return slices.Contains(writing[event], w.How) })
}

// Writing is the evidence that the deployed code does one of these to a table:
// "insert", "update", "delete" (MERGE is what its branches do), "truncate", "copy" (from it or to it).
// nil when nothing shows it.
func (u Usage) Writing(events ...string) []onward.Evidence {
	for i := range u.Writes {
		if u.Writes[i].does(events) {
			return []onward.Evidence{u.Writes[i].Evidence}
		}
	}
	return nil
}

// Setting is the evidence that the deployed code writes a column of a table: in an
// INSERT that lists it, or an UPDATE that sets it.
func (u Usage) Setting(column string, events ...string) []onward.Evidence {
	return u.gives(events, column, func(usage.Given) bool { return true })
}

// SettingTo is the evidence that an UPDATE of the deployed code sets a column to a text
// of which is says yes.
func (u Usage) SettingTo(column string, is func(value string) bool) []onward.Evidence {
	return u.gives([]string{"update"}, column, func(g usage.Given) bool { return g.Constant && is(g.Value) })
}

// gives finds a query that does one of some things, and gives a column a value.
func (u Usage) gives(events []string, column string, is func(usage.Given) bool) []onward.Evidence {
	for i := range u.Writes {
		if w := &u.Writes[i]; w.does(events) && slices.ContainsFunc(w.Columns, func(g usage.Given) bool { return g.Column == column && is(g) }) {
			return []onward.Evidence{w.Evidence}
		}
	}
	return nil
}

// ByWriters leaves of the evidence for a column what only breaks code that writes it:
// queries that read it are none.
func (u Usage) ByWriters() Usage { return u.by(u.Written) }

// ByReaders leaves what only breaks code that reads the column.
func (u Usage) ByReaders() Usage { return u.by(u.Read) }

func (u Usage) by(places []onward.Evidence) Usage {
	if u.Written != nil || u.Read != nil {
		u.Evidence = places
	}
	return u
}
