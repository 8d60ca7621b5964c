package undo

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Made is a column, a trigger or an index that a done step has made and the contract needs.
type Made struct {
	Step *onward.PlanStep
	// Table is the column, or the table of the trigger or index, which Name names then.
	Table Object
	Index bool
	Name  string
}

// String returns "column users.id_onward", "trigger zzz_onward_users_id of users" or "index users_pkey_onward".
func (m Made) String() string {
	switch {
	case m.Index:
		return "index " + m.Name
	case m.Name != "":
		return "trigger " + m.Name + " of " + m.Table.Table
	}
	return "column " + m.Table.String()
}

// ListMade returns what the done steps have made for a contract of which nothing is done, by the names that it has now: the columns that take
// the places of others, the triggers that fill them, and the indexes that the contract renames or uses.
func ListMade(p *onward.Plan, isDone func(step string) bool) (out []Made) {
	var replacing []string
	triggers, contract := map[string]bool{}, ""
	for i := range p.Steps {
		s := &p.Steps[i]
		for _, r := range s.Replaces {
			replacing = append(replacing, r.NewColumn)
		}
		if s.Backfill != nil {
			for _, name := range s.Backfill.Triggers {
				triggers[name] = true
			}
		}
		if s.Phase == onward.Contract && !s.Bookkeeping {
			if contract += s.SQL; isDone(s.ID) {
				return nil
			}
		}
	}
	for i := range p.Steps[:p.Contract()] {
		s := &p.Steps[i]
		if !isDone(s.ID) || s.Repeat {
			continue
		}
		for _, r := range listRenames(s) {
			for j := range out {
				out[j].Table = out[j].Table.withRename(r.old, r.new)
			}
		}
		for _, node := range parseStatements(s.SQL) {
			switch n := node.GetNode().(type) {
			case *pgparse.Node_AlterTableStmt:
				for _, cmd := range n.AlterTableStmt.Cmds {
					column := cmd.GetAlterTableCmd().GetDef().GetColumnDef().GetColname()
					if cmd.GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_AddColumn && slices.Contains(replacing, column) {
						out = append(out, Made{Step: s, Table: Object{tableName(n.AlterTableStmt.Relation), column}})
					}
				}
			case *pgparse.Node_CreateTrigStmt:
				if triggers[n.CreateTrigStmt.Trigname] {
					out = append(out, Made{Step: s, Table: Object{Table: tableName(n.CreateTrigStmt.Relation)}, Name: n.CreateTrigStmt.Trigname})
				}
			case *pgparse.Node_IndexStmt:
				if name := n.IndexStmt.Idxname; s.Class == onward.StepConcurrent && name != "" && strings.Contains(contract, pgparse.QuoteIdent(name)) {
					out = append(out, Made{Step: s, Table: Object{Table: tableName(n.IndexStmt.Relation)}, Index: true, Name: name})
				}
			case *pgparse.Node_DropStmt:
				for _, object := range n.DropStmt.Objects {
					name := pgparse.LastText(pgparse.ListItems(object))
					out = slices.DeleteFunc(out, func(m Made) bool { return m.Name == name })
				}
			}
		}
	}
	return out
}
