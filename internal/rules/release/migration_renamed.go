package release

import (
	"cmp"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// MigrationRenamed flags a migration of the base that the head has under
// another name, so that it runs a second time.
var MigrationRenamed = &rule.Rule{
	ID:       "release-migration-renamed",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "a migration that the base has was given another name",
	Harm: "The runner knows migrations by their names or numbers. Under a new one it is a new migration: " +
		"databases that ran it run it again, and what it creates exists already.",
	Instead: "Give it its old name back.",
	Release: checkMigrationRenamed,
}

func checkMigrationRenamed(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.RenamedID) {
		if n := leadingNumber(h.Migration); n != "" && n == leadingNumber(h.Other) && h.Runner == "" {
			// The number is the name; the rest is for people.
			if h.Detail == "" {
				continue
			}
			p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
				Fact:    h.Migration + " was edited, and the base has it already as " + h.Other,
				Harm:    "databases that ran it keep what the old text did",
				Instead: "put it back as it was, and write the change as a new migration",
			})
			continue
		}
		fact := h.Migration + " is " + h.Other + " of the base under another name"
		if h.Detail != "" {
			fact += ", and was edited"
		}
		p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
			Fact:    fact,
			Harm:    cmp.Or(h.Runner, "databases that ran it take it for a new one and run it again"),
			Instead: "give it its old name back: " + h.Other,
			Cause:   "and %d others have another name, too",
		})
	}
}
