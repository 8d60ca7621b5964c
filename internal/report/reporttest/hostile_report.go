package reporttest

import "github.com/onward-sql/onward/onward"

// FillReport returns a report that has s in every field whose text may come from a stranger: paths, SQL, messages, names. Tests check that
// a writer escapes it, for example FillReport("</script>").
func FillReport(s string) *onward.Report {
	failed := &onward.ServerError{Code: s, Message: s, Detail: s, Hint: s}
	return &onward.Report{Base: s, Head: s, Postgres: []int{18},
		Migrations: []onward.Migration{{
			ID: s, Path: s, Framework: s, Status: onward.Status(s), Transaction: onward.Transaction(s),
			Changes: []onward.Change{{Object: s, Text: s, Kind: s}},
			Statements: []onward.Statement{{SQL: s, Line: 1, Note: s, Duration: s, Effects: []onward.Effect{{Relation: s, Lock: onward.ShareLock, Blocks: []string{s}}},
				Waiting: &onward.Waiting{Relations: []string{s}, Queries: 1, Calls: 1, Share: 0.5, Examples: []onward.WaitingQuery{{ID: s, Query: s, Sender: s, Calls: 1}}}}},
		}},
		Verdicts: []onward.Verdict{
			{Query: s, ID: s, Code: onward.OldCode, Sender: s, After: onward.VerdictPlace{Migration: s, Path: s, Line: 1}, Point: 1, Kind: onward.VerdictKind(s), Severity: onward.Error, SQLState: s, Message: s},
			{Query: s, ID: s, Code: onward.NewCode, Sender: s, Until: &onward.VerdictPlace{Migration: s, Path: s, Line: 1}, UntilPoint: 1, Kind: onward.VerdictKind(s), Severity: onward.Error, SQLState: s, Message: s},
		},
		Verification: &onward.Verification{
			Version: s, Order: s, Notes: []string{s}, Old: &onward.Verified{Queries: 1}, New: &onward.Verified{Queries: 1},
			Points: []onward.VerifiedPoint{{New: onward.Cell{Verdicts: []int{1}, Errors: 1}}, {After: onward.VerdictPlace{Migration: s, Path: s, Line: 1}, Statements: []int{0}, Window: true, Old: onward.Cell{Verdicts: []int{0}, Errors: 1}}},
			Phases: []onward.Phase{{Belongs: onward.Belongs(s), Advice: s}}, Stopped: &onward.Stopped{After: onward.VerdictPlace{Path: s}, Message: s},
		},
		Findings: []onward.Finding{{Rule: s, Severity: onward.Error, Migration: s, Path: s, Line: 1, Column: 1, EndLine: 1, EndColumn: 2, Fact: s, Harm: s, Instead: s + "\n" + s,
			Evidence: []onward.Evidence{{Path: s, Line: 1, Text: s, Revision: s}}}},
		Opaque:  []onward.Opaque{{Path: s, Line: 1, What: s, Why: s, Failed: true}},
		Summary: onward.Summary{Migrations: 1, Errors: 1, Opaque: 1, Verdict: s, Next: []string{s}},
		Rehearsals: []onward.Rehearsal{
			{
				Postgres: 18, Version: s, Base: onward.RehearsalBase{From: s}, Notes: []string{s}, DurationMS: 900,
				Tables:       []onward.RehearsedTable{{Relation: s, Rows: 10, Bytes: 8192}},
				Transactions: []onward.RehearsedTransaction{{UntilMS: 900, RolledBack: true}},
				Statements: []onward.RehearsedStatement{{
					UntilMS: 900, Failed: failed, StallMS: 800, Waited: 2,
					Observed: []onward.Observed{{Relation: s, Lock: onward.AccessExclusiveLock, Blocks: []string{"read", s}, UntilMS: 900, HeldMS: 500, WaitedMS: 400}},
					Nested:   []onward.NestedStatement{{SQL: s}},
					Estimate: &onward.Estimate{Relation: s, Rows: 1, HighMS: 1},
				}},
				Traffic: &onward.Traffic{
					Source: s, Queries: 3, Waited: 2, SlotMS: 100, Slots: []onward.TrafficSlot{{WorstMS: 3}, {WorstMS: 800}},
					Stalls:   []onward.Stall{{Span: onward.Span{FromMS: 1, UntilMS: 801}, Relation: s, Kind: s, Queries: 2, Query: s}},
					Failures: []onward.TrafficFailure{{Relation: s, Query: s, Error: *failed, Count: 1, Sender: s, ID: s, After: new(int)}},
					Waiters:  []onward.Waiter{{Sender: s, Queries: 2, Waits: 3, WorstMS: 4, Query: s, ID: s}, {Query: s, Statement: 99}},
					Recorded: &onward.RecordedTraffic{Queries: 3, Run: 2, Touching: 1, MadeUp: []string{s},
						Left: []onward.LeftOut{{Why: s, Queries: 1, Examples: []onward.LeftQuery{{Query: s, Sender: s, Error: failed}}}}},
					LongTransaction: &onward.Span{UntilMS: 400},
				},
				Differences: []onward.Difference{{Relation: s, Model: s, Server: s, Report: s}},
			},
			{Postgres: 17, Version: s},
		},
	}
}
