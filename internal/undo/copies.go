package undo

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Object is a table, or a column of it.
type Object struct{ Table, Column string }

// String returns "users" or "users.note".
func (o Object) String() string { return strings.TrimSuffix(o.Table+"."+o.Column, ".") }

// QuotedTable returns the table's name as SQL writes it.
func (o Object) QuotedTable() string {
	schema, table, qualified := strings.Cut(o.Table, ".")
	if !qualified {
		return pgparse.QuoteIdent(o.Table)
	}
	return pgparse.QuoteIdent(schema) + "." + pgparse.QuoteIdent(table)
}

// Copies is what a chain of a plan makes and fills, and what its contract drops, with the names that the tables have now.
type Copies struct{ Filled, Dropped []Object }

// ListCopies returns the copies of each chain. An abort drops what is filled. isDone reports whether a step is done, by its ID.
func ListCopies(p *onward.Plan, isDone func(step string) bool) (out []Copies) {
	made := listCreated(p)
	steps := map[string]int{}
	for i := range p.Steps {
		steps[p.Steps[i].ID] = i
	}
	for _, g := range p.Proof.Groups {
		var c Copies
		for _, id := range g.Steps {
			i, known := steps[id]
			if !known {
				continue
			}
			var step Copies
			step.addStep(&p.Steps[i], made)
			for _, o := range step.Filled {
				c.Filled = append(c.Filled, renameForward(p.Steps[i+1:], o, isDone))
			}
			for _, o := range step.Dropped {
				c.Dropped = append(c.Dropped, renameBack(p.Steps[:i], o, isDone))
			}
		}
		out = append(out, c)
	}
	return out
}

// renameForward returns an object with the name that the done ones of the later steps have given to its table.
func renameForward(later []onward.PlanStep, o Object, isDone func(step string) bool) Object {
	for i := range later {
		if !isDone(later[i].ID) {
			continue
		}
		for _, r := range listRenames(&later[i]) {
			if o.Table == r.old {
				o.Table = r.new
			}
		}
	}
	return o
}

// renameBack returns an object with the name that its table has before those of the earlier steps that are not done.
func renameBack(earlier []onward.PlanStep, o Object, isDone func(step string) bool) Object {
	for i := range slices.Backward(earlier) {
		if isDone(earlier[i].ID) {
			continue
		}
		for _, r := range slices.Backward(listRenames(&earlier[i])) {
			if o.Table == r.new {
				o.Table = r.old
			}
		}
	}
	return o
}

// tableRename is the old and the new name of a table.
type tableRename struct{ old, new string }

// listRenames returns the names that a step gives to tables, in order.
func listRenames(s *onward.PlanStep) (out []tableRename) {
	for _, node := range parseStatements(s.SQL) {
		if r := node.GetRenameStmt(); r.GetRenameType() == pgparse.ObjectType_OBJECT_TABLE {
			renamed := &pgparse.RangeVar{Schemaname: r.Relation.GetSchemaname(), Relname: r.Newname}
			out = append(out, tableRename{tableName(r.Relation), tableName(renamed)})
		}
	}
	return out
}

func (c *Copies) addStep(s *onward.PlanStep, made map[string]bool) {
	eachChange(s, func(table string, columns []string) {
		if made[table] {
			c.Filled = append(c.Filled, Object{Table: table})
			return
		}
		for _, column := range columns {
			if made[table+"."+column] {
				c.Filled = append(c.Filled, Object{table, column})
			}
		}
	})
	if s.Phase != onward.Contract {
		return
	}
	for _, node := range parseStatements(s.SQL) {
		if drop := node.GetDropStmt(); drop.GetRemoveType() == pgparse.ObjectType_OBJECT_TABLE {
			for _, o := range drop.Objects {
				if names := pgparse.StringTexts(pgparse.ListItems(o)); !isInPlanSchema(drop.RemoveType, o) && len(names) > 0 {
					c.Dropped = append(c.Dropped, Object{Table: strings.TrimPrefix(strings.Join(names, "."), "public.")})
				}
			}
		}
		alter := node.GetAlterTableStmt()
		for _, cmd := range alter.GetCmds() {
			if d := cmd.GetAlterTableCmd(); d.GetSubtype() == pgparse.AlterTableType_AT_DropColumn {
				c.Dropped = append(c.Dropped, Object{tableName(alter.Relation), d.Name})
			}
		}
	}
}
