package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/bench/release"
	"github.com/onward-sql/onward/bench/table"
	"github.com/onward-sql/onward/plan"
)

// writeTwentyFindings is a release of twenty statements with one finding each, on separate tables, after a history of
// more tables.
func writeTwentyFindings(dir string) error {
	base, found := map[string]string{}, []string{
		"CREATE INDEX ON t%d (a);", "ALTER TABLE t%d ADD CHECK (b > 0);", "ALTER TABLE t%d ADD CONSTRAINT t%[1]d_key UNIQUE (a);", "ALTER TABLE t%d ALTER COLUMN a SET NOT NULL;", "ALTER TABLE t%d RENAME COLUMN a TO c;",
	}
	var sql strings.Builder
	for i := range 300 {
		base[fmt.Sprintf("migrations/%05d_step.sql", i+1)] = fmt.Sprintf("-- +goose Up\nCREATE TABLE t%d (id bigint PRIMARY KEY, a text, "+
			"b integer NOT NULL DEFAULT 5, at timestamptz NOT NULL DEFAULT now());\nCREATE INDEX ON t%[1]d (b);\n", i)
	}
	for i := range 20 {
		fmt.Fprintf(&sql, found[i%len(found)]+"\n", i)
	}
	return release.Repository(dir, base, map[string]string{"migrations/00301_step.sql": "-- +goose Up\n" + sql.String()})
}

// measureFiles is how long a changelog of twenty findings takes without and with the files at them, as medians of
// rounds in turn, in one process.
func measureFiles(ctx context.Context, rounds int) (without, with time.Duration, err error) {
	dir, err := os.MkdirTemp("", "onward-bench-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	if err := writeTwentyFindings(dir); err != nil {
		return 0, 0, err
	}
	c := audit.Config{Dir: dir, Base: "base", Head: "main"}
	var times [2][]time.Duration
	for round := range rounds + 1 {
		for i := range times {
			begun := time.Now()
			brought := 0
			if i == 0 {
				_, err = audit.Changelog(ctx, c)
			} else {
				r, failed := plan.Changelog(ctx, c, true)
				err = failed
				if err == nil {
					for _, f := range r.Findings {
						brought += min(len(f.Files), 1)
					}
				}
			}
			switch {
			case err != nil:
				return 0, 0, err
			case i == 1 && brought == 0:
				return 0, 0, errors.New("no finding brings files")
			case round > 0:
				times[i] = append(times[i], time.Since(begun))
			}
		}
	}
	return table.Median(times[0]), table.Median(times[1]), nil
}
