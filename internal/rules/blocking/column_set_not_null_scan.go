package blocking

import (
	"slices"

	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnSetNotNullScan flags SET NOT NULL, and a NOT NULL constraint that is not NOT
// VALID (18), where the server has to look for NULLs: no valid CHECK proves
// that there are none.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
var ColumnSetNotNullScan = &rule.Rule{
	ID:       "column-set-not-null-scan",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "SET NOT NULL reads the whole table while nobody else can read it, unless a valid CHECK proves that no NULL is there",
	Harm:     "ALTER TABLE holds ACCESS EXCLUSIVE while every row is looked at. Every query on the table waits, and the time grows with the table.",
	Instead: "Add CHECK (column IS NOT NULL) NOT VALID, validate it in a transaction of its own, then SET NOT NULL, which is instant, and drop the CHECK. " +
		"From Postgres 18 a NOT NULL constraint can itself be NOT VALID.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL"},
	Kinds:     rule.AlterTable,
	Statement: checkSetNotNullScan,
}

func checkSetNotNullScan(p *rule.Pass, s *rule.Stmt) {
	var w sharedWork
	commands := p.ListCommands(s)
	for _, c := range commands {
		var name string
		switch con := c.Def.GetConstraint(); {
		case c.Subtype == pgparse.AlterTableType_AT_SetNotNull:
			name = c.Name
		case c.Subtype == pgparse.AlterTableType_AT_AddConstraint && con.GetContype() == pgparse.ConstrType_CONSTR_NOTNULL && len(con.GetKeys()) == 1:
			name = con.GetKeys()[0].GetString_().GetSval()
		default:
			continue
		}
		if !p.InUse(s.AlteredRelation()) || addsColumn(commands, name) {
			continue // that old code cannot fill a new column is the finding
		}
		if scan := findScanFor(p, s, c); scan != nil {
			w.add(c, scan, name, "")
		}
	}
	if w.e == nil {
		return
	}
	names := w.names
	instead := "let a CHECK prove it first; validating it blocks nobody, in a transaction of its own:\n" + requireNotNullSQL(s.AlteredRelation().Name, names...)
	if con := findUnvalidatedCheck(s.AlteredRelation(), names); con != "" {
		instead = "validate " + con + " first, which proves it: that blocks nobody, in a transaction of its own:\n" +
			recipe.FormatStatements(recipe.ValidateConstraint(s.AlteredRelation().Name, con), s.SQL)
	}
	if con := findDroppedCheck(commands, s.AlteredRelation(), names); con != "" {
		instead = con + " proves it, but the server takes it away before it looks: drop it in a statement of its own after this one:\n" +
			recipe.FormatStatements(recipe.DropConstraint(s.AlteredRelation().Name, con))
	}
	r := newWaitReport(w.e, "setting "+prose.EnumerateNames(names)+" NOT NULL reads all of "+w.e.Name.String(),
		"until each row was looked at", instead)
	r.Way, r.Cause = advice.SetNotNull{}, "and so do %d other statements on "+w.e.Name.String()
	p.Report(w.at, r)
}

// findUnvalidatedCheck is the name of a CHECK that would prove columns not null if it were
// validated; "" when there is none.
func findUnvalidatedCheck(table *catalog.Relation, names []string) string {
	for _, c := range table.Constraints {
		if !c.Valid && provesNotNull(c, names) {
			return c.Name
		}
	}
	return ""
}

// findDroppedCheck returns the name of the valid CHECK that would prove columns not null, but that
// the statement itself drops; "" when there is none.
func findDroppedCheck(commands []*rule.Command, table *catalog.Relation, names []string) string {
	for _, c := range commands {
		con := table.Constraint(c.Name)
		if c.Subtype == pgparse.AlterTableType_AT_DropConstraint && con != nil && con.Valid && provesNotNull(con, names) {
			return con.Name
		}
	}
	return ""
}

// provesNotNull reports whether a CHECK proves columns not null, if it is valid.
func provesNotNull(c *catalog.Constraint, names []string) bool {
	return c.Kind == catalog.Check && c.Enforced && !c.NoInherit &&
		!slices.ContainsFunc(names, func(name string) bool { return !predicate.ProvesNotNull(c.Expr, name) })
}

// maxScanners limits the commands of a statement that is judged without each of them in turn.
const maxScanners = 200

// findScanFor returns the effect of the scan that a subcommand causes: alone, or
// because another subcommand drops the constraint that would have proved it.
func findScanFor(p *rule.Pass, s *rule.Stmt, c *rule.Command) *effect.Effect {
	if e := p.FindBlocked(p.EffectsAlone(c), analysis.IsScanned); e != nil {
		return e
	}
	e := p.FindBlocked(&s.Result, analysis.IsScanned)
	if e == nil {
		return nil
	}
	if len(p.ListCommands(s)) > maxScanners { // another command may cause it, but the statement does scan
		return e
	}
	otherEffects := p.EffectsWithout(s, c)
	if p.FindBlocked(&otherEffects, analysis.IsScanned) != nil {
		return nil
	}
	return e
}

func addsColumn(commands []*rule.Command, name string) bool {
	return slices.ContainsFunc(commands, func(c *rule.Command) bool {
		return c.Subtype == pgparse.AlterTableType_AT_AddColumn && c.Def.GetColumnDef().GetColname() == name
	})
}

// requireNotNullSQL is the way to NOT NULL that reads the table without blocking anyone, for all columns at
// once.
func requireNotNullSQL(table catalog.Name, columns ...string) string {
	return recipe.FormatStatements(requireNotNullStatements(table, columns...)...)
}

func requireNotNullStatements(table catalog.Name, columns ...string) []string {
	return recipe.Requirement{Table: table, Columns: columns, Check: catalog.ObjectName(table.Name, columns[0], "not_null")}.Statements()
}
