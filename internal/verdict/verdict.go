// Package verdict says whether a release may be deployed: the state and the sentence of a report, the verdicts of its migrations, and the exit code. The
// rows for recorded queries come after the others: a query that surely breaks makes a release that is not safe.
package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/rules"
	"github.com/onward-sql/onward/onward"
)

// ConcludeReport counts the findings of a report, and derives the verdicts of its migrations
// and of the release. It can be called again after findings were added.
func ConcludeReport(r *onward.Report) {
	r.Summary.Errors, r.Summary.Warnings, r.Summary.Infos, r.Summary.Next = 0, 0, 0, nil
	worst := map[string]onward.Severity{}
	for _, f := range r.Findings {
		worst[f.Path] = max(worst[f.Path], f.Severity)
		for _, place := range f.Also {
			worst[place.Path] = max(worst[place.Path], f.Severity)
		}
		switch f.Severity {
		case onward.Error:
			r.Summary.Errors++
		case onward.Warning:
			r.Summary.Warnings++
		case onward.Info:
			r.Summary.Infos++
		}
	}
	for i := range r.Migrations {
		m := &r.Migrations[i]
		if m.Verdict == "" || m.Verdict == "ok" || m.Verdict == "warning" {
			m.Verdict = "ok"
			if s := worst[m.Path]; s >= onward.Warning {
				m.Verdict = s.String()
			}
		}
	}
	r.Opaque = mergeOtherDatabases(r.Opaque)
	r.Summary.Opaque = countUnjudged(r.Opaque)
	writeVerdict(r)
}

// writeVerdict writes the last lines of a report: is the release safe to deploy, and what is
// the next step.
func writeVerdict(r *onward.Report) {
	s, failed := &r.Summary, countFailed(r)
	s.State, s.Conditions = onward.StateNone, nil
	switch {
	case s.Withheld != onward.WithheldHistory && s.Errors > 0:
		s.State = onward.StateNotSafe
	case s.Withheld == "" && failed == 0:
		s.State = onward.StateSafe
		if s.Conditions = listConditions(r); len(s.Conditions) > 0 {
			s.State = onward.StateSafeIf
		}
	}
	s.Safe = s.State == onward.StateSafe
	switch {
	case s.Migrations == 0 && len(r.Findings) == 0 && failed == 0 && s.Opaque > 0:
		s.Verdict = fmt.Sprintf("No new migrations, but %s could not be judged.", prose.CountNoun(s.Opaque, "place"))
	case s.Migrations == 0 && len(r.Findings) == 0 && failed == 0:
		s.Verdict = "No new migrations: the database stays as it is."
	case s.Errors > 0 && s.Withheld == onward.WithheldHistory:
		s.Verdict = prose.CountNoun(s.Errors, "error") + ", the worst: " + describeHarm(r) + "; " + oneRelease + "."
	case s.Errors > 0:
		s.Verdict = "This release is not safe to deploy: " + describeHarm(r) + "."
	case failed > 0:
		s.Verdict = fmt.Sprintf("No verdict: %s could not be read.", prose.CountNoun(failed, "place"))
	case s.Withheld != "":
		s.Verdict = "No errors"
		if s.Withheld == onward.WithheldBaseline {
			s.Verdict = "No new errors: the baseline leaves out " + describeBaseline(s.Baseline)
		}
		if s.Opaque > 0 {
			s.Verdict += fmt.Sprintf(", but %s could not be judged", prose.CountNoun(s.Opaque, "place"))
		}
		if s.Withheld == onward.WithheldHistory {
			s.Verdict += "; " + oneRelease
		}
		s.Verdict += "."
	case len(s.Conditions) > 0:
		s.Verdict = "Safe to deploy if " + joinConditions(s.Conditions) + "."
	case slices.ContainsFunc(s.Readiness, func(r onward.Readiness) bool { return !r.NewCode }):
		s.Verdict = "These files are safe to deploy."
	default:
		s.Verdict = "Safe to deploy."
	}
	s.Verdict += describeReadiness(s)
	if s.Errors > 0 && s.Migrations > 0 && hasUnreadModels(r) {
		s.Verdict += " What the code at " + r.Base + " uses is known in part only: some of its files, or its models, could not be read."
	}
	if n := len(r.Weakened); n > 0 {
		s.Verdict += " The branch weakens this check: " + joinWeakened(r.Weakened) + "."
	}
	if len(r.Unconfined) > 0 {
		s.Verdict += " The project's program was confined only in part: " + strings.Join(r.Unconfined, "; ") + "."
	}
	if first := worstFinding(r); first != nil {
		s.Next = append(s.Next, "onward explain "+first.Rule)
	}
}

// countFailed counts the places that could not be read.
func countFailed(r *onward.Report) (n int) {
	for i := range r.Opaque {
		if r.Opaque[i].Failed {
			n++
		}
	}
	return n
}

// maxWeakened is how many settings the verdict lists; the others are counted.
const maxWeakened = 3

// joinWeakened lists settings.
func joinWeakened(list []onward.Weakening) string {
	var out []string
	for i, w := range list {
		if more := len(list) - i; i == maxWeakened-1 && more > 1 {
			out = append(out, fmt.Sprintf("and %d other settings", more))
			break
		}
		out = append(out, w.String())
	}
	return strings.Join(out, "; ")
}

// describeReadiness returns the sentences about the plans that are under way on the database, or in the repository's files. Beside an error, no sentence
// says that all of the release may be deployed after a plan in files.
func describeReadiness(s *onward.Summary) (out string) {
	for i := range s.Readiness {
		if r := &s.Readiness[i]; s.Errors == 0 || !r.NewCode || !r.OldCode || r.UnderWay {
			out += " " + r.Text
		}
	}
	return out
}

// listConditions returns facts that cannot be known here, and under which the release is
// safe.
func listConditions(r *onward.Report) []string {
	var out []string
	known := map[string]bool{"": true}
	for i := range r.Findings {
		if condition := r.Findings[i].SafeIf; !known[condition] {
			known[condition] = true
			out = append(out, condition)
		}
	}
	if harm := describeUncertainHarm(r); harm != "" {
		out = append(out, harm)
	}
	if n := countWarnedQueries(r); n > 0 {
		out = append(out, fmt.Sprintf("the %s about %s %s not come true", prose.PickForm(n, "warning", "warnings"), prose.CountNoun(n, "query"),
			prose.PickForm(n, "does", "do")))
	}
	if r.Summary.Migrations > 0 && hasUnreadModels(r) {
		out = append(out, "what could be read of the code at "+r.Base+" is all that it uses (some of its files, or its models, could not be read)")
	}
	var places []onward.Opaque
	for _, o := range r.Opaque {
		if !o.Usage && o.Database == "" {
			places = append(places, o)
		}
	}
	switch len(places) {
	case 0:
	case 1:
		out = append(out, describeUnjudged(&places[0])+", which could not be judged, is safe")
	default:
		out = append(out, fmt.Sprintf("%s and %s, which could not be judged, are safe", describeUnjudged(&places[0]), formatOtherPlaces(len(places)-1)))
	}
	return out
}

// describeUncertainHarm returns the condition that no warning comes true by which this deploy may break code or lose data, if no condition of their own
// says when: "the warning at 003_email.sql:4 does not come true". That depends on data, on code or on luck. "" if there is no such warning.
func describeUncertainHarm(r *onward.Report) string {
	warnings := 0
	var places []string
	for _, f := range r.Findings {
		if f.Severity != onward.Warning || f.SafeIf != "" || f.Category != onward.Compatibility && f.Category != onward.DataLoss {
			continue
		}
		if warned := rules.FindRule(f.Rule); warned != nil && warned.Later {
			continue
		}
		warnings++
		if place := fmt.Sprintf("%s:%d", view.ShortName(f.Path), f.Line); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	switch n := len(places); {
	case n == 0:
		return ""
	case warnings == 1:
		return "the warning at " + places[0] + " does not come true"
	case n > 2:
		places = []string{places[0], formatOtherPlaces(n - 1)}
	}
	return "the warnings at " + strings.Join(places, " and ") + " do not come true"
}

// countWarnedQueries counts the queries of a verification that may break.
func countWarnedQueries(r *onward.Report) int {
	warned := map[string]bool{}
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.Severity == onward.Warning && !view.NeedsLater(v) {
			warned[v.ID] = true
		}
	}
	return len(warned)
}

// describeUnjudged names what could not be judged, and its place.
func describeUnjudged(o *onward.Opaque) string {
	place := view.ShortName(o.Path)
	if o.Line > 0 {
		place = fmt.Sprintf("%s:%d", place, o.Line)
	}
	return o.What + " (" + place + ")"
}

func formatOtherPlaces(n int) string {
	return fmt.Sprintf("%d other %s", n, prose.Pluralize(int64(n), "place"))
}

// hasUnreadModels reports whether the models of the deployed code could not be read.
func hasUnreadModels(r *onward.Report) bool {
	return slices.ContainsFunc(r.Opaque, func(o onward.Opaque) bool { return o.Usage })
}

// describeBaseline describes the findings in a baseline.
func describeBaseline(k onward.Known) string {
	switch {
	case k.Findings == k.Errors:
		return prose.CountNoun(k.Errors, "error")
	case k.Errors == 1:
		return prose.CountNoun(k.Findings, "finding") + ", one of them an error"
	}
	return fmt.Sprintf("%s, %d of them errors", prose.CountNoun(k.Findings, "finding"), k.Errors)
}

// mostConditions is how many conditions the verdict lists; the others are counted.
const mostConditions = 3

// joinConditions joins conditions into one sentence.
func joinConditions(list []string) string {
	if more := len(list) - mostConditions; more > 1 {
		list = append(slices.Clone(list[:mostConditions]), fmt.Sprintf("%d other conditions hold", more))
	}
	return strings.Join(list, ", and ")
}

// oneRelease says how a report on files differs from a report on a release.
const oneRelease = "all files count as one release here (--deployed names those that are applied)"

// describeHarm says in a clause what the worst finding means for the deploy.
func describeHarm(r *onward.Report) string {
	f := worstFinding(r)
	place := fmt.Sprintf("%s:%d", view.ShortName(f.Path), f.Line)
	broken := rules.FindRule(f.Rule)
	if broken != nil && broken.Stops {
		return "the migration fails at " + place
	}
	if broken != nil && broken.MayFail {
		return "the migration may fail at " + place
	}
	switch f.Category {
	case onward.Compatibility:
		if broken != nil && broken.BreaksNewCode {
			return "new code breaks at " + place
		}
		return "deployed code breaks at " + place
	case onward.Locking, onward.Data:
		return "traffic waits at " + place
	case onward.DataLoss:
		return "data is lost at " + place
	case onward.InTransaction:
		return "the migration fails or holds its locks too long at " + place
	case onward.ReleaseOrder, onward.Idempotency:
		return "the history of migrations does not hold at " + place
	}
	return f.Fact + " at " + place
}

// worstFinding returns the finding to name in the verdict: what breaks deployed code, loses data, lets traffic wait, fails, and may
// fail, in this order. A finding after a failed statement is not named.
func worstFinding(r *onward.Report) *onward.Finding {
	var out *onward.Finding
	rank := func(f *onward.Finding) int {
		n := int(f.Severity) * 10
		known := rules.FindRule(f.Rule)
		switch {
		case known != nil && known.MayFail:
		case known != nil && known.Stops:
			n++
		case f.Category == onward.Compatibility && (known == nil || !known.BreaksNewCode):
			n += 5
		case f.Category == onward.Compatibility:
			n += 4
		case f.Category == onward.DataLoss:
			n += 3
		case f.Category == onward.Locking, f.Category == onward.Data:
			n += 2
		default:
			n++
		}
		return n
	}
	for i := range r.Findings {
		if f := &r.Findings[i]; len(f.After) == 0 && (out == nil || rank(f) > rank(out)) {
			out = f
		}
	}
	return out
}

// mentionedDirs is how many directories the report lists for one other database.
const mentionedDirs = 3

// mergeOtherDatabases keeps one entry for each other database and its directories. It can be
// called again with its result.
func mergeOtherDatabases(list []onward.Opaque) []onward.Opaque {
	dirs := map[string][]string{}
	for _, o := range list {
		if o.Database != "" && !slices.Contains(dirs[o.Database], o.Path) {
			dirs[o.Database] = append(dirs[o.Database], o.Path)
		}
	}
	seen := map[string]bool{}
	out := make([]onward.Opaque, 0, len(list))
	for _, o := range list {
		if o.Database != "" {
			if seen[o.Database] {
				continue
			}
			seen[o.Database] = true
			if more := dirs[o.Database][1:]; len(more) > 0 {
				o.Why += "; there are more in " + strings.Join(more[:min(len(more), mentionedDirs)], ", ")
				if n := len(more) - mentionedDirs; n > 0 {
					o.Why += fmt.Sprintf(" and %d other directories", n)
				}
			}
		}
		out = append(out, o)
	}
	return out
}

// countUnjudged counts the places that could not be judged. Migrations for another database
// do not count, because Postgres does not run them.
func countUnjudged(list []onward.Opaque) (n int) {
	for i := range list {
		if list[i].Database == "" {
			n++
		}
	}
	return n
}
