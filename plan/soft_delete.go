package plan

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rules/queries"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// reportUnfilteredQueries reports queries of the new code that do not say whether they include soft-deleted
// rows, in tables where the release introduces soft deletion. It checks the recorded queries, or
// else those in the source code.
func (p *planner) reportUnfilteredQueries(release *audit.Release, recorded []*verify.Workload) error {
	if len(p.release.Adopted) == 0 {
		return nil
	}
	load, err := workload.MergeAll(recorded...)
	if err != nil {
		return fmt.Errorf("put the recordings together: %w", err)
	}
	if len(recorded) == 0 {
		if load, _, err = release.Parsed(onward.NewCode); err != nil {
			return fmt.Errorf("read the queries of the new code: %w", err)
		}
	}
	for _, f := range release.NewQueries(load) {
		if f.Rule == queries.SoftDeleteUnfiltered && slices.ContainsFunc(p.release.Adopted, func(a recipe.Adopted) bool { return a.Table == f.Relation }) {
			p.plan.Notes = appendUnique(p.plan.Notes, []string{fmt.Sprintf("a query of the new code: %s (%s): %s", f.Fact, f.Rule, f.SQL)})
		}
	}
	return nil
}
