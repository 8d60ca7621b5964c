package recipe

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
)

// FormatStatements formats statements as a finding prints them: each on its own line, with a semicolon.
func FormatStatements(statements ...string) string {
	return strings.Join(statements, ";\n") + ";"
}

// AddUnvalidated returns the statement that adds a constraint for rows written from now on. It reads no rows.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-ADD-TABLE-CONSTRAINT
func AddUnvalidated(table catalog.Name, constraint, definition string) string {
	return alterTable(table) + "ADD CONSTRAINT " + quoteKnown(constraint) + " " + definition + " NOT VALID"
}

// ValidateConstraint returns the statement that checks the existing rows, while others read and write.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-VALIDATE-CONSTRAINT
func ValidateConstraint(table catalog.Name, constraint string) string {
	return alterTable(table) + "VALIDATE CONSTRAINT " + quoteKnown(constraint)
}

// DropConstraint returns the statement that drops a constraint. It fails if something depends on the constraint.
func DropConstraint(table catalog.Name, constraint string) string {
	return alterTable(table) + "DROP CONSTRAINT " + quoteKnown(constraint)
}

// Requirement makes columns NOT NULL. A CHECK is added and validated before, in its own transactions. It proves to the
// server that no row has NULL, so SET NOT NULL reads nothing.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
type Requirement struct {
	Table   catalog.Name
	Columns []string
	// Check is the name of the CHECK, which is dropped at the end.
	Check string
}

// Statements lists the four statements: add the CHECK, validate it, SET NOT NULL, drop the CHECK.
func (r Requirement) Statements() []string {
	var conditions, sets []string
	for _, c := range r.Columns {
		conditions = append(conditions, quoteIdent(c)+" IS NOT NULL")
		sets = append(sets, "ALTER COLUMN "+quoteIdent(c)+" SET NOT NULL")
	}
	return []string{
		AddUnvalidated(r.Table, r.Check, "CHECK ("+strings.Join(conditions, " AND ")+")"),
		ValidateConstraint(r.Table, r.Check),
		alterTable(r.Table) + strings.Join(sets, ", "),
		DropConstraint(r.Table, r.Check),
	}
}

func alterTable(table catalog.Name) string { return "ALTER TABLE " + analysis.QuoteTable(table) + " " }

// Unknown is printed for an unknown name. Readers fill it in.
const Unknown = "…"

func quoteKnown(name string) string {
	if name == Unknown {
		return name
	}
	return quoteIdent(name)
}
