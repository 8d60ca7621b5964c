package undo

import (
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

// Copies is what a chain of a plan makes and fills, and what its contract drops.
type Copies struct{ Filled, Dropped []Object }

// ListCopies returns the copies of each chain. An abort drops what is filled.
func ListCopies(p *onward.Plan) (out []Copies) {
	made := listCreated(p)
	steps := map[string]*onward.PlanStep{}
	for i := range p.Steps {
		steps[p.Steps[i].ID] = &p.Steps[i]
	}
	for _, g := range p.Proof.Groups {
		var c Copies
		for _, id := range g.Steps {
			if s := steps[id]; s != nil {
				c.addStep(s, made)
			}
		}
		out = append(out, c)
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
