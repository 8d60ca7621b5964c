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
