package recipe

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// SchemaLock is the key of the advisory lock under which the plans' schema is created and dropped: "cursor" in ASCII.
const SchemaLock = 0x637572736f72

// DropSchema is the statement of a plan's last step, which only drops the plans' schema.
const DropSchema = "DROP SCHEMA IF EXISTS " + Schema + ";\n"

// DropUnusedSchema drops the plans' schema unless another plan has something there, or is about to create something: then the last of these
// plans drops it. It takes the place of [DropSchema].
var DropUnusedSchema = fmt.Sprintf(`DO $onward$
BEGIN
  IF pg_catalog.pg_try_advisory_xact_lock(%d) THEN
    IF NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('%[2]s')
    ) THEN
      DROP SCHEMA IF EXISTS %[2]s RESTRICT;
    END IF;
  END IF;
END
$onward$;
`, SchemaLock, Schema)

// CreatesSchema reports whether a step creates the plans' schema if it is missing.
func CreatesSchema(s *onward.PlanStep) bool {
	return strings.Contains(s.SQL, "CREATE SCHEMA IF NOT EXISTS "+Schema)
}

// DropsSchema reports whether a step only drops the plans' schema.
func DropsSchema(s *onward.PlanStep) bool {
	return s.Bookkeeping && strings.Contains(s.SQL, strings.TrimSpace(DropSchema))
}
