// Package sequelize reads migrations of Sequelize: modules of JavaScript or TypeScript whose function "up" gives literals to the query
// interface, or SQL to sequelize.query. Anything that is put together is listed as not judged.
//
// Measured with Sequelize 6.37 and sequelize-cli 6.6 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - Migrations run in the order of their file names. The name of the file, with its ending, is recorded in "SequelizeMeta".
//   - There is no transaction. A statement is in one only if it gets {transaction: t} of sequelize.transaction: one that does not runs on
//     another connection, also inside of the callback.
//   - A call sends one message. Some have several statements: addColumn with an enum, changeColumn.
//   - Sequelize does not notice if the file of an applied migration is gone, or has another text.
package sequelize

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads Sequelize's migrations.
var Adapter = jscode.Adapter{
	Framework: "sequelize", Finds: "modules with a function up that gets a query interface",
	Tool: history.Tool{
		Name: "Sequelize", Unit: "a transaction of sequelize.transaction", Apart: "a call without the option transaction",
	},
	HistoryTables: []adapter.HistoryTable{{Table: historyTable, Columns: `(name varchar(255) PRIMARY KEY)`}},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "Sequelize records names, not contents: databases that have it keep what the old text did",
		Deleted:    "Sequelize does not notice",
		Renamed:    "Sequelize records names, and runs it again",
		OutOfOrder: "Sequelize runs it after the newer ones: new databases run it before them",
	},
	Stamped: stamped, IsMigration: isMigration, Directories: directories, ReadSettings: readSettings, Start: startMigration,
	Translate: translateCall,
	Call:      jscode.CallParameter(".sequelize.query("),
	Compose:   newComposer, Count: describeHistoryTable,
}

var (
	// stamped matches the file names that Sequelize's own command makes.
	stamped = lazyregexp.New(`^\d{14}-.+\.[cm]?[jt]s$`)
	word    = lazyregexp.New(`\b[qQ]ueryInterface\b`)

	settingFile = lazyregexp.New(`(?i)(?:(?:^|/)\.sequelizerc|(?:^|[/._-])(?:sequelize|config|db|database|orm)(?:[/._-][^/]*)?\.(?:[cm]?[jt]s|json))$`)
)

// directories finds what the settings of sequelize-cli name.
var directories = jscode.NewDirectorySetting(jscode.DirectorySetting{
	File: lazyregexp.New(`(?:^|/)\.sequelizerc(?:\.[cm]?js)?$`), Key: `\bmigrations-path`, Default: "migrations",
	Elsewhere: lazyregexp.New(`\bmigrations-path\b|\.\.\.|\bexports\s*=\s*require\b`),
})

// historyTable is Sequelize's own name of its table.
const historyTable = "SequelizeMeta"

// tableSetting finds the table in the settings of sequelize-cli.
var tableSetting = jscode.TableSetting{
	Table:   lazyregexp.New(`\bmigrationStorageTableName['"]?\s*:\s*['"]([\w.]+)['"]`),
	Schema:  lazyregexp.New(`\bmigrationStorageTableSchema['"]?\s*:\s*['"](\w+)['"]`),
	Default: historyTable,
}

// isMigration reports whether a text is a migration of Sequelize.
func isMigration(text string) bool {
	return strings.Contains(text, "ueryInterface") && word.MatchString(text) && jscode.HasUp(text)
}

// dialects are the databases of Sequelize's dialects.
var dialects = jscode.Databases{
	Pattern:  lazyregexp.New(`\bdialect['"]?\s*:\s*['"](\w+)`),
	Postgres: "postgres",
	Foreign: map[string]string{
		"mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "mssql": "SQL Server", "oracle": "Oracle", "snowflake": "Snowflake", "db2": "Db2",
	},
}

// readSettings reads the settings of a project from at most 200 files whose names say that they have them.
func readSettings(t adapter.Tree) jscode.Settings {
	return adapter.Memoize(t, "sequelize settings", func() jscode.Settings {
		var s jscode.Settings
		files := jscode.ReadSettingFiles(t, settingFile)
		s.Foreign, s.Table, s.Joins = dialects.FindForeign(files), tableSetting.FindTable(files), JoinsTransactions(t)
		for _, f := range files {
			if path.Base(f.Path) == ".sequelizerc" {
				s.File = f.Path
			}
		}
		return s
	})
}

// modelFile matches the files in which programs set up Sequelize, usually.
var modelFile = lazyregexp.New(`(?:^|/)(?:models?|database|db|sequelize|server|app|index|migrate|umzug)(?:/index)?\.[cm]?[jt]s$`)

// JoinsTransactions reports whether a call without the option transaction joins the transaction of the callback that makes it: Sequelize 7
// does so unless its settings say no, and older ones after Sequelize.useCLS.
func JoinsTransactions(t adapter.Tree) bool {
	joins := len(jscode.ListPackages(t, "@sequelize/core")) > 0
	for _, f := range jscode.ReadSettingFiles(t, modelFile) {
		if strings.Contains(f.Text, ".useCLS(") {
			return true
		}
		joins = joins && !strings.Contains(f.Text, "disableClsTransactions: true")
	}
	return joins
}

// startMigration makes a migration of a file, and returns how Sequelize sends it. Its version is its name, by which Sequelize sorts.
func startMigration(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := path.Base(f.Path)
	return f.Start(s, name, strings.TrimSuffix(name, path.Ext(name))), onward.TransactionNone
}
