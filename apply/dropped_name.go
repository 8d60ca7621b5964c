package apply

import (
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// droppedName is a table, a view or a column that steps drop.
type droppedName struct {
	table  string
	column string // "" for all of the table
}

// String is its name.
func (d droppedName) String() string {
	if d.column == "" {
		return d.table
	}
	return d.table + "." + d.column
}

// needle is what a statement that names it has in its text.
func (d droppedName) needle() string {
	if d.column == "" {
		return d.table
	}
	return d.column
}

// droppedBy are the names that are gone after some steps. A name that another column or table takes is not among them: new code uses it.
func droppedBy(steps []onward.PlanStep) []droppedName {
	var out []droppedName
	taken := map[droppedName]bool{}
	for i := range steps {
		f, err := pgparse.Split(steps[i].SQL)
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
				taken[d] = true
			case *pgparse.Node_ViewStmt:
				taken[droppedName{table: n.ViewStmt.GetView().GetRelname()}] = true
			}
		}
	}
	return slices.DeleteFunc(out, func(d droppedName) bool { return taken[d] })
}

// droppedRelations are the tables and views that a DROP drops, but what is the plan's own.
func droppedRelations(n *pgparse.DropStmt) (out []droppedName) {
	switch n.RemoveType {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
	default:
		return nil
	}
	for _, o := range n.Objects {
		if schema, name := pgparse.SchemaAndName(pgparse.Items(o)); schema != onward.PlanRoom {
			out = append(out, droppedName{table: name})
		}
	}
	return out
}

// isNamedBy reports whether a statement names it: the table, and the column if there is one, where a qualifier does not say
// that the column is of another table. A statement that cannot be read does not.
func (d droppedName) isNamedBy(sql string) bool {
	f, err := pgparse.Split(sql)
	if err != nil {
		return false
	}
	table, column := false, false
	for _, stmt := range f.Stmts {
		tables := map[string]string{} // by what the statement calls them
		pgparse.Walk(stmt.Node, func(msg any) bool {
			if rv, is := msg.(*pgparse.RangeVar); is {
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
				fields := pgparse.Texts(n.Fields)
				if len(fields) > 0 && fields[len(fields)-1] == d.column {
					of := d.table
					if len(fields) > 1 && tables[fields[len(fields)-2]] != "" {
						of = tables[fields[len(fields)-2]]
					}
					column = column || of == d.table
				}
			case *pgparse.ResTarget: // INSERT and UPDATE
				column = column || n.Name == d.column && n.Val == nil
			case *pgparse.UpdateStmt:
				column = column || n.GetRelation().GetRelname() == d.table && slices.ContainsFunc(n.TargetList, func(x *pgparse.Node) bool { return x.GetResTarget().GetName() == d.column })
			}
			return true
		})
	}
	return table && (d.column == "" || column)
}
