// Package rails reads migrations of Rails: classes that extend ActiveRecord::Migration, whose method "change" or "up" is read as the SQL that
// Active Record sends on Postgres. What is put together when it runs, and work on rows by models, is listed as not judged.
//
// Measured with Rails 6.1 (the tests of this package, of apply and of guard). Differences of other versions were read in rails/rails, from
// 4.2 to 8.0, in the files that the comments name; most of it depends on the version that a migration names.
//
//   - Migrations run in the order of the numbers at the beginning of their names. Rails records these, without leading zeros. So it does
//     not notice a changed text, a changed name, or a deleted file.
//   - A migration is a transaction, unless it says disable_ddl_transaction!.
//   - Rails holds a session's advisory lock while it works (pg_try_advisory_lock): a second run stops with ConcurrentMigrationError.
//   - Migrations in db/post_migrate are held back until the deploy is over.
//   - An SQL file next to a migration, with its name, is the migration's SQL, written down so that it can be judged or planned. Rails ignores
//     it.
package rails

import (
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/rubycode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Adapter reads Rails' migrations.
type Adapter struct{}

var (
	class = lazyregexp.New(`<\s*(?:::)?ActiveRecord::Migration\b`)
	// stamped matches names that Rails takes for migrations. Those that an engine brought have its name: 1_create_hosts.federails.rb.
	stamped = lazyregexp.New(`^\d+_\w*\.?\w*\.rb$`)
	number  = lazyregexp.New(`^\d+`)
)

// postDeploy is the directory, beside migrate, of migrations that run after the deploy. GitLab, Mastodon and Discourse have it; the first run
// has SKIP_POST_DEPLOYMENT_MIGRATIONS in its environment.
const postDeploy = "post_migrate"

// tool is Rails for rules.
var tool = history.Tool{Name: "Rails", Unit: "migration", Apart: "a migration of its own that says\ndisable_ddl_transaction!"}

// Name is the framework's name.
func (Adapter) Name() string { return "rails" }

// Looks says what Detect looks for.
func (Adapter) Looks() string { return "classes that extend ActiveRecord::Migration" }

// Traits returns the properties of Rails.
func (Adapter) Traits() adapter.Traits {
	return adapter.Traits{
		Project: "a Rails application", Tool: tool,
		HistoryTables: []adapter.HistoryTable{
			{Table: "schema_migrations", Columns: `(version varchar PRIMARY KEY)`},
			{
				Table:   "ar_internal_metadata",
				Columns: `(key varchar PRIMARY KEY, value varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL)`,
			},
		},
	}
}

// Detect looks for directories of migrations.
func (a Adapter) Detect(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	for _, d := range adapter.ListDirs(t, ".rb") {
		programs := listMigrationNames(d.Names)
		if len(programs) == 0 {
			continue
		}
		if n, total := adapter.CountSample(t, d, programs, class.MatchString); n > 0 {
			out = append(out, adapter.Source{
				Framework: a.Name(), Dir: d.Path, Score: 3, Foreign: readProject(t, d.Path).foreign,
				Why: fmt.Sprintf("migrations of Rails in %d of %d files", n, total),
			})
		}
	}
	return out
}

// listMigrationNames returns the names that migrations may have.
func listMigrationNames(names []string) (out []string) {
	for _, name := range names {
		if stamped.MatchString(name) {
			out = append(out, name)
		}
	}
	return out
}

// Load reads the migrations of a directory in the order of their versions.
func (a Adapter) Load(ctx context.Context, t adapter.Tree, s adapter.Source) (*adapter.Set, error) {
	set := &adapter.Set{
		Source: s, Evidence: adapter.RunnerEvidence{Tool: tool.Name, Transaction: onward.TransactionFile},
		HistoryBehavior: adapter.HistoryBehavior{
			Edited:     "Rails records versions, not contents: databases that have it keep what the old text did",
			OutOfOrder: "Rails runs it after the newer ones; new databases run it before",
		},
		Count: count,
	}
	d := adapter.ListDir(t, s.Dir, ".rb", ".sql")
	files := adapter.ReadFiles(t, d, listMigrationNames(d.Names))
	programs := make([]*program, len(files))
	adapter.EachParallel(len(files), func(i int) { programs[i] = readProgram(files[i]) })
	programs = slices.DeleteFunc(programs, func(p *program) bool { return p.file.Failed == "" && !p.isMigration })
	slices.SortStableFunc(programs, func(x, y *program) int {
		return cmp.Or(adapter.CompareNatural(x.versionDigits(), y.versionDigits()), strings.Compare(x.file.Path, y.file.Path))
	})
	names := newSchema()
	for _, p := range programs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		set.Migrations = append(set.Migrations, p.makeMigration(t, s, names))
	}
	set.History = reportDuplicateVersions(set.Migrations)
	set.Opaque = listUnusedSQL(t, d)
	set.Snapshot = readSnapshot(t, s)
	set.Beyond = func() (out []adapter.Beyond) {
		for _, m := range set.Migrations {
			out = append(out, adapter.Beyond{Path: strings.TrimSuffix(m.Path, path.Ext(m.Path)) + ".rb", Key: versionKey(m), What: "a program (Ruby)"})
		}
		return out
	}
	if n := len(set.Migrations); n > 0 {
		set.Evidence.FoundIn = "programs like " + path.Base(set.Migrations[n-1].Path)
	}
	return set, nil
}

// listUnusedSQL lists SQL files without a program of their name.
func listUnusedSQL(t adapter.Tree, d adapter.Dir) (out []onward.Opaque) {
	for _, name := range d.Names {
		if path.Ext(name) == ".sql" && !adapter.HasFile(t, d.Join(strings.TrimSuffix(name, ".sql")+".rb")) {
			out = append(out, onward.Opaque{
				Path: d.Join(name), What: "SQL file among the migrations of Rails, which runs none",
				Why: "there is no program of its name beside it: it does not count as a migration",
			})
		}
	}
	return out
}

// reportDuplicateVersions lists the second of two migrations of one version, or of one name. It gives them IDs of their own.
func reportDuplicateVersions(list []*adapter.Migration) (out []history.Change) {
	first := map[string]*adapter.Migration{}
	for _, m := range list {
		key := versionKey(m)
		other := first[key]
		if other == nil {
			first[key] = m
			continue
		}
		out = append(out, history.Change{
			Kind: history.Duplicate, Migration: m.ID, Path: m.Path, Other: other.ID, Line: 1,
			Detail: "Rails refuses to migrate: Multiple migrations have the version number " + key,
		})
	}
	return out
}

// lockFactor is a constant of Rails, by which it multiplies the checksum of the database's name.
const lockFactor = 2053462845

// count describes Rails' record of the migrations that have run.
var count = &adapter.Count{
	Table: "schema_migrations",
	Read:  adapter.KeyOnly("version"),
	Key:   versionKey,
	Same:  trimVersion,
	Write: func(table string, m *adapter.Migration, _ []byte) string {
		return "INSERT INTO " + table + " (version) VALUES ('" + versionKey(m) + "')"
	},
	Row:   func(m *adapter.Migration) string { return "ltrim(version, '0') = '" + versionKey(m) + "'" },
	Order: "version::numeric",
	Run:   func(*adapter.Migration) string { return adapter.MigrateCommand(tool.Name) },
	Locks: func(database, _, _ string) []int64 {
		return []int64{int64(crc32.ChecksumIEEE([]byte(database))) * lockFactor}
	},
}

// versionKey returns the key in the table for a migration.
func versionKey(m *adapter.Migration) string { return trimVersion(m.Digits()) }

// trimVersion returns a version in the form that Rails compares: 001 is 1.
func trimVersion(digits string) string { return cmp.Or(strings.TrimLeft(digits, "0"), "0") }

// program is the file of a migration.
type program struct {
	file        *adapter.File
	isMigration bool
	code        *rubycode.Program
	class       *rubycode.Class
	// line has the first thing that the reader does not know; 0 for none.
	line int
}

func (p *program) versionDigits() string { return number.FindString(path.Base(p.file.Path)) }

// readProgram reads a file.
func readProgram(f *adapter.File) *program {
	p := &program{file: f}
	if f.Failed != "" || !class.MatchString(f.Text) {
		return p
	}
	p.isMigration = true
	code, line, ok := rubycode.Read(f.Text)
	p.code, p.line = code, line
	if code.IsOverBound { // it may run all the same
		f.Failed = fmt.Sprintf("at line %d it is nested deeper, or longer, than onward reads", line)
	}
	if !ok {
		return p
	}
	for _, c := range code.ListClasses() {
		if c.Above == "ActiveRecord::Migration" {
			p.class = c
		}
	}
	return p
}

// makeMigration makes the migration of a program.
func (p *program) makeMigration(t adapter.Tree, s adapter.Source, names *schema) *adapter.Migration {
	name := strings.TrimSuffix(path.Base(p.file.Path), ".rb")
	m := p.file.Start(s, name, trimVersion(p.versionDigits()))
	m.Runner.Tool = tool
	if path.Base(s.Dir) == postDeploy {
		m.Runner.AfterDeploy, m.Runner.HeldBy = true, "db/"+postDeploy
	}
	m.Source.LineComment = "#"
	mode := onward.TransactionFile
	if p.file.Failed != "" {
		m.Seal(mode, s.Options, "")
		return m
	}
	if p.class != nil && p.class.HasCall("disable_ddl_transaction!") {
		mode = onward.TransactionNone
	}
	m.Runner.Rerun = mode == onward.TransactionNone
	p.translateUp(t, s, names, m)
	if sqlFile := strings.TrimSuffix(p.file.Path, ".rb") + ".sql"; adapter.HasFile(t, sqlFile) {
		f := adapter.ReadFile(t, sqlFile)
		rerun := m.Runner
		m = f.Start(s, name, trimVersion(p.versionDigits()))
		m.Runner, m.Beside = rerun, []string{p.file.Path}
		if f.Failed == "" {
			m.Source.Parts = append(m.Source.Parts, adapter.TrimmedPart(f.Text, 0, len(f.Text)))
		}
		m.Seal(mode, s.Options, "")
		return m
	}
	m.Seal(mode, s.Options, p.file.Text)
	return m
}

// translateUp gives a migration its SQL, and what is not known of it.
func (p *program) translateUp(t adapter.Tree, s adapter.Source, names *schema, m *adapter.Migration) {
	opaque := func(line, column int, subject, reason string, failed bool) {
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: line, Column: column, What: subject, Why: reason, Failed: failed,
		})
	}
	if p.class == nil {
		reason := "what it does is known only when it runs"
		if p.line > 0 {
			reason = "the reader does not know the syntax of this line"
		}
		opaque(max(1, p.line), 1, "migration that is not read", reason, false)
		return
	}
	x := &translator{version: parseVersion(p.class.Version), schema: names, project: readProject(t, s.Dir)}
	for _, method := range []string{"up", "change"} {
		run, found := p.code.Run(p.class, method, x)
		if !found {
			continue
		}
		m.Source.Parts, m.Source.Waivers = run.Parts, x.waivers
		for _, u := range run.Unread {
			opaque(u.Line, u.Column, "call of "+u.Call, u.Why, u.Exhausted)
		}
		return
	}
}
