// Package yoyo reads the migrations of yoyo: SQL files, and programs of Python whose steps have constant texts.
//
// Measured with yoyo 9.0 (realrunners repeats it), and read in its source:
//
//   - A migration is a transaction, and each of its steps a savepoint in it. With __transactional__ = False, or "-- transactional: false" before
//     the first statement of an SQL file, there is none.
//   - The steps of an SQL file are its statements.
//   - Migrations run in the order of their names, each after those that it depends on. yoyo records the name in _yoyo_migration, in a
//     transaction of its own after the migration's.
//   - post-apply*.sql and post-apply*.py run again after each run that applied something.
package yoyo

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads the migrations of yoyo.
var Adapter = reader{adapter.Base{
	Framework: "yoyo", Finds: "programs of Python that import yoyo, or the sources of yoyo.ini", FindSources: findSources, ReadMigrations: readMigrations,
	Properties: adapter.Traits{
		Project: "a yoyo project", Tool: tool,
		HistoryTables: []adapter.HistoryTable{
			{
				Table:   "_yoyo_migration",
				Columns: "(migration_hash varchar(64) PRIMARY KEY, migration_id varchar(255), applied_at_utc timestamp)",
			},
			{Table: "_yoyo_log"}, {Table: "_yoyo_version"}, {Table: "yoyo_lock"},
		},
	},
}}

// reader adds the methods that the base lacks.
type reader struct{ adapter.Base }

var (
	_ adapter.Adapter = Adapter
	_ adapter.WayDown = Adapter
)

// tool is yoyo for rules.
var tool = history.Tool{Name: "yoyo", Unit: "migration", Apart: "a migration of its own with\n-- transactional: false"}

var (
	importsYoyo = lazyregexp.New(`(?m)^\s*(?:from\s+yoyo\s+import|import\s+yoyo)\b`)
	sourcesLine = lazyregexp.New(`(?m)^\s*sources\s*[=:]\s*([^\n]*)`)
	otherDSN    = lazyregexp.New(`(?m)^\s*database\s*[=:]\s*(mysql|sqlite|oracle)\b`)
)

// mayBeMigrations reports whether programs may be migrations by their names or the name of their directory. A repository has hundreds of other
// directories with programs, which are not read.
func mayBeMigrations(dir string, programs []string) bool {
	return strings.Contains(dir, "migrat") || slices.ContainsFunc(programs, func(name string) bool { return name[0] >= '0' && name[0] <= '9' })
}

func isMigration(text string) bool {
	return strings.Contains(text, "yoyo") && importsYoyo.MatchString(text)
}

// findSources finds directories with programs that import yoyo, and those that yoyo.ini names.
func findSources(t adapter.Tree) []adapter.Source {
	iniByDir := listNamedDirs(t)
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".py", ".sql") {
		s := adapter.Source{Framework: "yoyo", Dir: d.Path, Score: 3, Foreign: foreignDatabase(t, d.Path)}
		if ini, ok := iniByDir[d.Path]; ok && len(listMigrationNames(d.Names)) > 0 {
			s.Why = "named by " + ini
			out = append(out, s)
			continue
		}
		programs := slices.DeleteFunc(slices.Clone(d.Names), func(name string) bool { return path.Ext(name) != ".py" || name == "__init__.py" })
		if !mayBeMigrations(d.Path, programs) {
			continue
		}
		if n, total := adapter.CountSample(t, d, programs, isMigration); n > 0 && adapter.IsDeployed(d.Path) && 2*n >= total {
			s.Why = fmt.Sprintf("migrations of yoyo in %d of %d files", n, total)
			out = append(out, s)
		}
	}
	return out
}

// listNamedDirs returns the directories that the files yoyo.ini name, with the file.
func listNamedDirs(t adapter.Tree) map[string]string {
	out := map[string]string{}
	for _, p := range t.Paths() {
		if path.Base(p) != "yoyo.ini" || !adapter.IsDeployed(path.Dir(p)) {
			continue
		}
		for _, line := range sourcesLine.FindAllStringSubmatch(adapter.ReadFile(t, p).Text, -1) {
			for word := range strings.FieldsSeq(strings.ReplaceAll(line[1], "%(here)s", ".")) {
				out[strings.TrimPrefix(path.Join(path.Dir(p), word), "./")] = p
			}
		}
	}
	return out
}

// foreignDatabase returns the database of the nearest yoyo.ini if that is another one than Postgres.
func foreignDatabase(t adapter.Tree, dir string) string {
	p, ok := adapter.NearestFile(t, dir, "yoyo.ini")
	if !ok {
		return ""
	}
	m := otherDSN.FindStringSubmatch(adapter.ReadFile(t, p).Text)
	if m == nil {
		return ""
	}
	return map[string]string{"mysql": "MySQL", "sqlite": "SQLite", "oracle": "Oracle"}[m[1]]
}

// rollbackEnd ends the names of files with what undoes a migration.
const rollbackEnd = ".rollback.sql"

// listMigrationNames returns the names that are migrations.
func listMigrationNames(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return strings.HasSuffix(name, rollbackEnd) || name == "__init__.py" })
}

// readMigrations reads the migrations of a directory in the order in which yoyo runs them.
func readMigrations(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{
		Source: s, Evidence: adapter.RunnerEvidence{Tool: tool.Name, Transaction: onward.TransactionFile},
		HistoryBehavior: adapter.HistoryBehavior{
			Edited:     "yoyo records names, not contents: databases that have it keep what the old text did",
			Deleted:    "yoyo does not notice",
			Renamed:    "yoyo records names, and runs it again",
			OutOfOrder: "yoyo runs it after the newer ones: new databases run it before them",
		},
	}
	d := adapter.ListDir(t, s.Dir, ".py", ".sql")
	var list []*migration
	for _, f := range adapter.ReadFiles(t, d, listMigrationNames(d.Names)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if m := readMigration(t, s, f); m != nil {
			list = append(list, m)
		}
	}
	set.Migrations = sortMigrations(list)
	set.Beyond = func() (out []adapter.Beyond) {
		for _, m := range set.Migrations {
			if path.Ext(m.Path) == ".py" {
				out = append(out, adapter.Beyond{Path: m.Path, Key: m.ID, What: "a program (Python)"})
			}
		}
		return out
	}
	if n := len(set.Migrations); n > 0 {
		set.Evidence.FoundIn = "migrations like " + path.Base(set.Migrations[n-1].Path)
	}
	return set, nil
}

// Down returns the SQL that undoes a migration: of the file beside it, or of its steps, from the last to the first.
func (reader) Down(t adapter.Tree, _ adapter.Source, m *adapter.Migration) (*script.Source, error) {
	if path.Ext(m.Path) == ".py" {
		return readDownSteps(m), nil
	}
	down, err := adapter.ReadDown(t, m)
	if down != nil {
		down.Parts = []script.Part{adapter.TrimmedPart(down.Text, 0, len(down.Text))}
	}
	return down, err
}
