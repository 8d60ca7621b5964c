package plan

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
)

// Ways gives the findings of a report of one migration their files, and returns those of the
// whole migration.
func Ways(report *onward.Report, m *audit.Folded, w audit.Writing) []audit.Written {
	folds := []*audit.Folded{m}
	return ways(planned(report, folds, nil, deployed(folds), nil, recorded{}), w)
}

// Spoil changes the plan before it is proven.
func (c *Config) Spoil(f func(*onward.Plan)) { c.spoil = f }

// Quiet leaves the traffic out of the proof.
func (c *Config) Quiet() { c.quiet = true }

// Differ lists what the schema of one database has otherwise than that of another.
func Differ(ctx context.Context, want, got string) ([]string, error) {
	var both [2]*state
	for i, url := range []string{want, got} {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, err
		}
		defer conn.Close(ctx)
		if both[i], err = read(ctx, conn, url, nil); err != nil {
			return nil, err
		}
		both[i].values = nil
	}
	return both[0].against(both[1], nil, nil), nil
}
