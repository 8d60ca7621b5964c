package release

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// MigrationDeleted flags a migration of the base that the head no longer has.
var MigrationDeleted = &rule.Rule{
	ID:       "release-migration-deleted",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Summary:  "a migration that the base has was deleted",
	Harm: "Databases that ran it keep what it did, new ones never get it: from now on they differ. " +
		"Some runners refuse to migrate a database that knows a migration which the files do not.",
	Instead: "Put the file back, and undo what it did in a new migration.",
	Release: checkMigrationDeleted,
}

// many is from how many deletions on they are one finding: a squash.
const many = 4

func checkMigrationDeleted(p *rule.Pass, r *rule.Release) {
	deletions := changesOfKind(r, history.Deleted)
	var directories, apps []*history.Change
	deletions = slices.DeleteFunc(deletions, func(h *history.Change) bool {
		if h.Directory {
			directories = append(directories, h)
		} else if h.App != "" {
			apps = append(apps, h)
		}
		return h.Directory || h.App != ""
	})
	reportDeletedDirectories(p, directories)
	reportRemovedApps(p, apps)
	if len(deletions) >= many {
		// One speaks for all: one that stops the runner, if there is one.
		if stopIndex := slices.IndexFunc(deletions, stopsRunner); stopIndex > 0 {
			deletions[0], deletions[stopIndex] = deletions[stopIndex], deletions[0]
		}
	}
	for _, h := range deletions {
		report := rule.Report{
			Fact:    h.Migration + " was deleted, and the base has it",
			Harm:    cmp.Or(h.Runner, "databases that ran it keep what it did, and new ones never get it"),
			Instead: "put it back, and undo what it did in a new migration",
		}
		if !stopsRunner(h) {
			report.Severity = onward.Warning
			report.Harm = "databases that ran it keep what it did, and new ones never get it"
		}
		if len(deletions) >= many {
			report.Fact = fmt.Sprintf("%s and %s were deleted, and the base has them", h.Migration, prose.CountNoun(len(deletions)-1, "other migration"))
			report.Instead = "put them back, or make sure that every database has run them and gets the same from what replaces them"
		}
		p.ReportAt(h.Migration, h.Path, h.Line, report)
		if len(deletions) >= many {
			return
		}
	}
}

// reportDeletedDirectories reports directories that are gone as one: a project that
// ended, or a database that is no longer served.
func reportDeletedDirectories(p *rule.Pass, deletions []*history.Change) {
	var dirs []string
	for _, h := range deletions {
		if dir := migrationDir(h.Path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if len(dirs) == 0 {
		return
	}
	fact := "no migration is left in " + dirs[0]
	if n := len(dirs) - 1; n == 1 {
		fact += ", nor in " + dirs[1]
	} else if n > 1 {
		fact += fmt.Sprintf(", nor in %d other directories", n)
	}
	report := rule.Report{
		Severity: onward.Warning,
		Fact:     fact + fmt.Sprintf(" (the base has %d)", len(deletions)),
		Harm:     "nothing migrates their databases any more; a runner that still looks there finds versions that it does not know",
		Instead:  "make sure that no database is migrated from there, and that its replacement begins at their state",
	}
	if !slices.ContainsFunc(deletions, func(h *history.Change) bool { return !h.Ended }) {
		report.Severity = onward.Info
		report.Fact += ", and nothing of the program that they belong to"
		report.Harm = "its database stays as it is; what still runs of it, or reads it, goes on without"
		report.Instead = "see that nothing runs on it any more"
	}
	if restartIndex := slices.IndexFunc(deletions, func(h *history.Change) bool { return h.Other != "" }); restartIndex >= 0 {
		restart := deletions[restartIndex]
		repeatText := fmt.Sprintf("first %d repeat", restart.Repeats)
		if restart.Repeats == 1 {
			repeatText = "first one repeats"
		}
		report.Fact += "; " + restart.Other + " begins anew, and its " + repeatText + " them"
		report.Harm = "to its runner a deployed database is an empty one: it runs " + restart.Other + " from the start, where what it creates is there already"
		report.Instead = "have each deployed database take " + restart.Detail +
			" and those before it as applied, before the runner's first run; they are not judged here"
		if restart.TakenOver != "" {
			report.Severity = onward.Info
			report.Harm = "a deployed database takes " + restart.Detail + " and those before it for applied, as " + restart.TakenOver +
				" says; they are not judged here"
			report.Instead = "see that each deployed database has run all of the old ones before"
		}
	}
	p.ReportAt(deletions[0].Migration, deletions[0].Path, deletions[0].Line, report)
}

// reportRemovedApps notes the apps that are no longer installed. The deployed code has
// their tables as before.
func reportRemovedApps(p *rule.Pass, deletions []*history.Change) {
	seen := map[string]bool{}
	for _, h := range deletions {
		if seen[h.App] {
			continue
		}
		seen[h.App] = true
		p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
			Severity: onward.Info,
			Fact:     "the app " + h.App + " is not installed any more",
			Harm:     "its tables stay; if one has foreign keys, the new code cannot delete a row that it points at, because it does not know the referring rows",
			Instead:  "drop them a release later, in a migration of an app that stays",
		})
	}
}

// migrationDir is where a migration was, or where its directory was.
func migrationDir(file string) string {
	dir, name := path.Split(file)
	dir = strings.TrimSuffix(dir, "/")
	if name == "migration.sql" || name == "up.sql" {
		dir = path.Dir(dir)
	}
	return cmp.Or(dir, ".")
}
