package constraint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// GuardedDiffers flags ADD CONSTRAINT in a DO block that passes over a
// constraint that exists, where the one that exists is another.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var GuardedDiffers = &rule.Rule{
	ID:        "constraint-guarded-differs",
	Category:  onward.Idempotency,
	Severity:  onward.Warning,
	Preset:    onward.Recommended,
	Summary:   "ADD CONSTRAINT behind a guard names a constraint that exists and says something else",
	Harm:      "ADD CONSTRAINT has no IF NOT EXISTS, so it stands in a DO block with a handler for duplicate_object, or behind a look into pg_constraint. Both look at the name alone. Where the table has a constraint of that name nothing happens, the migration counts as done, and the old rule stays: rows that the new one allows are refused, and those that it forbids get in.",
	Instead:   "Drop the constraint that is there first, or give the new one a name of its own.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Kinds:     rule.AlterTable,
	Statement: guardedDiffers,
}

func guardedDiffers(p *rule.Pass, s *rule.Stmt) {
	table := s.Altered()
	if s.Parent < 0 || !s.Optional() || table == nil || table.Inferred || table.Partial {
		return
	}
	commands := p.Commands(s)
	for i := range commands {
		con := commands[i].Def.GetConstraint()
		kind, known := kinds[con.GetContype()]
		old := table.Constraint(con.GetConname())
		if commands[i].Subtype != pgparse.AlterTableType_AT_AddConstraint || !known || con.GetIndexname() != "" || old == nil {
			continue
		}
		how := otherwise(s, table, old, con, kind)
		if how == "" {
			continue
		}
		name := pgparse.QuoteIdent(old.Name)
		p.Report(&commands[i], rule.Report{
			Fact:    old.Kind.String() + " " + old.Name + " of " + table.Name.String() + " exists " + how + ", so that this ADD CONSTRAINT does nothing",
			Harm:    "the migration counts as done, and the old one stays in force",
			Instead: "drop the one that is there first:\n" + s.AlterTable() + " DROP CONSTRAINT IF EXISTS " + name + ";",
		})
	}
}

// otherwise says how a constraint that exists is another than one that is to be
// added; "" when it is the same as far as can be told.
func otherwise(s *rule.Stmt, table *catalog.Relation, old *catalog.Constraint, con *pgparse.Constraint, kind catalog.ConstraintKind) string {
	if old.Kind != kind {
		return "already"
	}
	switch kind {
	case catalog.ForeignKey:
		ref, _ := s.Before.Resolve(con.GetPktable())
		switch was := s.Before.Relation(old.Ref); {
		case !slices.Equal(table.ColumnNames(old.Columns), keys(con.GetFkAttrs())):
			return "on other columns"
		case ref != nil && was != nil && ref.OID != was.OID:
			return "and refers to " + was.Name.String()
		}
		if del := catalog.ForeignKeyAction(con.GetFkDelAction()); del != old.OnDelete {
			return "with ON DELETE " + action(old.OnDelete)
		}
		if upd := catalog.ForeignKeyAction(con.GetFkUpdAction()); upd != old.OnUpdate {
			return "with ON UPDATE " + action(old.OnUpdate)
		}
	case catalog.Unique, catalog.PrimaryKey:
		if !slices.Equal(table.ColumnNames(old.Columns), keys(con.GetKeys())) {
			return "on other columns"
		}
	case catalog.Check:
		// One condition has many texts; its columns and constants it has in all.
		if was, now := parts(old.Expr), parts(con.GetRawExpr()); old.Expr != nil && !slices.Equal(was, now) {
			return "with another condition"
		}
	}
	return ""
}

func action(word string) string {
	if word == "" {
		return "NO ACTION"
	}
	return strings.ToUpper(word)
}

// parts are the columns and constants of a condition, each once and sorted.
func parts(expr *pgparse.Node) []string {
	out := catalog.ColumnsIn(expr)
	pgparse.Walk(expr, func(msg any) bool {
		if c, ok := msg.(*pgparse.A_Const); ok {
			out = append(out, fmt.Sprint(c.GetSval().GetSval(), c.GetIval().GetIval(), c.GetFval().GetFval(), c.GetBoolval().GetBoolval()))
		}
		return true
	})
	slices.Sort(out)
	return slices.Compact(out)
}
