package adapter

import (
	"strings"

	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// keepUsedSchema lets a written step that drops the plans' schema leave it to another plan under way, as apply does.
func keepUsedSchema(s *onward.PlanStep, sql string) string {
	if !s.Bookkeeping {
		return sql
	}
	return strings.Replace(sql, recipe.DropSchema, recipe.DropUnusedSchema, 1)
}
