// Package constraint holds the rules about constraints.
package constraint

import (
	"cmp"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// addition is an ADD CONSTRAINT on a table that others may be using.
type addition struct {
	*rule.Command
	con   *pgparse.Constraint
	table *catalog.Relation
	// name is the constraint's: as written, or as the server makes it.
	name string
	// drops are the commands of the statement that drop a constraint.
	drops []int
}

// listAdditions are the ADD CONSTRAINTs of a kind in a statement.
func listAdditions(p *rule.Pass, s *rule.Stmt, kind pgparse.ConstrType) []addition {
	if s.Node.GetAlterTableStmt() == nil || !p.InUse(s.AlteredRelation()) {
		return nil
	}
	return listAdded(p, s, kind)
}

// listAdded is listAdditions, be it to a table that nobody uses yet.
func listAdded(p *rule.Pass, s *rule.Stmt, kind pgparse.ConstrType) []addition {
	var out []addition
	unnamed := 0
	commands := p.ListCommands(s)
	var drops []int
	for i, n := range s.Node.GetAlterTableStmt().GetCmds() {
		if n.GetAlterTableCmd().GetSubtype() == pgparse.AlterTableType_AT_DropConstraint {
			drops = append(drops, i)
		}
	}
	for i := range commands {
		c := &commands[i]
		con := c.Def.GetConstraint()
		if c.Subtype != pgparse.AlterTableType_AT_AddConstraint || con.GetContype() != kind {
			continue
		}
		table := s.AlteredRelation()
		out = append(out, addition{Command: c, con: con, table: table, name: nameOf(s, table, con, unnamed), drops: drops})
		if con.GetConname() == "" {
			unnamed++
		}
	}
	return out
}

var kinds = map[pgparse.ConstrType]catalog.ConstraintKind{
	pgparse.ConstrType_CONSTR_CHECK:     catalog.Check,
	pgparse.ConstrType_CONSTR_FOREIGN:   catalog.ForeignKey,
	pgparse.ConstrType_CONSTR_UNIQUE:    catalog.Unique,
	pgparse.ConstrType_CONSTR_PRIMARY:   catalog.PrimaryKey,
	pgparse.ConstrType_CONSTR_EXCLUSION: catalog.Exclude,
}

// nameOf is the name of a new constraint: as written, else the one that the
// server made for the statement's nth (from 0) unnamed constraint of its kind.
func nameOf(s *rule.Stmt, table *catalog.Relation, con *pgparse.Constraint, nth int) string {
	if con.GetConname() != "" {
		return con.GetConname()
	}
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.Kind == catalog.ConstraintAdded && d.NewConstraint != nil && d.NewConstraint.Kind == kinds[con.GetContype()] && d.Name() == table.Name &&
			!d.NewConstraint.Named {
			if nth == 0 {
				return d.NewConstraint.Name
			}
			nth--
		}
	}
	return ""
}

// describeConstraint is the constraint for a sentence: "constraint age_positive", or what
// it is when nothing gave it a name.
func (a *addition) describeConstraint(what string) string {
	if a.name == "" {
		return what
	}
	return what + " " + a.name
}

// keyColumns are the columns of a UNIQUE, PRIMARY KEY or FOREIGN KEY.
func keyColumns(list []*pgparse.Node) []string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = k.GetString_().GetSval()
	}
	return out
}

// validateLaterSQL is the SQL that adds a constraint without looking at the rows,
// and looks at them later.
func (a *addition) validateLaterSQL(s *rule.Stmt) string {
	add, validate := a.validationSteps(s)
	return recipe.FormatStatements(add, validate)
}

// validationSteps are the two statements of validateLaterSQL.
func (a *addition) validationSteps(s *rule.Stmt) (add, validate string) {
	text := a.Text()
	name := a.name
	if a.con.GetConname() == "" && name != "" {
		// VALIDATE needs the name: write it down.
		text = "ADD CONSTRAINT " + pgparse.QuoteIdent(name) + text[len("ADD"):]
	}
	return s.AlterTable() + " " + a.dropClauses(s) + text + " NOT VALID", recipe.ValidateConstraint(a.table.Name, cmp.Or(name, recipe.Unknown))
}

// dropClauses are the clauses that drop what the constraint takes the name of, or, for a
// primary key, the place of.
func (a *addition) dropClauses(s *rule.Stmt) string {
	out := ""
	for _, i := range a.drops {
		c := s.Node.GetAlterTableStmt().GetCmds()[i].GetAlterTableCmd()
		old := a.table.Constraint(c.GetName())
		if a.name != "" && c.GetName() == a.name || old != nil && old.Kind == catalog.PrimaryKey && a.con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			out += s.CommandText(i) + ", "
		}
	}
	return out
}
