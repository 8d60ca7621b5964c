// Package umzug reads migrations that umzug runs for a program of the project: modules of JavaScript or TypeScript whose function "up" gets
// {context}. The program says what the context is: a client of "pg", the function of "postgres", Knex, or the query interface of Sequelize.
// The migrations run, with a recorder in its place.
//
// Measured with umzug 3.8 on a server that logs statements, with pg 8.16, Knex 3.3 and Sequelize 6.37; the tests of
// internal/adapter/realrunners repeat it:
//
//   - Migrations run in the order of their names. The program decides where a name is recorded.
//   - umzug opens no transaction.
//   - A context that is a function is called, and its result is the context. So Knex itself is none.
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
var Adapter = newReader(runner{context: anyContext})

// newReader returns what reads the migrations of a program.
func newReader(r runner) jscode.Adapter {
	translate := jscode.TranslateSent
	switch r.world {
	case "knex":
		translate = knex.Adapter.Translate
	case "sequelize":
		translate = sequelize.Adapter.Translate
	}
	return jscode.Adapter{
		Framework: "umzug", World: r.world, Finds: "modules with a function up, which a program with new Umzug names",
		Tool: history.Tool{Name: "umzug"},
		HistoryBehavior: adapter.HistoryBehavior{
			Edited:     "umzug records names, not contents: databases that have it keep what the old text did",
			Deleted:    "umzug does not notice",
			Renamed:    "umzug records names, and runs it again",
			OutOfOrder: "umzug runs it after the newer ones: new databases run it before them",
		},
		Find: findDirectories, ReadSettings: r.readSettings, Start: startProgram, IsMigration: jscode.HasUp, Translate: translate, Choose: chooseReader,
	}
}

// chooseReader returns what reads the migrations of a directory: its program says what they get.
func chooseReader(t adapter.Tree, dir string) jscode.Adapter {
	r, known := readRunners(t)[dir]
	if !known {
		r.context = anyContext
	}
	return newReader(r)
}

var (
	starts = lazyregexp.New(`\bnew\s+Umzug\b`)
	// glob matches the pattern of the files, and what is before it.
	glob = lazyregexp.New(`\bglob\s*:\s*(?:\[\s*)?(?:(?:path\.)?(join|resolve)\(\s*__dirname\s*,\s*|(__dirname)\s*\+\s*)?['"` + "`" +
		`](\$\{__dirname\})?([^'"` + "`" + `*]*)\*`)
	cwdPattern = lazyregexp.New(`\bcwd\s*:\s*(?:__dirname|import\.meta\.dirname)\b`)
	// seeds matches directories with the rows of a development database.
	seeds = lazyregexp.New(`(?i)(?:^|/)seed[^/]*$`)
)

// runner is what a program says about the migrations that umzug runs for it: the database other than Postgres for which they are, and the context
// that they get.
type runner struct {
	file, foreign string
	context
}

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
			for _, part := range splitRunners(text) {
				m := glob.FindStringSubmatch(part)
				if m == nil {
					continue
				}
				root := packages[i].Dir()
				if isBeside := m[1] != "" || m[2] != "" || m[3] != "" || cwdPattern.MatchString(part); isBeside {
					root = path.Dir(file)
				}
				if dir := strings.TrimPrefix(path.Join("/", root, m[4]), "/"); !seeds.MatchString(dir) {
					out[dir] = runner{file, packages[i].FindForeign(), readContext(part)}
				}
			}
		}
		return out
	})
}

// splitRunners returns the parts of a program that each start umzug: all of it, if it has one.
func splitRunners(text string) []string {
	found := starts.FindAllStringIndex(text, 20)
	switch len(found) {
	case 0:
		return nil
	case 1:
		return []string{text}
	}
	out := make([]string, len(found))
	for i, m := range found {
		end := len(text)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		out[i] = text[m[0]:end]
	}
	if !slices.ContainsFunc(out, glob.MatchString) { // their options are above
		return []string{text}
	}
	return out
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
	runners, fileByDir := readRunners(t), map[string]string{}
	for dir, r := range runners {
		fileByDir[dir] = r.file
	}
	out := jscode.ListFound(t, fileByDir)
	for i := range out {
		out[i].Foreign = runners[out[i].Dir].foreign
	}
	return out
}

// readSettings says that there is no transaction, and what a program gets.
func (r runner) readSettings(t adapter.Tree) jscode.Settings {
	joins := r.world == "sequelize" && sequelize.JoinsTransactions(t)
	return jscode.Settings{File: r.file, Client: "pg", Mode: "none", Joins: joins, RunSettings: func(program string) string {
		text, _ := json.Marshal(map[string]any{"context": r.form, "name": path.Base(program), "path": "/" + program}) // texts have a form
		return string(text)
	}}
}

// startProgram makes a migration of a file, and returns how the tool sends it.
func startProgram(f *adapter.File, s adapter.Source, _ jscode.Settings) (*adapter.Migration, onward.Transaction) {
	name := path.Base(f.Path)
	return f.Start(s, name, strings.TrimSuffix(name, path.Ext(name))), onward.TransactionNone
}
