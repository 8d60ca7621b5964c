package audit

import (
	"slices"
	"testing"

	"github.com/onward-sql/onward/config"
)

// Migrations that have run show which versions are in production. Versions that refuse
// them do not matter.
func TestHistoryTellsTheVersion(t *testing.T) {
	t.Parallel()
	const next = "-- db/migrations/002_b.sql --\nCREATE TABLE u (a int, UNIQUE NULLS NOT DISTINCT (a));\n"
	for name, tc := range map[string]struct {
		base   string
		oldest int
		from   string
		set    *config.Config
	}{
		"a key": {"CREATE TABLE t (\n  a int, UNIQUE NULLS NOT DISTINCT (a));\nCREATE TABLE s (a int);\n", 15, "db/migrations/001_a.sql:1", nil},
		"the newest counts": {
			"CREATE TABLE t (a int, UNIQUE NULLS NOT DISTINCT (a));\nALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a + 1) VIRTUAL;\n",
			18, "db/migrations/001_a.sql:2", nil,
		},
		"a view": {"CREATE TABLE t (a int);\nCREATE VIEW v WITH (security_invoker = true) AS SELECT a FROM t;\n", 15, "db/migrations/001_a.sql:2", nil},
		"MERGE": {
			"CREATE TABLE t (a int);\nMERGE INTO t USING (VALUES (1)) AS v(a) ON t.a = v.a WHEN NOT MATCHED THEN INSERT VALUES (1);\n",
			15, "db/migrations/001_a.sql:2", nil,
		},
		"NOT NULL":       {"CREATE TABLE t (a int);\nALTER TABLE t ADD CONSTRAINT a NOT NULL a NOT VALID;\n", 18, "db/migrations/001_a.sql:2", nil},
		"detached":       {"ALTER TABLE t DETACH PARTITION p CONCURRENTLY;\n", 14, "db/migrations/001_a.sql:1", nil},
		"as it ever was": {"CREATE TABLE t (a int, UNIQUE (a));\nCREATE INDEX ON t (a);\nALTER TABLE t ADD FOREIGN KEY (a) REFERENCES gone;\n", 13, "", nil},
		"in a block": {
			"DO $$ BEGIN IF current_setting('server_version_num')::int > 150000 THEN CREATE TABLE t (a int, UNIQUE NULLS NOT DISTINCT (a)); END IF; END $$;\n",
			13, "", nil,
		},
		"said otherwise": {"CREATE TABLE t (a int, UNIQUE NULLS NOT DISTINCT (a));\n", 14, "", &config.Config{Postgres: []int{14, 15, 16}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, "-- db/migrations/001_a.sql --\n"+tc.base, next)
			report := changelog0(t, Config{Dir: dir, Base: "main", Settings: tc.set})
			if report.Postgres[0] != tc.oldest || report.PostgresFrom != tc.from {
				t.Errorf("%v %q, want %d %q", report.Postgres, report.PostgresFrom, tc.oldest, tc.from)
			}
			if refused := slices.Contains(found(report), "warning release-statement-refused 002_b.sql:1"); refused != (tc.oldest < 15) {
				t.Errorf("refused %t: %v", refused, found(report))
			}
		})
	}
}
