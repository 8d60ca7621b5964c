package adapter

import (
	"strings"

	"github.com/onward-sql/onward/onward"
)

const dropsPlanSchema = "DROP SCHEMA IF EXISTS " + onward.PlanRoom + ";\n"

// dropUnusedSchema drops the plans' schema unless another plan still has something there: then the last of these plans drops it.
const dropUnusedSchema = `DO $onward$
BEGIN
  IF NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND d.refobjid = pg_catalog.to_regnamespace('` + onward.PlanRoom + `')
  ) THEN
    DROP SCHEMA IF EXISTS ` + onward.PlanRoom + ` RESTRICT;
  END IF;
END
$onward$;
`

// keepUsedSchema lets a written step that drops the plans' schema leave it to another plan under way, as apply does.
func keepUsedSchema(s *onward.PlanStep, sql string) string {
	if !s.Bookkeeping {
		return sql
	}
	return strings.Replace(sql, dropsPlanSchema, dropUnusedSchema, 1)
}
