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
	Release: migrationDeleted,
}

// many is from how many deletions on they are one finding: a squash.
const many = 4

func migrationDeleted(p *rule.Pass, r *rule.Release) {
	gone := changesOfKind(r, history.Deleted)
	var directories, apps []*history.Change
	gone = slices.DeleteFunc(gone, func(h *history.Change) bool {
		if h.Directory {
			directories = append(directories, h)
		} else if h.App != "" {
			apps = append(apps, h)
		}
		return h.Directory || h.App != ""
	})
	directoriesDeleted(p, directories)
	appsRemoved(p, apps)
	if len(gone) >= many {
		// One speaks for all: one that stops the runner, if there is one.
		if at := slices.IndexFunc(gone, stopsRunner); at > 0 {
			gone[0], gone[at] = gone[at], gone[0]
		}
	}
	for _, h := range gone {
		report := rule.Report{
			Fact:    h.Migration + " was deleted, and the base has it",
			Harm:    cmp.Or(h.Runner, "databases that ran it keep what it did, and new ones never get it"),
			Instead: "put it back, and undo what it did in a new migration",
		}
		if !stopsRunner(h) {
			report.Severity = onward.Warning
			report.Harm = "databases that ran it keep what it did, and new ones never get it"
		}
		if len(gone) >= many {
			report.Fact = fmt.Sprintf("%s and %s were deleted, and the base has them", h.Migration, prose.CountNoun(len(gone)-1, "other migration"))
			report.Instead = "put them back, or make sure that every database has run them and gets the same from what replaces them"
		}
		p.ReportAt(h.Migration, h.Path, h.Line, report)
		if len(gone) >= many {
			return
		}
	}
}

// directoriesDeleted reports directories that are gone as one: a project that
// ended, or a database that is no longer served.
func directoriesDeleted(p *rule.Pass, gone []*history.Change) {
	var dirs []string
	for _, h := range gone {
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
		Fact:     fact + fmt.Sprintf(" (the base has %d)", len(gone)),
		Harm:     "nothing migrates their databases any more; a runner that still looks there finds versions that it does not know",
		Instead:  "make sure that no database is migrated from there, and that its replacement begins at their state",
	}
	if !slices.ContainsFunc(gone, func(h *history.Change) bool { return !h.Ended }) {
		report.Severity = onward.Info
		report.Fact += ", and nothing of the program that they belong to"
		report.Harm = "its database stays as it is; what still runs of it, or reads it, goes on without"
		report.Instead = "see that nothing runs on it any more"
	}
	if at := slices.IndexFunc(gone, func(h *history.Change) bool { return h.Other != "" }); at >= 0 {
		on := gone[at]
		again := fmt.Sprintf("first %d repeat", on.Repeats)
		if on.Repeats == 1 {
			again = "first one repeats"
		}
		report.Fact += "; " + on.Other + " begins anew, and its " + again + " them"
		report.Harm = "to its runner a deployed database is an empty one: it runs " + on.Other + " from the start, where what it creates is there already"
		report.Instead = "have each deployed database take " + on.Detail + " and those before it as applied, before the runner's first run; they are not judged here"
	}
	p.ReportAt(gone[0].Migration, gone[0].Path, gone[0].Line, report)
}

// appsRemoved notes the apps that are no longer installed. The deployed code has
// their tables as before.
func appsRemoved(p *rule.Pass, gone []*history.Change) {
	seen := map[string]bool{}
	for _, h := range gone {
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
