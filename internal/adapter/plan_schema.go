package adapter

import (
	"strings"

	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// keepUsedSchema returns the SQL of a written step. In a bookkeeping step, a block replaces DROP SCHEMA IF EXISTS onward. It keeps the
// schema while another plan has objects there, as apply does.
func keepUsedSchema(s *onward.PlanStep, sql string) string {
	if !s.Bookkeeping {
		return sql
	}
	return strings.Replace(sql, recipe.DropSchema, recipe.DropUnusedSchema, 1)
}
