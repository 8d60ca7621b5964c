package verdict

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/onward"
)

// ConcludeQueries is [ConcludeReport] for a report with recorded queries: a query that surely breaks makes a
// release that is not safe. whole: the report is about the locks as much as about the queries.
func ConcludeQueries(r *onward.Report, whole bool) {
	ConcludeReport(r)
	v := r.Verification
	if v == nil {
		return
	}
	s := &r.Summary
	red := FirstBreaking(r)
	switch {
	case red == nil && v.Stopped != nil:
		s.State, s.Safe = onward.StateNotSafe, false
		s.Verdict = "This release is not safe to deploy: it ends at " + FormatPlace(v.Stopped.After) + "."
	case red == nil:
		concludeOpen(r, whole)
	default:
		s.State, s.Safe = onward.StateNotSafe, false
		n, place := CountFailing(r, func(d *onward.Verdict) bool { return d.Code == red.Code && !view.NeedsLater(d) }), ", the first after "
		if n == 1 {
			place = " after "
		}
		place += FormatPlace(red.After)
		if red.Code == onward.NewCode {
			n, place = v.Points[len(v.Points)-1].New.Errors, " after the whole of it"
		}
		versions := view.ListVersions(v)
		i := slices.IndexFunc(versions, func(c view.CodeVersion) bool { return c.Code == red.Code })
		s.Verdict = fmt.Sprintf("This release is not safe to deploy: %s of %s %s%s.", prose.CountNoun(n, view.QueryNoun(versions[i].Queries)),
			view.NameCodeInSentence(red.Code), prose.PickForm(n, "breaks", "break"), place)
	}
}

// concludeOpen concludes for a release in which no query surely breaks.
func concludeOpen(r *onward.Report, whole bool) {
	s := &r.Summary
	locks := s.State == onward.StateNotSafe && !HasOtherErrors(r)
	var text string
	n := CountOpenWrites(r, nil)
	switch {
	case s.State == onward.StateNotSafe && !locks:
		return
	case n > 0:
		command := "onward verify --replay"
		if whole {
			command = "--with replay"
		}
		text = fmt.Sprintf("Not decided: %s may be rejected, which depends on %s values. Record them (onward record --values), and execute them "+
			"(%s).", prose.CountNoun(n, "write"), prose.PickForm(n, "its", "their"), command)
	case isRecordingUnfit(r.Verification):
		n := r.Verification.Old.Unfit
		text = fmt.Sprintf("Not decided: no recorded query of the deployed code was judged, because %d of %d %s not fit the schema of the base.",
			n, r.Verification.Old.Queries, prose.PickForm(n, "does", "do"))
	case locks:
		text = "No query breaks at any commit point."
	default:
		return
	}
	switch {
	case locks && whole:
		s.Verdict += " " + text
	case locks:
		s.Verdict = text + " The verdict on the locks (onward changelog): " + s.Verdict
	default:
		s.State, s.Safe, s.Verdict = onward.StateNone, false, text
	}
}

// isRecordingUnfit reports whether the deployed code was recorded, no query of it fits the base, and none was executed with its values.
func isRecordingUnfit(v *onward.Verification) bool {
	n := v.Old
	return n != nil && n.Parsed == nil && n.Unfit > 0 && n.Checked+n.Untouched == 0 && (v.Replay == nil || v.Replay.Points == 0)
}

// CountOpenWrites counts the writes of code that runs during the release which a new condition may refuse, depending on their values: those whose
// verdict counts, which all do if counts is nil.
func CountOpenWrites(r *onward.Report, counts func(*onward.Verdict) bool) int {
	open := map[string]bool{}
	for i := range r.Verdicts {
		if d := &r.Verdicts[i]; d.Kind == onward.VerdictRejected && d.Code != onward.NewCode && (counts == nil || counts(d)) {
			open[d.ID] = true
		}
	}
	return len(open)
}

// HasOtherErrors reports whether the audit has an error that is not about locks and the time that they are held: these make queries wait, and
// break none. Rows of the deployed code's tests that stop the migration count.
func HasOtherErrors(r *onward.Report) bool {
	return slices.ContainsFunc(r.Findings, func(f onward.Finding) bool {
		return f.Severity == onward.Error &&
			(f.Category != onward.Locking && f.Category != onward.Data && f.Category != onward.InTransaction || f.Rule == release.RehearsalFailsWithRows)
	})
}

// FormatPlace returns the place of a statement: path:line.
func FormatPlace(p onward.VerdictPlace) string { return fmt.Sprintf("%s:%d", p.Path, p.Line) }

// FirstBreaking is the first verdict for which a release cannot be deployed: old code, or a further version, breaks at a
// point, or new code at the last. nil: there is none.
func FirstBreaking(r *onward.Report) *onward.Verdict {
	for i := range r.Verdicts {
		if d := &r.Verdicts[i]; d.Severity == onward.Error && !view.NeedsLater(d) {
			return d
		}
	}
	return nil
}

// CountFailing is how many queries have an error of a kind.
func CountFailing(r *onward.Report, match func(*onward.Verdict) bool) int {
	seen := map[string]bool{}
	for i := range r.Verdicts {
		if d := &r.Verdicts[i]; d.Severity == onward.Error && match(d) {
			seen[string(d.Code)+d.ID] = true
		}
	}
	return len(seen)
}

// The exit codes of a report.
const (
	// Clean: the work was done and nothing reached --fail-on.
	Clean = 0
	// Findings: a finding reached --fail-on.
	Findings = 1
	// Failed: something could not be done, or could not be read and is not
	// accepted in the configuration, so that there is no verdict on it.
	Failed = 3
)

// ExitCode returns the exit code for a report: unreadable input counts more than findings,
// because it may hide worse ones.
func ExitCode(r *onward.Report, failOn config.Threshold) int {
	if countFailed(r) > 0 {
		return Failed
	}
	for _, f := range r.Findings {
		if failOn.Reached(f.Severity) {
			return Findings
		}
	}
	return Clean
}

// QueriesExitCode is the exit code of a report with recorded queries. code is [ExitCode]'s.
func QueriesExitCode(code int, r *onward.Report) int {
	switch {
	case code == Failed || r.Verification == nil:
		return code
	case FirstBreaking(r) != nil:
		return Findings
	case r.Verification.Stopped != nil:
		return Failed
	case r.Summary.State == onward.StateNotSafe && HasOtherErrors(r):
		return Findings
	}
	return code
}
