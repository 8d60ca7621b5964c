package recipe

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// reportLostWrites adds why the rows that a change writes do not stay right until the deployed code is gone: it writes on after the backfill, and
// nothing computes the rows again.
func (c *Change) reportLostWrites(m *Steps) *Steps {
	if c.verb() == "" && c.Node.GetMergeStmt() == nil && c.Node.GetCreateTableAsStmt() == nil {
		return m
	}
	place := fmt.Sprintf("%s:%d", c.Migration.Path, c.Line)
	for _, f := range c.Renames {
		m.addMissing("%s: %s. No phase suits both codes: release code that accepts both values, and change the rows after it", place, f.Fact)
	}
	for _, read := range c.readColumns(c.Node) {
		if name, isDropped := c.Release.droppedName(read); isDropped {
			m.addMissing("%s reads %s, which the release drops: what the deployed code writes there after the backfill is lost. Drop it a release later",
				place, name)
			return m
		}
	}
	c.reportWrittenSources(m, place)
	update := c.Node.GetUpdateStmt()
	for i, id := range c.setColumns() {
		change := c.Release.columnChanges[id]
		base, head := c.Release.Deployed.Relation(id.table), c.Release.head.Relation(id.table)
		reads := c.readColumns(append([]*pgparse.Node{update.TargetList[i], update.WhereClause}, update.FromClause...)...)
		switch name, isDropped := c.Release.droppedName(id); {
		case base == nil:
		case isDropped:
			m.addMissing("%s writes %s, which the release drops: the deployed code reads it until the last step. Leave the statement out", place, name)
		case change == nil || change.old != nil || head == nil || change.newColumn == nil:
		case isFilledByTrigger(c.Release.head, head, change.newColumn):
		case !c.namesItsRows() && (len(reads) > 0 || change.newColumn.DefaultText == "" && change.newColumn.NotNull):
			from := "once"
			if len(reads) > 0 {
				from += ", from " + c.Release.columnName(reads[0])
			}
			m.addMissing("%s fills the new column %s %s: rows that the deployed code writes after the backfill do not get its value. "+
				"Have a trigger of the release fill it, or fill it in a release after the one whose code writes it", place, c.Release.columnName(id), from)
		default:
			continue
		}
		if len(m.Missing) > 0 {
			return m
		}
	}
	return m
}

// reportWrittenSources adds that the deployed code writes what a change computes values of deployed columns from, or copies into a deployed table.
func (c *Change) reportWrittenSources(m *Steps, place string) {
	r, t := c.Release, c.writtenTable()
	if r.Writer == nil || t == nil || r.Deployed.Relation(t.OID) == nil || c.hidesRows() || c.changesRemainingRows() || c.onlyTrims() || c.isRepair() {
		return
	}
	parts := []*pgparse.Node{c.Node.GetInsertStmt().GetSelectStmt()}
	for i, id := range c.setColumns() {
		if r.Deployed.Relation(t.OID).Attr(id.column) != nil {
			parts = append(parts, c.Node.GetUpdateStmt().TargetList[i])
			parts = append(parts, c.Node.GetUpdateStmt().FromClause...)
		}
	}
	for _, id := range c.readColumns(parts...) {
		base := r.Deployed.Relation(id.table)
		if query := r.Writer(base, base.Attr(id.column).Name); query != "" {
			m.addMissing("%s computes rows of %s from %s, which the deployed code goes on writing: what it writes after that is not among them. "+
				"Run the statement a release later. It writes: %s", place, t.Name, r.columnName(id), query)
			return
		}
	}
}

// isRepair reports whether a later change requires what an earlier one makes of the rows, and repeats it.
func (c *Change) isRepair() bool {
	return slices.ContainsFunc(c.Release.changes, func(d *Change) bool {
		if d.constraintNode(pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_FOREIGN) == nil && d.commandType() != pgparse.AlterTableType_AT_SetNotNull {
			return false
		}
		columns, newCon := []string{d.Command.Name}, &catalog.Constraint{}
		if d.Command.Name == "" {
			if newCon = d.addedConstraint(); newCon == nil {
				return false
			}
			columns = d.constraintColumns(newCon)
		}
		return slices.ContainsFunc(d.listRepairs(d.AlteredRelation(), d.After.Relation(newCon.Ref), columns), func(p repair) bool { return p.c == c })
	})
}

// droppedName returns the name of a column of a deployed table, and whether the release drops it, or its table.
func (r *Release) droppedName(id columnID) (string, bool) {
	base, head, change := r.Deployed.Relation(id.table), r.head.Relation(id.table), r.columnChanges[id]
	switch {
	case base == nil:
		return "", false
	case head == nil:
		return "the table " + base.Name.String(), true
	}
	return r.columnName(id), change != nil && change.old != nil && change.newColumn == nil
}

// columnName returns the name of a column with its table, as it was deployed, or else as the release adds it.
func (r *Release) columnName(id columnID) string {
	for _, schema := range []*catalog.Catalog{r.Deployed, r.head} {
		if t := schema.Relation(id.table); t != nil && t.Attr(id.column) != nil {
			return t.Name.String() + "." + t.Attr(id.column).Name
		}
	}
	return "a column that is gone"
}

// readColumns returns the columns of deployed tables that parts of a statement read. A name without its table counts for each table that has it.
func (c *Change) readColumns(parts ...*pgparse.Node) (out []columnID) {
	tables := map[string]*catalog.Relation{}
	pgparse.Walk(c.Node, func(m any) bool {
		if rv, ok := m.(*pgparse.RangeVar); ok {
			if t := c.resolveRelation(rv); t != nil && c.Release.Deployed.Relation(t.OID) != nil {
				tables[tableAlias(rv)] = t
			}
		}
		return true
	})
	add := func(t *catalog.Relation, name string) {
		for _, col := range t.Columns {
			if c.Release.Deployed.Relation(t.OID).Attr(col.Attnum) == nil {
				continue // the deployed code cannot write it
			}
			if id := (columnID{t.OID, col.Attnum}); (name == "" || col.Name == name) && !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	look := func(m any) bool {
		ref, ok := m.(*pgparse.ColumnRef)
		if !ok {
			return true
		}
		name, table := pgparse.LastText(ref.Fields), ""
		if pgparse.EndsInStar(ref) {
			name = ""
		}
		if len(ref.Fields) > 1 {
			table = ref.Fields[len(ref.Fields)-2].GetString_().GetSval()
		}
		for alias, t := range tables {
			switch {
			case table != "" && table != alias:
			case table == "" && name == alias && t.Column(name) == nil: // the whole row
				add(t, "")
			default:
				add(t, name)
			}
		}
		return true
	}
	for _, n := range parts {
		if n != nil {
			pgparse.Walk(n, look)
		}
	}
	slices.SortFunc(out, func(a, b columnID) int {
		return slices.Compare([]int64{int64(a.table), int64(a.column)}, []int64{int64(b.table), int64(b.column)})
	})
	return out
}

// tableAlias returns the name by which a statement calls one of its tables.
func tableAlias(rv *pgparse.RangeVar) string {
	if alias := rv.GetAlias(); alias != nil {
		return alias.Aliasname
	}
	return rv.Relname
}

// setColumns returns the columns that an UPDATE sets.
func (c *Change) setColumns() (out []columnID) {
	t := c.writtenTable()
	if t == nil || c.Node.GetUpdateStmt() == nil {
		return nil
	}
	for _, n := range c.Node.GetUpdateStmt().TargetList {
		id := columnID{table: t.OID}
		if col := t.Column(n.GetResTarget().GetName()); col != nil {
			id.column = col.Attnum
		}
		out = append(out, id)
	}
	return out
}

// namesItsRows reports whether an UPDATE gives constants to rows that it names by their keys.
func (c *Change) namesItsRows() bool {
	for _, n := range c.Node.GetUpdateStmt().GetTargetList() {
		if len(listColumns(n.GetResTarget().GetVal())) > 0 {
			return false
		}
	}
	moment := analysis.Moment{Deployed: c.Release.Deployed, Before: c.Before, Now: c.Before}
	return !slices.ContainsFunc(analysis.NewRows().ListWrites(c.Node, moment), func(w analysis.Write) bool { return w.Extent != analysis.Few })
}

// fillsOnlyNull reports whether an UPDATE only changes rows in which a column, by one of its names, is NULL.
func (c *Change) fillsOnlyNull(names ...string) bool {
	return slices.ContainsFunc(predicate.ListConjuncts(c.Node.GetUpdateStmt().GetWhereClause()), func(n *pgparse.Node) bool {
		test := n.GetNullTest()
		ref := test.GetArg().GetColumnRef()
		return test.GetNulltesttype() == pgparse.NullTestType_IS_NULL && ref != nil && slices.Contains(names, pgparse.LastText(ref.Fields))
	})
}

// isFilledByTrigger reports whether a trigger that the release has in the end may fill a column in each row that is written.
func isFilledByTrigger(schema *catalog.Catalog, t *catalog.Relation, col *catalog.Column) bool {
	return col.Generated != "" || slices.ContainsFunc(t.Triggers, func(x *catalog.Trigger) bool {
		return x.Row && x.Timing == "before" && x.Enabled && slices.ContainsFunc(schema.Functions(x.Function.Schema, x.Function.Name), func(f *catalog.Function) bool {
			return slices.Contains(pgparse.ListNames(f.Body), col.Name)
		})
	})
}

// reportUnreachedRows reports why statements that name a table may not reach all its rows.
func (m *Steps) reportUnreachedRows(t *catalog.Relation) {
	if len(t.Policies) > 0 && t.RLS {
		m.addMissing("%s has row-level security: the backfill sees what its role may see", t.Name)
	}
	if len(t.Partitions) > 0 || t.Parent != 0 || t.HasKids() || len(t.Inherits) > 0 {
		m.addMissing("%s is partitioned, a partition, or has children: the columns of all of them change together", t.Name)
	}
}
