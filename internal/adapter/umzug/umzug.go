// Package umzug reads migrations that umzug runs for a program of the project: modules of JavaScript or TypeScript whose function "up" gets
// {context}. The program says what the context is: a client of "pg", the function of "postgres", Knex, or the query interface of Sequelize.
// The migrations run, with a recorder in its place.
//
// Measured once with umzug 3.8 and pg 8.16 on Postgres 16, by the statements in the server's log; no test repeats it:
//
//   - Migrations run in the order of their names. The program decides where a name is recorded.
//   - umzug opens no transaction.
//   - umzug does not notice if the file of an applied migration is gone, or has another text.
package umzug

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/adapter/knex"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads the migrations that umzug runs.
var Adapter = newReader("client", jscode.TranslateSent)

// newReader returns what reads migrations that get one kind of object.
func newReader(world string, translate func(call jscode.Value) jscode.Translation) jscode.Adapter {
	return jscode.Adapter{
		Framework: "umzug", World: world, Finds: "modules with a function up, which a program with new Umzug names",
		Tool: history.Tool{Name: "umzug"},
		HistoryBehavior: adapter.HistoryBehavior{
			Edited:     "umzug records names, not contents: databases that have it keep what the old text did",
			Deleted:    "umzug does not notice",
			Renamed:    "umzug records names, and runs it again",
			OutOfOrder: "umzug runs it after the newer ones: new databases run it before them",
		},
		Find: findDirectories, ReadSettings: readProject, Start: beginMigration, IsMigration: jscode.HasUp, Translate: translate, Choose: chooseReader,
	}
}

// chooseReader returns what reads the migrations of a directory: its program says what they get.
func chooseReader(t adapter.Tree, dir string) jscode.Adapter {
	switch readRunners(t)[dir].world {
	case "knex":
		return newReader("knex", knex.Adapter.Translate)
	case "sequelize":
		return newReader("sequelize", sequelize.Adapter.Translate)
	}
	return newReader("client", jscode.TranslateSent)
}

var (
	starts = lazyregexp.New(`\bnew\s+Umzug\b`)
	// glob matches the pattern of the files, and what is before it.
	glob = lazyregexp.New(`\bglob\s*:\s*(?:\[\s*)?(?:(?:path\.)?(join|resolve)\(\s*__dirname\s*,\s*|(__dirname)\s*\+\s*)?['"` + "`" +
		`](\$\{__dirname\})?([^'"` + "`" + `*]*)\*`)
	within = lazyregexp.New(`\bcwd\s*:\s*(?:__dirname|import\.meta\.dirname)\b`)
	// gives matches the context.
	gives = lazyregexp.New(`\bcontext\s*:\s*([^\n]+)`)
)

// runner is what a program says about the migrations that umzug runs for it.
type runner struct{ file, world, foreign string }

// readRunners returns what the programs of a tree say, by the directory of the migrations.
func readRunners(t adapter.Tree) map[string]runner {
	return adapter.Memoize(t, "runners of umzug", func() map[string]runner {
		out := map[string]runner{}
		packages := jscode.ListPackages(t, "umzug")
		if len(packages) == 0 {
			return out
		}
		read := 0
		for _, file := range t.Paths() {
			if read == mostRead || !isProgram(file) {
				continue
			}
			i := slices.IndexFunc(packages, func(p *jscode.Package) bool { return p.Dir() == "" || strings.HasPrefix(file, p.Dir()+"/") })
			if i < 0 {
				continue
			}
			read++
			text := adapter.ReadFile(t, file).Text
			m := glob.FindStringSubmatch(text)
			if m == nil || !starts.MatchString(text) {
				continue
			}
			r := runner{file: file, world: "client", foreign: packages[i].FindForeign()}
			if c := gives.FindStringSubmatch(text); c != nil {
				switch {
				case strings.Contains(c[1], "ueryInterface"):
					r.world = "sequelize"
				case strings.Contains(strings.ToLower(c[1]), "knex"):
					r.world = "knex"
				}
			}
			isBeside := m[1] != "" || m[2] != "" || m[3] != "" || within.MatchString(text)
			root := packages[i].Dir()
			if isBeside {
				root = path.Dir(file)
			}
			out[strings.TrimPrefix(path.Join("/", root, m[4]), "/")] = r
		}
		return out
	})
}

// mostRead bounds the programs that are read.
const mostRead = 400

// isProgram reports whether a file is a program that may start umzug, by its name.
func isProgram(file string) bool {
	ending := path.Ext(file)
	return slices.Contains(adapter.ScriptEndings, ending) && !strings.Contains(file, "node_modules/") && !adapter.IsNoProgram(path.Base(file)) &&
		settingName.MatchString(file)
}

// settingName matches the usual names of such a program.
var settingName = lazyregexp.New(`(?i)(?:migrat|umzug|database|db)[^/]*(?:/[^/]*)?$|(?:^|/)(?:index|main|app|server)\.[cm]?[jt]s$`)

// findDirectories finds the directories of migrations.
func findDirectories(t adapter.Tree) []jscode.FoundDirectory {
	runners, named := readRunners(t), map[string]string{}
	for dir, r := range runners {
		named[dir] = r.file
	}
	out := jscode.ListFound(t, named)
	for i := range out {
		out[i].Foreign = runners[out[i].Dir].foreign
	}
	return out
}

// readProject says that there is no transaction, and what a program gets beside the context.
func readProject(t adapter.Tree) jscode.Settings {
	s := jscode.Settings{Client: "pg", Mode: "none", RunSettings: func(program string) string {
		text, _ := json.Marshal(map[string]any{"context": true, "name": path.Base(program), "path": "/" + program}) // texts have a form
		return string(text)
	}}
	if found := findDirectories(t); len(found) > 0 {
		s.File = found[0].File
	}
	return s
}

// beginMigration begins with a migration, and says how it is sent.
func beginMigration(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := path.Base(f.Path)
	return f.Start(s, name, strings.TrimSuffix(name, path.Ext(name))), onward.TransactionNone
}
