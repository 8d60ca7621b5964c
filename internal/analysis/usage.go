package analysis

import (
	"fmt"
	"strconv"

	"github.com/onward-sql/onward/internal/usage"
	"github.com/onward-sql/onward/onward"
)

// Usage is what is known of the deployed code's use of a table or column.
type Usage struct {
	// Known: there was code to look at.
	Known bool
	// Used: something in it names the thing.
	Used bool
	// Sure: it comes from the framework's own model, not from a text search.
	Sure bool
	// Defaulted: a model leaves the value of the column to the database's default.
	Defaulted bool
	// GivesValue: where the code says nothing, the model gives the column a value.
	GivesValue bool
	Evidence   []onward.Evidence
	// Named: nothing that was parsed uses it, but code that works on the table has the
	// name; where it is, Evidence shows.
	Named bool
	// Mentioned: nothing that was parsed uses it, and code that is not known to work on the table has its name beside
	// that of the table, its model or its class. Whether that is a use is not known; Evidence shows it.
	Mentioned bool
	// Nothing: the base holds nothing that works on the database, so that nothing is
	// known of the deployed code.
	Nothing bool
	// Recorded is how many recorded queries work on the table of a column that none of
	// them uses, and no code that was parsed does; 0 where something does, or nothing was
	// recorded of the table.
	Recorded int
	// Calls is how often those were sent. Uncovered: there is a recording, and it has
	// nothing on the table.
	Calls     int64
	Uncovered bool
	// Put: all that is seen of it is that code puts its name into SQL as it runs: what
	// that SQL does is not known.
	Put bool
	// Unfilled: the code that uses the table reads, changes and deletes rows, and none
	// of it puts any in.
	Unfilled bool
	// Unread: it deletes and puts in rows, and none of it reads any.
	Unread bool
	// Read and Written are the places that read a column and those that write it.
	Read, Written []onward.Evidence
	// All: some query takes all columns of the table.
	All bool
	// ReadOnly: all that uses the table are queries that read it, and nothing else has
	// its name as a text.
	ReadOnly bool
	// Inserts are those of a table that the code spells out.
	Inserts []Insert
	// Stars are the places that take all columns of a table: of what
	// Pass.ReadsAll asked for.
	Stars []Star
	// Writes are what queries write to a table.
	Writes []Written
	// Functions are those of the schema that name the thing, the worst first:
	// of what Pass.Taken was asked for.
	Functions []FunctionUse
}

// Insert is an INSERT in the text of the deployed code.
type Insert struct {
	Columns  []string
	Evidence onward.Evidence
}

// Written is what a query of the deployed code writes to a table.
type Written struct {
	How      usage.How
	Columns  []usage.Given
	Evidence onward.Evidence
}

// Where is the place of an INSERT: "shop/store.go:31".
func (i *Insert) Where() string { return fmt.Sprintf("%s:%d", i.Evidence.Path, i.Evidence.Line) }

// Puts are the places that put rows into a table: its INSERTs, as far as the code spells
// them out, and else all that use it.
func (u Usage) Puts() []onward.Evidence {
	if len(u.Inserts) == 0 {
		return u.Evidence
	}
	var out []onward.Evidence
	for i := range u.Inserts[:min(len(u.Inserts), maxEvidence)] {
		out = append(out, u.Inserts[i].Evidence)
	}
	return out
}

// Idle reports whether the deployed code is there, and nothing in it uses the thing or
// may use it.
func (u Usage) Idle() bool { return u.Known && !u.Used && !u.Named && !u.Nothing }

// Severity is how bad it is to take away what the deployed code may use: Info
// when its models say that it does not, Warning when no text names it, Error
// when something does or nothing is known. A function that names it is as good
// as code.
func (u Usage) Severity() onward.Severity {
	least := u.Least()
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

// Lowered is a severity, or Warning where it would be worse and nothing that was parsed
// bears it out: a name alone, or no code at all.
func (u Usage) Lowered(s onward.Severity) onward.Severity {
	if u.Recorded > 0 {
		return onward.Info
	}
	if !u.Used && (u.Named || u.Nothing) && (s == onward.Off || s > onward.Warning) {
		return onward.Warning
	}
	return s
}

// Unneeded says of something deprecated what the recordings make of it: that nobody used
// it, or that they say nothing; harm is what is said without them.
func (u Usage) Unneeded(harm, it string) string {
	switch {
	case len(u.Functions) > 0 || u.Used:
	case u.Recorded > 0:
		return fmt.Sprintf("nobody used %s in %s recorded calls on the table (%d queries); what was not recorded may fail", it, thousands(u.Calls), u.Recorded)
	case u.Uncovered:
		return harm + "; the recording has no query on the table, which proves nothing"
	}
	return harm
}

// thousands is a number as people read it: 36,971.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// Least is what the functions alone make of it: Info when none names it.
func (u Usage) Least() onward.Severity {
	if len(u.Functions) > 0 {
		return u.Functions[0].severity()
	}
	return onward.Info
}

// Where is the first place that uses the thing, for a message: " (at
// shop/models.py:31)"; "" when there is none.
func (u Usage) Where() string {
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

// Breaks says what happens to the deployed code when something goes away:
// what names it, where, and how sure that is.
func (u Usage) Breaks(what string) string {
	if len(u.Functions) > 0 {
		out := u.Functions[0].Breaks() + others(u.Functions)
		if u.Used {
			u.Functions = nil
			out += "; and " + u.Breaks(what)
		}
		return out
	}
	switch {
	case u.Used:
		return "the deployed code uses " + what + u.Where() + " and fails there until the new code has replaced it everywhere"
	case !u.Known:
		return "deployed code that uses " + what + " fails until the new code has replaced it everywhere"
	case u.Recorded > 0 && u.Named:
		return fmt.Sprintf("code that works on it has a name like that of %s%s, but none of the recorded queries on its table (%d) uses it; what was not recorded may fail", what, u.Where(), u.Recorded)
	case u.Mentioned:
		out := "it is not known whether the deployed code uses " + what + u.Where()
		if u.Recorded > 0 {
			return out + fmt.Sprintf("; none of the recorded queries on its table (%d) does, and what was not recorded may fail", u.Recorded)
		}
		return out + ": if it does, it fails until the new code has replaced it everywhere"
	case u.Recorded > 0:
		return fmt.Sprintf("nothing in the deployed code names %s, nor does any of the recorded queries on its table (%d); what was not recorded may fail", what, u.Recorded)
	case u.Named:
		return "code that works on it has a name like that of " + what + u.Where() + ": where it means " + what + ", it fails until the new code has replaced it everywhere"
	case u.Nothing:
		return "nothing here works on the database, so that what its code does is not known: what uses " + what + " fails until the new code has replaced it everywhere"
	case u.Sure:
		return "the models of the deployed code no longer use " + what + "; raw SQL that does would fail"
	}
	return "nothing in the deployed code names " + what + "; what builds its SQL at run time, or other programs, would fail"
}
