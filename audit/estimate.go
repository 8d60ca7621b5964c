package audit

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// EstimateBackfill estimates the cost of a step of a plan that processes the rows of a table in batches, by the
// sizes of the deployed database. verb is UPDATE, DELETE, or INSERT into another table. The result is nil if the sizes
// are not known.
func (r *Release) EstimateBackfill(schema, table, verb string) *onward.StepEstimate {
	kind := size.UpdateRows
	switch verb {
	case "DELETE":
		kind = size.DeleteRows
	case "INSERT":
		kind = size.CopyRows
	}
	return r.a.known.sizes.EstimateBackfill(catalog.Name{Schema: schema, Name: table}, kind, onward.PlanBatch)
}

// EstimateBuild estimates the cost of an index that a step builds while others write (CREATE INDEX CONCURRENTLY). ms is its duration.
func (r *Release) EstimateBuild(schema, table string, ms int64) *onward.StepEstimate {
	return r.a.known.sizes.EstimateBuild(catalog.Name{Schema: schema, Name: table}, ms)
}
