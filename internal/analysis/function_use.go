package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// FunctionUse is a function that exists at commit and whose body still names an object
// that the commit drops or renames. Postgres allows that, and a call fails.
type FunctionUse struct {
	*catalog.Function
	catalog.Mention
	// Names is what it names: "NEW.total", "the table". Error is the server's error when
	// a call reaches that place.
	Names, Error string
	// Row is the table's own trigger through which the function sees the row as NEW or
	// OLD; nil if the function names the object in a query.
	Row *catalog.Trigger
	// By is the caller of the function; "" if none is seen. Fires is the event that makes
	// a trigger call it: "UPDATE of posts that fires touch".
	By, Fires string
	// Later: the migration repairs it after the commit, in another transaction.
	Later bool
	// Code is the place in the deployed code that calls it, for a message.
	Code string
	// Unknown: the code that may call it could not be read.
	Unknown bool
}

// severityOf returns the severity of the use. A function that has a caller counts as code.
func (f *FunctionUse) severityOf() onward.Severity {
	if f.Sure && !f.Caught && !f.Later && f.By != "" {
		return onward.Error
	}
	return onward.Warning
}

// RowUse returns the use of a field of NEW or OLD by a trigger's function.
func RowUse(fn *catalog.Function, r *catalog.Relation, t *catalog.Trigger, f catalog.Field) FunctionUse {
	return FunctionUse{
		Function: fn, Mention: f.Mention, Row: t, By: "trigger " + t.Name, Fires: describeEvent(r, t),
		Names: strings.ToUpper(f.Record) + "." + f.Name, Error: `record "` + f.Record + `" has no field "` + f.Name + `"`,
	}
}

// describeEvent describes the event that makes a trigger call its function.
func describeEvent(r *catalog.Relation, t *catalog.Trigger) string {
	return strings.ReplaceAll(strings.ToUpper(t.Events), " OR ", " or ") + " of " + r.Name.String() + " that fires " + t.Name
}

// describeFunction names the function in a sentence.
func (f *FunctionUse) describeFunction() string {
	if f.Row != nil {
		return "the trigger function " + f.Signature()
	}
	return "function " + f.Signature()
}

// DescribeBreak describes what happens after the named object is gone.
func (f *FunctionUse) DescribeBreak() string {
	names, fails := " names ", " fails with "
	if !f.Sure {
		names, fails = " seems to name ", " may fail with "
	}
	if f.Caught {
		names, fails = " names ", " gets into its handler for "
	}
	out := f.describeFunction() + names + f.Names + ": "
	switch {
	case f.Fires != "" && f.Maybe:
		out += "each " + f.Fires + " and comes there" + fails + f.Error
	case f.Fires != "":
		out += "each " + f.Fires + fails + f.Error
	case f.By != "":
		out += "each call by " + f.By + f.Code + fails + f.Error
	case f.Unknown:
		return out + "each call" + fails + f.Error
	default:
		return out + "a call" + strings.Replace(fails, " fails", " would fail", 1) + f.Error + ", and nothing is seen to call it"
	}
	if f.Later {
		return out + ", until a later transaction of the migration mends it"
	}
	return out + ", in old and new code alike"
}

// Evidence points at the place in the body.
func (f *FunctionUse) Evidence() onward.Evidence {
	text := f.Signature() + ": " + prose.OneLine(f.Text)
	if f.By != "" {
		text += " (called by " + f.By + ")"
	}
	return onward.Evidence{Kind: "function", Text: text}
}

// nameOthers names all functions except the first.
func nameOthers(list []FunctionUse) string {
	if len(list) < 2 {
		return ""
	}
	var names []string
	for i := range list[1:] {
		names = append(names, list[i+1].Signature())
	}
	return "; " + prose.EnumerateNames(names) + " name" + prose.PickForm(len(names), "s", "") + " it too"
}
