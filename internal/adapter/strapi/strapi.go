// Package strapi reads the migrations that a project of Strapi adds to Strapi's own: modules of JavaScript whose function "up" gets a
// transaction of Knex. They run, with a recorder in its place.
//
// Measured with @strapi/database 5.54 on a server that logs statements; the test of internal/adapter/realrunners repeats it:
//
//   - The files of database/migrations that end in .js or .sql run in the order of their names. The name of the file is recorded. With
//     useTypescriptMigrations those are what a compiler made of it.
//   - Each has a transaction of its own, which does not include the record.
//   - The second argument is Strapi's database, as is strapi.db. Its connection sends in no transaction, and on another connection of
//     the pool. Its function transaction joins the one of the migration.
//   - Strapi does not notice if the file of an applied migration is gone, or has another text.
package strapi

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads Strapi's migrations.
type Adapter struct{ jscode.Adapter }

// New returns the adapter.
func New() Adapter { return Adapter{programs} }

// programs reads the migrations that are programs.
var programs = jscode.Adapter{
	Framework: "strapi", Finds: "modules with a function up in database/migrations of a package that depends on Strapi",
	Tool: history.Tool{Name: "Strapi", Apart: "a migration of its own that calls strapi.db.connection.raw"},
	HistoryTables: []adapter.HistoryTable{
		{Table: historyTable, Columns: historyColumns}, {Table: historyTable + "_internal", Columns: historyColumns},
	},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "Strapi records names, not contents: databases that have it keep what the old text did",
		Deleted:    "Strapi does not notice",
		Renamed:    "Strapi records names, and runs it again",
		OutOfOrder: "Strapi runs it after the newer ones: new databases run it before them",
	},
	Find: findDirectories, ReadSettings: readToolSettings, Start: startMigration, IsMigration: jscode.HasUp,
	Translate: knex.Adapter.Translate, Count: describeHistoryTable,
}

// historyTable is Strapi's name of its table. A second one has Strapi's own migrations.
const (
	historyTable   = "strapi_migrations"
	historyColumns = `(id serial PRIMARY KEY, name varchar(255), "time" timestamp)`
)

// findDirectories finds database/migrations in packages that depend on Strapi.
func findDirectories(t adapter.Tree) []jscode.FoundDirectory {
	var out []jscode.FoundDirectory
	for _, p := range jscode.ListPackages(t, "@strapi/strapi", "strapi") {
		if dir := path.Join(p.Dir(), "database/migrations"); jscode.HasPrograms(t, dir) {
			out = append(out, jscode.FoundDirectory{Dir: dir, File: p.File, Foreign: p.FindForeign()})
		}
	}
	return out
}

var (
	settingFile = lazyregexp.New(`(?:^|/)config/(?:.*/)?database\.[jt]s$`)
	// compiled matches the setting by which Strapi runs what a compiler made of the migrations.
	compiled = lazyregexp.New(`\buseTypescriptMigrations\s*:\s*true\b`)
	program  = lazyregexp.New(`\.js$`)
	source   = lazyregexp.New(`\.[jt]s$`)
)

// readToolSettings says which client it is, and which files Strapi runs.
func readToolSettings(t adapter.Tree) jscode.Settings {
	s := jscode.Settings{Client: "pg", Runs: program.MatchString}
	if found := findDirectories(t); len(found) > 0 {
		s.File = found[0].File
	}
	for _, f := range jscode.ReadSettingFiles(t, settingFile) {
		if compiled.MatchString(f.Text) {
			s.Runs = source.MatchString
		}
	}
	return s
}

// startMigration makes a migration of a file, and returns how Strapi sends it. Its name is the name of the compiled file.
func startMigration(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := path.Base(f.Path)
	version := strings.TrimSuffix(name, path.Ext(name))
	if path.Ext(name) == ".ts" {
		name = version + ".js"
	}
	return f.Start(s, name, version), onward.TransactionFile
}

// Load reads the programs, and the files of SQL among them: Strapi gives the text of each to knex.raw.
func (a Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set, err := a.Adapter.Load(ctx, t, s)
	if err != nil {
		return nil, err
	}
	d := adapter.ListDir(t, s.Dir, ".sql")
	for _, f := range adapter.ReadFiles(t, d, d.Names) {
		m, sent := startMigration(f, s, jscode.Settings{})
		m.Runner.Tool = a.Tool
		m.Source.Parts = []script.Part{{SQL: f.Text, Message: true}}
		m.Seal(sent, s.Options, f.Text)
		set.Migrations = append(set.Migrations, m)
	}
	slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int { return strings.Compare(a.ID, b.ID) })
	return set, nil
}

// describeHistoryTable describes Strapi's table.
func describeHistoryTable(jscode.Settings, string) *adapter.Count {
	return &adapter.Count{
		Table: historyTable,
		Read:  adapter.KeyOnly("name"),
		Key:   func(m *adapter.Migration) string { return m.ID },
		Write: func(table string, m *adapter.Migration, _ []byte) string {
			return "INSERT INTO " + table + ` (name, "time") VALUES (` + pgparse.QuoteLiteral(m.ID) + ", clock_timestamp())"
		},
		Row:   func(m *adapter.Migration) string { return "name = " + pgparse.QuoteLiteral(m.ID) },
		Order: "id",
	}
}
