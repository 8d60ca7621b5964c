package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// StillUsedClause returns the end of a finding's fact if something still needs the dropped object:
// " while the deployed code still uses it".
func (u Usage) StillUsedClause(object string) string {
	switch {
	case u.Loaded:
		return " while the deployed code still loads " + object
	case u.Used:
		return " while the deployed code still uses " + object
	case len(u.Functions) > 0 && u.Functions[0].severityOf() == onward.Error:
		return " while " + u.Functions[0].describeFunction() + " still names " + object
	}
	return ""
}

// FixFunctionsFirst returns the fix for functions, followed by the fix for code. The latter is
// omitted if only functions need the object.
func (u Usage) FixFunctionsFirst(code string) string {
	if len(u.Functions) == 0 {
		return code
	}
	f := &u.Functions[0]
	out := "first make " + f.Signature() + " do without it (CREATE OR REPLACE FUNCTION)"
	if f.Row != nil {
		out += ", or drop " + f.By
	}
	out += ", in this migration or an earlier one"
	if u.IsUsedByFunctionsOnly() {
		return out
	}
	return out + "; " + code
}

// FixBeforeDrop returns the fix for dropping an object. It is FixFunctionsFirst; if no use is found in the
// deployed code, it only asks to look elsewhere.
func (u Usage) FixBeforeDrop(object string) string {
	switch {
	case len(u.Ignores) > 0:
		remove := "let the code ignore "
		if !u.Loaded {
			remove = "take " + object + " out of the code, let the model ignore "
		}
		return u.FixFunctionsFirst(remove + object + " in this release (" + strings.Join(u.Ignores, ", ") + "), and drop " + object +
			" in the next one, when no old code runs any more")
	case !u.Known || u.Used:
		return u.FixFunctionsFirst("remove " + object + " from the code in this release, and drop " + object + " in the next one, when no old code runs any more")
	case u.Sure:
		return u.FixFunctionsFirst("see that no SQL outside the models names " + object)
	}
	return u.FixFunctionsFirst("see that no other program, and no SQL that is put together at run time, names " + object)
}

// FixBeforeRename is FixFunctionsFirst for a renamed object.
func (u Usage) FixBeforeRename(to, code string) string {
	if len(u.Functions) == 0 {
		return code
	}
	out := "give " + u.Functions[0].Signature() + " the name " + to + " (CREATE OR REPLACE FUNCTION) in the same transaction"
	if u.IsUsedByFunctionsOnly() {
		return out
	}
	return out + "; " + code
}

// IsUsedByFunctionsOnly reports whether functions name the object, but code does not.
func (u Usage) IsUsedByFunctionsOnly() bool { return len(u.Functions) > 0 && u.Known && !u.Used }

// AllEvidence returns the evidence: places in code, then in functions.
func (u Usage) AllEvidence() []onward.Evidence {
	out := u.Evidence
	for i := range u.Functions {
		if i == maxEvidence {
			break
		}
		out = append(out[:len(out):len(out)], u.Functions[i].Evidence())
	}
	return out
}

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

// maxEvidence is how many places are shown as evidence for several columns.
const maxEvidence = 3

// MergeUsages merges the usages of columns that are used in the same way: the best evidence
// of each, then more of the first ones.
func MergeUsages(list []Usage) Usage {
	out := list[0]
	out.Evidence, out.Ignores = nil, nil
	for i := range list {
		out.Loaded = out.Loaded && list[i].Loaded
		out.Ignores = append(out.Ignores, list[i].Ignores...)
	}
	for i := 0; len(out.Evidence) < maxEvidence; i++ {
		more := false
		for _, u := range list {
			if i >= len(u.Evidence) {
				continue
			}
			more = true
			if len(out.Evidence) < maxEvidence && !slices.ContainsFunc(out.Evidence,
				func(e onward.Evidence) bool { return e.Path == u.Evidence[i].Path && e.Line == u.Evidence[i].Line }) {
				out.Evidence = append(out.Evidence, u.Evidence[i])
			}
		}
		if !more {
			break
		}
	}
	return out
}

// GroupByKey groups items by a key, in the order of their first item, so that one message can
// cover several columns.
func GroupByKey[T any, K comparable](items []T, key func(*T) K) [][]T {
	var out [][]T
	indexByKey := map[K]int{}
	for i := range items {
		k := key(&items[i])
		n, ok := indexByKey[k]
		if !ok {
			n = len(out)
			indexByKey[k], out = n, append(out, nil)
		}
		out[n] = append(out[n], items[i])
	}
	return out
}

// AllColumnsUse is a place in the deployed code that reads all columns of a table, or relies on
// their order.
type AllColumnsUse struct {
	Kind AllColumnsKind
	// Into is the table that InsertSelectStar writes to.
	Into     string
	Evidence onward.Evidence
}

// AllColumnsKind is the kind of such a use; kinds that certainly fail come first.
type AllColumnsKind int

// Uses of all columns of a table.
const (
	SelectStar           AllColumnsKind = iota // rows go into as many places as there are columns
	CopyWithoutColumns                         // COPY without a list of columns
	InsertWithoutColumns                       // INSERT without one
	InsertSelectStar                           // INSERT INTO archive SELECT * FROM it
	CachedPlan                                 // the plan of SELECT * is kept for a connection
)

// MissingColumns lists the columns of a deployed table that its successor does not have. It is nil if the columns of one of
// them are not all known.
func MissingColumns(old, now *catalog.Relation) []string {
	if old.Inferred || old.Partial || now.Inferred || now.Partial {
		return nil
	}
	var names []string
	for _, c := range old.Columns {
		if now.Column(c.Name) == nil {
			names = append(names, c.Name)
		}
	}
	return names
}
