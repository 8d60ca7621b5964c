package rule

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// Migration is a migration to be judged.
type Migration struct {
	ID, Path  string
	Framework string
	Status    onward.Status
	Mode      onward.Transaction
	Script    *script.Script
	Runner    Runner
	// Refusals is what the runner itself will refuse or misread in the file.
	Refusals []Refusal
	// Together is not 0 where the runner sends all new migrations of a source in
	// one transaction, and then alike for those of one source.
	Together int
	// Statements, Txs are filled by the engine; in order.
	Statements []*Stmt
	Txs        []*Tx
	// Notes is what rules note of it.
	Notes Notes

	index int              // in the release
	after *catalog.Catalog // behind its last statement
}

// Refusal is something that the runner refuses, ignores or misreads: a marker
// in the wrong place, a statement that its splitter cuts in two.
type Refusal struct {
	Line, Column           int
	Message, Harm, Instead string
	// Severity lowers the finding's where the file runs all the same; Off
	// keeps it an error.
	Severity onward.Severity
}

// Place is a place in a repository that is looked for when a finding first asks
// for it: Find gives "deploy/migrate.yaml:14", or "" for nowhere.
type Place struct{ Find func() string }

// String is the place.
func (p *Place) String() string {
	if p == nil {
		return ""
	}
	return p.Find()
}

// Runner is what the migration tool does around a migration.
type Runner struct {
	// LockTimeout and StatementTimeout are what the tool, its connection
	// string or the role sets: milliseconds, 0 for none.
	LockTimeout, StatementTimeout int
	// LockTimeoutAt is where the repository sets a lock_timeout for what seem to
	// be its sessions; nil when it need not be looked for.
	LockTimeoutAt *Place
	// TimeZone of the session, "" when unknown.
	TimeZone string
	// Retries: the tool runs a migration again when it hits a lock timeout.
	Retries bool
	// Guessed: nobody said how the files are sent, and nothing in them tells;
	// statement by statement is what psql does.
	Guessed bool
	// Rerun says what happens to a migration without a transaction that
	// failed halfway: the tool runs the whole file again.
	Rerun bool
	// OwnSession: each file has a session to itself.
	OwnSession bool
	// Resumes: it goes on at the statement that failed.
	Resumes bool
	// AfterDeploy: the migration says that it runs when the new code has taken the
	// old code's place everywhere, and the tool keeps to it.
	AfterDeploy bool
	Tool
}

// Stmt is a statement with everything that is known of it.
type Stmt struct {
	*script.Statement
	Migration *Migration
	Tx        *Tx
	// Before and After are the catalog around the statement.
	Before, After *catalog.Catalog
	// Deltas is what this statement alone changes.
	Deltas []catalog.Delta
	// Problems is what the server would have against it.
	Problems []catalog.Problem
	// Result is what it does to other sessions, on the versions of the
	// current call; Results has all groups.
	Result  effect.Result
	Results []VersionResult
	// Held are the locks that earlier statements of the same transaction
	// still hold.
	Held Locks
	// Settings is what is in force when the statement runs.
	Settings Settings
	// Fault is a fault of onward's own that kept the statement from being
	// judged; Node is nil then.
	Fault error

	altered  *catalog.Relation // of Altered, once it was asked for
	commands []Command
	clauses  []pgparse.Span // of Clause, once it was asked for
	writes   []Write        // of Pass.Writes, once wrote is set
	wrote    bool
	puts     []put // of Engine.fills
}

// VersionResult is a result and the versions it holds for.
type VersionResult struct {
	Versions []int
	Result   effect.Result
}

// Settings are the session settings that matter, in milliseconds; 0 is no
// timeout.
type Settings struct {
	LockTimeout, StatementTimeout int
	// LockTimeoutBy is the statement that set it; nil for the runner or
	// nobody.
	LockTimeoutBy, StatementTimeoutBy *Stmt
	// ReplicaRole: session_replication_role is replica: triggers and foreign
	// keys are off.
	ReplicaRole bool
	TimeZone    string
}

// LongestWait is how long, in milliseconds, the users who wait behind a statement
// are likely to put up with it.
const LongestWait = 30_000

// Bounded reports whether a statement gives up when it waits for a lock: there is a
// lock_timeout, or a short statement_timeout, which counts the wait too.
func (s *Settings) Bounded() bool {
	return s.LockTimeout > 0 || s.StatementTimeout > 0 && s.StatementTimeout <= LongestWait
}

// Tx is one transaction of a migration: statements that commit together. A
// statement that commits by itself is a Tx of one.
type Tx struct {
	Migration  *Migration
	Origin     script.Origin
	Statements []*Stmt
	// Before and After are the catalog before the transaction and behind its
	// commit.
	Before, After *catalog.Catalog
	// Deltas is what the commit changes for other sessions.
	Deltas []Delta
	// RolledBack: the transaction ends in ROLLBACK; it has no deltas.
	RolledBack bool
	// Index numbers the transactions of the release.
	Index int
	// Earlier is the part of the same transaction that the migration before
	// makes; nil for none. What each part changes is compared by itself.
	Earlier *Tx
	// Notes is what rules note of it.
	Notes Notes

	locks *lockLog // at its end

	alterEnum bool // of AddsEnumValue
}

// Delta is a change at commit, traced to the statement that made it.
type Delta struct {
	*catalog.Delta
	// By is the statement of the transaction that the change is due to.
	By *Stmt
}

// Release is the release as a whole.
type Release struct {
	// Deployed is the schema that the deployed code runs on.
	Deployed *catalog.Catalog
	// Head is the schema behind the release's last migration.
	Head *catalog.Catalog
	// Changes lists what happened to migrations that the base already has,
	// and to the order of the new ones.
	Changes []HistoryChange
	// Known tells how much of the deployed schema the catalog holds: false
	// when the history does not begin at an empty database.
	Known bool
	// Notes is what rules note of the release.
	Notes Notes
}

// HistoryChange is something that happened to the history of migrations.
type HistoryChange struct {
	Kind HistoryKind
	// Migration is the ID, Path where it is (or was); Line 1 unless known.
	Migration, Path string
	// Other names the second migration of a duplicate or disorder, or the
	// directory in which a deleted one goes on.
	Other string
	Line  int
	// Detail is a sentence on what differs. Where a directory goes on, it is the
	// last migration that repeats what it had; Repeats is how many do.
	Detail  string
	Repeats int
	// Cosmetic: an edit of comments and white space only.
	Cosmetic bool
	// Runner is what the migration tool does about it, in a clause; "" where
	// it depends.
	Runner string
	// Directory: no migration is left of its directory.
	Directory bool
	// Ended: nor is anything left of the module that it belonged to.
	Ended bool
	// App is the app of which the head has none, although it has others.
	App string
	// Guessed: the tool follows from the names of files only.
	Guessed bool
	// Instead is the way out in the tool's own words; "" for none.
	Instead string
	// Refusal goes with Refused.
	Refusal *Refusal
}

// HistoryKind is a kind of change to the history.
type HistoryKind string

// The kinds of history changes.
const (
	Edited     HistoryKind = "edited"     // the base has it with other content
	Deleted    HistoryKind = "deleted"    // the base has it, the head does not
	RenamedID  HistoryKind = "renamed"    // same content, another ID
	Duplicate  HistoryKind = "duplicate"  // two migrations of one version
	OutOfOrder HistoryKind = "outoforder" // sorts before one that the base has
	Conflict   HistoryKind = "conflict"   // several leaves of one app
	Gap        HistoryKind = "gap"        // a number is missing
	Refused    HistoryKind = "refused"    // a file that the runner refuses or passes over
	Mapped     HistoryKind = "mapped"     // the models of the head have a column, which is Other, that those of the base do not
	Uncleared  HistoryKind = "uncleared"  // the mapper at the base clears a column, which is Other, where a row that it points at goes; the models of the head leave it out
	Unmapped   HistoryKind = "unmapped"   // the models of the head leave out a column, which is Other, that those of the base have
)
