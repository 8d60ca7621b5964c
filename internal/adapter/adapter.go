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
	"time"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Tree is a set of files at one moment: a commit, or the working tree. It is safe for
// concurrent reads. Paths are slash-separated and relative to the repository's root. If a tree
// also has gitrange's ReadAll, files are read in batches.
type Tree interface {
	// Name names the tree for people: "main", "working tree".
	Name() string
	// Paths lists every file, sorted.
	Paths() []string
	// Read returns a file's content. The caller owns it: the tree does not change it
	// afterwards.
	Read(path string) ([]byte, error)
	// Dir gives a directory on disk that holds the tree.
	Dir(ctx context.Context) (string, error)
}

// ErrProject is what an error matches (errors.Is) if the project's own code cannot be loaded
// at a tree: its settings fail to import, or it needs a package that is not installed.
var ErrProject = errors.New("the project does not start")

// Adapter is one framework.
type Adapter interface {
	// Name is the framework's name in reports and in onward.yaml: "goose".
	Name() string
	// Detect finds the framework's sources in a tree: directories of migrations, each with a
	// score for how sure it is. It looks at names first and reads only the files that it
	// needs.
	Detect(t Tree) []Source
	// Load reads every migration of a source, in the order in which the
	// runner would run them on an empty database. A migration that cannot be
	// read does not hide the others: it comes with Failed set.
	Load(ctx context.Context, t Tree, s Source) (*Set, error)
	// Traits returns the properties of the framework itself.
	Traits() Traits
}

// Traits are the properties of a framework that the audit, the rules and the rehearsal need.
// They ask for these, so that none of them checks for a framework by name.
type Traits struct {
	// Plain is set for the fallback, which is no framework: it reads the SQL files that no
	// other adapter claims.
	Plain bool
	// Annotated is set if comments in the files show that they are the framework's, and which part of a file is which.
	Annotated bool
	// Renders is set if the project's own code produces the SQL and must be started for that.
	// A migration is then more than its file, and the project's settings are known.
	Renders bool
	// NeedsCommand is set if the user must name the command that does that, with render: in onward.yaml. Without it,
	// the framework's migrations are found and not judged.
	NeedsCommand bool
	// RunsRender is set if Load itself runs that command, and reads more than the text that it prints.
	RunsRender bool
	// Graph is set if each migration names those that it follows. The order of names and
	// numbers then means nothing, and a migration with an earlier name than an applied one is
	// no problem.
	Graph bool
	// Meaning returns a migration's file without comments and white space, and the part of it
	// that is a program. It is nil if the file is the SQL itself.
	Meaning func(text string) (whole, program string)
	// Project is the word for one of its directories in a sentence: "a Django project".
	Project string
	// Package is a file name: a directory below such a project that has this file is part of
	// its code.
	Package string
	// Tool is what rules need to know about the tool, for any migration.
	Tool history.Tool
	// HistoryTables are the tables in which the tool records the migrations that have run.
	HistoryTables []HistoryTable
}

// HistoryTable is a table in which a tool records the migrations that have run. Some migrations read
// or repair it.
type HistoryTable struct {
	Table string
	// Tool is the tool that has it, if the framework's adapter reads files of several tools.
	Tool string
	// Columns is the text that follows the table's name in the CREATE TABLE of the tool; "" if
	// that is not known.
	Columns string
}

// WayDown is an adapter whose migrations may have SQL of their own that undoes them. Only a
// rehearsal needs it, so Load does not read it.
type WayDown interface {
	// Down returns the SQL that undoes a migration that Load read from the source, sent in the
	// transaction that the runner opens for it. It is nil if there is none, or if it is not
	// SQL. Positions in it count in the migration's DownPath, or in its Path if DownPath is
	// "". The error says why a file cannot be read.
	Down(t Tree, s Source, m *Migration) (*script.Source, error)
}

// Modeler is an adapter that may read the models of a project that cannot be loaded, as far as
// that works without the missing packages.
type Modeler interface {
	// Models returns the models of a source for which Load failed with cause, an [ErrProject].
	// missingModules lists the missing packages, and missing names from packages. A column that a model
	// lacks then proves nothing.
	Models(ctx context.Context, t Tree, s Source, cause error) (models []Model, missingModules []string, err error)
}

// Source is a place where a framework keeps its migrations.
type Source struct {
	Framework string
	// Dir is the directory, "" for the root.
	Dir string
	// Deep is set if the runner looks through the directories below it as well.
	Deep bool
	// Locations are the directories in Dir that the runner reads, if it does not read all of Dir.
	Locations []string
	// Covers are directories whose files belong to this source, so that no other adapter takes them for migrations.
	Covers []string
	// Score is how sure the detection is: 3 for a file or marker that only
	// this framework has, 2 for a naming that is typical, 1 for "SQL files
	// in a directory of that name". Of several adapters for one directory
	// the highest wins; a tie is reported.
	Score int
	// Why says what was found: "-- +goose Up in 42 of 42 files".
	Why string
	// Foreign is the database that the files are for, when that is not
	// Postgres: "MySQL". [DetectSources] reports such a source instead of using it.
	Foreign string
	// IsGo is set if the tool is one of Go: the drivers of the Go module around the directory tell the database.
	IsGo bool
	// IsPostgres is set if the tool's own files say that the directory is for Postgres. Then nothing is guessed from the text.
	IsPostgres bool
	// Options come from onward.yaml, for the adapters that have some.
	Options Options
	// Deployed is where the base has its files, if this is a source of the head.
	Deployed DeployedSource
}

// DeployedSource is the directory of a source at the base. Its Tree is nil if there is no base. The directory may be empty.
type DeployedSource struct {
	Tree Tree
	Dir  string
}

// Options are the settings of a directory of migrations in onward.yaml.
type Options struct {
	// Transaction overrides how the runner sends a file.
	Transaction onward.Transaction
	// Own describes a team's own program that runs the files; nil for none. It decides how a file is sent, unless Transaction does.
	Own *config.Runner
	// Runner holds the settings of the runner's connection.
	Runner history.Runner
	// Python is the interpreter of a project in Python, Settings is for Django.
	Python, Settings string
	// Render is the command that prints the SQL of a range of migrations; "" for none. RenderRefused says why the configured one
	// does not run.
	Render, RenderRefused string
	// Capture is the command whose statements are captured; "" for none. CaptureBase makes the base's schema instead of it, and
	// CaptureDir is the directory of these commands.
	Capture, CaptureBase, CaptureDir string
	// Sandbox is what these commands may use beside their files.
	Sandbox config.Sandbox
	// Static: programs do not run.
	Static bool
	// RenderTimeout bounds the process that renders a project; 0 for the adapter's own limit.
	RenderTimeout time.Duration
	// Environment holds further environment variables of such a project, as "NAME=value".
	Environment []string
}

// Set is the content of a source.
type Set struct {
	Source Source
	// Absent is set if the tree has no project in the directory, so that nothing could be
	// rendered.
	Absent     bool
	Evidence   RunnerEvidence
	Migrations []*Migration
	// History lists what is wrong with the order itself: duplicate versions,
	// gaps, several leaves.
	History []history.Change
	// Opaque lists what could not be read or judged outside migrations.
	Opaque []onward.Opaque
	// Gaps are sentences about what was not confined when the project's own program ran.
	Gaps []string
	// Problems lists files in the directory, other than migrations, that the runner refuses or
	// ignores.
	Problems []Problem
	// Snapshot is the schema that migrations have made, as the tool has dumped it; nil if there is none.
	Snapshot *Snapshot
	// Together is set if the runner sends all pending migrations in one transaction.
	Together bool
	// TogetherIfAll is set if it does so only while each pending migration runs in a transaction.
	TogetherIfAll bool
	// HistoryBehavior describes what the runner does if migrations changed after they were applied.
	HistoryBehavior HistoryBehavior
	// TakesOver returns the settings by which a database that has tables, and no history of this runner, takes a migration for applied; "" if it
	// runs it. It is nil if no database does.
	TakesOver func(m *Migration) string
	// Count describes how the tool records what a database has; nil if only the tool itself
	// can tell.
	Count *Count
	// Beyond lists what only the tool itself can run; nil for nothing. It may read many files.
	Beyond func() []Beyond
	// Mends says how the tool makes a migration for a column that a model has and the
	// migrations lack.
	Mends string
	// Models lists the columns that the code selects and inserts according to the framework's
	// own models; nil if it has none.
	Models []Model
	// Partial is set if models or columns may be missing from Models.
	Partial bool
}

// Migration is one step, as the runner sees it.
type Migration struct {
	// ID is the framework's name of the migration. Version is what the runner orders by, for
	// messages.
	ID, Version string
	// Order is the number that the runner compares with the newest applied one, to run only later ones; 0 if it does not.
	Order int64
	Path  string
	// Framework is the adapter's name.
	Framework string
	// DownPath is a second file that undoes it; "" for none. Beside are other files that belong to it.
	DownPath string
	Beside   []string
	// Source is its SQL. WithoutConditions is its second form: its SQL if no condition of its template
	// is true, or its whole file if Runner.Marker hides a part; nil if it has none.
	Source            script.Source
	WithoutConditions *script.Source
	Runner            history.Runner
	// Hash identifies what would run: two migrations with one hash do the
	// same. Comments and white space count.
	Hash string
	// Imports are the other files of the repository that decide what its program does.
	Imports []string
	// Opaque lists code in it that cannot be read as SQL: RunPython, a Go migration.
	Opaque []onward.Opaque
	// Elsewhere lists operations that run on another database, so they are not judged here and
	// change nothing in this schema.
	Elsewhere []onward.Opaque
	// Failed says why it could not be read at all. Lost is set if the reason is that git does
	// not have the content.
	Failed string
	Lost   bool
	// Problems lists what the runner itself will refuse or misread in the file. The intended
	// SQL is judged all the same.
	Problems []history.Refusal
	// After names the migrations that it must follow, if that is not just the order (Django's
	// dependencies).
	After []string
	// Replaces names the migrations that a squashed one stands for.
	Replaces []string
	// Repeatable migrations run again whenever they change. A Baseline migration makes what earlier ones made, and runs in databases without
	// a history only.
	Repeatable, Baseline bool
	// Late is set if the runner takes it also after later ones have run.
	Late bool
}

// Snapshot is a dump of the schema. The schema of a set with one is this, and what the migrations make that it does not include.
type Snapshot struct {
	Migration *Migration
	Includes  func(m *Migration) bool
}

// SchemaMigrations returns the migrations that make the schema of a set from nothing.
func (s *Set) SchemaMigrations() []*Migration {
	if s.Snapshot == nil {
		return s.Migrations
	}
	out := []*Migration{s.Snapshot.Migration}
	for _, m := range s.Migrations {
		if !s.Snapshot.Includes(m) {
			out = append(out, m)
		}
	}
	return out
}

// Problem is a file that the runner refuses or ignores although it is among the migrations.
type Problem struct {
	Path string
	history.Refusal
}

// HistoryBehavior says, in clauses for messages, what a runner does if migrations differ from those that
// a database has applied. A clause is "" if that depends on more.
type HistoryBehavior struct {
	// Edited: the content of an applied migration changed.
	Edited string
	// Deleted: an applied migration is gone. Forgets is set if the runner does not miss an
	// applied migration that is later than all remaining ones. LastOnly is set if it misses
	// only the last one.
	Deleted  string
	Forgets  bool
	LastOnly bool
	// RecordsLeaves is set if a database has recorded only the migrations that no other follows, and the runner misses these.
	RecordsLeaves bool
	// Renamed: an applied migration has another name. If this is "", only the number counts: a
	// migration with another number is a new one.
	Renamed string
	// OutOfOrder: a new migration sorts before an applied one.
	OutOfOrder string
	// CountsLineEnds is set if other line ends are another content.
	CountsLineEnds bool
	// Overtaken: an applied migration depends on a new one, by their names (%s).
	Overtaken string
	// PartlyReplaced: a new migration replaces applied ones, and others that no database has run and no file holds.
	PartlyReplaced string
}

// Model is a class of the deployed code that maps to a table.
type Model struct {
	// Name is the class: "shop.User". Path and Line are its position.
	Name  string
	Path  string
	Line  int
	Table string
	// Unmanaged is set if the migrations do not create its table.
	Unmanaged bool
	// ByTriggers is set if only triggers insert rows into its table and the code inserts none.
	ByTriggers bool
	// Columns are the columns that the code selects and inserts.
	Columns []ModelColumn
}

// ModelColumn maps a field to a column.
type ModelColumn struct {
	Field, Column string
	Line          int
	// Defaulted is set if an INSERT without a value for it says DEFAULT.
	Defaulted bool
	// GivesValue is set if the model writes a value other than NULL when the code gives none.
	GivesValue bool
	// Clears is set if the code, before it deletes the row that this column refers to, deletes
	// or changes the rows that refer to it.
	Clears bool
}
