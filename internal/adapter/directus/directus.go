// Package directus reads the migrations that a project of Directus adds to Directus' own: modules of JavaScript whose function "up" gets
// Knex. They run, with a recorder in its place.
//
// Measured with @directus/api 39.2 (database/migrations/run) on a server that logs statements; the test of internal/adapter/realrunners
// repeats it:
//
//   - The files of MIGRATIONS_PATH ("migrations", and "extensions/migrations" in older versions) that have a "-" and end in .js, .cjs or .mjs
//     run in the order of what is before the "-": it is the recorded version.
//   - It runs nothing while two files have one version.
//   - There is no transaction.
//   - Directus does not notice if the file of an applied migration is gone, or has another text.
package directus

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads the migrations of a project of Directus.
var Adapter = jscode.Adapter{
	Framework: "directus", World: "knex", Finds: "modules with a function up in migrations or extensions/migrations of a project that runs Directus",
	Tool: history.Tool{Name: "Directus"},
	HistoryTables: []adapter.HistoryTable{
		{Table: "directus_migrations", Columns: `(version varchar(255) PRIMARY KEY, name varchar(255) NOT NULL, "timestamp" timestamptz DEFAULT CURRENT_TIMESTAMP)`},
	},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "Directus records versions, not contents: databases that have it keep what the old text did",
		Deleted:    "Directus does not notice",
		Renamed:    "Directus records what is before the first \"-\", and runs it again if that is another",
		OutOfOrder: "Directus runs it after the newer ones: new databases run it before them",
	},
	Find: findDirectories, ReadSettings: readToolSettings, Start: startMigration, IsMigration: jscode.HasUp,
	Translate: knex.Adapter.Translate, Unique: "version",
}

var (
	// migrationsPath matches the setting of the directory: MIGRATIONS_PATH=./migrations.
	migrationsPath = lazyregexp.New(`\bMIGRATIONS_PATH["']?\s*[:=]\s*["']?([\w./-]+)`)
	// image matches a container that runs Directus.
	image = lazyregexp.New(`\bdirectus/directus\b`)
	// program matches the names of files that Directus runs.
	program = lazyregexp.New(`-.*\.[cm]?js$`)
	// stamped matches names as Directus' manual has them. They tell a directory called migrations from one of another tool.
	stamped = lazyregexp.New(`^\d+[A-Z]+-`)
	foreign = lazyregexp.New(`\bDB_CLIENT["']?\s*[:=]\s*["']?(mysql|sqlite3|mssql|oracledb|cockroachdb)\b`)
)

// databases are the names of other databases.
var databases = map[string]string{
	"mysql": "MySQL", "sqlite3": "SQLite", "mssql": "SQL Server", "oracledb": "Oracle", "cockroachdb": "CockroachDB",
}

// findDirectories finds the directories of migrations: of packages that depend on Directus, and beside files that run its container.
func findDirectories(t adapter.Tree) []jscode.FoundDirectory {
	return adapter.Memoize(t, "directories of Directus", func() []jscode.FoundDirectory {
		roots := map[string]string{}
		for _, p := range jscode.ListPackages(t, "directus", "@directus/api") {
			roots[p.Dir()] = p.File
		}
		set, database := map[string]string{}, ""
		for _, file := range adapter.RunnerFiles(t, false) {
			text := adapter.RunnerFile(t, file).Text
			dir := strings.TrimPrefix(path.Dir("/"+file), "/")
			if image.MatchString(text) && roots[dir] == "" {
				roots[dir] = file
			}
			if m := migrationsPath.FindStringSubmatch(text); m != nil {
				set[m[1]] = file
			}
			if m := foreign.FindStringSubmatch(text); m != nil {
				database = databases[m[1]]
			}
		}
		found := map[string]string{}
		for root, file := range roots {
			found[path.Join(root, "extensions/migrations")] = file
			if usual := path.Join(root, "migrations"); slices.ContainsFunc(adapter.ListDir(t, usual, ".js", ".cjs", ".mjs").Names, stamped.MatchString) {
				found[usual] = file
			}
			for dir, setting := range set {
				found[path.Join(root, strings.TrimPrefix(dir, "/directus/"))] = setting
			}
		}
		out := jscode.ListFound(t, found)
		for i := range out {
			out[i].Foreign = database
		}
		return out
	})
}

// readToolSettings says that there is no transaction.
func readToolSettings(t adapter.Tree) jscode.Settings {
	s := jscode.Settings{Client: "pg", Mode: "none", Runs: program.MatchString}
	if found := findDirectories(t); len(found) > 0 {
		s.File = found[0].File
	}
	return s
}

// startMigration makes a migration of a file, and returns how the tool sends it.
func startMigration(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	version, _, _ := strings.Cut(path.Base(f.Path), "-")
	return f.Start(s, strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path)), version), onward.TransactionNone
}
