package ledger

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgparse"
)

// MovedTable is a table of a plan that was renamed, or moved to another schema, since the plan began.
type MovedTable struct {
	// Name is its name in the plan, and Now its present name.
	Name, Now string
	// Taken: another relation has the name.
	Taken bool
}

// recordTables records the OIDs of a plan's tables by their names, such as "public.users".
const recordTables = `INSERT INTO onward_ledger.relation (plan, name, oid) SELECT $1, w.name, c.oid FROM unnest($2::text[]) AS w (name)
		JOIN pg_catalog.pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
		JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND w.name = n.nspname || '.' || c.relname
	WHERE c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM onward_ledger.relation AS r WHERE r.plan = $1)`

// sameName is a relation n.c that has the recorded name of r.
const sameName = `FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_class AS c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
	WHERE pg_catalog.starts_with(r.name, n.nspname OPERATOR(pg_catalog.||) '.')
	AND r.name OPERATOR(pg_catalog.=) (n.nspname OPERATOR(pg_catalog.||) '.' OPERATOR(pg_catalog.||) c.relname)`

// FindMovedTables returns the tables of a plan that have another name now. The first call for a plan records which these are.
func FindMovedTables(ctx context.Context, conn Conn, plan string, names []string) ([]MovedTable, error) {
	if _, err := conn.Exec(ctx, recordTables, plan, names); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, `SELECT r.name, n.nspname || '.' || c.relname, EXISTS (SELECT `+sameName+`)
		FROM onward_ledger.relation AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.oid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
		WHERE r.plan = $1 AND r.name <> n.nspname || '.' || c.relname ORDER BY 1`, plan)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MovedTable])
}

// RecordTableRenamesSQL returns the statements that record, in the transaction of a step that renames tables, which of them has a recorded name now.
func RecordTableRenamesSQL(plan string) string {
	ofPlan := " WHERE r.plan OPERATOR(pg_catalog.=) " + pgparse.QuoteLiteral(plan)
	return "DELETE FROM onward_ledger.relation AS r" + ofPlan + " AND NOT EXISTS (SELECT " + sameName + ");\n" +
		"UPDATE onward_ledger.relation AS r SET oid = (SELECT c.oid " + sameName + ")" + ofPlan + ";\n"
}
