package verify

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// addQueryAdvice adds to a report the problems of the recorded queries themselves, and the recorded uses of
// deprecated columns. Queries that were read from code, and not counted, show neither.
func addQueryAdvice(release *audit.Release, recorded []*Workload, r *onward.Report) error {
	if len(recorded) == 0 {
		return nil
	}
	load, err := workload.MergeAll(recorded...)
	if err != nil {
		return fmt.Errorf("put the recordings together: %w", err)
	}
	var calls int64
	for i := range load.Queries {
		calls += load.Queries[i].Calls
	}
	if calls == 0 {
		return nil
	}
	reportedIDs := map[string]bool{}
	for i := range r.Verdicts {
		reportedIDs[r.Verdicts[i].ID] = true // it breaks, or its result changes: that is enough
	}
	list := release.Queries(load, reportedIDs)
	open := slices.DeleteFunc(slices.Clone(list), func(f onward.QueryFinding) bool { return f.Accepted })
	if n := len(list) - len(open); n > 0 {
		r.Verification.Notes = append(r.Verification.Notes,
			fmt.Sprintf("onward.yaml accepts %d of the findings about the queries themselves (accept_queries)", n))
	}
	r.Verification.Asks = open
	r.Verification.Deprecated = release.Deprecations(load)
	return nil
}
