// Package adapter is the contract between the audit and the frameworks: how
// migrations are found, ordered and turned into the SQL that goes forward, and
// how their runner sends it.
//
// An adapter knows its runner: which part of a file is the up migration, what the
// markers mean, whether a file is one transaction, one message or single
// statements. It judges nothing.
package adapter

import (
	"context"
	"errors"

	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Tree is a set of files at one moment: a commit, or the working tree. Several
// may read it at the same time.
// Paths are slash-separated and relative to the repository's root. A tree that
// also has gitrange's ReadAll is read many files at a time.
type Tree interface {
	// Name names the tree for people: "main", "working tree".
	Name() string
	// Paths lists every file, sorted.
	Paths() []string
	// Read gives a file's content, for good: nobody changes it.
	Read(path string) ([]byte, error)
	// Dir gives a directory on disk that holds the tree.
	Dir(ctx context.Context) (string, error)
}

// ErrProject is what an error matches (errors.Is) when the project's own code
// does not come up at a tree: its settings do not import, it needs a package
// that is not there.
var ErrProject = errors.New("the project does not start")

// Adapter is one framework.
type Adapter interface {
	// Name is the framework's name in reports and in onward.yaml: "goose".
	Name() string
	// Detect finds the framework's sources in a tree: directories of
	// migrations, with how sure it is. It looks at names first and reads
	// only what it needs.
	Detect(t Tree) []Source
	// Load reads every migration of a source, in the order in which the
	// runner would run them on an empty database. A migration that cannot be
	// read does not hide the others: it comes with Failed set.
	Load(ctx context.Context, t Tree, s Source) (*Set, error)
	// Traits is what is asked of the framework itself.
	Traits() Traits
}

// Traits is what the audit, the rules and the rehearsal ask of a framework, so that
// none of them knows one by its name.
type Traits struct {
	// Plain: it is no framework, but reads whatever SQL files no other one claims.
	Plain bool
	// Renders: its SQL is made by the project's own code, which has to start for that; a
	// migration is more than its file, and the project's settings are known.
	Renders bool
	// Graph: each migration names those that it follows. The order of names and numbers
	// tells nothing, and neither does a late one.
	Graph bool
	// Meaning is what a migration's file says but for comments and white space, and the
	// part of that which is a program; nil where the file is its SQL.
	Meaning func(text string) (whole, program string)
	// Project is what a directory of its is called in a sentence: "a Django project".
	Project string
	// Package is a file by which a directory below such a project is part of its code.
	Package string
	// Tool is what rules ask for, whatever the migration.
	Tool history.Tool
	// Books are the tables in which it keeps what has run.
	Books []Book
}

// Book is a table in which a tool keeps what has run. Histories read and mend it.
type Book struct {
	Table string
	// Columns is what stands behind its name where the tool makes it; "" where that
	// is not known.
	Columns string
}

// WayDown is an adapter whose migrations may be undone by SQL of their own.
// Only a rehearsal asks for it, so Load does not read it.
type WayDown interface {
	// Down gives the SQL that undoes a migration that Load made of the source,
	// in the transaction that the runner makes around it. nil: there is none,
	// or it is not SQL. Positions in it count in the file that it stands in:
	// the migration's DownPath, or its Path when that is "". The error says
	// why a file cannot be read.
	Down(t Tree, s Source, m *Migration) (*script.Source, error)
}

// Modeler is an adapter that may read the models of a project that does not come
// up, as far as they do without the packages that are missing.
type Modeler interface {
	// Models gives the models of a source for which Load failed with cause, an
	// [ErrProject], and what they do without: packages, and names of packages.
	// That a model lacks a column says nothing then.
	Models(ctx context.Context, t Tree, s Source, cause error) (models []Model, without []string, err error)
}

// Source is a place where a framework keeps its migrations.
type Source struct {
	Framework string
	// Dir is the directory, "" for the root.
	Dir string
	// Deep: the runner looks through the directories below it as well.
	Deep bool
	// Score is how sure the detection is: 3 for a file or marker that only
	// this framework has, 2 for a naming that is typical, 1 for "SQL files
	// in a directory of that name". Of several adapters for one directory
	// the highest wins; a tie is reported.
	Score int
	// Why says what was found: "-- +goose Up in 42 of 42 files".
	Why string
	// Foreign is the database that the files are for, when that is not
	// Postgres: "MySQL". [Detect] reports such a source instead of using it.
	Foreign string
	// Options come from onward.yaml, for the adapters that have some.
	Options Options
}

// Options is what onward.yaml says of a directory of migrations.
type Options struct {
	// Transaction overrides how the runner sends a file.
	Transaction onward.Transaction
	// Runner is what the runner's connection sets.
	Runner history.Runner
	// Python and Settings are for Django.
	Python, Settings string
	// Environment is what a Django project sees besides, as "NAME=value".
	Environment []string
}

// Set is what a source holds.
type Set struct {
	Source Source
	// Absent: the tree has no project in the directory, so that nothing could be rendered.
	Absent     bool
	Told       Told
	Migrations []*Migration
	// History lists what is wrong with the order itself: duplicate versions,
	// gaps, several leaves.
	History []history.Change
	// Opaque lists what could not be read or judged outside migrations.
	Opaque []onward.Opaque
	// Problems lists what the runner refuses or passes over in the directory,
	// outside migrations.
	Problems []Problem
	// Together: the runner sends all that is pending in one transaction.
	Together bool
	// Habits says what the runner does about a history that changed.
	Habits Habits
	// Count is how it keeps count of what a database has; nil where only the tool itself
	// knows.
	Count *Count
	// Beyond lists what only the tool itself can run; nil for nothing. It may read many files.
	Beyond func() []Beyond
	// Mends says how a migration for a column that a model has comes to be.
	Mends string
	// Models is what the framework's own model says the code selects and
	// inserts; nil when it has none.
	Models []Model
	// Partial says that models or columns may be missing from Models.
	Partial bool
}

// Migration is one step, as the runner sees it.
type Migration struct {
	// ID is the framework's name; Version what the runner orders by, for
	// messages.
	ID, Version string
	Path        string
	// Framework is the adapter's name.
	Framework string
	// DownPath is a second file that undoes it; "" for none.
	DownPath string
	// Source is its SQL. Unheld is what it is where no condition of its template holds;
	// nil where it has none.
	Source script.Source
	Unheld *script.Source
	Runner history.Runner
	// Hash identifies what would run: two migrations with one hash do the
	// same. Comments and white space count.
	Hash string
	// Opaque lists what is hidden in it: RunPython, a Go migration.
	Opaque []onward.Opaque
	// Elsewhere lists what is not judged, as another database has it, if any: the
	// schema of this one stays what it was.
	Elsewhere []onward.Opaque
	// Failed says why it could not be read at all; Lost, that it is git which
	// cannot give it.
	Failed string
	Lost   bool
	// Problems is what the runner itself will refuse or misread in the file.
	// What is meant is judged all the same.
	Problems []history.Refusal
	// After names the migrations it must follow, where that is not just the
	// order (Django's dependencies).
	After []string
	// Replaces names the migrations that a squashed one stands for.
	Replaces []string
	// Repeatable migrations run again whenever they change.
	Repeatable bool
}

// Problem is a file that the runner refuses or passes over although it stands
// among the migrations.
type Problem struct {
	Path string
	history.Refusal
}

// Habits says, in clauses for messages, what a runner does about migrations
// that differ from what a database has. "" where it depends.
type Habits struct {
	// Edited: the content of an applied migration changed.
	Edited string
	// Deleted: an applied migration is gone. Forgets: one that is later than all
	// that are left is not missed. LastOnly: only the last one is.
	Deleted  string
	Forgets  bool
	LastOnly bool
	// Renamed: an applied migration has another name. Where that is "", its
	// number alone counts, and one with another number is a new one.
	Renamed string
	// OutOfOrder: a new one sorts before one that is applied.
	OutOfOrder string
	// Overtaken: one that is applied depends on a new one, by their names (%s).
	Overtaken string
}

// Model is a class of the deployed code that maps to a table.
type Model struct {
	// Name is the class: "shop.User"; Path and Line where it is.
	Name  string
	Path  string
	Line  int
	Table string
	// Unmanaged: its table is not for the migrations to make.
	Unmanaged bool
	// Columns are the columns that the code selects and inserts.
	Columns []ModelColumn
}

// ModelColumn maps a field to a column.
type ModelColumn struct {
	Field, Column string
	Line          int
	// Defaulted: an INSERT without a value for it says DEFAULT.
	Defaulted bool
	// GivesValue: where the code says nothing, the model writes a value that is not
	// NULL.
	GivesValue bool
	// Clears: before the code deletes the row that it points at, it deletes or
	// changes those that do.
	Clears bool
}
