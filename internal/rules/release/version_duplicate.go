package release

import (
	"cmp"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// VersionDuplicate flags two migrations of one version.
var VersionDuplicate = &rule.Rule{
	ID:       "release-version-duplicate",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "two migrations have the same version",
	Harm: "The runner knows migrations by their version. With two of one version it refuses to run, or runs one of them only; " +
		"usually two branches took the same number.",
	Instead: "Give the newer one the next free version.",
	Release: checkVersionDuplicate,
}

func checkVersionDuplicate(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Duplicate) {
		report := rule.Report{
			Fact:    h.Migration + " and " + h.Other + " have the same version",
			Harm:    cmp.Or(h.Detail, h.Runner, "the runner refuses to run, or runs one of them only"),
			Instead: "give the one that no database has run the next free version",
		}
		switch isUncertain := h.Guessed || h.Detail != "" && !stopsRunner(h); {
		case h.Usual && isUncertain:
			report.Severity = onward.Info
			report.Harm += "; the base has migrations of one version already, so that this is how the project works"
		case h.Usual || isUncertain:
			report.Severity = onward.Warning
		}
		p.ReportAt(h.Migration, h.Path, h.Line, report)
	}
}
