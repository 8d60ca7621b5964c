package report_test

import (
	"bytes"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// A release on many targets: all done, stopped with a wave that failed, and the escaped output of hostile names.
func TestGoldenRollout(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*onward.Rollout{
		"rollout": {
			Schema: onward.RolloutSchema, Release: "v2.4", State: onward.RolloutDone,
			Waves: []onward.RolloutWave{
				{Number: 1, Name: "canary", State: onward.RolloutDone, Targets: 1, Counts: map[onward.RolloutState]int{onward.RolloutDone: 1}},
				{Number: 2, Name: "100 %", State: onward.RolloutDone, Targets: 1, Counts: map[onward.RolloutState]int{onward.RolloutDone: 1}},
			},
			Targets: []onward.RolloutTarget{
				{Name: "tenant_1", Database: "db:5432/shop", DatabaseSchema: "tenant_1", Wave: 1, State: onward.RolloutDone, Attempts: 1},
				{Name: "tenant_2", Database: "db:5432/shop", DatabaseSchema: "tenant_2", Wave: 2, State: onward.RolloutDone, Attempts: 2},
			},
			Drift: []onward.RolloutDrift{},
		},
		"rollout_stopped": {
			Schema: onward.RolloutSchema, Release: "v2\x1b[31m", State: onward.RolloutStopped,
			Waves: []onward.RolloutWave{
				{Number: 1, Name: "canary", State: onward.RolloutDone, Targets: 1, Counts: map[onward.RolloutState]int{onward.RolloutDone: 1}},
				{
					Number: 2, Name: "25 %", State: onward.RolloutFailed, Targets: 3,
					Counts: map[onward.RolloutState]int{onward.RolloutFailed: 1, onward.RolloutUnreachable: 1, onward.RolloutSkipped: 1},
				},
				{Number: 3, Name: "100 %", State: onward.RolloutPending, Targets: 1, Counts: map[onward.RolloutState]int{onward.RolloutPending: 1}},
			},
			Targets: []onward.RolloutTarget{
				{Name: "a", Database: "db:5432/a", Wave: 1, State: onward.RolloutDone},
				{Name: "b", Database: "db:5432/b", Wave: 2, State: onward.RolloutSkipped, Note: "it is being moved"},
				{Name: "c\n\x07", Database: "db:5432/c", Wave: 2, State: onward.RolloutFailed, Note: "exit code 7\x1b]0;x\x07", Attempts: 3, ExitCode: 7},
				{Name: "d", Database: "db:5432/d", Wave: 2, State: onward.RolloutUnreachable, Note: "connect to the database: timeout"},
				{Name: "e", Database: "db:5432/e", Wave: 3, State: onward.RolloutPending},
			},
			Duplicates: []string{"f is the same as a"},
			Drift: []onward.RolloutDrift{{
				Targets: []string{"c\n\x07", "d"}, Missing: []string{"index part_item: CREATE INDEX part_item ON part USING btree (item)"},
				Extra: []string{"column item.extra: text"}, Fix: []string{"CREATE INDEX CONCURRENTLY part_item ON part USING btree (item)"},
			}},
			Why: "2 of the 3 targets of this wave failed",
		},
	} {
		for _, l := range append(looks[:3:3], looks[len(looks)-1]) {
			var b bytes.Buffer
			if err := report.WriteRollout(&b, l.format, r, l.options); err != nil {
				t.Fatal(err)
			}
			reporttest.CompareGolden(t, name+"."+l.name, b.String())
		}
	}
}
