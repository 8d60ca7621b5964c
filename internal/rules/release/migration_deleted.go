package release

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// MigrationDeleted flags a migration of the base that the head no longer has.
var MigrationDeleted = &rule.Rule{
	ID:       "release-migration-deleted",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Preset:   rule.Recommended,
	Summary:  "a migration that the base has was deleted",
	Harm:     "Databases that ran it keep what it did, new ones never get it: from now on they differ. Some runners refuse to migrate a database that knows a migration which the files do not.",
	Instead:  "Put the file back, and undo what it did in a new migration.",
	Release:  migrationDeleted,
}

// many is from how many deletions on they are one finding: a squash.
const many = 4

func migrationDeleted(p *rule.Pass, r *rule.Release) {
	gone := changes(r, rule.Deleted)
	if len(gone) >= many {
		// One speaks for all: one that stops the runner, if there is one.
		if at := slices.IndexFunc(gone, stops); at > 0 {
			gone[0], gone[at] = gone[at], gone[0]
		}
	}
	for _, h := range gone {
		report := rule.Report{
			Fact:    h.Migration + " was deleted, and the base has it",
			Harm:    or(h.Runner, "databases that ran it keep what it did, and new ones never get it"),
			Instead: "put it back, and undo what it did in a new migration",
		}
		if !stops(h) {
			report.Severity = onward.Warning
			report.Harm = "databases that ran it keep what it did, and new ones never get it"
		}
		if len(gone) >= many {
			report.Fact = fmt.Sprintf("%s and %d other migrations were deleted, and the base has them", h.Migration, len(gone)-1)
			report.Instead = "put them back, or make sure that every database has run them and gets the same from what replaces them"
		}
		p.ReportAt(h.Migration, h.Path, h.Line, report)
		if len(gone) >= many {
			return
		}
	}
}
