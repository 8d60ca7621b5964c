// Package mikroorm reads migrations of MikroORM: classes of TypeScript or JavaScript whose method "up" gives SQL to this.addSql. What
// it runs by itself (execute, getKnex) is listed as not judged.
//
// Measured with MikroORM 6.6 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - Migrations run in the order of their file names. The name without its ending is recorded.
//   - By default all pending migrations run in one transaction, each in a savepoint. With "allOrNothing: false" each has its own, with
//     "transactional: false" none has one.
//   - A migration whose isTransactional returns false runs on another connection, while the transaction of the others is open. Its name is
//     recorded in that.
//   - addSql sends nothing. When up has ended, each text is one message.
//   - The table has names, not contents: an edited migration does not run again.
package mikroorm

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads MikroORM's migrations.
var Adapter = jscode.Adapter{
	Framework: "mikro-orm", Finds: "classes that extend Migration and call addSql",
	Tool: history.Tool{
		Name: "MikroORM", Unit: "pending migrations", OutsideBeside: true,
		Apart: "a migration of its own, in a later release, that has the method\nisTransactional() { return false }",
	},
	HistoryTables: []adapter.HistoryTable{{
		Table: historyTable, Columns: `(id serial PRIMARY KEY, name varchar(255), executed_at timestamptz DEFAULT CURRENT_TIMESTAMP)`,
	}},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "MikroORM records names, not contents: databases that have it keep what the old text did",
		Deleted:    "MikroORM does not notice",
		Renamed:    "MikroORM records names, and runs it again",
		OutOfOrder: "MikroORM runs it after the newer ones: new databases run it before them",
	},
	Stamped:     lazyregexp.New(`^Migration\d{14}.*\.[cm]?[jt]s$`),
	IsMigration: isMigration, ReadSettings: readSettings, Start: startProgram,
	Translate: translateCall,
	Call:      func(string) string { return "this.addSql(" },
	Compose:   newComposer, Count: describeHistoryTable,
}

var (
	class       = lazyregexp.New(`\bclass\s+[\w$]+\s+extends\s+(?:[\w$]+\.)?Migration\b`)
	outside     = lazyregexp.New(`\bisTransactional\s*\(\s*\)[^{]*\{\s*return\s+false\b`)
	settingFile = lazyregexp.New(`(?i)(?:^|[/._-])(?:mikro-?orm|orm|db|database)(?:[/._-][^/]*)?\.(?:[cm]?[jt]s|json)$`)
	setting     = lazyregexp.New(`\b(transactional|allOrNothing)['"]?\s*:\s*false\b`)
)

// historyTable is MikroORM's own name of its table.
const historyTable = "mikro_orm_migrations"

// tableSetting finds the table in the settings of migrations.
var tableSetting = jscode.TableSetting{
	Table:   lazyregexp.New(`\bmigrations['"]?\s*:\s*\{[^}]*?\btableName['"]?\s*:\s*['"]([\w.]+)['"]`),
	Default: historyTable,
}

// isMigration reports whether a text is a migration of MikroORM.
func isMigration(text string) bool {
	return (strings.Contains(text, "mikro-orm") || strings.Contains(text, "this.addSql(")) && class.MatchString(text)
}

// drivers are the databases of MikroORM's drivers.
var drivers = jscode.Databases{
	Pattern:  lazyregexp.New(`@mikro-orm/(postgresql|mysql|mariadb|sqlite|better-sqlite|libsql|mssql|mongodb)\b`),
	Postgres: "postgresql",
	Foreign: map[string]string{
		"mysql": "MySQL", "mariadb": "MariaDB", "sqlite": "SQLite", "better-sqlite": "SQLite", "libsql": "SQLite", "mssql": "SQL Server", "mongodb": "MongoDB",
	},
}

// readSettings reads the settings of a project from at most 200 files whose names say that they have them.
func readSettings(t adapter.Tree) jscode.Settings {
	return adapter.Memoize(t, "mikro-orm settings", func() jscode.Settings {
		s := jscode.Settings{Together: true}
		files := jscode.ReadSettingFiles(t, settingFile)
		s.Foreign, s.Table = drivers.FindForeign(files), tableSetting.FindTable(files)
		for _, f := range files {
			if !strings.Contains(f.Text, "ikro") && !strings.Contains(f.Path, "ikro") {
				continue
			}
			if s.File == "" && strings.Contains(path.Base(f.Path), "mikro") {
				s.File = f.Path
			}
			for _, m := range setting.FindAllStringSubmatch(f.Text, 20) {
				s.File, s.Together = f.Path, false
				if m[1] == "transactional" {
					s.Mode = "none"
				}
			}
		}
		return s
	})
}

// startProgram makes a migration of a file, and returns how MikroORM sends it. Its version is its name, by which MikroORM sorts.
func startProgram(f *adapter.File, s adapter.Source, c jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	sent := onward.TransactionFile
	if c.Mode == "none" || outside.MatchString(f.Text) {
		sent = onward.TransactionNone
	}
	return f.Start(s, name, name), sent
}

// translateCall returns the SQL of a call of the migration.
func translateCall(call jscode.Value) jscode.Translation {
	links := call.Links[1:]
	switch {
	case len(links) != 1 || !links[0].Called:
		return jscode.Translation{Why: "its SQL is known only when it runs"}
	case links[0].Name != "addSql" || len(links[0].Arguments) == 0:
		return jscode.Translation{Why: "its SQL is known only when it runs"}
	case links[0].Arguments[0].Kind != jscode.Text:
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	return jscode.Translation{Statements: []jscode.Statement{{Text: links[0].Arguments[0]}}}
}
