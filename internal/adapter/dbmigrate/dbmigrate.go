// Package dbmigrate reads migrations of db-migrate: modules of JavaScript whose function "up" gets the driver for Postgres. They run, with
// a recorder in place of the driver. The SQL files that they read come from the revision.
//
// Measured with db-migrate 0.11 and db-migrate-pg 1.5 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - Migrations run in the order of their numbers. Each runs in a transaction of its own, which also records its name, with a "/" before it.
//   - A method of the driver sends at once, in one message, or in one for each statement: changeColumn sends three or four.
//   - runSql replaces each "?" by "$1" and so on, if it gets values.
//   - A file of SQL without a program that reads it never runs.
//   - db-migrate does not notice if the file of an applied migration is gone, or has another text.
package dbmigrate

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads db-migrate's migrations.
var Adapter = jscode.Adapter{
	Framework: "db-migrate", Finds: "modules with a function up in the directory of migrations of a package that depends on db-migrate",
	Tool: history.Tool{Name: "db-migrate", Apart: "SQL that you run before the migrations, and without them"},
	HistoryTables: []adapter.HistoryTable{
		{Table: historyTable, Columns: `(id serial PRIMARY KEY NOT NULL, name varchar(255) NOT NULL, run_on timestamp NOT NULL)`},
	},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "db-migrate records names, not contents: databases that have it keep what the old text did",
		Deleted:    "db-migrate does not notice",
		Renamed:    "db-migrate records names, and runs it again",
		OutOfOrder: "db-migrate runs it after the newer ones: new databases run it before them",
	},
	Find: findDirectories, ReadSettings: readToolSettings, Start: startMigration, IsMigration: jscode.HasUp,
	Translate: jscode.TranslateSent, Count: describeHistoryTable,
}

// historyTable is db-migrate's own name of its table.
const historyTable = "migrations"

var (
	// directory matches the directory in a command or in settings.
	directory = lazyregexp.New(`(?:db-migrate\b[^"&|;]*?(?:\s-m|--migrations-dir)[ =]+|["']?migrations-dir["']?\s*:\s*)["']?([\w./@-]+)`)
	settings  = lazyregexp.New(`(?:^|/)(?:\.db-migraterc|database\.json|[\w.-]*migrat[\w.-]*\.(?:[cm]?[jt]s))$`)
	program   = lazyregexp.New(`['"]db-migrate['"]`)
	table     = lazyregexp.New(`["']?migration-table["']?(?:\s*:\s*|[ =]+)["']?(\w+)`)
	driver    = lazyregexp.New(`["']driver["']\s*:\s*["'](\w+)["']`)
)

// foreignDrivers are the drivers of db-migrate for other databases.
var foreignDrivers = []struct{ name, database string }{
	{"db-migrate-mysql", "MySQL"}, {"db-migrate-sqlite3", "SQLite"}, {"db-migrate-mongodb", "MongoDB"}, {"db-migrate-cockroachdb", "CockroachDB"},
}

// findDirectories finds the directories of migrations in packages that depend on db-migrate.
func findDirectories(t adapter.Tree) []jscode.FoundDirectory {
	return adapter.Memoize(t, "directories of db-migrate", func() []jscode.FoundDirectory {
		packages := jscode.ListPackages(t, "db-migrate", "db-migrate-pg")
		if len(packages) == 0 {
			return nil
		}
		var out []jscode.FoundDirectory
		files := jscode.ReadSettingFiles(t, settings)
		for _, p := range packages {
			fileByDir := map[string]string{}
			for _, m := range directory.FindAllStringSubmatch(adapter.ReadFile(t, p.File).Text, 20) {
				fileByDir[path.Join(p.Dir(), m[1])] = p.File
			}
			for _, f := range files {
				isProgram := path.Ext(f.Path) != "" && path.Ext(f.Path) != ".json"
				if isProgram && !program.MatchString(f.Text) {
					continue
				}
				for _, m := range directory.FindAllStringSubmatch(f.Text, 20) {
					fileByDir[path.Join(path.Dir(f.Path), m[1])] = f.Path
				}
			}
			fileByDir[path.Join(p.Dir(), "migrations")] = p.File
			for _, found := range jscode.ListFound(t, fileByDir) {
				found.Beside, found.Foreign = []string{path.Join(found.Dir, "sqls")}, findForeignDatabase(t, p)
				out = append(out, found)
			}
		}
		return out
	})
}

// findForeignDatabase returns the database other than Postgres for which a package has migrations.
func findForeignDatabase(t adapter.Tree, p *jscode.Package) string {
	if p.DependsOn("db-migrate-pg") {
		return ""
	}
	for _, d := range foreignDrivers {
		if p.DependsOn(d.name) {
			return d.database
		}
	}
	file := path.Join(p.Dir(), "database.json")
	if m := driver.FindStringSubmatch(adapter.ReadFile(t, file).Text); m != nil && m[1] != "pg" {
		return map[string]string{"mysql": "MySQL", "sqlite3": "SQLite", "mongodb": "MongoDB"}[m[1]]
	}
	return p.FindForeign()
}

// readToolSettings reads the name of the table.
func readToolSettings(t adapter.Tree) jscode.Settings {
	var s jscode.Settings
	for _, p := range jscode.ListPackages(t, "db-migrate", "db-migrate-pg") {
		s.File = p.File
		for _, file := range []string{p.File, path.Join(p.Dir(), ".db-migraterc")} {
			if m := table.FindStringSubmatch(adapter.ReadFile(t, file).Text); m != nil {
				s.Table = pgparse.QuoteIdent(m[1])
			}
		}
	}
	return s
}

// startMigration makes a migration of a file, and returns how the tool sends it.
func startMigration(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	version, _, _ := strings.Cut(name, "-")
	return f.Start(s, name, version), onward.TransactionFile
}

// describeHistoryTable describes db-migrate's table.
func describeHistoryTable(jscode.Settings, string) *adapter.Count {
	return &adapter.Count{
		Table: historyTable,
		Read: func(table string) string {
			return "SELECT ltrim(name, '/'), '', false FROM " + table
		},
		Key: func(m *adapter.Migration) string { return m.ID },
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + " (name, run_on) VALUES (" + pgparse.QuoteLiteral("/"+m.ID) + ", clock_timestamp())"
		},
		Row:   func(m *adapter.Migration) string { return "ltrim(name, '/') = " + pgparse.QuoteLiteral(m.ID) },
		Order: "id",
	}
}
