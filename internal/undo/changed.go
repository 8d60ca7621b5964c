package undo

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// ListChanged returns the columns and indexes that the steps of a plan make, drop, alter or rename: "users.id",
// without a schema, and "users_pkey". While the plan is under way, they may be there or not.
func ListChanged(p *onward.Plan) (out []string) {
	for i := range p.Steps {
		for _, node := range parseStatements(p.Steps[i].SQL) {
			switch n := node.GetNode().(type) {
			case *pgparse.Node_AlterTableStmt:
				for _, cmd := range n.AlterTableStmt.Cmds {
					c := cmd.GetAlterTableCmd()
					con := c.GetDef().GetConstraint()
					table := n.AlterTableStmt.Relation.GetRelname() + "."
					out = append(out, table+c.GetName(), table+c.GetDef().GetColumnDef().GetColname(), c.GetName(), con.GetConname(), con.GetIndexname())
				}
			case *pgparse.Node_IndexStmt:
				out = append(out, n.IndexStmt.Idxname)
			case *pgparse.Node_DropStmt:
				for _, object := range n.DropStmt.Objects {
					out = append(out, pgparse.LastText(pgparse.ListItems(object)))
				}
			case *pgparse.Node_RenameStmt:
				table := n.RenameStmt.Relation.GetRelname()
				out = append(out, table, n.RenameStmt.Newname, n.RenameStmt.Subname, table+"."+n.RenameStmt.Subname, table+"."+n.RenameStmt.Newname)
			}
		}
	}
	return out
}
