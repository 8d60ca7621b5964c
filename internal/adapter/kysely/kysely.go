// Package kysely reads migrations of Kysely: modules of TypeScript or JavaScript whose function "up" executes schema builders, writes
// and SQL of the tag sql. A call whose values are not known without a database is listed as not judged.
//
// Measured with Kysely 0.28 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - Migrations run in the order of their file names. The name without its ending is recorded.
//   - All pending migrations run in one transaction, in which Kysely refuses another one. With "disableTransactions: true" there is none.
//   - A builder sends nothing until it is executed. Then it is one statement, with its values as parameters, also if nothing awaits it.
//   - Kysely refuses to run anything if the file of an applied migration is gone, or if a new one sorts before an applied one.
package kysely

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads Kysely's migrations.
var Adapter = jscode.Adapter{
	Framework: "kysely", Finds: "modules with a function up that gets Kysely",
	Tool: history.Tool{
		Name: "Kysely", Unit: "pending migrations", Apart: "SQL that you run before the migrations, and without them",
	},
	HistoryTables: []adapter.HistoryTable{
		{Table: historyTable, Columns: `(name varchar(255) NOT NULL PRIMARY KEY, "timestamp" varchar(255) NOT NULL)`},
		{Table: "kysely_migration_lock", Columns: `(id varchar(255) NOT NULL PRIMARY KEY, is_locked integer DEFAULT 0 NOT NULL)`},
	},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "Kysely records names, not contents: databases that have it keep what the old text did",
		Deleted:    "Kysely refuses to run (\"corrupted migrations\")",
		Renamed:    "Kysely refuses to run (\"corrupted migrations\")",
		OutOfOrder: "Kysely refuses to run (\"corrupted migrations\"), unless allowUnorderedMigrations is set",
	},
	Stamped: stamped, IsMigration: isMigration, ReadSettings: readSettings, Start: startProgram,
	Translate: translateCall, IgnoresOthers: true, // FileMigrationProvider
	Count: describeHistoryTable,
}

var (
	// stamped matches the file names that the command of kysely-ctl makes.
	stamped = lazyregexp.New(`^\d{13}_.+\.[cm]?[jt]s$`)
	word    = lazyregexp.New(`['"]kysely['"]|\bKysely<`)

	unordered   = lazyregexp.New(`\ballowUnorderedMigrations\s*:\s*true\b`)
	disabled    = lazyregexp.New(`\bdisableTransactions\s*:\s*true\b`)
	settingFile = lazyregexp.New(`(?i)(?:^|[/._-])(?:kysely|db|database|migrat\w*)(?:[/._-][^/]*)?\.[cm]?[jt]s$`)
)

// historyTable is Kysely's own name of its table.
const historyTable = "kysely_migration"

// tableSetting finds the table in the options of a Migrator.
var tableSetting = jscode.TableSetting{
	Table:   lazyregexp.New(`\bmigrationTableName['"]?\s*:\s*['"]([\w.]+)['"]`),
	Schema:  lazyregexp.New(`\bmigrationTableSchema['"]?\s*:\s*['"](\w+)['"]`),
	Default: historyTable,
}

// isMigration reports whether a text is a migration of Kysely.
func isMigration(text string) bool {
	return strings.Contains(text, "ysely") && word.MatchString(text) && jscode.HasUp(text)
}

// dialects are the databases of Kysely's dialects.
var dialects = jscode.Databases{
	Pattern:  lazyregexp.New(`\b(Postgres|PostgresJS|Mysql|Sqlite|BunSqlite|Mssql|LibSql|D1|PlanetScale)Dialect\b`),
	Postgres: "Postgres",
	Foreign: map[string]string{
		"Mysql": "MySQL", "PlanetScale": "MySQL", "Sqlite": "SQLite", "BunSqlite": "SQLite", "LibSql": "SQLite", "D1": "SQLite", "Mssql": "SQL Server",
	},
}

// readSettings reads the settings of a project from at most 200 files whose names say that they have them.
func readSettings(t adapter.Tree) jscode.Settings {
	return adapter.Memoize(t, "kysely settings", func() jscode.Settings {
		s := jscode.Settings{Together: true}
		files := slices.DeleteFunc(jscode.ReadSettingFiles(t, settingFile), func(f *adapter.File) bool { return !strings.Contains(f.Text, "ysely") })
		s.Foreign, s.Table = dialects.FindForeign(files), tableSetting.FindTable(files)
		for _, f := range files {
			if strings.Contains(f.Text, "new Migrator(") && s.File == "" {
				s.File = f.Path
			}
			if unordered.MatchString(f.Text) {
				s.File, s.OutOfOrder = f.Path, "Kysely runs it after the newer ones: new databases run it before them"
			}
			if disabled.MatchString(f.Text) {
				s.File, s.Mode, s.Together = f.Path, "none", false
			}
			switch {
			case strings.Contains(f.Text, "WithSchemaPlugin("):
				s.Translate = translateWithSchema
			case strings.Contains(f.Text, "CamelCasePlugin(") && s.Translate == nil:
				s.Translate = translateSnakeCase
			}
		}
		return s
	})
}

// startProgram makes a migration of a file, and returns how Kysely sends it. Its version is its name, by which Kysely sorts.
func startProgram(f *adapter.File, s adapter.Source, c jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	sent := onward.TransactionFile
	if c.Mode == "none" {
		sent = onward.TransactionNone
	}
	return f.Start(s, name, name), sent
}
