package skipped

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ConstraintGuardedDiffers flags ADD CONSTRAINT in a DO block that does nothing, because a
// different constraint already has its name.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
var ConstraintGuardedDiffers = &rule.Rule{
	ID:       "constraint-guarded-differs",
	Category: onward.Idempotency,
	Severity: onward.Warning,
	Summary:  "a guarded ADD CONSTRAINT names a constraint that exists with another definition",
	Harm: "ADD CONSTRAINT has no IF NOT EXISTS, so people write it in a DO block with a handler for duplicate_object, or after a query of pg_constraint. " +
		"Both look at the name alone. If the table has a constraint of that name, nothing happens, the migration counts as done, and the old constraint stays: " +
		"rows that the new one allows are refused, and rows that it forbids get in.",
	Instead:   "Drop the constraint that is there first, or give the new one a name of its own.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT"},
	Kinds:     rule.AlterTable,
	Statement: checkConstraintDiffers,
}

func checkConstraintDiffers(p *rule.Pass, s *rule.Stmt) {
	table := s.AlteredRelation()
	if s.Parent < 0 || !s.IsOptional() || table == nil || table.Inferred || table.Partial {
		return
	}
	for _, c := range s.ListWrittenCommands() {
		con := c.Def.GetConstraint()
		kind, known := analysis.ConstraintKinds[con.GetContype()]
		old := table.Constraint(con.GetConname())
		if c.Subtype != pgparse.AlterTableType_AT_AddConstraint || !known || con.GetIndexname() != "" || old == nil {
			continue
		}
		difference := describeDifference(s, table, old, con, kind)
		if difference == "" {
			continue
		}
		drop := s.AlterTable() + " DROP CONSTRAINT IF EXISTS " + pgparse.QuoteIdent(old.Name)
		instead := "drop the one that is there first:\n" + drop + ";"
		switch {
		case isNamePrefix(s.SQL, old.Name):
			instead = "give the new one a name of at most 63 bytes: the server cuts its name to " + old.Name + ", and that one is another constraint"
		case old.Kind != kind:
			instead = "give the new one a name of its own: " + old.Name + " is another constraint"
		case (kind == catalog.Check || kind == catalog.ForeignKey) && !con.GetSkipValidation():
			instead = "drop the one that is there, add the new one NOT VALID, and validate it in a later transaction:\n" +
				recipe.FormatStatements(drop+", "+c.Text()+" NOT VALID", recipe.ValidateConstraint(table.Name, old.Name))
		}
		p.Report(c, describeSkip(old.Kind.String()+" "+old.Name+" of "+table.Name.String()+" exists "+difference, "this ADD CONSTRAINT",
			"and the old one stays in force", instead))
	}
}

// isNamePrefix reports whether a name is the beginning of a longer one in a text.
func isNamePrefix(sql, name string) bool {
	pos := strings.Index(sql, name)
	if pos < 0 || pos+len(name) >= len(sql) {
		return false
	}
	c := sql[pos+len(name)]
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// describeDifference describes how an existing constraint differs from the constraint to be added; "" if no
// difference is found.
func describeDifference(s *rule.Stmt, table *catalog.Relation, old *catalog.Constraint, con *pgparse.Constraint, kind catalog.ConstraintKind) string {
	if old.Kind != kind {
		return "already"
	}
	switch kind {
	case catalog.ForeignKey:
		ref, _ := s.Before.Resolve(con.GetPktable())
		switch oldTarget := s.Before.Relation(old.Ref); {
		case !slices.Equal(table.ColumnNames(old.Columns), pgparse.StringTexts(con.GetFkAttrs())):
			return "on other columns"
		case ref != nil && oldTarget != nil && ref.OID != oldTarget.OID:
			return "and refers to " + oldTarget.Name.String()
		}
		if del := catalog.ForeignKeyAction(con.GetFkDelAction()); del != old.OnDelete {
			return "with ON DELETE " + formatAction(old.OnDelete)
		}
		if upd := catalog.ForeignKeyAction(con.GetFkUpdAction()); upd != old.OnUpdate {
			return "with ON UPDATE " + formatAction(old.OnUpdate)
		}
	case catalog.Unique, catalog.PrimaryKey:
		if !slices.Equal(table.ColumnNames(old.Columns), pgparse.StringTexts(con.GetKeys())) {
			return "on other columns"
		}
	case catalog.Check:
		// A condition can be written in many ways, but always with the same columns and constants.
		if oldParts, now := conditionParts(old.Expr), conditionParts(con.GetRawExpr()); old.Expr != nil && !slices.Equal(oldParts, now) {
			return "with another condition"
		}
	}
	return ""
}

func formatAction(word string) string {
	if word == "" {
		return "NO ACTION"
	}
	return strings.ToUpper(word)
}

// conditionParts are the columns and constants of a condition, each once and sorted.
func conditionParts(expr *pgparse.Node) []string {
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
