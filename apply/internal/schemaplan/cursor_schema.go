package schemaplan

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// CursorSchemaLock is the key of the advisory lock under which the schema onward is created and dropped: "cursor" in ASCII.
const CursorSchemaLock = 0x637572736f72

// DropUnusedCursorSchema drops the schema onward unless another plan has a cursor there, or is about to create one: then the last of these plans
// drops it.
var DropUnusedCursorSchema = fmt.Sprintf(`DO $onward$
BEGIN
  IF pg_catalog.pg_try_advisory_xact_lock(%d) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('%[2]s')
  ) THEN
    DROP SCHEMA IF EXISTS %[2]s RESTRICT;
  END IF;
END
$onward$;
`, CursorSchemaLock, onward.PlanRoom)

// CreatesPlanSchema reports whether a step creates the schema of the cursors if it is missing.
func CreatesPlanSchema(s *onward.PlanStep) bool {
	return strings.Contains(s.SQL, "CREATE SCHEMA IF NOT EXISTS "+onward.PlanRoom)
}

// DropsPlanSchema reports whether a step only drops the schema of the cursors.
func DropsPlanSchema(s *onward.PlanStep) bool {
	return s.Bookkeeping && strings.Contains(s.SQL, "DROP SCHEMA IF EXISTS "+onward.PlanRoom+";")
}
