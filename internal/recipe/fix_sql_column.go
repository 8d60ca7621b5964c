package recipe

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
)

// AddColumn returns the statement that adds a column. definition is its type and constraints.
// https://www.postgresql.org/docs/current/sql-altertable.html
func AddColumn(table catalog.Name, column, definition string) string {
	return alterTable(table) + "ADD COLUMN " + quoteIdent(column) + " " + definition
}

// DropColumn returns the statement that drops a column. It fails if a view needs the column.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DROP-COLUMN
func DropColumn(table catalog.Name, column string) string {
	return alterTable(table) + "DROP COLUMN " + quoteIdent(column)
}

// DropNotNull returns the statement that lets a column be null.
// https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-SET-DROP-NOT-NULL
func DropNotNull(table catalog.Name, column string) string {
	return alterTable(table) + "ALTER COLUMN " + quoteIdent(column) + " DROP NOT NULL"
}

// FilledColumn is a column that is added without values, so that no row is rewritten, and filled in batches. Its fields
// but the table are SQL.
// https://www.postgresql.org/docs/current/ddl-alter.html#DDL-ALTER-ADDING-A-COLUMN
type FilledColumn struct {
	Table        catalog.Name
	Column, Type string
	// Prepare is run before the rows are filled: a sequence, or a trigger for the rows that are written meanwhile. Default
	// is set then. Both may be "".
	Prepare, Default string
	// Value is what the rows get. Where is a condition on them, "" for all that have no value.
	Value, Where string
}

// Statements returns the statements, each on its own line.
func (c FilledColumn) Statements() string {
	alter := alterTable(c.Table)
	out := alter + "ADD COLUMN " + c.Column + " " + c.Type + ";\n"
	if c.Prepare != "" {
		out += c.Prepare + "\n"
	}
	if c.Default != "" {
		out += alter + "ALTER COLUMN " + c.Column + " SET DEFAULT " + c.Default + ";\n"
	}
	where := c.Column + " IS NULL"
	if c.Where != "" {
		where += " AND " + c.Where
	}
	table := analysis.QuoteTable(c.Table)
	return out + InBatches("UPDATE "+table+" SET "+c.Column+" = "+c.Value, table, where)
}
