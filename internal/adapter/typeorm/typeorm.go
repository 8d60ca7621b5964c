// Package typeorm reads migrations of TypeORM: classes of TypeScript or JavaScript whose function "up" calls
// queryRunner.query and the schema API (createTable, addColumn). A call whose values are not known without a database is listed as not judged.
//
// Measured with TypeORM 1.1 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - A migration's version is the last 13 characters of its name. The name is the field "name", else that of its class.
//   - By default all pending migrations run in one transaction. With migrationsTransactionMode "each", each has its own, together
//     with its row in the table "migrations"; with "none", there is no transaction.
//   - A migration with "transaction = false" has none. With the mode "all" TypeORM refuses to run any
//     (ForbiddenTransactionModeOverrideError).
//   - A text without parameters is one message, and so an implicit transaction if it has several statements.
//   - The table has names, not contents: an edited migration does not run again.
package typeorm

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads TypeORM's migrations.
var Adapter = jscode.Adapter{
	Framework: "typeorm", Finds: "classes that implement MigrationInterface",
	Tool: history.Tool{
		Name: "TypeORM", Unit: "pending migrations",
		Apart: "a migration of its own that has the field\ntransaction = false\nif migrationsTransactionMode is 'each'",
	},
	HistoryTables: []adapter.HistoryTable{{
		Table: historyTable, Columns: `(id serial PRIMARY KEY, "timestamp" bigint NOT NULL, name varchar NOT NULL)`,
	}},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "TypeORM records names, not contents: databases that have it keep what the old text did",
		Deleted:    "TypeORM does not notice",
		Renamed:    "TypeORM records names, and runs it again",
		OutOfOrder: "TypeORM runs it after the newer ones: new databases run it before them",
	},
	Stamped: stamped, IsMigration: isMigration, ReadSettings: readSettings, Start: startProgram, Unique: "name",
	Call:    jscode.CallParameter(".query("),
	Compose: newComposer, Count: describeHistoryTable,
	Translate: translateCall,
}

// historyTable is TypeORM's own name of its table.
const historyTable = "migrations"

// tableSetting finds the table in the files that make a data source with migrations.
var tableSetting = jscode.TableSetting{
	Table:   lazyregexp.New(`\bmigrationsTableName['"]?\s*:\s*['"]([\w.]+)['"]`),
	Schema:  lazyregexp.New(`(?m)^\s*['"]?schema['"]?\s*:\s*['"](\w+)['"]`),
	Default: historyTable,
}

// transactions are the methods that begin and end a transaction.
var transactions = map[string]string{
	"startTransaction": "START TRANSACTION", "commitTransaction": "COMMIT", "rollbackTransaction": "ROLLBACK",
}

// question matches methods that only read the catalog.
var question = lazyregexp.New(`^(?:has(?:Table|Column|Schema|Database)|get(?:Table|Tables|View|Views|Schemas|Databases|CurrentSchema|CurrentDatabase))$`)

// translateCall returns the SQL of a call of the query runner.
func translateCall(call jscode.Value) jscode.Translation {
	links := call.Links[1:]
	if len(links) == 2 && (links[0].Name == "manager" || links[0].Name == "connection") && !links[0].Called && links[1].Name == "query" {
		if links[0].Name == "connection" {
			return jscode.Translation{Why: "it runs on another connection"}
		}
		links = links[1:] // its query is the query runner's
	}
	unknown := jscode.Translation{Why: "its SQL is known only when it runs"}
	if len(links) != 1 || !links[0].Called {
		return unknown
	}
	method, arguments := links[0].Name, links[0].Arguments
	switch {
	case transactions[method] != "":
		return jscode.Translation{Statements: []jscode.Statement{{SQL: transactions[method]}}}
	case question.MatchString(method):
		t := jscode.Translation{Idle: true}
		if (method == "hasTable" || method == "hasColumn") && len(arguments) > 0 && arguments[0].Kind == jscode.Text {
			t.Needs = `"` + strings.ReplaceAll(arguments[0].Text, ".", `"."`) + `"`
		}
		return t
	case method != "query":
		if t, known := translateSchema(method, arguments); known {
			return t
		}
		return unknown
	case len(arguments) == 0:
		return unknown
	case arguments[0].Kind != jscode.Text:
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	return jscode.Translation{Statements: []jscode.Statement{{Text: arguments[0]}}}
}

var (
	// stamped matches the file names that TypeORM's own command makes.
	stamped = lazyregexp.New(`^\d{13}-.+\.[cm]?[jt]s$`)

	class     = lazyregexp.New(`\bclass\s+([\w$]+)`)
	migration = lazyregexp.New(`\bimplements\s+[\w$.,\s]*\bMigrationInterface\b`)
	runner    = lazyregexp.New(`\bup\s*[(=:][\s\S]{0,80}?\bqueryRunner\b`)
	nameField = lazyregexp.New(`(?m)^\s*(?:(?:public|readonly|override)\s+)*name\s*(?::\s*string\s*)?=\s*['"` + "`" + `]([^'"` + "`" + `\n]+)`)
	ownMode   = lazyregexp.New(`(?m)^\s*(?:(?:public|readonly|override)\s+)*transaction\s*(?::\s*[\w |]+)?=\s*(true|false)\b`)

	mode = lazyregexp.New(`(?m)\bmigrationsTransactionMode\b["']?\s*[:=]\s*["'](all|each|none)["']` +
		`|\bmigration:run\b.*?(?:-t|--transaction)[ =]["']?(all|each|none|false|true)\b`)
)

// isMigration reports whether a text is a migration of TypeORM.
func isMigration(text string) bool {
	return strings.Contains(text, "implements MigrationInterface") ||
		strings.Contains(text, "MigrationInterface") && migration.MatchString(text) ||
		strings.Contains(text, "queryRunner") && class.MatchString(text) && runner.MatchString(text)
}

// settings matches the names of files in which a project makes its data source.
var settings = lazyregexp.New(`(?i)(?:data-?_?source|orm|database|(?:^|[/._-])db(?:[/._-]|$)|app\.module)[^/]*\.(?:[cm]?[jt]s|json)$`)

// readSettings reads the project's migrationsTransactionMode: "all" if no file sets it.
func readSettings(t adapter.Tree) jscode.Settings {
	return adapter.Memoize(t, "typeorm settings", func() jscode.Settings {
		file := findSettingsFile(t)
		if file == "" {
			return jscode.Settings{Mode: "all", Together: true, Table: findHistoryTable(t)}
		}
		m := mode.FindStringSubmatch(adapter.RunnerFile(t, file).Text)
		value := cmp.Or(m[1], m[2])
		switch value {
		case "true":
			value = "all"
		case "false":
			value = "none"
		}
		return jscode.Settings{File: file, Mode: value, Together: value == "all", Table: findHistoryTable(t)}
	})
}

// findHistoryTable returns the table that a data source names; "" for none.
func findHistoryTable(t adapter.Tree) string {
	files := slices.DeleteFunc(jscode.ReadSettingFiles(t, settings), func(f *adapter.File) bool { return !strings.Contains(f.Text, "migrations") })
	return tableSetting.FindTable(files)
}

// findSettingsFile returns the first file that sets the mode: one that makes a data source, else one that calls the command.
func findSettingsFile(t adapter.Tree) string {
	for _, f := range jscode.ReadSettingFiles(t, settings) {
		if strings.Contains(f.Text, "migrationsTransactionMode") && mode.MatchString(f.Text) {
			return f.Path
		}
	}
	return adapter.FindMentioned(t, true, mode, "migrationsTransactionMode", "migration:run")
}

// startProgram makes a migration of a file, and returns how the tool sends it.
func startProgram(f *adapter.File, s adapter.Source, c jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	if m := class.FindStringSubmatch(f.Text[max(0, strings.Index(f.Text, "class ")):]); m != nil {
		name = m[1]
	}
	if strings.Contains(f.Text, "name") { // the pattern is slow
		if m := nameField.FindStringSubmatch(f.Text); m != nil {
			name = m[1]
		}
	}
	m := f.Start(s, name, name[max(0, len(name)-13):])
	sent := onward.TransactionFile
	if c.Mode == "none" {
		sent = onward.TransactionNone
	}
	if !strings.Contains(f.Text, "transaction") {
		return m, sent
	}
	if match := ownMode.FindStringSubmatchIndex(f.Text); match != nil {
		if c.Mode == "all" {
			m.Refuse(match[2], "TypeORM refuses to run any migration: "+name+" overrides the transaction mode, and the mode is \"all\"",
				"the deploy stops with ForbiddenTransactionModeOverrideError", "set migrationsTransactionMode: 'each' in the data source")
		}
		if f.Text[match[2]:match[3]] == "false" {
			sent = onward.TransactionNone
		} else {
			sent = onward.TransactionFile
		}
	}
	return m, sent
}
