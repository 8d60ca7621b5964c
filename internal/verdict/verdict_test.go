package verdict

import (
	"fmt"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/onward"
)

// caseFacts are facts on which a verdict depends, each with its name.
var (
	findingCases = map[string][]onward.Finding{
		"no finding": nil,
		"an info":    {{Severity: onward.Info, Category: onward.Compatibility}},
		"a warning":  {{Severity: onward.Warning, Category: onward.DataLoss, Path: "1.sql", Line: 2}},
		"a lock":     {{Severity: onward.Error, Category: onward.Locking, Path: "1.sql", Line: 2}},
		"an error":   {{Severity: onward.Error, Category: onward.Compatibility, Path: "1.sql", Line: 2}},
	}
	opaqueCases = map[string][]onward.Opaque{
		"all read":       nil,
		"not judged":     {{Path: "1.sql", Line: 2, What: "a statement"}},
		"not read":       {{Path: "1.sql", What: "a file", Failed: true}},
		"models unread":  {{Path: "models.py", What: "models", Usage: true}},
		"other database": {{Path: "db", What: "migrations", Database: "MySQL"}},
	}
	verificationCases = map[string]func(r *onward.Report){
		"no queries":        func(*onward.Report) {},
		"queries that work": func(r *onward.Report) { r.Verification = verified() },
		"a broken query": func(r *onward.Report) {
			r.Verification, r.Verdicts = verified(), []onward.Verdict{{ID: "a", Severity: onward.Error, Code: onward.OldCode, Kind: onward.VerdictFails}}
		},
		"a query of new code that breaks at the end": func(r *onward.Report) {
			r.Verification, r.Verdicts = verified(), []onward.Verdict{{ID: "a", Severity: onward.Error, Code: onward.NewCode, Kind: onward.VerdictFails}}
		},
		"a query that needs the release": func(r *onward.Report) {
			until := &onward.VerdictPlace{Path: "1.sql", Line: 2}
			r.Verification, r.Verdicts = verified(), []onward.Verdict{{ID: "a", Severity: onward.Error, Code: onward.NewCode, Kind: onward.VerdictFails, Until: until}}
		},
		"a query that may break": func(r *onward.Report) {
			r.Verification, r.Verdicts = verified(), []onward.Verdict{{ID: "a", Severity: onward.Warning, Code: onward.OldCode, Kind: onward.VerdictResultShape}}
		},
		"a write that may be rejected": func(r *onward.Report) {
			r.Verification, r.Verdicts = verified(), []onward.Verdict{{ID: "a", Severity: onward.Info, Code: onward.OldCode, Kind: onward.VerdictRejected}}
		},
		"an end before the end": func(r *onward.Report) {
			r.Verification = verified()
			r.Verification.Stopped = &onward.Stopped{}
		},
		"a recording that does not fit": func(r *onward.Report) {
			r.Verification = verified()
			r.Verification.Old = &onward.Verified{Queries: 2, Unfit: 2}
		},
	}
)

// verified is a verification in which no query breaks.
func verified() *onward.Verification {
	return &onward.Verification{
		Points: []onward.VerifiedPoint{{}, {New: onward.Cell{Errors: 1}}}, Old: &onward.Verified{Queries: 1, Checked: 1}, New: &onward.Verified{Queries: 1},
	}
}

// Whatever the facts: neither "safe" nor the exit code 0 meets a failure, an error, an exceeded bound or a broken query.
func TestAllVerdicts(t *testing.T) {
	t.Parallel()
	states := map[onward.State]int{}
	for finding, findings := range findingCases {
		for unread, opaque := range opaqueCases {
			for queries, verify := range verificationCases {
				for _, withheld := range []onward.Withheld{"", onward.WithheldHistory, onward.WithheldBaseline} {
					for n := range 8 {
						migrations, whole, underWay := n&1, n&2 > 0, n&4 > 0
						r := &onward.Report{Findings: findings, Opaque: opaque, Summary: onward.Summary{Migrations: migrations, Withheld: withheld}}
						if underWay {
							r.Summary.Readiness = []onward.Readiness{{OldCode: true, UnderWay: true, Text: "The new code waits."}}
						}
						verify(r)
						ConcludeQueries(r, whole)
						states[r.Summary.State]++
						for _, problem := range contradictions(r) {
							t.Errorf("%s, %s, %s, withheld %q, %d migrations: %s; the verdict is %q (%s)", finding, unread, queries, withheld, migrations, problem,
								r.Summary.Verdict, r.Summary.State)
						}
					}
				}
			}
		}
	}
	for _, state := range []onward.State{onward.StateSafe, onward.StateSafeIf, onward.StateNotSafe, onward.StateNone} {
		if states[state] < 50 {
			t.Errorf("only %d verdicts are %s", states[state], state)
		}
	}
}

// contradictions lists where a report's state, sentence and exit codes do not agree with its facts, or with each other.
func contradictions(r *onward.Report) (out []string) {
	s, v := &r.Summary, r.Verification
	failed, lock, other := false, false, false
	for _, o := range r.Opaque {
		failed = failed || o.Failed
	}
	for _, f := range r.Findings {
		lock = lock || f.Severity == onward.Error && f.Category == onward.Locking
		other = other || f.Severity == onward.Error && f.Category != onward.Locking
	}
	broken := FirstBreaking(r) != nil || v != nil && v.Stopped != nil
	undecided := v != nil && (CountOpenWrites(r, nil) > 0 || v.Old.Unfit > 0)
	saysSafe := strings.HasPrefix(s.Verdict, "Safe") || strings.HasPrefix(s.Verdict, "These files are safe")
	isSafe := s.State == onward.StateSafe || s.State == onward.StateSafeIf
	note := func(wrong bool, format string, args ...any) {
		if wrong {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	note(isSafe && (failed || lock || other || broken || undecided), "it is safe")
	note(saysSafe && !isSafe, "it says that it is safe")
	note(strings.Contains(s.Verdict, "is not safe") != (s.State == onward.StateNotSafe), "the sentence does not say the state")
	note(s.Safe != (s.State == onward.StateSafe), "Safe is %v", s.Safe)
	note((len(s.Conditions) > 0) != (s.State == onward.StateSafeIf) && isSafe, "it has the conditions %q", s.Conditions)
	note(broken && s.State != onward.StateNotSafe, "a broken query does not count")

	// changelog fails on errors, and verify on what breaks queries only.
	code := ExitCode(r, config.FailOnError)
	if code == Clean {
		code = QueriesExitCode(code, r)
	}
	note(code == Clean && (failed || lock || other || broken), "changelog ends with 0")
	note(code != Clean && !failed && !lock && !other && !broken, "changelog ends with %d", code)
	if code = QueriesExitCode(ExitCode(r, config.FailOnNever), r); v != nil {
		note(code == Clean && (failed || broken || other && s.State == onward.StateNotSafe), "verify ends with 0")
		note(code != Clean && !failed && !other && !broken, "verify ends with %d", code)
	}
	note(failed && code != Failed, "a failure ends with %d", code)
	return out
}
