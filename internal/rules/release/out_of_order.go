package release

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// OutOfOrder flags a new migration that sorts before one that the base has.
var OutOfOrder = &rule.Rule{
	ID:       "release-out-of-order",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "a new migration sorts before one that the base already has",
	Harm: "Databases that ran the later one are past it. Depending on the runner it is refused, left out for good, " +
		"or run in another order than on new databases.",
	Instead: "Give it a version after the newest one of the base.",
	Release: checkOutOfOrder,
}

func checkOutOfOrder(p *rule.Pass, r *rule.Release) {
	duplicates := map[[2]string]bool{}
	for _, h := range changesOfKind(r, history.Duplicate) {
		duplicates[[2]string{h.Migration, h.Other}] = true
	}
	for _, h := range changesOfKind(r, history.OutOfOrder) {
		if duplicates[[2]string{h.Migration, h.Other}] {
			continue // neither sorts after the other
		}
		report := rule.Report{
			Fact:    h.Migration + " sorts before " + h.Other + ", which the base has already",
			Harm:    cmp.Or(h.Runner, "databases that ran the later one run it after it, or not at all"),
			Instead: "give it a version after " + h.Other,
			Cause:   "and so do %d others",
		}
		switch {
		case stopsRunner(h):
		case strings.Contains(h.Runner, "runs it after"):
			// Nothing is left out: what differs is the order on new databases.
			report.Severity = onward.Info
		default:
			report.Severity = onward.Warning
		}
		p.ReportAt(h.Migration, h.Path, h.Line, report)
	}
}
