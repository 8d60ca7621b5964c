// Package typeorm reads migrations of TypeORM: classes of TypeScript or JavaScript whose function "up" gives SQL to
// queryRunner.query. The schema API (createTable, addColumn) and SQL that is put together are listed as not judged.
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
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/onward"
)

// Name is the framework's name.
const Name = "typeorm"

// Adapter implements [adapter.Adapter].
type Adapter struct{}

// Name is "typeorm".
func (Adapter) Name() string { return Name }

var tool = history.Tool{
	Name: "TypeORM", Unit: "pending migrations",
	Apart: "a migration of its own that has the field\ntransaction = false\nif migrationsTransactionMode is 'each'",
}

// form says how a migration sends SQL.
var form = jscode.Form{Parameter: true, Translate: translateCall}

// transactions are the methods that begin and end a transaction.
var transactions = map[string]string{
	"startTransaction": "START TRANSACTION", "commitTransaction": "COMMIT", "rollbackTransaction": "ROLLBACK",
}

// question matches methods that only read the catalog.
var question = regexp.MustCompile(`^(?:has(?:Table|Column|Schema|Database)|get(?:Table|Tables|View|Views|Schemas|Databases|CurrentSchema|CurrentDatabase))$`)

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
	case method != "query" || len(arguments) == 0:
		return unknown
	case arguments[0].Kind != jscode.Text:
		return jscode.Translation{Why: "its text is put together when it runs"}
	}
	return jscode.Translation{Statements: []jscode.Statement{{Text: arguments[0]}}}
}

var (
	// stamped matches the file names that TypeORM's own command makes.
	stamped = regexp.MustCompile(`^\d{13}-.+\.[cm]?[jt]s$`)
	noRun   = regexp.MustCompile(`(?i)(\.d\.[cm]?ts|[._-](test|spec)\.[cm]?[jt]s|^index\.[cm]?[jt]s)$`)

	class     = regexp.MustCompile(`\bclass\s+([\w$]+)`)
	migration = regexp.MustCompile(`\bimplements\s+[\w$.,\s]*\bMigrationInterface\b`)
	runner    = regexp.MustCompile(`\bup\s*[(=:][\s\S]{0,80}?\bqueryRunner\b`)
	nameField = regexp.MustCompile(`(?m)^\s*(?:(?:public|readonly|override)\s+)*name\s*(?::\s*string\s*)?=\s*['"` + "`" + `]([^'"` + "`" + `\n]+)`)
	ownMode   = regexp.MustCompile(`(?m)^\s*(?:(?:public|readonly|override)\s+)*transaction\s*(?::\s*[\w |]+)?=\s*(true|false)\b`)

	mode = regexp.MustCompile(`(?m)\bmigrationsTransactionMode\b["']?\s*[:=]\s*["'](all|each|none)["']` +
		`|\bmigration:run\b.*?(?:-t|--transaction)[ =]["']?(all|each|none|false|true)\b`)
)

// isMigration reports whether a text is a migration of TypeORM.
func isMigration(text string) bool {
	return strings.Contains(text, "MigrationInterface") && migration.MatchString(text) ||
		strings.Contains(text, "queryRunner") && class.MatchString(text) && runner.MatchString(text)
}

// listFiles returns the programs of a directory that may be migrations.
func listFiles(d adapter.Dir) []string {
	return slices.DeleteFunc(slices.Clone(d.Names), noRun.MatchString)
}

// Detect looks for directories of migrations, which TypeORM's own command begins with a time, and in which a sample has a
// migration of TypeORM.
func (Adapter) Detect(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, adapter.ScriptEndings...) {
		isStamped := func(name string) bool { return stamped.MatchString(name) && !noRun.MatchString(name) }
		if !strings.Contains(strings.ToLower(path.Base(d.Path)), "migration") && !slices.ContainsFunc(d.Names, isStamped) {
			continue
		}
		sample := adapter.SampleNames(listFiles(d), 4)
		n := 0
		for _, f := range adapter.ReadFiles(t, d, sample) {
			if isMigration(f.Text) {
				n++
			}
		}
		if n > 0 {
			out = append(out, adapter.Source{
				Framework: Name, Dir: d.Path, Score: 3,
				Why: fmt.Sprintf("migrations of TypeORM in %d of %d files", n, len(sample)),
			})
		}
	}
	return out
}

// Traits returns the properties of TypeORM.
func (Adapter) Traits() adapter.Traits {
	return adapter.Traits{Tool: tool, HistoryTables: []adapter.HistoryTable{{
		Table: "migrations", Columns: `(id serial PRIMARY KEY, "timestamp" bigint NOT NULL, name varchar NOT NULL)`,
	}}}
}

// Looks says what Detect looks for.
func (Adapter) Looks() string { return "classes that implement MigrationInterface" }

// Load reads the migrations of a directory in the order of their versions.
func (Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{
		Source: s, Evidence: adapter.RunnerEvidence{Tool: tool.Name, Transaction: onward.TransactionFile},
		HistoryBehavior: adapter.HistoryBehavior{
			Edited:     "TypeORM records names, not contents: databases that have it keep what the old text did",
			Deleted:    "TypeORM does not notice",
			Renamed:    "TypeORM records names, and runs it again",
			OutOfOrder: "TypeORM runs it after the newer ones: new databases run it before them",
		},
	}
	mode, at := transactionMode(t)
	set.Evidence.FoundIn = at
	set.Together = mode == "all" && s.Options.Transaction == ""
	d := adapter.ListDir(t, s.Dir, adapter.ScriptEndings...)
	for _, f := range adapter.ReadFiles(t, d, listFiles(d)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.Failed == "" && !isMigration(f.Text) {
			continue
		}
		set.Migrations = append(set.Migrations, loadFile(f, s, mode))
	}
	slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int {
		return cmp.Or(strings.Compare(a.Version, b.Version), strings.Compare(a.Path, b.Path))
	})
	set.History = refuseSameNames(set.Migrations)
	if set.Evidence.FoundIn == "" && len(set.Migrations) > 0 {
		set.Evidence.FoundIn = "classes like that in " + path.Base(set.Migrations[len(set.Migrations)-1].Path)
	}
	return set, nil
}

// refuseSameNames gives the second of two migrations of one name the name of its file.
func refuseSameNames(list []*adapter.Migration) []history.Change {
	var out []history.Change
	first := map[string]*adapter.Migration{}
	for _, m := range list {
		other := first[m.ID]
		if other == nil {
			first[m.ID] = m
			continue
		}
		m.ID = path.Base(m.Path)
		out = append(out, history.Change{
			Kind: history.Duplicate, Migration: m.ID, Path: m.Path, Other: other.ID, Line: 1,
			Detail: "TypeORM runs nothing while two migrations have one name",
		})
	}
	return out
}

// settings matches the names of files in which a project makes its data source.
var settings = regexp.MustCompile(`(?i)(?:data-?_?source|orm|database|(?:^|[/._-])db(?:[/._-]|$)|app\.module)[^/]*\.(?:[cm]?[jt]s|json)$`)

// transactionMode returns the project's migrationsTransactionMode, and the file that sets it; "all" if none does.
func transactionMode(t adapter.Tree) (value, file string) {
	found := adapter.Memoize(t, "typeorm transaction mode", func() [2]string {
		file := findSettings(t)
		if file == "" {
			return [2]string{"all", ""}
		}
		m := mode.FindStringSubmatch(adapter.RunnerFile(t, file).Text)
		value := cmp.Or(m[1], m[2])
		switch value {
		case "true":
			value = "all"
		case "false":
			value = "none"
		}
		return [2]string{value, file}
	})
	return found[0], found[1]
}

// findSettings returns the first file that sets the mode: one that makes a data source, else one that calls the command. It reads at
// most 200 files of the first kind.
func findSettings(t adapter.Tree) string {
	n := 0
	for _, p := range t.Paths() {
		if n == 200 {
			break
		}
		if !settings.MatchString(p) || noRun.MatchString(p) || strings.Contains(p, "node_modules/") {
			continue
		}
		n++
		if text := adapter.RunnerFile(t, p).Text; strings.Contains(text, "migrationsTransactionMode") && mode.MatchString(text) {
			return p
		}
	}
	return adapter.FindMentioned(t, true, mode, "migrationsTransactionMode", "migration:run")
}

// loadFile reads a migration.
func loadFile(f *adapter.File, s adapter.Source, projectMode string) *adapter.Migration {
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	if m := class.FindStringSubmatch(f.Text); m != nil {
		name = m[1]
	}
	if m := nameField.FindStringSubmatch(f.Text); m != nil {
		name = m[1]
	}
	m := f.Start(s, name, name[max(0, len(name)-13):])
	m.Runner.Tool = tool
	m.Source.LineComment = "//"
	if f.Failed != "" {
		return m
	}
	sent := onward.TransactionFile
	if projectMode == "none" {
		sent = onward.TransactionNone
	}
	if at := ownMode.FindStringSubmatchIndex(f.Text); at != nil {
		if projectMode == "all" {
			m.Refuse(at[2], "TypeORM refuses to run any migration: "+name+" overrides the transaction mode, and the mode is \"all\"",
				"the deploy stops with ForbiddenTransactionModeOverrideError", "set migrationsTransactionMode: 'each' in the data source")
		}
		if f.Text[at[2]:at[3]] == "false" {
			sent = onward.TransactionNone
		} else {
			sent = onward.TransactionFile
		}
	}
	jscode.ReadUp(f.Text, form).SealMigration(m, sent, s.Options, f.Text)
	return m
}
