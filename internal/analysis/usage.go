package analysis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/onward"
)

// Usage is what is known of the deployed code's use of a table or column.
type Usage struct {
	// Known: there was code to examine.
	Known bool
	// Used: something in it names the object.
	Used bool
	// Sure: the result comes from the framework's own model, not from a text search.
	Sure bool
	// Defaulted: a model leaves the column to the database's default.
	Defaulted bool
	// GivesValue: if the code sets no value, the model does.
	GivesValue bool
	Evidence   []onward.Evidence
	// Named: no parsed code uses it, but code that works on the table contains its name, as Evidence shows.
	Named bool
	// Declared: only the declaration of a model uses it, and no code names the model. It is Named then, and not Used.
	Declared bool
	// Mentioned: no parsed code uses it, but other code contains its name next to the name of the table, its model or its
	// class. Whether that is a use is not known; Evidence shows the place.
	Mentioned bool
	// Nothing: the base contains no code that works on the database, so nothing is known of the deployed code.
	Nothing bool
	// Recorded counts the recorded queries on the column's table if neither they nor parsed code use the column. It is 0 if
	// something does, or if no query on the table was recorded.
	Recorded int
	// Calls is how often these queries were sent. Uncovered: there is a recording, but it has no query on the table.
	Calls     int64
	Uncovered bool
	// Does is what the code does with a table. Spelled: it contains the name as a string, too.
	Does    facts.HowSet
	Spelled bool
	// Loaded: no code was seen to name the column, but the mapper loaded it with all others of the table when the program started,
	// and its queries may list it. Ignores has the lines of code by which its models ignore it.
	Loaded  bool
	Ignores []string
	// ByTriggers: the model of the table says that only triggers insert rows.
	ByTriggers bool
	// Read and Written are the places that read a column and those that write it.
	Read, Written []onward.Evidence
	// Inserts are the INSERTs into a table that the code contains as text. If there are none, Inserting are the first
	// places that may insert rows: models, names in texts, calls of a mapper.
	Inserts   []Insert
	Inserting []onward.Evidence
	// AllColumnsUses are the places that read all columns of a table, as requested by FindAllColumnsUses.
	AllColumnsUses []AllColumnsUse
	// Writes are the writes of queries to a table.
	Writes []Written
	// FailsAtNull are the fields of the deployed code that cannot take NULL, and WritesNull the places of the code at the
	// head that may write it: of what MeetsNull asked for.
	FailsAtNull, WritesNull []onward.Evidence
	// Count is how many places there are, of which Evidence shows the first: of what AddedUses asked for.
	Count int
	// Functions are the functions of the schema that name the object, the worst first:
	// of what Pass.Taken was asked for.
	Functions []FunctionUse
}

// Insert is an INSERT in the text of the deployed code.
type Insert struct {
	Columns  []string
	Evidence onward.Evidence
}

// Written is a write of the deployed code to a table.
type Written struct {
	How      facts.How
	Columns  []facts.Given
	Evidence onward.Evidence
}

// FormatPlace returns the place of an INSERT: "shop/store.go:31".
func (i *Insert) FormatPlace() string { return fmt.Sprintf("%s:%d", i.Evidence.Path, i.Evidence.Line) }

// InsertPlaces returns the places that insert rows into a table: its INSERTs, if the code contains them as text, otherwise the
// places that may do so, or all that use it.
func (u Usage) InsertPlaces() []onward.Evidence {
	switch {
	case len(u.Inserts) > 0:
	case len(u.Inserting) > 0:
		return u.Inserting
	default:
		return u.Evidence
	}
	var out []onward.Evidence
	for i := range u.Inserts[:min(len(u.Inserts), maxEvidence)] {
		out = append(out, u.Inserts[i].Evidence)
	}
	return out
}

// IsReadOnly reports whether only queries that read the table use it, and nothing else contains its name as a string.
func (u Usage) IsReadOnly() bool { return u.Does.IsWithin(facts.NewHowSet(facts.Reads)) && !u.Spelled }

// IsOnlyNamed reports whether code is only seen to put the name into SQL at run time. The effect of that SQL is not known.
func (u Usage) IsOnlyNamed() bool { return u.Does.IsWithin(facts.NewHowSet(facts.Names)) }

// ShowsNoInsert reports whether the code was read and no INSERT into a table was seen: nothing uses it, or only what writes no
// new rows.
func (u Usage) ShowsNoInsert() bool {
	return u.Does.IsWithin(facts.InsertsNothing) || u.Known && u.Does == 0 && !u.Used && !u.Named && !u.Mentioned && !u.Spelled
}

// IsIdle reports whether the deployed code is known and neither uses nor may use the object.
func (u Usage) IsIdle() bool { return u.Known && !u.Used && !u.Named && !u.Nothing }

// DropSeverity returns the severity of dropping an object: Info if the code's models do not have it, Warning if no text names
// it, Error if something uses it or nothing is known. A function that names it counts as code.
func (u Usage) DropSeverity() onward.Severity {
	least := u.FunctionSeverity()
	switch {
	case u.Recorded > 0:
		return least
	case u.Used || !u.Known:
		return onward.Error
	case u.Sure:
		return least
	}
	return max(least, onward.Warning)
}

// NameSeverity returns the severity of taking away a name that much code never writes, such as a
// type's: Error only if the deployed code uses it, or a function that something calls.
func (u Usage) NameSeverity() onward.Severity {
	switch {
	case u.Used:
		return onward.Error
	case len(u.Functions) > 0:
		return u.FunctionSeverity()
	case u.IsIdle():
		return onward.Info
	}
	return onward.Warning
}

// LowerSeverity returns the severity, but at most Warning if no parsed code confirms a use: there is only a name, or no code at
// all.
func (u Usage) LowerSeverity(s onward.Severity) onward.Severity {
	if u.Recorded > 0 {
		return onward.Info
	}
	if !u.Used && (u.Named || u.Nothing) && (s == onward.Off || s > onward.Warning) {
		return onward.Warning
	}
	return s
}

// DescribeUnneeded describes the harm of dropping a deprecated object in view of the recordings: nobody used it, or they prove
// nothing. harm is the description without recordings.
func (u Usage) DescribeUnneeded(harm, object string) string {
	switch {
	case len(u.Functions) > 0 || u.Used:
	case u.Recorded > 0:
		return fmt.Sprintf("nobody used %s in %s recorded calls on the table (%d queries); queries that were not recorded may fail", object, formatThousands(u.Calls),
			u.Recorded)
	case u.Uncovered:
		return harm + "; the recording has no query on the table, which proves nothing"
	}
	return harm
}

// formatThousands formats a number for people: 36,971.
func formatThousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// FunctionSeverity returns the severity by functions alone: Info if none names the object.
func (u Usage) FunctionSeverity() onward.Severity {
	if len(u.Functions) > 0 {
		return u.Functions[0].severityOf()
	}
	return onward.Info
}

// FirstPlace returns the first place that uses the object, for a message: " (at shop/models.py:31)"; "" if there is none.
func (u Usage) FirstPlace() string {
	recorded := ""
	for _, e := range u.Evidence {
		switch {
		case e.Path == "" || e.Line == 0:
		case e.Kind != "query":
			return fmt.Sprintf(" (at %s:%d)", e.Path, e.Line)
		case recorded == "":
			recorded = " (seen in " + e.Path + ")"
		}
	}
	return recorded
}

// AllPlaces is FirstPlace with all places, if each of them breaks: " (at shop/a.py:31, shop/b.py:7)".
func (u Usage) AllPlaces() string {
	var list []string
	for _, e := range u.Evidence {
		if e.Path != "" && e.Line > 0 && e.Kind != "query" {
			list = append(list, fmt.Sprintf("%s:%d", e.Path, e.Line))
		}
	}
	if len(list) < 2 {
		return u.FirstPlace()
	}
	return " (at " + strings.Join(list, ", ") + ")"
}

// DescribeBreak describes what happens to the deployed code when an object is dropped: what names it, where, and how sure that is.
func (u Usage) DescribeBreak(object string) string {
	if len(u.Functions) > 0 {
		out := u.Functions[0].DescribeBreak() + nameOthers(u.Functions)
		if u.Used {
			u.Functions = nil
			out += "; and " + u.DescribeBreak(object)
		}
		return out
	}
	switch {
	case u.Loaded:
		return "the deployed code loaded " + object + " with all others of the table when it started" + u.FirstPlace() +
			": queries that list each column, and prepared ones in a transaction, fail until the new code has replaced it everywhere"
	case u.Used:
		return "the deployed code uses " + object + u.FirstPlace() + " and fails there until the new code has replaced it everywhere"
	case !u.Known:
		return "deployed code that uses " + object + " fails until the new code has replaced it everywhere"
	case u.Declared && u.Recorded == 0:
		return "a model declares " + object + u.FirstPlace() + ", and nothing in the deployed code names the model; code that finds models as it runs would fail"
	case u.Recorded > 0 && u.Named && !u.Declared:
		return fmt.Sprintf("code that works on it is named like %s%s, but none of the recorded queries on its table (%d) uses it; "+
			"queries that were not recorded may fail", object, u.FirstPlace(), u.Recorded)
	case u.Mentioned:
		out := "it is not known whether the deployed code uses " + object + u.FirstPlace()
		if u.Recorded > 0 {
			return out + fmt.Sprintf("; none of the recorded queries on its table (%d) does, and queries that were not recorded may fail", u.Recorded)
		}
		return out + ": if it does, it fails until the new code has replaced it everywhere"
	case u.Recorded > 0:
		return fmt.Sprintf("nothing in the deployed code names %s, nor does any of the recorded queries on its table (%d); queries that were not recorded may fail", object, u.Recorded)
	case u.Named:
		return "code that works on it is named like " + object + u.FirstPlace() + ": if it means " + object +
			", it fails until the new code has replaced it everywhere"
	case u.Nothing:
		return "nothing here works on the database, so that what its code does is not known: what uses " + object +
			" fails until the new code has replaced it everywhere"
	case u.Sure:
		return "the models of the deployed code no longer use " + object + "; raw SQL that does would fail"
	}
	return "nothing in the deployed code names " + object + "; what builds its SQL at run time, or other programs, would fail"
}

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
