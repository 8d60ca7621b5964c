package guard_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/ledger"
	"github.com/onward-sql/onward/onward"
)

// A plan under way will drop t.n. The statement that uses it does not run, and with it what its transaction has done; statements on other columns
// run, and so do all after the contract.
func TestUnderWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps    string
		state    string
		refused  bool
		extended bool
	}{
		"the column":            {"BEGIN\nINSERT INTO done VALUES ('a')\nALTER TABLE t ALTER COLUMN n TYPE bigint\nCOMMIT", ledger.Running, true, false},
		"the column, extended":  {"BEGIN\nINSERT INTO done VALUES ('a')\nUPDATE t SET n = 2 WHERE id = 1\nCOMMIT", ledger.Running, true, true},
		"a block":               {"DO $$ BEGIN ALTER TABLE t DROP COLUMN n; END $$", ledger.Running, true, false},
		"another column":        {"BEGIN\nALTER TABLE t ADD COLUMN note text\nUPDATE t SET note = 'x'\nSELECT n FROM t\nCOMMIT", ledger.Running, false, false},
		"another table":         {"CREATE TABLE s (n int)\nALTER TABLE s DROP COLUMN n", ledger.Running, false, false},
		"the plan is done":      {"ALTER TABLE t ALTER COLUMN n TYPE bigint", ledger.Done, false, false},
		"the plan is abandoned": {"ALTER TABLE t DROP COLUMN n", ledger.Abandoned, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, onward.NewestMajor, strings.Split(tc.steps, "\n")...)
			if err := ledger.CreateLedger(t.Context(), s.other, ""); err != nil {
				t.Fatal(err)
			}
			p := ledger.Plan{ID: "p1", Path: "public", Plan: onward.Plan{
				Base: "main", Catalog: "x", Steps: []onward.PlanStep{{ID: "01-contract", Phase: onward.Contract, SQL: "ALTER TABLE t DROP COLUMN n"}}}}
			if err := (ledger.Scope{}).RecordPlan(t.Context(), s.other, &p); err != nil {
				t.Fatal(err)
			}
			if _, err := ledger.SetPlanState(t.Context(), s.other, "p1", tc.state); err != nil {
				t.Fatal(err)
			}
			if tc.extended {
				s.c.Env = append(s.c.Env, "GUARD_TEST_EXTENDED=1")
			}
			r, err := guard.Run(t.Context(), s.c)
			if !tc.refused {
				if err != nil || r.ExitCode != 0 {
					t.Fatalf("Run = %+v, %v, want exit code 0\n%s", r, err, s.out.String())
				}
				return
			}
			underWay := new(guard.UnderWayError)
			if !errors.As(err, &underWay) || r.ExitCode != 7 || len(r.Runs) != 1 {
				t.Fatalf("Run = %+v, %v, want an UnderWayError, one run and exit code 7\n%s", r, err, s.out.String())
			}
			for _, words := range []string{"column n of t", "plan p1", "onward contract --db ADDRESS --plan p1 --release main", "onward abort --db ADDRESS --plan p1"} {
				if !strings.Contains(err.Error(), words) || !strings.Contains(s.out.String(), words) {
					t.Errorf("%q is missing: %v\n%s", words, err, s.out.String())
				}
			}
			const query = "SELECT (SELECT count(*) FROM done)::text || ' ' || atttypid::regtype FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'"
			if got := s.one(query); got != "0 integer" {
				t.Errorf("rows of done and type of t.n: %q, want \"0 integer\"", got)
			}
		})
	}
}
