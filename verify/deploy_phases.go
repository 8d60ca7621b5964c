package verify

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/verdict"
	"github.com/onward-sql/onward/onward"
)

// addPhases says for each migration on which side of the code's deploy it belongs, and
// whether there is an order that works.
func addPhases(r *onward.Report, v *onward.Verification) {
	v.Phases, v.Works = []onward.Phase{}, true
	last := len(v.Points) - 1
	var sentences []string
	for i := range r.Migrations {
		if !hasCommitted(v, i) {
			continue
		}
		p := onward.Phase{Migration: i, Belongs: onward.BelongsEither}
		p.OldFails = verdict.CountFailing(r, func(d *onward.Verdict) bool {
			return d.Code == onward.OldCode && v.Points[d.Point].Migration == i && len(v.Points[d.Point].Statements) > 0
		})
		p.NewNeeds = verdict.CountFailing(r, func(d *onward.Verdict) bool {
			return d.Code == onward.NewCode && d.Until != nil && v.Points[d.UntilPoint].Migration == i
		})
		var others []string
		for j := range v.Also {
			code := view.FurtherCode(v.Also[j].Name)
			n := verdict.CountFailing(r, func(d *onward.Verdict) bool {
				return d.Code == code && !view.NeedsLater(d) && v.Points[d.Point].Migration == i && len(v.Points[d.Point].Statements) > 0
			})
			if p.AlsoFails += n; n > 0 {
				others = append(others, v.Also[j].Name)
			}
		}
		open := verdict.CountOpenWrites(r, func(d *onward.Verdict) bool {
			return v.Points[d.Point].Migration == i && len(v.Points[d.Point].Statements) > 0
		})
		switch {
		case p.OldFails > 0 && p.NewNeeds > 0:
			p.Belongs, v.Works = onward.BelongsNowhere, false
			p.Advice = fmt.Sprintf("the deployed code fails with it (%s), and the new code needs it (%s): no order works; divide it: additions run before the code; "+
				"removals and stricter conditions come in a later release", formatQueryCount(p.OldFails), formatQueryCount(p.NewNeeds))
		case p.OldFails > 0:
			p.Belongs = onward.BelongsAfter
			p.Advice = fmt.Sprintf("the deployed code fails with it (%s): run it when no process of the deployed code is left", formatQueryCount(p.OldFails))
		case p.NewNeeds > 0:
			p.Belongs = onward.BelongsBefore
			p.Advice = fmt.Sprintf("the new code needs it (%s): run it before the code is deployed", formatQueryCount(p.NewNeeds))
		case open > 0:
			p.Advice = fmt.Sprintf("not decided: %s of the deployed code may be rejected with it, which depends on values", prose.CountNoun(open, "write"))
		case v.New == nil:
			p.Advice = "the deployed code works with it: it can run before the new code"
		case v.Replay != nil && v.Replay.Statements > 0:
			p.Advice = "both codes work with it and without it"
		case v.MadeValues != nil && v.MadeValues.Queries > 0:
			p.Advice = "both codes work with it and without it, as far as made values show"
		default:
			p.Advice = "both codes work with it and without it; their queries were prepared, not executed"
		}
		if len(others) > 0 {
			names := prose.EnumerateNames(others)
			p.Advice += fmt.Sprintf("; %s %s with it (%s): run it when no process of %s is left", names, prose.PickForm(len(others), "fails", "fail"),
				formatQueryCount(p.AlsoFails), names)
			sentences = append(sentences, fmt.Sprintf("No process of %s may be left when %s runs.", names, view.ShortName(r.Migrations[i].Path)))
		}
		v.Phases = append(v.Phases, p)
	}
	v.Order = deployOrder(r, v, last)
	v.Order = orderWithReadiness(r, v)
	v.Order = strings.Join(append([]string{v.Order}, sentences...), " ")
}

// orderWithReadiness returns the order with the state of the plans for which the new code waits, and of those that are under way on the database.
func orderWithReadiness(r *onward.Report, v *onward.Verification) string {
	order, waits, migrate := v.Order, false, true
	var texts []string
	for i := range r.Summary.Readiness {
		if ready := &r.Summary.Readiness[i]; !ready.NewCode || ready.UnderWay {
			texts, waits, migrate = append(texts, ready.Text), waits || !ready.NewCode, migrate && ready.Migrate
		}
	}
	switch {
	case !v.Works:
	case waits && migrate && len(v.Phases) > 0:
		order = "Run the migrations."
	case waits:
		return strings.Join(texts, " ")
	}
	return strings.Join(append([]string{order}, texts...), " ")
}

func formatQueryCount(n int) string { return prose.CountNoun(n, "query") }

// hasCommitted reports whether a migration committed anything.
func hasCommitted(v *onward.Verification, migration int) bool {
	for _, p := range v.Points {
		if p.Migration == migration && len(p.Statements) > 0 {
			return true
		}
	}
	return false
}

// deployOrder is the order in which release and code can be deployed.
func deployOrder(r *onward.Report, v *onward.Verification, last int) string {
	var before, after, nowhere []string
	late := "" // a migration that belongs before the code, and follows one that belongs after it
	for _, p := range v.Phases {
		name := view.ShortName(r.Migrations[p.Migration].Path)
		switch p.Belongs {
		case onward.BelongsAfter:
			after = append(after, name)
		case onward.BelongsBefore:
			if before = append(before, name); len(after) > 0 && late == "" {
				late = name
			}
		case onward.BelongsNowhere:
			nowhere = append(nowhere, name)
		}
	}
	fresh := v.Points[last].New.Errors
	switch {
	case v.Stopped != nil:
		v.Works = false
		return fmt.Sprintf("No order works: the release ends at %s.", verdict.FormatPlace(v.Stopped.After))
	case len(nowhere) > 0:
		return "No order works: with " + strings.Join(nowhere, ", ") + " the deployed code fails, and without it the new code does."
	case fresh > 0:
		v.Works = false
		return fmt.Sprintf("No order works: %s of the new code %s after the whole release.", formatQueryCount(fresh), prose.PickForm(fresh, "fails", "fail"))
	case late != "":
		v.Works = false
		return fmt.Sprintf("No order works yet: %s belongs after the code and runs before %s, which the new code needs. Change their order.", after[0], late)
	case len(after) > 0 && len(before) > 0:
		return fmt.Sprintf("Run what comes before %s, deploy the code, then run the rest, when no process of the deployed code is left.", after[0])
	case len(after) > 0 && v.New == nil:
		return fmt.Sprintf("Deploy the new code before %s, if it works without it: nothing is known of the new code.", after[0])
	case len(after) > 0:
		return fmt.Sprintf("Deploy the code before %s runs.", after[0])
	case len(before) > 0:
		return "Run the migrations, then deploy the code."
	case verdict.CountOpenWrites(r, nil) > 0:
		return "The order is not decided: the values of the deployed code's writes decide."
	case v.New == nil:
		return "Run the migrations, then deploy the code: the deployed code works at every point."
	}
	return "Migrations and code can be deployed in either order."
}

// HasOtherErrors reports whether the audit has an error that is not about locks and the time that they are held: these make queries wait, and
// break none. Rows of the deployed code's tests that stop the migration count.
func HasOtherErrors(r *onward.Report) bool { return verdict.HasOtherErrors(r) }

// FirstBreaking is the first verdict for which a release cannot be deployed: old code, or a further version, breaks at a
// point, or new code at the last. nil: there is none.
func FirstBreaking(r *onward.Report) *onward.Verdict { return verdict.FirstBreaking(r) }
