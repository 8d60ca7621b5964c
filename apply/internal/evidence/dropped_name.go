package evidence

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// droppedName is a table, a view or a column that steps drop.
type droppedName struct {
	table  string
	column string // "" for the whole table
}

// String returns the name.
func (d droppedName) String() string {
	if d.column == "" {
		return d.table
	}
	return d.table + "." + d.column
}

// searchText returns the text that each statement that uses the name contains.
func (d droppedName) searchText() string {
	if d.column == "" {
		return d.table
	}
	return d.column
}

// listDroppedNames returns the names that no longer exist after some steps. A name that a new column or table takes is left out: new code uses
// it.
func listDroppedNames(steps []onward.PlanStep) []droppedName {
	var out []droppedName
	recreated := map[droppedName]bool{}
	for i := range steps {
		f, err := pgparse.SplitText(steps[i].SQL)
		if err != nil {
			continue
		}
		for _, stmt := range f.Stmts {
			switch n := stmt.Node.GetNode().(type) {
			case *pgparse.Node_AlterTableStmt:
				for _, cmd := range n.AlterTableStmt.Cmds {
					if c := cmd.GetAlterTableCmd(); c.GetSubtype() == pgparse.AlterTableType_AT_DropColumn {
						out = append(out, droppedName{n.AlterTableStmt.GetRelation().GetRelname(), c.Name})
					}
				}
			case *pgparse.Node_DropStmt:
				out = append(out, droppedRelations(n.DropStmt)...)
			case *pgparse.Node_RenameStmt:
				d := droppedName{table: n.RenameStmt.Newname}
				if n.RenameStmt.RenameType == pgparse.ObjectType_OBJECT_COLUMN {
					d = droppedName{n.RenameStmt.GetRelation().GetRelname(), n.RenameStmt.Newname}
				}
				recreated[d] = true
			case *pgparse.Node_ViewStmt:
				recreated[droppedName{table: n.ViewStmt.GetView().GetRelname()}] = true
			}
		}
	}
	return slices.DeleteFunc(out, func(d droppedName) bool { return recreated[d] })
}

// droppedRelations returns the tables and views that a DROP drops, without the plan's own.
func droppedRelations(n *pgparse.DropStmt) (out []droppedName) {
	switch n.RemoveType {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
	default:
		return nil
	}
	for _, o := range n.Objects {
		if schema, name := pgparse.SchemaAndName(pgparse.ListItems(o)); schema != onward.PlanRoom {
			out = append(out, droppedName{table: name})
		}
	}
	return out
}

// isUsedIn reports whether a statement names the table and, if there is one, the column. A column whose qualifier belongs to another
// table does not count, and neither does a statement that cannot be parsed.
func (d droppedName) isUsedIn(sql string) bool {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return false
	}
	table, column := false, false
	for _, stmt := range f.Stmts {
		tables := map[string]string{} // by the alias that the statement uses
		pgparse.Walk(stmt.Node, func(msg any) bool {
			if rv, ok := msg.(*pgparse.RangeVar); ok {
				tables[rv.Relname] = rv.Relname
				if alias := rv.GetAlias().GetAliasname(); alias != "" {
					tables[alias] = rv.Relname
				}
				table = table || rv.Relname == d.table
			}
			return true
		})
		pgparse.Walk(stmt.Node, func(msg any) bool {
			switch n := msg.(type) {
			case *pgparse.ColumnRef:
				fields := pgparse.StringTexts(n.Fields)
				if len(fields) > 0 && fields[len(fields)-1] == d.column {
					columnTable := d.table
					if len(fields) > 1 && tables[fields[len(fields)-2]] != "" {
						columnTable = tables[fields[len(fields)-2]]
					}
					column = column || columnTable == d.table
				}
			case *pgparse.ResTarget: // INSERT and UPDATE
				column = column || n.Name == d.column && n.Val == nil
			case *pgparse.UpdateStmt:
				column = column || n.GetRelation().GetRelname() == d.table &&
					slices.ContainsFunc(n.TargetList, func(x *pgparse.Node) bool { return x.GetResTarget().GetName() == d.column })
			}
			return true
		})
	}
	return table && (d.column == "" || column)
}
