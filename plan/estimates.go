package plan

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/onward"
)

// estimator estimates the costs of steps by the sizes of the deployed database. [audit.Release] is one.
type estimator interface {
	EstimateBackfill(schema, table, verb string) *onward.StepEstimate
	EstimateBuild(schema, table string, ms int64) *onward.StepEstimate
}

// estimateStep estimates the costs of a backfill, and of an index that is built beside writers. touched has the deployed
// relations of the step's effects.
func (p *planner) estimateStep(s *onward.PlanStep, touched map[string]*catalog.Relation) {
	if p.estimates == nil {
		return
	}
	for i := range s.Effects {
		e := &s.Effects[i]
		rel, known := touched[e.Relation]
		switch {
		case !known || e.New:
		case s.Backfill != nil && e.Rows > 0:
			if s.Estimate == nil || e.RowLocks {
				s.Estimate = p.estimates.EstimateBackfill(rel.Name.Schema, rel.Name.Name, recipe.RowVerb(pgparse.ParseStatement(s.Backfill.Work)))
			}
		case s.Class == onward.StepConcurrent && e.Work == onward.IndexWork && e.EstimateMS > 0:
			s.Estimate = p.estimates.EstimateBuild(rel.Name.Schema, rel.Name.Name, e.EstimateMS)
		}
	}
}
