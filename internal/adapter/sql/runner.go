package sql

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// runner is what runs directories of SQL files: a tool, psql, a program. All that is
// known of one stands in the file of its name, as one value. What is left out of it
// is as psql has it: any name, in the order of numbers, statement by statement, and
// no memory of what has run.
type runner struct {
	// name is what it is called in a sentence; unit what it opens a transaction
	// around, "" for the file; apart where what cannot run in one has to stand.
	name, unit, apart string
	// habits are what it does about a history that changed; books are the tables
	// in which it keeps what has run, as it makes them.
	habits adapter.Habits
	books  []adapter.Book
	// count is how it keeps count there; nil where onward does not know how to.
	count *adapter.Count

	// assumed: that it is the one that runs a directory is a guess.
	assumed bool

	// beside tells it by the names of files in a directory and above; within by
	// what the files have in them, where no tool is told by what stands beside.
	beside, within func(p *place) bool
	// guest: it may write the files of a directory that another tool runs.
	guest bool
	// found says of a directory that neither its name nor numbers tell why it is
	// the tool's: "SQL files of …"; "" when it is not.
	found func(t adapter.Tree, d adapter.Dir) string
	// locations are directories that hold the ones below them, and runs tells the
	// files of theirs that count; aside tells those that production does not have.
	locations func(t adapter.Tree) map[string][]adapter.Dir
	runs      func(path, name string) bool
	aside     func(dir string) bool

	// list leaves out the files that it does not run, and gives them its order.
	list func(p *place, set *adapter.Set)
	// id makes what it records of a migration out of the name without endings.
	id func(name string) string
	// session: each file has a session to itself.
	session func(p *place) bool

	// ended is history.Tool.Ended.
	ended string

	// mode is how it sends a file that says nothing else, "" for statement by
	// statement outside a transaction; whole: in one message.
	mode  onward.Transaction
	whole bool
	// marks are the comments by which a file tells its two ways apart.
	marks *marks
	// sure: a text is its own, whatever marks of other tools stand in it. loose: a
	// file without its marks goes the way that its name tells.
	sure  func(text string) bool
	loose bool
	// owns tells a file by its name where nothing tells the tool of the directory.
	owns func(name string) bool
	// send is what a file says of how it is sent.
	send func(f *file)

	// twice is what it does with two files of one version; unique: whatever the
	// version, as it is a key. unnumbered: versions mean nothing to it.
	twice              func(version string) string
	unique, unnumbered bool

	// form is how it wants a migration written; nil for a tool of which that is not known.
	// Its Name is the runner's, and where it has no Up the names that are there tell.
	form *adapter.Form

	// finish looks at a directory as a whole. left looks at one that another runs.
	finish, left func(t adapter.Tree, set *adapter.Set)
}

// tools are the runners by what is told of them, in the order in which they are
// asked: with a new one, a line is added here.
var tools = []*runner{
	&supabase, &drizzle, &refinery, &flyway, &dbmate, &tern, &pop, &sqlMigrate, &prisma, &diesel, &liquibase, &nodePg, &atlas,
	&goose, &rambler, &play, &mybatis, &bun, &rails,
}

// hands run a directory that has no tool, as the project says; psql where it says nothing.
var hands = []*runner{&psqlOnce, &psqlText, &psql, &ownProgram}

// tell finds the runner of a directory.
func tell(p *place) *runner {
	if r := tellTool(p, p.ups); r != nil {
		return r
	}
	for _, r := range hands {
		if r.beside(p) {
			return r
		}
	}
	p.by = ""
	return &nobody
}

// tellTool finds the tool of a directory, by what stands beside its files or else in
// those that are read; nil for none.
func tellTool(p *place, read []string) *runner {
	for _, r := range tools {
		if p.by = ""; r.beside != nil && r.beside(p) {
			p.read(p.ups)
			return r
		}
	}
	p.read(read)
	for _, r := range tools {
		if p.by = ""; r.within != nil && r.within(p) {
			return r
		}
	}
	return nil
}

// Own reports whether a directory has a tool of its own, by what stands beside its
// files and by the markers of a few of them.
func (Adapter) Own(t adapter.Tree, s adapter.Source) bool {
	p := placeOf(t, s)
	r := tellTool(p, adapter.Sample(p.ups, 4))
	return r != nil && !r.guest
}
