package analysis

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
)

// HasOtherType reports whether a column has another type now: int after text, but not varchar(10) after varchar(20), which are the same
// type to a function.
func HasOtherType(old, now *catalog.Column) bool {
	return now != nil && old.Type.IsKnown() && now.Type.IsKnown() &&
		(old.Type.OID != now.Type.OID || old.Type.Name != now.Type.Name || min(old.Type.Array, 1) != min(now.Type.Array, 1))
}

// RetypedColumn is a column that has another type after a transaction.
type RetypedColumn struct {
	// Table is the table after the transaction, Deployed the same table before it.
	Table, Deployed *catalog.Relation
	Old, New        *catalog.Column
	// Before is the catalog before the transaction, Last the catalog after the migration.
	Before, Last *catalog.Catalog
}

// FindCompiledReads lists the PL/pgSQL functions that read a retyped column as the field of a variable, the worst first. Sessions
// that have compiled such a function keep the old type, and each call fails in them. A function whose row in pg_proc the migration
// changes is compiled again, and so is the function of a new trigger.
func (b *Bodies) FindCompiledReads(c *RetypedColumn) []FunctionUse {
	column, deployed := c.Old.Name, c.Deployed
	message := "type of parameter … (" + c.New.Type.String() + ") does not match that when preparing the plan (" + c.Old.Type.String() + ")"
	var out []FunctionUse
	var compiled []*catalog.Function
	for _, t := range c.Table.Triggers {
		fn := TriggerFunction(b.catalog, t)
		old := deployed.Trigger(t.Name)
		if fn == nil || slices.Contains(compiled, fn) || old == nil || old.ID != t.ID || !c.isFunctionRowUnchanged(fn) {
			continue
		}
		place, found := b.readBody(fn).FindFieldRead(c.Before, deployed, column, catalog.FieldReader{Row: t.Row, Transitions: t.Transitions})
		if found {
			place.Sure = place.Sure && (!place.Maybe || !b.readBody(fn).ByTable())
			use := FunctionUse{Function: fn, Mention: place, Names: "column " + column, Error: message, Row: t}
			use.By, use.Fires = "trigger "+t.Name, describeEvent(c.Table, t)
			out, compiled = append(out, use), append(compiled, fn)
		}
	}
	for _, fn := range b.listFunctionsWithWord(column) {
		if fn.Language != "plpgsql" || slices.Contains(compiled, fn) || !c.isFunctionRowUnchanged(fn) {
			continue
		}
		use := FunctionUse{Function: fn, Names: "column " + column, Error: message}
		var found bool
		if use.Mention, found = b.readBody(fn).FindFieldRead(c.Before, deployed, column, catalog.FieldReader{}); !found {
			continue
		}
		if b.setUseCaller(&use, fn, nil); use.By != "" || use.Unknown && fn.IsCalledByQueries() {
			out = append(out, use)
		}
	}
	slices.SortStableFunc(out, func(x, y FunctionUse) int {
		if x.Maybe != y.Maybe && x.severityOf() == y.severityOf() {
			return map[bool]int{true: 1, false: -1}[x.Maybe]
		}
		return cmp.Or(cmp.Compare(y.severityOf(), x.severityOf()), cmp.Compare(x.Signature(), y.Signature()))
	})
	return out
}

// isFunctionRowUnchanged reports whether the migration leaves a function's row as it was: other rows are other values in the catalog.
func (c *RetypedColumn) isFunctionRowUnchanged(fn *catalog.Function) bool {
	for _, schema := range []*catalog.Catalog{c.Before, c.Last} {
		if !slices.Contains(schema.Functions(fn.Name.Schema, fn.Name.Name), fn) {
			return false
		}
	}
	return true
}
