// Package knex reads migrations of Knex: modules of JavaScript or TypeScript whose function "up" calls knex.raw, the schema builder and the
// query builder. A call whose values are not known without a database is listed as not judged.
//
// Measured with Knex 3.3 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - Migrations run in the order of their file names. The name of the file, with its ending, is recorded.
//   - All pending migrations run in one transaction. If one of them has "transaction: false" in its config, each has its own, and that one
//     has none. With disableTransactions, a migration has one only if its config says so.
//   - The schema builder sends the types of enums, then CREATE TABLE with all columns or one ALTER TABLE that adds them, then one statement
//     for each alter(), comment, index, constraint and drop. Each is a message.
//   - The query builder sends values as parameters without a type.
//   - A text without bindings is one message. Knex replaces each "?" in it by "$1", "$2", unless a backslash is before it.
//   - A call sends nothing until it is awaited or returned.
//   - Knex refuses to run anything if the file of an applied migration is gone.
package knex

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads Knex's migrations.
var Adapter = jscode.Adapter{
	Framework: "knex", Finds: "modules with a function up that gets Knex",
	Tool: history.Tool{
		Name: "Knex", Unit: "pending migrations", Apart: "a migration of its own that ends with\nexports.config = { transaction: false }",
	},
	HistoryTables: []adapter.HistoryTable{
		{Table: historyTable, Columns: `(id serial PRIMARY KEY, name varchar(255), batch integer, migration_time timestamptz)`},
		{Table: "knex_migrations_lock", Columns: `("index" serial PRIMARY KEY, is_locked integer)`},
	},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "Knex records names, not contents: databases that have it keep what the old text did",
		Deleted:    "Knex refuses to run (\"The migration directory is corrupt\")",
		Renamed:    "Knex refuses to run (\"The migration directory is corrupt\")",
		OutOfOrder: "Knex runs it after the newer ones: new databases run it before them",
	},
	TogetherIfAll: true,
	Call:          jscode.CallParameter(".raw("),
	Compose:       newComposer, Count: describeHistoryTable,
	Stamped: stamped, IsMigration: isMigration, Directories: directories, ReadSettings: readSettings, Start: startProgram,
	Translate: translateCall,
}

var (
	// stamped matches the file names that Knex's own command makes.
	stamped = lazyregexp.New(`^\d{14}_.+\.[cm]?[jt]s$`)
	// word matches Knex's name in the import of its types, or the usual name of its parameter.
	word = lazyregexp.New(`['"]knex['"]|\b[kK]nex\b`)

	ownMode   = lazyregexp.New(`\bconfig\s*(?::[^=]*)?=\s*\{[^}]*?\btransaction['"]?\s*:\s*(true|false)\b`)
	disabled  = lazyregexp.New(`\bdisableTransactions['"]?\s*:\s*true\b`)
	snakeCase = lazyregexp.New(`\bknexSnakeCaseMappers\s*\(\s*\)`)
	// mapperOptions matches mappers that also change names without capital letters.
	mapperOptions = lazyregexp.New(`\bknexSnakeCaseMappers\s*\(\s*[^)\s]`)
	settingFile   = lazyregexp.New(`(?i)(?:^|[/._-])(?:knex|knexfile|db|database|orm)(?:[/._-][^/]*)?\.(?:[cm]?[jt]s|json)$`)
)

// directories finds what knexfiles name.
var directories = jscode.NewDirectorySetting(jscode.DirectorySetting{
	File: lazyregexp.New(`(?:^|/)knexfile\.(?:[cm]?[jt]s|json)$`), Key: `\bmigrations['"]?\s*:\s*\{[^}]*?\bdirectory`,
	Default:   "migrations",
	Elsewhere: lazyregexp.New(`\bdirectory\b|\bmigrationSource\b|\.\.\.|\bexports\s*=\s*require\b|\bexport\s*(?:\*|\{)`),
	Beside:    lazyregexp.New(`\bseeds['"]?\s*:\s*\{[^{}]*\}`),
})

// historyTable is Knex's own name of its table.
const historyTable = "knex_migrations"

// tableSetting finds the table in the settings of migrations.
var tableSetting = jscode.TableSetting{
	Table:   lazyregexp.New(`\bmigrations['"]?\s*:\s*\{[^}]*?\btableName['"]?\s*:\s*['"]([\w.]+)['"]`),
	Schema:  lazyregexp.New(`\bmigrations['"]?\s*:\s*\{[^}]*?\bschemaName['"]?\s*:\s*['"](\w+)['"]`),
	Default: historyTable,
}

// isMigration reports whether a text is a migration of Knex.
func isMigration(text string) bool {
	return strings.Contains(text, "nex") && word.MatchString(text) && jscode.HasUp(text)
}

// clients are the databases of Knex's clients.
var clients = jscode.Databases{
	Pattern:  lazyregexp.New(`\bclient['"]?\s*:\s*['"]([\w-]+)['"]`),
	Postgres: "p",
	Foreign: map[string]string{
		"mysql": "MySQL", "mysql2": "MySQL", "sqlite3": "SQLite", "better-sqlite3": "SQLite", "mssql": "SQL Server", "oracledb": "Oracle",
		"cockroachdb": "CockroachDB",
	},
}

// readSettings reads the settings of a project from at most 200 files whose names say that they have them. Its mode is "none" if it disables
// transactions.
func readSettings(t adapter.Tree) jscode.Settings {
	return adapter.Memoize(t, "knex settings", func() jscode.Settings {
		s := jscode.Settings{Together: true}
		files := jscode.ReadSettingFiles(t, settingFile)
		s.Foreign, s.Client, s.Table = clients.FindForeign(files), clients.FindPostgres(files), tableSetting.FindTable(files)
		for _, f := range files {
			if disabled.MatchString(f.Text) {
				s.File, s.Mode, s.Together = f.Path, "none", false
			}
			if s.File == "" && strings.HasPrefix(path.Base(f.Path), "knexfile") {
				s.File = f.Path
			}
			switch {
			case strings.Contains(f.Text, "wrapIdentifier") || strings.Contains(f.Text, "knexIdentifierMapping") || mapperOptions.MatchString(f.Text):
				s.Translate = translateRenamed
			case snakeCase.MatchString(f.Text) && s.Translate == nil:
				s.Translate = translateSnakeCase
			}
		}
		return s
	})
}

// startProgram makes a migration of a file, and returns how Knex sends it. Its version is its name, by which Knex sorts.
func startProgram(f *adapter.File, s adapter.Source, c jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := path.Base(f.Path)
	noTransaction := c.Mode == "none"
	if strings.Contains(f.Text, "transaction") {
		if match := ownMode.FindStringSubmatch(f.Text); match != nil {
			noTransaction = match[1] == "false"
		}
	}
	sent := onward.TransactionFile
	if noTransaction {
		sent = onward.TransactionNone
	}
	return f.Start(s, name, strings.TrimSuffix(name, path.Ext(name))), sent
}
