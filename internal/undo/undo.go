// Package undo determines, from the SQL of a plan's steps, what an abort of the plan cannot restore: rows that stay changed, and steps that
// drop something.
package undo

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// StayChanged names, for each step of a plan, the columns and tables whose rows stay changed if the step is undone: "users.note", "users".
// Columns and tables that the plan adds are left out, because the abort drops them.
func StayChanged(p *onward.Plan) [][]string {
	createdNames, out := listCreated(p), make([][]string, len(p.Steps))
	for i := range p.Steps {
		out[i] = listChangedData(&p.Steps[i], createdNames)
	}
	return out
}

// FilledColumns names the columns that the plan adds to existing tables and a step fills: "users.full_name".
func FilledColumns(p *onward.Plan, step int) []string {
	createdNames := listCreated(p)
	var out []string
	eachDataChange(&p.Steps[step], func(table string, columns []string) {
		for _, c := range columns {
			if name := table + "." + c; createdNames[name] && !createdNames[table] {
				out = append(out, name)
			}
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// listChangedData names the columns and tables whose rows a step changes, without those that the plan has made.
func listChangedData(s *onward.PlanStep, createdNames map[string]bool) []string {
	out := slices.Clone(s.StayChanged) // the plan knows what foreign keys change
	eachDataChange(s, func(table string, columns []string) {
		if createdNames[table] {
			return
		}
		if columns == nil {
			out = append(out, table)
		}
		for _, c := range columns {
			if name := table + "." + c; !createdNames[name] {
				out = append(out, name)
			}
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// eachDataChange calls add for each statement of a step that changes rows outside of the plan's own schema, with the table, and the columns of
// an UPDATE; nil for all.
func eachDataChange(s *onward.PlanStep, add func(table string, columns []string)) {
	changes := func(rv *pgparse.RangeVar, columns []string) {
		if rv != nil && rv.Schemaname != onward.PlanRoom {
			add(tableName(rv), columns)
		}
	}
	sql := s.SQL
	if s.Backfill != nil {
		sql = s.Backfill.Work
	}
	for _, node := range parseStatements(sql) {
		switch n := node.GetNode().(type) {
		case *pgparse.Node_UpdateStmt:
			columns := []string{}
			for _, target := range n.UpdateStmt.TargetList {
				columns = append(columns, target.GetResTarget().GetName())
			}
			changes(n.UpdateStmt.Relation, columns)
		case *pgparse.Node_InsertStmt:
			changes(n.InsertStmt.Relation, nil)
		case *pgparse.Node_DeleteStmt:
			changes(n.DeleteStmt.Relation, nil)
		case *pgparse.Node_MergeStmt:
			changes(n.MergeStmt.Relation, nil)
		case *pgparse.Node_TruncateStmt:
			for _, r := range n.TruncateStmt.Relations {
				changes(r.GetRangeVar(), nil)
			}
		}
	}
}

// DescribeChanged says that rows stay changed; "" for none.
func DescribeChanged(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "the rows of " + strings.Join(names, ", ") + " stay changed"
}

// IsIrreversible reports whether a step drops or replaces something that an abort cannot restore. Two kinds of steps do not: a step that only adds
// and has an undo, and one that alters or drops what the plan itself has made.
func IsIrreversible(p *onward.Plan, step int) bool {
	s, createdNames := &p.Steps[step], listCreated(p)
	for _, node := range parseStatements(s.SQL) {
		switch n := node.GetNode().(type) {
		case *pgparse.Node_TransactionStmt, *pgparse.Node_VariableSetStmt:
		case *pgparse.Node_IndexStmt:
			if s.Undo == "" {
				return true
			}
		case *pgparse.Node_DropStmt:
			if slices.ContainsFunc(n.DropStmt.Objects, func(o *pgparse.Node) bool { return !isInPlanSchema(n.DropStmt.RemoveType, o) }) {
				return true
			}
		case *pgparse.Node_AlterTableStmt:
			if createdNames[tableName(n.AlterTableStmt.Relation)] {
				continue
			}
			for _, cmd := range n.AlterTableStmt.Cmds {
				if c := cmd.GetAlterTableCmd(); c.GetSubtype() != pgparse.AlterTableType_AT_ValidateConstraint && (s.Undo == "" || !isAdditive(c, createdNames)) {
					return true
				}
			}
		default:
			return true
		}
	}
	return false
}

// isAdditive reports whether a command of an ALTER TABLE removes nothing except what the plan has made.
func isAdditive(c *pgparse.AlterTableCmd, createdNames map[string]bool) bool {
	switch c.GetSubtype() {
	case pgparse.AlterTableType_AT_AddConstraint, pgparse.AlterTableType_AT_SetNotNull:
		return true
	case pgparse.AlterTableType_AT_DropConstraint:
		return createdNames["CONSTRAINT "+c.Name]
	}
	return false
}

// isInPlanSchema reports whether a dropped object is the schema for a plan's own objects, or is in it.
func isInPlanSchema(kind pgparse.ObjectType, object *pgparse.Node) bool {
	if kind == pgparse.ObjectType_OBJECT_SCHEMA {
		return pgparse.StringText(object) == onward.PlanRoom
	}
	names := pgparse.StringTexts(pgparse.ListItems(object))
	return len(names) == 2 && names[0] == onward.PlanRoom
}

// listCreated returns the tables, columns and constraints that a plan's steps make: "users", "users.note", "CONSTRAINT users_check".
func listCreated(p *onward.Plan) map[string]bool {
	createdNames := map[string]bool{}
	for i := range p.Steps {
		for _, node := range parseStatements(p.Steps[i].SQL) {
			switch n := node.GetNode().(type) {
			case *pgparse.Node_CreateStmt:
				createdNames[tableName(n.CreateStmt.Relation)] = !n.CreateStmt.IfNotExists
			case *pgparse.Node_CreateTableAsStmt:
				createdNames[tableName(n.CreateTableAsStmt.Into.GetRel())] = true
			case *pgparse.Node_AlterTableStmt:
				for _, cmd := range n.AlterTableStmt.Cmds {
					c := cmd.GetAlterTableCmd()
					switch {
					case c.GetSubtype() == pgparse.AlterTableType_AT_AddColumn && !c.MissingOk:
						createdNames[tableName(n.AlterTableStmt.Relation)+"."+c.Def.GetColumnDef().GetColname()] = true
					case c.GetSubtype() == pgparse.AlterTableType_AT_AddConstraint:
						createdNames["CONSTRAINT "+c.Def.GetConstraint().GetConname()] = true
					}
				}
			}
		}
	}
	return createdNames
}

// tableName returns a table's name, without the schema public, as in plans.
func tableName(rv *pgparse.RangeVar) string {
	if rv.GetSchemaname() == "" || rv.GetSchemaname() == "public" {
		return rv.GetRelname()
	}
	return rv.Schemaname + "." + rv.Relname
}

// parseStatements returns the parse trees of a text's statements; nil is one that cannot be parsed.
func parseStatements(sql string) []*pgparse.Node {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return []*pgparse.Node{nil}
	}
	out := make([]*pgparse.Node, len(f.Stmts))
	for i, s := range f.Stmts {
		out[i] = s.Node
	}
	return out
}

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
