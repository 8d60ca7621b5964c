package sql

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// runner describes something that runs directories of SQL files: a tool, psql, a program.
// Each is one value, in a file of its name. A field that is not set has psql's behaviour:
// any name, in the order of numbers, statement by statement, and without a record of what
// has run.
type runner struct {
	// name is its name in a sentence. unit is what it opens a transaction around, "" for
	// the file. apart says where SQL must be that cannot run in a transaction.
	name, unit, apart string
	// historyBehavior says what it does if applied migrations changed. historyTables are the tables
	// in which it records the migrations that have run, as it creates them.
	historyBehavior adapter.HistoryBehavior
	historyTables   []adapter.HistoryTable
	// count describes its records in these tables; nil if onward cannot write them.
	count *adapter.Count

	// assumed is set if it is only a guess that this runner runs a directory.
	assumed bool

	// detectNearby recognises the runner by the names of files in the directory and above it.
	// detectInside recognises it by the files' contents, if no tool has a detectNearby that does.
	detectNearby, detectInside func(p *migrationDir) bool
	// guest is set if it may write the files of a directory that another tool runs.
	guest bool
	// found recognises a directory by more than its name and its files' numbers, and says
	// why: "SQL files of …"; "" if the directory is not the tool's.
	found func(t adapter.Tree, d adapter.Dir) string
	// database returns the kind of database that the tool's own files give a directory: "postgresql"; "" if they give none.
	database func(t adapter.Tree, dir string) string
	// locations returns histories with files in several directories. runs reports which
	// files in these count. aside reports whether production does not have a directory.
	locations func(t adapter.Tree) []location
	runs      func(path, name string) bool
	aside     func(dir string) bool

	// programs reads its migrations that are programs of JavaScript; nil if it has none, or if they are not read.
	programs *jscode.Adapter

	// names matches the names of the files that it runs: it passes over the others without a word. nameForm is how these look, for a
	// message, and nameExample is one; nil if each name will do.
	names                 *lazyregexp.Regexp
	nameForm, nameExample string
	// list removes the files that it does not run, and sorts the others in its order.
	list func(p *migrationDir, set *adapter.Set)
	// id returns the recorded ID of a migration, given its file and the name without extensions.
	id func(file, name string) string
	// keepsSession: all files run on one connection, so that a SET without LOCAL goes on in the next file.
	keepsSession bool
	// session reports whether each file has a session to itself.
	session func(p *migrationDir) bool

	// rowTable is history.Tool.RowTable.
	rowTable history.RowTable
	// waitsFor is history.Tool.WaitsFor.
	waitsFor string
	// ended is history.Tool.Ended.
	ended string
	// begin and end are history.Tool.Begin and End.
	begin, end string

	// mode is how it sends a file without instructions of its own, "" for statement by
	// statement outside a transaction. whole is set if it sends it in one message.
	mode  onward.Transaction
	whole bool
	// marks are the comments that separate the up and the down migration in a file.
	marks *marks
	// sure reports whether a text is the runner's own, even if it has markers of other
	// tools. loose is set if the name of a file without markers decides how it runs.
	sure  func(text string) bool
	loose bool
	// owns recognises a file by its name if the directory's tool is not known.
	owns func(name string) bool
	// send reads a file's own instructions for how it is sent.
	send func(f *file)

	// twice says what it does with two files of one version. unique is set if that holds
	// for every version, because it is a key. unnumbered is set if it ignores versions.
	twice              func(version string) string
	unique, unnumbered bool

	// form describes how it expects a migration to be written; nil if that is not known.
	// Its Name is filled in from the runner. If it has no Up, the endings of the existing
	// names are used.
	form *adapter.Form
	// warns is Form.Warns; nil for none.
	warns func(t adapter.Tree, sql string) string

	// finish checks a directory as a whole. left checks a directory that another tool
	// runs.
	finish, left func(t adapter.Tree, set *adapter.Set)
}

// tools are all tools, in the order in which they are tried. A new tool needs a line here.
var tools = []*runner{
	&supabase, &drizzle, &refinery, &pgmigrate, &flyway, &dbmate, &tern, &pop, &maragu, &sqlMigrate, &prisma, &diesel, &liquibase, &nodePg, &atlas,
	&goose, &rambler, &play, &mybatis, &bun, &hasura, &graphile, &postgrator,
}

// hands are the runners of a directory without a tool, chosen by the project's scripts;
// psql if they say nothing.
var hands = []*runner{&psqlOnce, &psqlText, &psql, &ownProgram}

// detectRunner returns the runner of a directory.
func detectRunner(p *migrationDir) *runner {
	if r := detectTool(p, p.ups); r != nil {
		return r
	}
	for _, r := range hands {
		if r.detectNearby(p) {
			return r
		}
	}
	p.evidence = ""
	return &nobody
}

// detectTool returns the tool of a directory, recognised by files next to the migrations, or
// else by the contents of read; nil for none.
func detectTool(p *migrationDir, read []string) *runner {
	for _, r := range tools {
		if p.evidence = ""; r.detectNearby != nil && r.detectNearby(p) {
			p.readFiles(p.ups)
			return r
		}
	}
	p.readFiles(read)
	for _, r := range tools {
		if p.evidence = ""; r.detectInside != nil && r.detectInside(p) {
			return r
		}
	}
	return nil
}

// Own reports whether a directory has a tool of its own, judged by files next to the
// migrations and by the markers in a few of them.
func (Adapter) Own(t adapter.Tree, s adapter.Source) bool {
	p := newMigrationDir(t, s)
	r := detectTool(p, adapter.SampleNames(p.ups, 4))
	return r != nil && !r.guest
}
