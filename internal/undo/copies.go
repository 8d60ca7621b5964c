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

// Copies are the tables and columns that a chain of a plan makes and fills, and those that its contract drops, by the names that they have now.
// If a plan changes the type of users.id by a new column, Filled is the new column, and Dropped is the old one.
type Copies struct{ Filled, Dropped []Object }

// ListCopies returns the copies of each chain. An abort drops what is filled. isDone reports whether a step is done, by its ID.
func ListCopies(p *onward.Plan, isDone func(step string) bool) (out []Copies) {
	createdNames := listCreated(p)
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
			step.addStep(&p.Steps[i], createdNames)
			for _, o := range step.Filled {
				c.Filled = append(c.Filled, applyDoneRenames(p.Steps[i+1:], o, isDone))
			}
			for _, o := range step.Dropped {
				c.Dropped = append(c.Dropped, revertPendingRenames(p.Steps[:i], o, isDone))
			}
		}
		out = append(out, c)
	}
	return out
}

// ListDropped returns the tables and columns that the pending contract steps of a plan drop and the plan has not made, with the names that they have
// now. It leaves out what a step drops if it exists.
func ListDropped(p *onward.Plan, isDone func(step string) bool) (out []Object) {
	createdNames := listCreated(p)
	for i := range p.Steps {
		if isDone(p.Steps[i].ID) {
			continue
		}
		renames := listRenames(&p.Steps[i])
		for _, o := range listDropped(&p.Steps[i], false) {
			isNew := slices.ContainsFunc(renames, func(r rename) bool { return r.new == o || r.new == (Object{Table: o.Table}) })
			if !isNew && !createdNames[o.String()] {
				out = append(out, revertPendingRenames(p.Steps[:i], o, isDone))
			}
		}
	}
	return out
}

// applyDoneRenames returns an object with the name that the done ones of the later steps have given to it.
func applyDoneRenames(laterSteps []onward.PlanStep, o Object, isDone func(step string) bool) Object {
	for i := range laterSteps {
		if !isDone(laterSteps[i].ID) {
			continue
		}
		for _, r := range listRenames(&laterSteps[i]) {
			o = o.withRename(r.old, r.new)
		}
	}
	return o
}

// revertPendingRenames returns an object with the name that it has before those of the earlier steps that are not done.
func revertPendingRenames(earlierSteps []onward.PlanStep, o Object, isDone func(step string) bool) Object {
	for i := range slices.Backward(earlierSteps) {
		if isDone(earlierSteps[i].ID) {
			continue
		}
		for _, r := range slices.Backward(listRenames(&earlierSteps[i])) {
			o = o.withRename(r.new, r.old)
		}
	}
	return o
}

// rename is the old and the new name of a table or a column.
type rename struct{ old, new Object }

// withRename returns the object after its table, or the column itself, got another name.
func (o Object) withRename(old, fresh Object) Object {
	switch {
	case o == old:
		return fresh
	case old.Column == "" && o.Table == old.Table:
		o.Table = fresh.Table
	}
	return o
}

// listRenames returns the names that a step gives to tables and columns, in order.
func listRenames(s *onward.PlanStep) (out []rename) {
	for _, node := range parseStatements(s.SQL) {
		r := node.GetRenameStmt()
		switch r.GetRenameType() {
		case pgparse.ObjectType_OBJECT_TABLE:
			renamed := &pgparse.RangeVar{Schemaname: r.Relation.GetSchemaname(), Relname: r.Newname}
			out = append(out, rename{Object{Table: tableName(r.Relation)}, Object{Table: tableName(renamed)}})
		case pgparse.ObjectType_OBJECT_COLUMN:
			table := tableName(r.Relation)
			out = append(out, rename{Object{table, r.Subname}, Object{table, r.Newname}})
		}
	}
	return out
}

// FindRenamed returns the first gone table to which an undo gives another name; "" for none.
func FindRenamed(sql string, droppedObjects []Object) string {
	for _, r := range listRenames(&onward.PlanStep{SQL: sql}) {
		if slices.Contains(droppedObjects, r.old) {
			return r.old.String()
		}
	}
	return ""
}

func (c *Copies) addStep(s *onward.PlanStep, createdNames map[string]bool) {
	eachDataChange(s, func(table string, columns []string) {
		if createdNames[table] {
			c.Filled = append(c.Filled, Object{Table: table})
			return
		}
		for _, column := range columns {
			if createdNames[table+"."+column] {
				c.Filled = append(c.Filled, Object{table, column})
			}
		}
	})
	c.Dropped = append(c.Dropped, listDropped(s, true)...)
}

// listDropped returns the tables and columns that a contract step drops; evenIfMissing: also those that it drops if they exist.
func listDropped(s *onward.PlanStep, evenIfMissing bool) (out []Object) {
	if s.Phase != onward.Contract {
		return nil
	}
	for _, node := range parseStatements(s.SQL) {
		if drop := node.GetDropStmt(); drop.GetRemoveType() == pgparse.ObjectType_OBJECT_TABLE && (evenIfMissing || !drop.MissingOk) {
			for _, o := range drop.Objects {
				if names := pgparse.StringTexts(pgparse.ListItems(o)); !isInPlanSchema(drop.RemoveType, o) && len(names) > 0 {
					out = append(out, Object{Table: strings.TrimPrefix(strings.Join(names, "."), "public.")})
				}
			}
		}
		alter := node.GetAlterTableStmt()
		for _, cmd := range alter.GetCmds() {
			if d := cmd.GetAlterTableCmd(); d.GetSubtype() == pgparse.AlterTableType_AT_DropColumn && (evenIfMissing || !d.MissingOk) {
				out = append(out, Object{tableName(alter.Relation), d.Name})
			}
		}
	}
	return out
}

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
