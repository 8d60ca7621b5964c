package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// A runner that is a guess: what the deployed migrations show, and what would be found if
// the guess were wrong. A line for the runner, and one for each finding that depends.
func TestOtherwise(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id bigint PRIMARY KEY, a int);\n"
	const program = "-- scripts/migrate.ts --\nconst sql = await readFile('db/m/' + f, 'utf8');\nawait c.query('BEGIN');\nawait c.query(sql);\n" +
		"await c.query('COMMIT');\n"
	const twoSteps = "SET lock_timeout = '3s';\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c;\n"
	const concurrently = "CREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n"
	for name, tc := range map[string]struct{ base, head, want string }{
		"two steps in one file": {
			"-- db/m/001_a.sql --\n" + table, "-- db/m/002_b.sql --\n" + twoSteps,
			"none assumed; warning :3 without a transaction around it: in one transaction, constraint c is validated in the transaction that added it NOT VALID at :2",
		},
		"an index": {
			"-- db/m/001_a.sql --\n" + table, "-- db/m/002_b.sql --\n" + concurrently,
			"none assumed; info :1 without a transaction around it: in one transaction, the migration fails at :1",
		},
		"an index after another: a message is left, which differs for several statements": {
			"-- db/m/001_a.sql --\n" + table + "-- db/m/002_b.sql --\n" + concurrently, "-- db/m/003_c.sql --\nCREATE INDEX CONCURRENTLY ON t (id, a);\n",
			"none assumed CREATE INDEX CONCURRENTLY db/m/002_b.sql:1",
		},
		"nothing is left": {
			"-- db/m/001_a.sql --\n" + table + concurrently, "-- db/m/002_b.sql --\n" + twoSteps,
			"none CREATE INDEX CONCURRENTLY db/m/001_a.sql:2",
		},
		"COMMIT in a block": {
			"-- db/m/001_a.sql --\n" + table + "DO $$ BEGIN UPDATE t SET a = 1; COMMIT; END $$;\n", "-- db/m/002_b.sql --\n" + twoSteps,
			"none COMMIT in a DO block db/m/001_a.sql:2",
		},
		"VACUUM": {
			"-- db/m/001_a.sql --\n" + table + "VACUUM t;\n", "-- db/m/002_b.sql --\n" + twoSteps,
			"none VACUUM db/m/001_a.sql:2",
		},
		"an index behind COMMIT, which ends the runner's transaction": {
			"-- db/m/001_a.sql --\n" + table + "COMMIT;\n" + concurrently, "-- db/m/002_b.sql --\n" + twoSteps,
			"none assumed CREATE INDEX CONCURRENTLY db/m/001_a.sql:3; warning :3 without a transaction around it: " +
				"in one transaction, constraint c is validated in the transaction that added it NOT VALID at :2",
		},
		"a transaction of its own counts on nobody": {
			"-- db/m/001_a.sql --\n" + table, "-- db/m/002_b.sql --\nBEGIN;\nSET LOCAL lock_timeout = '3s';\nALTER TABLE t ADD COLUMN b int;\nCOMMIT;\n" + concurrently,
			"none assumed",
		},
		"nothing differs": {
			"-- db/m/001_a.sql --\n" + table, "-- db/m/002_b.sql --\nCREATE TABLE b (id bigint);\nCREATE INDEX ON b (id);\n",
			"none assumed",
		},
		"a program with a transaction": {
			program + "-- db/m/001_a.sql --\n" + table, "-- db/m/002_b.sql --\n" + concurrently,
			"file assumed scripts/migrate.ts; info :1 in one transaction: without a transaction around it, transaction-concurrently-in-block at :1 is no error",
		},
		"what ran knows better": {
			program + "-- db/m/001_a.sql --\n" + table + "-- db/m/002_b.sql --\n" + concurrently, "-- db/m/003_c.sql --\nCREATE INDEX CONCURRENTLY ON t (id, a);\n",
			"message assumed scripts/migrate.ts CREATE INDEX CONCURRENTLY db/m/002_b.sql:1",
		},
		"names like those of golang-migrate's": {
			"-- db/m/001_a.up.sql --\n" + table + concurrently, "-- db/m/002_b.up.sql --\n" + twoSteps,
			"none golang-migrate CREATE INDEX CONCURRENTLY db/m/001_a.up.sql:2",
		},
		"a tool that is told has one way": {
			"-- prisma/migrations/migration_lock.toml --\nx\n-- prisma/migrations/20240101_a/migration.sql --\n" + table +
				concurrently, "-- prisma/migrations/20240102_b/migration.sql --\nSELECT 1;\n",
			"message Prisma",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, tc.base, tc.head), Base: "main"})
			if len(r.Runners) != 1 {
				t.Fatalf("%d runners", len(r.Runners))
			}
			runner := r.Runners[0]
			got := string(runner.Transaction)
			if runner.Assumed {
				got += " assumed"
			}
			if runner.Tool != "" {
				got += " " + runner.Tool
			}
			if runner.Proof != nil {
				got += fmt.Sprintf(" %s %s:%d", runner.Proof.Command, runner.Proof.Path, runner.Proof.Line)
			}
			for _, f := range r.Findings {
				if f.Rule == "transaction-runner-assumed" {
					got += fmt.Sprintf("; %s :%d %s", f.Severity, f.Line, strings.TrimPrefix(f.Fact, "this file is assumed to run "))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A finding only in the alternative form is a condition of the verdict. Findings of both
// forms are not counted again.
func TestOtherwiseIsACondition(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{Dir: repository(t, "-- m/001_a.sql --\nCREATE TABLE t (id bigint PRIMARY KEY, a int);\n",
		"-- m/002_b.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n"), Base: "main"})
	if r.Summary.State != onward.StateSafeIf || r.Summary.Verdict != "Safe to deploy if files in m run without a transaction around each." {
		t.Errorf("the release is %s: %s, want it safe if m runs without transactions", r.Summary.State, r.Summary.Verdict)
	}
	if n := strings.Count(strings.Join(found(r), " "), "transaction-concurrently-in-block"); n > 0 || len(r.Findings) != 1 {
		t.Errorf("the findings are %v, want 1, not transaction-concurrently-in-block", found(r))
	}
}
