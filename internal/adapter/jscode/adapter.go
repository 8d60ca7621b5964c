package jscode

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter implements [adapter.Adapter] for a tool whose migrations are programs.
type Adapter struct {
	// Framework is its name in reports and in onward.yaml. Finds says what its migrations look like.
	Framework, Finds string
	Tool             history.Tool
	HistoryTables    []adapter.HistoryTable
	HistoryBehavior  adapter.HistoryBehavior
	// Stamped matches the file names that the tool's own command makes: their directory may have any name.
	Stamped *lazyregexp.Regexp
	// IsMigration reports whether a text is a migration of the tool.
	IsMigration func(text string) bool
	// Directories finds the directories that the project's settings name; nil if none do. In them every program
	// with a function up is a migration.
	Directories *DirectorySetting
	// ReadSettings reads the settings of a project.
	ReadSettings func(t adapter.Tree) Settings
	// TogetherIfAll is a property of [adapter.Set].
	TogetherIfAll bool
	// Start makes a migration of a file, and returns how the tool sends it.
	Start func(f *adapter.File, s adapter.Source, c Settings) (*adapter.Migration, onward.Transaction)
	// Translate says what a chain of calls that begins with the tool's object sends.
	Translate func(call Value) Translation
	// Compose composes migrations as programs; nil if none can have a step of a plan.
	Compose Composer
	// Call returns the beginning of a call that sends a text, up to the text: "await knex.raw(" for the first parameter knex of "up"; "" if
	// that parameter is missing. It is nil if no such call is known.
	Call func(parameter string) string
	// Count describes the tool's table, for the settings of a project and the ending of its newest migration.
	Count func(c Settings, ending string) *adapter.Count
	// Find finds the directories that the project's settings name, with what belongs to them; nil if [Adapter.Detect] looks at all directories.
	Find func(t adapter.Tree) []FoundDirectory
	// World is the tool whose objects a program gets; "" for the framework's own.
	World string
	// Choose returns the adapter of a directory, if it depends on what the project says of it; nil if it does not.
	Choose func(t adapter.Tree, dir string) Adapter
	// IgnoresOthers is set if the tool ignores modules in its directory that export no function up.
	IgnoresOthers bool
	// Unique is what two migrations may not share, because the tool then runs nothing: "name" or "version"; "" for nothing.
	Unique string
}

// Settings are what a project says about its migrations.
type Settings struct {
	// File is the file with these settings; "" for none.
	File string
	// Mode is how the migrations are sent, in the tool's words. Together is set if all that are pending are one transaction.
	Mode     string
	Together bool
	// Joins is set if a call without a transaction joins the transaction of the callback that makes it.
	Joins bool
	// Foreign is their database if it is not Postgres: "MySQL"; "" for Postgres.
	Foreign string
	// Translate replaces the one of the tool, if it is set: the settings change what a call sends.
	Translate func(call Value) Translation
	// Client is the name of Postgres in the settings, if they have one only.
	Client string
	// Table is the tool's table if the project names another one, in SQL; "" for the tool's own.
	Table string
	// RunSettings returns what the tool's object needs to know in a run of a program, as JSON; nil for nothing.
	RunSettings func(program string) string
	// Runs reports whether the tool runs a file of its directory, by its name; nil if it runs all programs.
	Runs func(name string) bool
	// OutOfOrder replaces what the tool does with a new migration that sorts before an applied one, if it is set.
	OutOfOrder string
}

// Name is the framework's name.
func (a Adapter) Name() string { return a.Framework }

// Looks says what Detect looks for.
func (a Adapter) Looks() string { return a.Finds }

// Traits returns the properties of the tool.
func (a Adapter) Traits() adapter.Traits {
	return adapter.Traits{Tool: a.Tool, HistoryTables: a.HistoryTables}
}

// Detect looks for directories of migrations: one with such a name, or with files that the tool's own command names, in which a sample has
// a migration of the tool.
func (a Adapter) Detect(t adapter.Tree) []adapter.Source {
	if a.Find != nil {
		return a.detectFoundDirectories(t)
	}
	var out []adapter.Source
	isStamped := func(name string) bool { return a.Stamped.MatchString(name) && !adapter.IsNoProgram(name) }
	configured := a.listConfiguredDirs(t)
	for _, d := range adapter.ListDirs(t, adapter.ScriptEndings...) {
		if file := configured[d.Path]; file != "" {
			if n, all := adapter.CountSample(t, d, listPrograms(d), HasUp); n > 0 {
				out = append(out, adapter.Source{
					Framework: a.Framework, Dir: d.Path, Score: 3, Foreign: a.ReadSettings(t).Foreign,
					Why: fmt.Sprintf("%s names it, and %d of %d files have a function up", file, n, all),
				})
				continue
			}
		}
		if !strings.Contains(strings.ToLower(path.Base(d.Path)), "migration") && !slices.ContainsFunc(d.Names, isStamped) {
			continue
		}
		if n, total := adapter.CountSample(t, d, listPrograms(d), a.IsMigration); n > 0 {
			out = append(out, adapter.Source{
				Framework: a.Framework, Dir: d.Path, Score: 3, Foreign: a.ReadSettings(t).Foreign,
				Why: fmt.Sprintf("migrations of %s in %d of %d files", a.Tool.Name, n, total),
			})
		}
	}
	return out
}

// listConfiguredDirs returns the directories that the project's settings name.
func (a Adapter) listConfiguredDirs(t adapter.Tree) map[string]string {
	if a.Directories == nil {
		return nil
	}
	return adapter.Memoize(t, "directories of "+a.Framework, func() map[string]string { return a.Directories.FindDirectories(t) })
}

// Load reads the migrations of a directory in the order of their versions.
func (a Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	if a.Choose != nil {
		a = a.Choose(t, s.Dir)
	}
	c := a.ReadSettings(t)
	set := &adapter.Set{
		Source: s, Evidence: adapter.RunnerEvidence{Tool: a.Tool.Name, Transaction: onward.TransactionFile, FoundIn: c.File},
		HistoryBehavior: a.HistoryBehavior,
		Together:        c.Together && s.Options.Transaction == "", TogetherIfAll: a.TogetherIfAll,
	}
	set.HistoryBehavior.OutOfOrder = cmp.Or(c.OutOfOrder, set.HistoryBehavior.OutOfOrder)
	d := adapter.ListDir(t, s.Dir, adapter.ScriptEndings...)
	isMigration := a.IsMigration
	if a.listConfiguredDirs(t)[s.Dir] != "" {
		isMigration = HasUp
	}
	var programs []readProgram
	for _, f := range adapter.ReadFiles(t, d, listPrograms(d)) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.Failed == "" && !isMigration(f.Text) || c.Runs != nil && !c.Runs(path.Base(f.Path)) {
			continue
		}
		m, sent := a.Start(f, s, c)
		m.Runner.Tool = a.Tool
		m.Source.LineComment = "//"
		if f.Failed == "" {
			programs = append(programs, newProgram(f, m, sent))
		}
		set.Migrations = append(set.Migrations, m)
	}
	set.Gaps = a.runPrograms(ctx, t, s, c, programs)
	for _, p := range programs {
		if a.IgnoresOthers && p.up.hasNoUp() {
			set.Migrations = slices.DeleteFunc(set.Migrations, func(m *adapter.Migration) bool { return m == p.migration })
			continue
		}
		p.up.sealMigration(p.migration, p.sent, s.Options, p.text)
	}
	slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int {
		return cmp.Or(strings.Compare(a.Version, b.Version), strings.Compare(a.Path, b.Path))
	})
	if a.Unique != "" {
		set.History = a.reportDuplicates(set.Migrations)
	}
	if len(set.Migrations) > 0 {
		a.addHistoryTable(set, c)
	}
	if set.Evidence.FoundIn == "" && len(set.Migrations) > 0 {
		set.Evidence.FoundIn = "programs like " + path.Base(set.Migrations[len(set.Migrations)-1].Path)
	}
	return set, nil
}

// reportDuplicates lists migrations that share what must be unique. The second one of a name gets its file's name.
func (a Adapter) reportDuplicates(list []*adapter.Migration) []history.Change {
	var out []history.Change
	first := map[string]*adapter.Migration{}
	for _, m := range list {
		key := m.ID
		if a.Unique == "version" {
			key = m.Version
		}
		other := first[key]
		if other == nil {
			first[key] = m
			continue
		}
		if a.Unique == "name" {
			m.ID = path.Base(m.Path)
		}
		out = append(out, history.Change{
			Kind: history.Duplicate, Migration: m.ID, Path: m.Path, Other: other.ID, Line: 1,
			Detail: a.Tool.Name + " runs nothing while two migrations have one " + a.Unique,
		})
	}
	return out
}
