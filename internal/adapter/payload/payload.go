// Package payload reads the migrations of Payload with a database of Postgres: modules of TypeScript or JavaScript whose function "up" gets
// Drizzle's transaction, and gives SQL of the tag sql to db.execute. They run, with a recorder in its place.
//
// Measured with Payload 3.90 (@payloadcms/drizzle: migrate) on a server that logs statements; the test of internal/adapter/realrunners
// repeats it:
//
//   - The files of the directory that end in .js or .ts run in the order of their names, without index. The name without its ending is recorded.
//   - Each has a transaction of its own, which also records it.
//   - db.execute sends one message. Values of the tag are parameters.
//   - payload.db.drizzle and payload.db.pool send on other connections of the pool, while the transaction is open. payload.db.execute sends
//     by the handle that it gets.
//   - Other calls of payload, such as payload.update, send what the collections need: they are listed as not judged.
//   - Payload does not notice if the file of an applied migration is gone, or has another text.
package payload

import (
	"path"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads Payload's migrations.
var Adapter = jscode.Adapter{
	Framework: "payload", Finds: "modules with a function up in the directory of migrations of a package that depends on @payloadcms/db-postgres",
	Tool: history.Tool{Name: "Payload", Apart: "a migration of its own that calls payload.db.drizzle.execute"},
	HistoryTables: []adapter.HistoryTable{{Table: "payload_migrations", Columns: `(id serial PRIMARY KEY, name varchar, batch numeric,` +
		` updated_at timestamptz(3) DEFAULT now() NOT NULL, created_at timestamptz(3) DEFAULT now() NOT NULL)`}},
	HistoryBehavior: adapter.HistoryBehavior{
		Edited:     "Payload records names, not contents: databases that have it keep what the old text did",
		Deleted:    "Payload does not notice",
		Renamed:    "Payload records names, and runs it again",
		OutOfOrder: "Payload runs it after the newer ones: new databases run it before them",
	},
	Find: findDirectories, ReadSettings: readToolSettings, Start: startMigration, IsMigration: jscode.HasUp,
	Translate: jscode.TranslateSent,
}

// postgresPackages are Payload's packages for Postgres.
var postgresPackages = []string{"@payloadcms/db-postgres", "@payloadcms/db-vercel-postgres"}

var (
	settingFile   = lazyregexp.New(`(?:^|/)payload\.config\.[cm]?[jt]s$|(?:^|/)(?:db|database)[\w.-]*\.[cm]?[jt]s$`)
	adapterCall   = lazyregexp.New(`\b(?:vercelPostgresAdapter|postgresAdapter)\s*\(`)
	directory     = lazyregexp.New(`\bmigrationDir\s*:\s*(?:path\.(?:join|resolve)\(\s*\w+\s*,\s*)?['"]([^'"]+)['"]`)
	noTransaction = lazyregexp.New(`\btransactionOptions\s*:\s*false\b`)
	// program matches the names of files that Payload runs.
	program = lazyregexp.New(`\.[jt]s$`)
	// usual are the places where Payload looks for the directory if nothing else is set.
	usual = []string{"src/migrations", "dist/migrations", "migrations"}
)

// findDirectories finds the directories of migrations in packages that depend on Payload's package for Postgres.
func findDirectories(t adapter.Tree) []jscode.FoundDirectory {
	return adapter.Memoize(t, "directories of Payload", func() []jscode.FoundDirectory {
		packages := jscode.ListPackages(t, postgresPackages...)
		if len(packages) == 0 {
			return nil
		}
		var out []jscode.FoundDirectory
		files := jscode.ReadSettingFiles(t, settingFile)
		for _, p := range packages {
			fileByDir := map[string]string{}
			for _, f := range files {
				isOwn := p.Dir() == "" || strings.HasPrefix(f.Path, p.Dir()+"/")
				if m := directory.FindStringSubmatch(f.Text); m != nil && isOwn && adapterCall.MatchString(f.Text) {
					fileByDir[path.Join(path.Dir(f.Path), m[1])] = f.Path
					fileByDir[path.Join(p.Dir(), m[1])] = f.Path
				}
			}
			for _, dir := range usual {
				if dir = path.Join(p.Dir(), dir); len(fileByDir) == 0 && jscode.HasPrograms(t, dir) {
					fileByDir[dir] = p.File
				}
			}
			out = append(out, jscode.ListFound(t, fileByDir)...)
		}
		return out
	})
}

// readToolSettings says what the tool's object is, and whether there are transactions.
func readToolSettings(t adapter.Tree) jscode.Settings {
	s := jscode.Settings{RunSettings: func(string) string { return `{"payload": true}` }, Runs: program.MatchString}
	if found := findDirectories(t); len(found) > 0 {
		s.File = found[0].File
	}
	for _, f := range jscode.ReadSettingFiles(t, settingFile) {
		if adapterCall.MatchString(f.Text) && noTransaction.MatchString(f.Text) {
			s.File, s.Mode = f.Path, "none"
		}
	}
	return s
}

// startMigration makes a migration of a file, and returns how the tool sends it.
func startMigration(f *adapter.File, s adapter.Source, c jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name, _, _ := strings.Cut(path.Base(f.Path), ".")
	sent := onward.TransactionFile
	if c.Mode == "none" {
		sent = onward.TransactionNone
	}
	return f.Start(s, name, name), sent
}
