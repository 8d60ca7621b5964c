package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// FunctionUse is a function that stands in the schema at commit, and whose body
// still names what the commit takes away: Postgres lets it, and the call fails.
type FunctionUse struct {
	*catalog.Function
	catalog.Mention
	// Names is what it names: "NEW.total", "the table". Error is what the
	// server says when a call comes there.
	Names, Error string
	// Row is the trigger of the table itself by which the function sees the
	// row as NEW or OLD; nil for a function with a query.
	Row *catalog.Trigger
	// By is what calls the function, and Fires what makes a trigger do so:
	// "UPDATE of posts that fires touch". "" is nothing that is seen.
	By, Fires string
	// Later: the migration mends it behind the commit, in another transaction.
	Later bool
	// Code is where the deployed code calls it, for a message.
	Code string
	// Unknown: the code that may call it could not be looked at.
	Unknown bool
}

// severity is how bad it is: a function that something calls is as good as
// code.
func (f *FunctionUse) severity() onward.Severity {
	if f.Sure && !f.Caught && !f.Later && f.By != "" {
		return onward.Error
	}
	return onward.Warning
}

// RowUse is the use of a field of NEW or OLD by the function of a trigger.
func RowUse(fn *catalog.Function, r *catalog.Relation, t *catalog.Trigger, f catalog.Field) FunctionUse {
	return FunctionUse{
		Function: fn, Mention: f.Mention, Row: t, By: "trigger " + t.Name, Fires: fires(r, t),
		Names: strings.ToUpper(f.Record) + "." + f.Name, Error: `record "` + f.Record + `" has no field "` + f.Name + `"`,
	}
}

// fires is what makes a trigger call its function.
func fires(r *catalog.Relation, t *catalog.Trigger) string {
	return strings.ReplaceAll(strings.ToUpper(t.Events), " OR ", " or ") + " of " + r.Name.String() + " that fires " + t.Name
}

// what is the function in a sentence.
func (f *FunctionUse) what() string {
	if f.Row != nil {
		return "the trigger function " + f.Signature()
	}
	return "function " + f.Signature()
}

// Breaks says what happens once what the function names is gone.
func (f *FunctionUse) Breaks() string {
	names, fails := " names ", " fails with "
	if !f.Sure {
		names, fails = " seems to name ", " may fail with "
	}
	if f.Caught {
		names, fails = " names ", " gets into its handler for "
	}
	out := f.what() + names + f.Names + ": "
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

// Evidence shows the place in the body.
func (f *FunctionUse) Evidence() onward.Evidence {
	text := f.Signature() + ": " + advice.OneLine(f.Text)
	if f.By != "" {
		text += " (called by " + f.By + ")"
	}
	return onward.Evidence{Kind: "function", Text: text}
}

// others names the functions behind the first.
func others(list []FunctionUse) string {
	if len(list) < 2 {
		return ""
	}
	var names []string
	for i := range list[1:] {
		names = append(names, list[i+1].Signature())
	}
	return "; " + advice.Enumerate(names) + " name" + map[bool]string{true: "s", false: ""}[len(names) == 1] + " it too"
}
