package report_test

import (
	"bytes"
	"testing"

	"github.com/onward-sql/onward/internal/report"
	"github.com/onward-sql/onward/internal/report/reporttest"
	"github.com/onward-sql/onward/onward"
)

// The results of guarded commands: one that blocked nobody, one of several runs with all details, and the escaped
// output of a hostile server and command.
func TestGoldenGuarded(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]*onward.Guarded{
		"guarded": {Schema: onward.GuardedSchema, Runs: []onward.GuardedRun{{Sessions: 1, Statements: 12, TookMS: 840, LockTimeoutMS: 50, Committed: true}}},
		"guarded_runs": {
			Schema: onward.GuardedSchema, ExitCode: 1,
			Runs: []onward.GuardedRun{
				{
					ExitCode: 1, Sessions: 2, Statements: 9, TookMS: 2310, LockTimeoutMS: 50,
					Waited: []onward.GuardedWait{{
						Statement: "ALTER TABLE on public.items",
						TookMS:    1200,
						InTheWay:  []string{"process 4711 (nightly), idle in transaction for 3s, holds AccessShareLock on public.items"},
					}},
					Lost: []onward.GuardedLoss{{
						Statement: "UPDATE",
						SQLSTATE:  "55P03",
						Message:   "canceling statement due to lock timeout",
						Blockers:  []string{"process 4711 (nightly), idle in transaction for 4s"},
					}},
				},
				{
					ExitCode: 1, Sessions: 1, Statements: 1, TookMS: 1500, LockTimeoutMS: 100, Committed: true,
					Waited: []onward.GuardedWait{{Statement: "ALTER TABLE on public.items", TookMS: 500, InTheWay: []string{}, Passed: true}},
					Lost:   []onward.GuardedLoss{{Statement: "SELECT", SQLSTATE: "57014", Message: "1 session waited behind it, the longest for 1.1s"}},
					Around: []onward.GuardedSession{{PID: 4121, Process: 77, Client: "10.0.0.9:45678"}, {PID: 4122, Process: 78, Ended: true}},
					Behind: &onward.GuardedQueue{Most: 3, LongestMS: 1100},
				},
			},
			Why:   "something that it wrote was committed before, so it is not run again unasked",
			Notes: []string{"the command sets lock_timeout itself, and it is left as it is"},
		},
		"guarded_hostile": {
			Schema: onward.GuardedSchema, ExitCode: 130,
			Runs: []onward.GuardedRun{{
				ExitCode: 130, Waited: []onward.GuardedWait{{Statement: "ALTER TABLE on public.\"a\x1b[31m\nb\"", InTheWay: []string{"process 1 (\x1b]0;x\a<script>)"}}},
				Lost: []onward.GuardedLoss{{Statement: "UPDATE", SQLSTATE: "55P03\r", Message: "a\u202eb\nc"}},
			}},
			Notes: []string{"x\x00\ny"},
		},
	} {
		for _, l := range append(looks[:3:3], looks[len(looks)-1]) {
			var b bytes.Buffer
			if err := report.WriteGuarded(&b, l.format, g, l.options); err != nil {
				t.Fatal(err)
			}
			reporttest.CompareGolden(t, name+"."+l.name, b.String())
		}
	}
}
