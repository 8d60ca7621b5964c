package recipe

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// writesRows notes what a statement does to rows that nobody can foresee, or give back: values that
// differ each time that they are made, rows that come or go.
func (c *Change) writesRows() {
	t := c.rowsOf()
	if t == nil {
		return
	}
	if update := c.Node.GetUpdateStmt(); update != nil {
		for _, n := range update.TargetList {
			c.Release.Changed[full(t, n.GetResTarget().GetName())] = true
			if c.varies(n) {
				c.Release.Volatile[full(t, n.GetResTarget().GetName())] = true
			}
		}
		return
	}
	for i := range t.Columns {
		c.Release.Changed[full(t, t.Columns[i].Name)] = true
	}
	if insert := c.Node.GetInsertStmt(); insert != nil {
		for i, varies := range c.inserted(t, insert) {
			if varies {
				c.Release.Volatile[full(t, t.Columns[i].Name)] = true
			}
		}
	}
}

// rowsOf is the table whose rows a change adds, changes or removes; nil for none.
func (c *Change) rowsOf() *catalog.Relation {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_InsertStmt:
		return c.resolve(n.InsertStmt.Relation)
	case *pgparse.Node_DeleteStmt:
		return c.resolve(n.DeleteStmt.Relation)
	case *pgparse.Node_UpdateStmt:
		return c.resolve(n.UpdateStmt.Relation)
	}
	return nil
}

// inserted tells which columns of a table get values that differ each time, in the order of the
// table's columns.
func (c *Change) inserted(t *catalog.Relation, insert *pgparse.InsertStmt) []bool {
	out := make([]bool, len(t.Columns))
	var given []int // the columns of the values, in order
	for i := range t.Columns {
		named := slices.ContainsFunc(insert.Cols, func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == t.Columns[i].Name })
		if !named && len(insert.Cols) > 0 {
			out[i] = c.varies(t.Columns[i].Default)
		}
		given = append(given, i)
	}
	if len(insert.Cols) > 0 {
		given = nil
		for _, n := range insert.Cols {
			given = append(given, slices.IndexFunc(t.Columns, func(col *catalog.Column) bool { return col.Name == n.GetResTarget().GetName() }))
		}
	}
	mark := func(n int, value *pgparse.Node) {
		if n < len(given) && given[n] >= 0 && (c.varies(value) || value.GetSetToDefault() != nil && c.varies(t.Columns[given[n]].Default)) {
			out[given[n]] = true
		}
	}
	sel := insert.SelectStmt.GetSelectStmt()
	for n, target := range sel.GetTargetList() {
		mark(n, target)
	}
	for _, row := range sel.GetValuesLists() {
		for n, value := range row.GetList().GetItems() {
			mark(n, value)
		}
	}
	return out
}

// varies reports whether an expression gives another value each time: it has a volatile function, or
// asks for the time or who is there.
func (c *Change) varies(n *pgparse.Node) (is bool) {
	pgparse.Walk(n, func(m any) bool {
		switch e := m.(type) {
		case *pgparse.SQLValueFunction:
			is = true
		case *pgparse.FuncCall:
			is = is || c.calls(e)
		}
		return !is
	})
	return is
}

func (c *Change) calls(call *pgparse.FuncCall) bool {
	schema, name := pgparse.SchemaAndName(call.GetFuncname())
	if list := c.Before.Functions(schema, name); len(list) > 0 {
		return slices.ContainsFunc(list, func(f *catalog.Function) bool { return f.Volatility != "immutable" })
	}
	volatility, known := builtin.Volatility(name, len(call.GetArgs()), onward.NewestMajor)
	return !known || volatility == builtin.Volatile || volatility == builtin.Stable && len(call.GetArgs()) == 0
}
