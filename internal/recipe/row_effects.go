package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/catalog/builtin"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// MarkWrittenRows records which rows and values of a change that the plan leaves cannot be compared.
func (c *Change) MarkWrittenRows() { c.recordRowEffects() }

// recordRowEffects records effects of a statement on rows that cannot be predicted or undone: values that
// differ each time they are computed, rows that are added or removed. It returns the other tables whose rows
// change because foreign keys refer to deleted rows.
func (c *Change) recordRowEffects() (cascades []string) {
	t := c.writtenTable()
	if t == nil {
		return nil
	}
	if update := c.Node.GetUpdateStmt(); update != nil {
		for _, n := range update.TargetList {
			c.markChangedColumn(t, t.Column(n.GetResTarget().GetName()))
			if c.isVolatile(n) {
				c.Release.Volatile[qualifiedColumn(t, n.GetResTarget().GetName())] = true
			}
		}
		return nil
	}
	c.markChanged(t)
	if c.Node.GetDeleteStmt() != nil {
		cascades = c.markCascades(t, map[catalog.OID]bool{t.OID: true})
	}
	if insert := c.Node.GetInsertStmt(); insert != nil {
		for i, varies := range c.volatileColumns(t, insert) {
			if varies {
				c.Release.Volatile[qualifiedColumn(t, t.Columns[i].Name)] = true
			}
		}
	}
	return cascades
}

// markChanged records that no value of a table can be restored, nor the numbers that its sequences have given.
func (c *Change) markChanged(t *catalog.Relation) {
	if base := c.Release.Deployed.Relation(t.OID); base != nil {
		for _, column := range base.Columns {
			c.markChangedColumn(base, column) // the release may have dropped it by now
		}
	}
	for _, column := range t.Columns {
		c.markChangedColumn(t, column)
		for _, oid := range []catalog.OID{column.Sequence, column.Takes} {
			if seq := c.Before.Relation(oid); seq != nil {
				c.Release.Changed[seq.Name.Qualified()] = true
			}
		}
	}
}

// markChangedColumn records that a column's values cannot be restored, by the name that it has now and the one that an abort restores.
func (c *Change) markChangedColumn(t *catalog.Relation, column *catalog.Column) {
	if column == nil {
		return
	}
	c.Release.Changed[qualifiedColumn(t, column.Name)] = true
	if base := c.Release.Deployed.Relation(t.OID); base != nil && base.Attr(column.Attnum) != nil {
		c.Release.Changed[qualifiedColumn(base, base.Attr(column.Attnum).Name)] = true
	}
}

// markCascades records the tables whose rows foreign keys delete or change if rows of a table are deleted, and returns them.
func (c *Change) markCascades(t *catalog.Relation, seen map[catalog.OID]bool) (out []string) {
	for _, ref := range c.Before.ListReferences(t, true) {
		if ref.Con.OnDelete == "" || ref.Con.OnDelete == "restrict" || seen[ref.From.OID] {
			continue
		}
		seen[ref.From.OID] = true
		c.markChanged(ref.From)
		out = append(append(out, ref.From.Name.String()), c.markCascades(ref.From, seen)...)
	}
	return out
}

// writtenTable returns the table whose rows a change adds, changes or removes; nil for none.
func (c *Change) writtenTable() *catalog.Relation { return c.resolveRelation(c.writtenTableName()) }

// writtenTableName returns the name of the table whose rows a change adds, changes or removes; nil for none.
func (c *Change) writtenTableName() *pgparse.RangeVar {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_InsertStmt:
		return n.InsertStmt.Relation
	case *pgparse.Node_DeleteStmt:
		return n.DeleteStmt.Relation
	case *pgparse.Node_UpdateStmt:
		return n.UpdateStmt.Relation
	}
	return nil
}

// volatileColumns reports which columns of a table get values that differ each time, in the order of the
// table's columns.
func (c *Change) volatileColumns(t *catalog.Relation, insert *pgparse.InsertStmt) []bool {
	out := make([]bool, len(t.Columns))
	var columns []int // the columns of the values, in order
	for i := range t.Columns {
		isListed := slices.ContainsFunc(insert.Cols, func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == t.Columns[i].Name })
		if !isListed && len(insert.Cols) > 0 {
			out[i] = c.isVolatile(t.Columns[i].Default)
		}
		columns = append(columns, i)
	}
	if len(insert.Cols) > 0 {
		columns = nil
		for _, n := range insert.Cols {
			columns = append(columns, slices.IndexFunc(t.Columns, func(col *catalog.Column) bool { return col.Name == n.GetResTarget().GetName() }))
		}
	}
	mark := func(n int, value *pgparse.Node) {
		if n < len(columns) && columns[n] >= 0 && (c.isVolatile(value) || value.GetSetToDefault() != nil && c.isVolatile(t.Columns[columns[n]].Default)) {
			out[columns[n]] = true
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

// isVolatile reports whether an expression may return another value each time: it calls a volatile
// function, or reads the time or the current user.
func (c *Change) isVolatile(n *pgparse.Node) (volatile bool) {
	pgparse.Walk(n, func(m any) bool {
		switch e := m.(type) {
		case *pgparse.SQLValueFunction:
			volatile = true
		case *pgparse.FuncCall:
			volatile = volatile || c.callsVolatile(e)
		}
		return !volatile
	})
	return volatile
}

func (c *Change) callsVolatile(call *pgparse.FuncCall) bool {
	schema, name := pgparse.SchemaAndName(call.GetFuncname())
	if list := c.Before.Functions(schema, name); len(list) > 0 {
		return slices.ContainsFunc(list, func(f *catalog.Function) bool { return f.Volatility != "immutable" })
	}
	volatility, known := builtin.Volatility(name, len(call.GetArgs()), onward.NewestMajor)
	return !known || volatility == builtin.Volatile || volatility == builtin.Stable && len(call.GetArgs()) == 0
}

// writesSystemCatalog returns the table of the server's own schema whose rows a change writes; "" for none.
func (c *Change) writesSystemCatalog() string {
	rv := c.writtenTableName()
	const settings = "pg_settings" // UPDATE pg_settings is SET
	if rv == nil || !strings.HasPrefix(rv.Relname, "pg_") || rv.Relname == settings || rv.Schemaname != "" && rv.Schemaname != "pg_catalog" ||
		rv.Schemaname == "" && c.Before.Lookup("", rv.Relname) != nil {
		return ""
	}
	return rv.Relname
}
