package plan

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// Ways adds files to the findings in a report of one migration, and returns the files of the
// whole migration.
func Ways(report *onward.Report, m *audit.Folded, w audit.Writing) []audit.Written {
	folds := []*audit.Folded{m}
	src := &source{report: report, folds: folds, deployed: deployedSchema(folds)}
	return attachFindingFiles(src.buildPlan(nil), w)
}

// Spoil changes the plan before it is proven, as a whole.
func (c *Config) Spoil(f func(*onward.Plan)) { c.spoil, c.skipSearch = f, true }

// SpoilEach changes each plan before it is proven.
func (c *Config) SpoilEach(f func(*onward.Plan)) { c.spoil = f }

// Quiet leaves the traffic out of the proof.
func (c *Config) Quiet() { c.skipTraffic = true }

// Differ lists the differences between the schemas of two databases.
func Differ(ctx context.Context, want, got string) ([]string, error) {
	var both [2]*state
	for i, url := range []string{want, got} {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, err
		}
		defer conn.Close(ctx)
		if both[i], err = readState(ctx, conn, url, nil, nil); err != nil {
			return nil, err
		}
		both[i].values = nil
	}
	return both[0].listDifferences(both[1], nil, nil), nil
}

// EvaluateGuard evaluates a condition about a schema.
func EvaluateGuard(schema *catalog.Catalog, condition string) string {
	return map[truth]string{unknown: "unknown", isTrue: "true", isFalse: "false"}[guards{schema}.evaluate(condition)]
}
