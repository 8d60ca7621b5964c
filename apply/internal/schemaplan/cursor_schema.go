package schemaplan

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/onward"
)

// CursorSchemaLock is the key of the advisory lock under which the schema onward is created and dropped: "cursor" in ASCII.
const CursorSchemaLock = 0x637572736f72

// DropSharedCursorSchema drops the schema onward unless a plan for another schema has a cursor there, or is about to create one.
func DropSharedCursorSchema(ctx context.Context, tx pgx.Tx) error {
	var empty bool
	if err := tx.QueryRow(ctx, `SELECT CASE WHEN pg_catalog.pg_try_advisory_xact_lock($1) THEN NOT EXISTS (SELECT FROM pg_catalog.pg_depend
			WHERE refclassid = 'pg_namespace'::regclass AND refobjid = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $2)) ELSE false END`,
		int64(CursorSchemaLock), onward.PlanRoom).Scan(&empty); err != nil || !empty {
		return err
	}
	_, err := tx.Exec(ctx, "DROP SCHEMA IF EXISTS "+onward.PlanRoom+" RESTRICT")
	return err
}

func CreatesPlanSchema(s *onward.PlanStep) bool {
	return strings.Contains(s.SQL, "CREATE SCHEMA IF NOT EXISTS "+onward.PlanRoom)
}
