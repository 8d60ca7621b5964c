package release

import (
	"cmp"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// MigrationEdited flags a change to a migration that the base already has.
var MigrationEdited = &rule.Rule{
	ID:       "release-migration-edited",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "a migration that the base already has was edited",
	Harm: "Databases that ran it will not run it again: they keep what the old text did, and the new code meets a schema that it was not written for. " +
		"A runner that keeps checksums refuses to migrate at all.",
	Instead: "Put the file back as it was, and write the change as a new migration.",
	Release: checkMigrationEdited,
}

func checkMigrationEdited(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Edited) {
		report := rule.Report{
			Fact:    h.Migration + " was edited, and the base has it already",
			Harm:    cmp.Or(h.Runner, "databases that ran it keep what the old text did"),
			Instead: "put it back as it was, and write the change as a new migration",
			Cause:   "and %d others were edited too",
		}
		if h.Detail != "" {
			report.Fact += ": " + h.Detail
		}
		if !stopsRunner(h) {
			// The deploy goes through: what differs is new databases.
			report.Severity = onward.Warning
		}
		if h.Cosmetic {
			report.Instead = "put it back as it was"
			if !stopsRunner(h) {
				report.Severity = onward.Info
				report.Harm = "no database will be different for it"
				report.Instead = "nothing, if this is meant"
				report.Cause = "and so with %d others"
				if h.Unlike {
					report.Cause = "and so it is with %d others"
				}
			}
		}
		p.ReportAt(h.Migration, h.Path, h.Line, report)
	}
}
