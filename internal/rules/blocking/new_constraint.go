package blocking

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
)

// newConstraint is an ADD CONSTRAINT on a table that others may be using.
type newConstraint struct {
	*rule.Command
	con   *pgparse.Constraint
	table *catalog.Relation
	// name is the constraint's: as written, or as the server makes it.
	name string
	// drops are the commands of the statement that drop a constraint.
	drops []*rule.Command
}

// listNewConstraints are the ADD CONSTRAINTs of a kind in a statement.
func listNewConstraints(p *rule.Pass, s *rule.Stmt, kind pgparse.ConstrType) []newConstraint {
	if s.Node.GetAlterTableStmt() == nil || !p.InUse(s.AlteredRelation()) {
		return nil
	}
	return listAllConstraints(p, s, kind)
}

// listAllConstraints is listNewConstraints, be it to a table that nobody uses yet.
func listAllConstraints(p *rule.Pass, s *rule.Stmt, kind pgparse.ConstrType) []newConstraint {
	var out []newConstraint
	unnamed := 0
	var drops []*rule.Command
	for _, c := range p.ListCommands(s) {
		if c.Subtype == pgparse.AlterTableType_AT_DropConstraint {
			drops = append(drops, c)
		}
	}
	for _, c := range p.ListCommands(s) {
		con := c.Def.GetConstraint()
		if c.Subtype != pgparse.AlterTableType_AT_AddConstraint || con.GetContype() != kind {
			continue
		}
		table := s.AlteredRelation()
		out = append(out, newConstraint{Command: c, con: con, table: table, name: nameOfConstraint(s, table, con, unnamed), drops: drops})
		if con.GetConname() == "" {
			unnamed++
		}
	}
	return out
}

// listBlockingConstraints lists the ADD CONSTRAINTs of a kind for which the server works on the
// table, with the effect.
func listBlockingConstraints(p *rule.Pass, s *rule.Stmt, kind pgparse.ConstrType, work func(*effect.Effect) bool) iter.Seq2[*newConstraint, *effect.Effect] {
	return func(yield func(*newConstraint, *effect.Effect) bool) {
		for _, a := range listNewConstraints(p, s, kind) {
			if e := p.FindBlocked(p.EffectsAlone(a.Command), work); e != nil && !yield(&a, e) {
				return
			}
		}
	}
}

// nameOfConstraint is the name of a new constraint: as written, else the one that the
// server made for the statement's nth (from 0) unnamed constraint of its kind.
func nameOfConstraint(s *rule.Stmt, table *catalog.Relation, con *pgparse.Constraint, nth int) string {
	if con.GetConname() != "" {
		return con.GetConname()
	}
	for i := range s.Deltas {
		d := &s.Deltas[i]
		if d.Kind == catalog.ConstraintAdded && d.NewConstraint != nil && d.NewConstraint.Kind == analysis.ConstraintKinds[con.GetContype()] &&
			d.Name() == table.Name && !d.NewConstraint.Named {
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
func (a *newConstraint) describeConstraint(noun string) string {
	if a.name == "" {
		return noun
	}
	return noun + " " + a.name
}

// describeConstraints names the constraints of shared work: "check constraints a, b".
func (w *sharedWork) describeConstraints(single, several string) string {
	text := prose.PickForm(len(w.at), single, several)
	if names := slices.DeleteFunc(slices.Clone(w.names), func(name string) bool { return name == "" }); len(names) > 0 {
		text += " " + strings.Join(names, ", ")
	}
	return text
}

// validateLaterSQL is the SQL that adds a constraint without looking at the rows,
// and looks at them later.
func (a *newConstraint) validateLaterSQL(s *rule.Stmt) string {
	add, validate := a.validationSteps(s)
	return recipe.FormatStatements(add, validate)
}

// validationSteps are the two statements of validateLaterSQL.
func (a *newConstraint) validationSteps(s *rule.Stmt) (add, validate string) {
	text := a.Text()
	name := a.name
	if a.con.GetConname() == "" && name != "" {
		// VALIDATE needs the name: write it down.
		text = "ADD CONSTRAINT " + pgparse.QuoteIdent(name) + text[len("ADD"):]
	}
	return s.AlterTable() + " " + a.dropClauses() + text + " NOT VALID", recipe.ValidateConstraint(a.table.Name, cmp.Or(name, recipe.Unknown))
}

// dropClauses are the clauses that drop what the constraint takes the name of, or, for a
// primary key, the place of.
func (a *newConstraint) dropClauses() string {
	out := ""
	for _, c := range a.drops {
		old := a.table.Constraint(c.Name)
		if a.name != "" && c.Name == a.name || old != nil && old.Kind == catalog.PrimaryKey && a.con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			out += c.Text() + ", "
		}
	}
	return out
}
