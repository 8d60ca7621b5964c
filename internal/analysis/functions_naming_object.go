package analysis

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
)

// TakenObject is a relation, or a column of it, that a commit drops or renames.
type TakenObject struct {
	Relation *catalog.Relation
	Column   string // "" for the relation
	// After is the relation at commit, with its triggers; nil if they do not matter.
	After *catalog.Relation
	// Before is the catalog before the transaction, Last the catalog after the migration.
	Before, Last *catalog.Catalog
}

// FindNaming lists the functions that name the dropped or renamed object, the worst first.
func (b *Bodies) FindNaming(t TakenObject) []FunctionUse {
	r, column := t.Relation, t.Column
	if r.OID == 0 {
		return nil
	}
	var out []FunctionUse
	if t.After != nil {
		out = b.listTriggerRowUses(t.After, column)
	}
	word := column
	if word == "" {
		word = r.Name.Name
	}
	for _, fn := range b.listFunctionsWithWord(word) {
		if slices.ContainsFunc(out, func(u FunctionUse) bool { return u.Function == fn }) {
			continue
		}
		use := FunctionUse{Function: fn, Names: "the table"}
		var ok bool
		if column == "" {
			use.Mention, ok = b.readBody(fn).FindRelation(t.Before, r)
			use.Error = `relation "` + r.Name.Name + `" does not exist`
			if !r.Kind.IsTable() {
				use.Names = "the " + r.Kind.String()
			}
		} else {
			use.Mention, ok = b.readBody(fn).FindColumn(t.Before, r, column)
			use.Names, use.Error = "column "+column, `column "`+column+`" does not exist`
		}
		if ok {
			b.setUseCaller(&use, fn, nil)
			if use.By == "" && fn.Returns.Name.Name == "trigger" {
				continue // without a trigger nothing can call it
			}
			out = append(out, use)
		}
	}
	for i := range out {
		use := &out[i]
		use.Later = !IsFunctionUnchanged(t.Last, use.Function)
		if now := t.Last.Relation(r.OID); use.Row != nil && now != nil {
			use.Later = use.Later || now.Trigger(use.Row.Name) == nil
		}
	}
	sortBySeverity(out)
	return out
}

func sortBySeverity(list []FunctionUse) {
	slices.SortStableFunc(list, func(x, y FunctionUse) int {
		return cmp.Or(cmp.Compare(y.severityOf(), x.severityOf()), cmp.Compare(x.Signature(), y.Signature()))
	})
}

// FindCalling lists the functions that call a function that a commit drops or renames, the
// worst first. last is the catalog after the migration. breaks tells which calls fail; nil for all.
func (b *Bodies) FindCalling(fn catalog.Name, last *catalog.Catalog, breaks func(*pgparse.FuncCall) bool) []FunctionUse {
	var out []FunctionUse
	for _, caller := range b.listFunctionsWithWord(fn.Name) {
		use := FunctionUse{Function: caller, Names: "the function", Error: "function " + fn.Name + "(…) does not exist"}
		var ok bool
		if use.Mention, ok = b.readBody(caller).FindCall(fn, breaks); !ok || caller.Name == fn && breaks == nil {
			continue
		}
		use.Sure = !builtin.Known(fn.Name) // a built-in function of that name may be meant, which stays
		b.setUseCaller(&use, caller, nil)
		if use.By == "" && caller.Returns.Name.Name == "trigger" {
			continue // without a trigger nothing can call it
		}
		use.Later = !IsFunctionUnchanged(last, caller)
		out = append(out, use)
	}
	sortBySeverity(out)
	return out
}

// listTriggerRowUses lists the functions of a table's own triggers that name a column as a field of
// NEW or OLD.
func (b *Bodies) listTriggerRowUses(r *catalog.Relation, column string) []FunctionUse {
	var out []FunctionUse
	for _, trigger := range r.Triggers {
		fn := RowFunction(b.catalog, trigger)
		if fn == nil || slices.ContainsFunc(out, func(u FunctionUse) bool { return u.Function == fn }) {
			continue
		}
		for _, f := range b.readBody(fn).ListRecordFields() {
			if f.Name != column {
				continue
			}
			use := RowUse(fn, r, trigger, f)
			use.Sure = !f.Maybe || !b.readBody(fn).ByTable()
			out = append(out, use)
			break
		}
	}
	return out
}

// CopyingInto lists the other tables whose row triggers may copy whole rows into a table,
// oldest first: see catalog.RowCopies.
func (b *Bodies) CopyingInto(table *catalog.Relation) []*catalog.Relation {
	var out []*catalog.Relation
	for _, fn := range b.listFunctionsWithWord(table.Name.Name) {
		if !fn.CopiesRows() {
			continue
		}
		for _, r := range b.catalog.CalledBy(fn.Name.Name) {
			if r.OID != table.OID && !slices.Contains(out, r) &&
				slices.ContainsFunc(r.Triggers, func(x *catalog.Trigger) bool { return RowFunction(b.catalog, x) == fn }) {
				out = append(out, r)
			}
		}
	}
	slices.SortFunc(out, func(x, y *catalog.Relation) int { return cmp.Compare(x.OID, y.OID) })
	return out
}

// Bodies are the bodies of a catalog's functions. They are only read when a rule asks
// which functions name an object, which few statements require.
type Bodies struct {
	catalog *catalog.Catalog
	code    Code
	// words maps words to the functions whose bodies contain them. It may include
	// functions of earlier catalogs. known are the functions that it was built from.
	words  map[string][]*catalog.Function
	known  map[*catalog.Function]bool
	cached map[*catalog.Function]*catalog.Body
}

// maxRead is how many parsed bodies are cached.
const maxRead = 500

// NewBodies begins with the functions of the deployed schema. code is asked who calls a
// function.
func NewBodies(deployed *catalog.Catalog, code Code) *Bodies {
	b := &Bodies{code: code, words: map[string][]*catalog.Function{}, known: map[*catalog.Function]bool{}, cached: map[*catalog.Function]*catalog.Body{}}
	deployed.EachFunction(func(fn *catalog.Function) bool {
		b.addFunction(fn)
		return true
	})
	return b
}

// MoveTo switches to a catalog; createdFunctions are the functions created since the last one.
func (b *Bodies) MoveTo(c *catalog.Catalog, createdFunctions []*catalog.Function) {
	b.catalog = c
	for _, fn := range createdFunctions {
		b.addFunction(fn)
	}
}

// addFunction indexes the words of a function's body.
func (b *Bodies) addFunction(fn *catalog.Function) {
	if b.known[fn] || fn.Body == "" || fn.Language != "sql" && fn.Language != "plpgsql" || fn.Name.Schema == "pg_temp" {
		return
	}
	b.known[fn] = true
	for _, w := range fn.ListBodyWords() {
		if list := b.words[w]; len(list) == 0 || list[len(list)-1] != fn {
			b.words[w] = append(list, fn)
		}
	}
}

// listFunctionsWithWord lists the functions of the catalog whose bodies contain a word.
func (b *Bodies) listFunctionsWithWord(word string) []*catalog.Function {
	var out []*catalog.Function
	for _, fn := range b.words[word] {
		if IsFunctionUnchanged(b.catalog, fn) {
			out = append(out, fn)
		}
	}
	return out
}

// IsFunctionUnchanged reports whether a catalog has the function unchanged.
func IsFunctionUnchanged(c *catalog.Catalog, fn *catalog.Function) bool {
	return slices.ContainsFunc(c.Functions(fn.Name.Schema, fn.Name.Name), func(f *catalog.Function) bool {
		return f == fn || f.OID == fn.OID && f.Body == fn.Body
	})
}

// readBody returns the parsed body of a function in SQL or PL/pgSQL.
func (b *Bodies) readBody(fn *catalog.Function) *catalog.Body {
	if body, ok := b.cached[fn]; ok {
		return body
	}
	if len(b.cached) >= maxRead {
		clear(b.cached)
	}
	body := catalog.ReadBody(fn)
	b.cached[fn] = body
	return body
}

// setUseCaller finds what calls a function, the surest caller first: a trigger, an expression
// of a table, a view, the deployed code, another function that is called. seen are the
// functions on the way here.
func (b *Bodies) setUseCaller(use *FunctionUse, fn *catalog.Function, seen []*catalog.Function) {
	for _, r := range b.catalog.CalledBy(fn.Name.Name) {
		for _, t := range r.Triggers {
			if t.Enabled && t.Function == fn.Name {
				use.By, use.Fires = "trigger "+t.Name, describeEvent(r, t)
				return
			}
		}
		if caller := findCaller(r, fn.Name); caller != "" {
			use.By = caller
			return
		}
	}
	b.catalog.EachRelation(func(r *catalog.Relation) bool {
		for _, policy := range r.Policies {
			if callsFunction(policy.Using, fn.Name.Name) || callsFunction(policy.Check, fn.Name.Name) {
				use.By = "policy " + policy.Name + " of " + r.Name.String()
			}
		}
		return use.By == ""
	})
	if use.By != "" {
		return
	}
	switch u := b.code.UsesFunction(fn.Name); {
	case u.Used:
		use.By, use.Code = "the deployed code", u.FirstPlace()
		return
	case !u.Known:
		use.Unknown = true
	}
	for _, other := range b.listFunctionsWithWord(fn.Name.Name) {
		if other == fn || slices.Contains(seen, other) || len(seen) > 4 || !b.readBody(other).HasCallOf(fn.Name.Name) {
			continue
		}
		via := *use
		if b.setUseCaller(&via, other, append(slices.Clip(seen), fn)); via.By != "" {
			use.By, use.Fires, use.Code = other.Signature(), via.Fires, via.Code
			return
		}
	}
}

// StoredObject returns the object of a relation that stores the results of a function, such as
// "index people_key"; "" for none. A virtual generated column stores nothing: it is
// computed when it is read.
func StoredObject(r *catalog.Relation, fn catalog.Name) string {
	for _, c := range r.Columns {
		if c.Generated == "stored" && callsFunction(c.GeneratedExpr, fn.Name) {
			return "column " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && indexCallsFunction(r.Index, fn.Name) {
		return "index " + r.Name.Name
	}
	return ""
}

// findCaller returns the expression or view of a relation that calls a function; "" if none
// does.
func findCaller(r *catalog.Relation, fn catalog.Name) string {
	if r.View != nil && slices.Contains(r.View.Functions, fn) {
		return r.Kind.String() + " " + r.Name.String()
	}
	for _, c := range r.Columns {
		if callsFunction(c.Default, fn.Name) {
			return "the default of " + r.Name.String() + "." + c.Name
		}
		if callsFunction(c.GeneratedExpr, fn.Name) {
			return "the generated column " + r.Name.String() + "." + c.Name
		}
	}
	for _, c := range r.Constraints {
		if callsFunction(c.Expr, fn.Name) {
			return "constraint " + c.Name + " of " + r.Name.String()
		}
	}
	if r.Index != nil && indexCallsFunction(r.Index, fn.Name) {
		return "index " + r.Name.String()
	}
	return ""
}

func indexCallsFunction(index *catalog.IndexInfo, name string) bool {
	return callsFunction(index.Predicate, name) ||
		slices.ContainsFunc(index.Keys, func(k catalog.IndexKey) bool { return callsFunction(k.Expr, name) })
}

func callsFunction(expr *pgparse.Node, name string) bool {
	found := false
	pgparse.Walk(expr, func(msg any) bool {
		if call, ok := msg.(*pgparse.FuncCall); ok && len(call.GetFuncname()) > 0 {
			found = found || pgparse.LastText(call.GetFuncname()) == name
		}
		return !found
	})
	return found
}
