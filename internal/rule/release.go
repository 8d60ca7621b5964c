package rule

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/history"
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
	Runner    history.Runner
	// Refusals is what the runner itself will refuse or misread in the file.
	Refusals []history.Refusal
	// Otherwise is what was found with the file sent in the other way, where
	// Runner.Otherwise has one; nil where that was not tried.
	Otherwise []onward.Finding
	// Found is what was found with it sent as is assumed, but by Release rules, once it
	// was judged; nil where Otherwise is.
	Found []onward.Finding
	// Together is not 0 where the runner sends all new migrations of a source in
	// one transaction, and then the same for all of one source.
	Together int
	// Session is not 0 where one session goes through all new migrations of a source,
	// and then the same for all of one source.
	Session int
	// Statements, Txs are filled by the engine; in order.
	Statements []*Stmt
	Txs        []*Tx
	// Notes is what rules note of it.
	Notes Notes

	index int              // in the release
	after *catalog.Catalog // behind its last statement
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
	clauses  []pgparse.Span   // of Clause, once it was asked for
	writes   []analysis.Write // of Pass.Writes, once wrote is set
	wrote    bool
	puts     []analysis.Put // of Engine.fills
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

// Bounded reports whether a statement gives up when it waits for a lock: there is a
// lock_timeout, or a short statement_timeout, which counts the wait too.
func (s *Settings) Bounded() bool {
	return s.LockTimeout > 0 || s.StatementTimeout > 0 && s.StatementTimeout <= analysis.LongestWait
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
	// First is the first of these parts, which is the transaction itself where it has one.
	First *Tx
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
	// DeployedUnknown: nothing says which of the migrations are deployed. A comment that takes out nothing
	// may take out something of those that are not.
	DeployedUnknown bool
	// Deployed is the schema that the deployed code runs on.
	Deployed *catalog.Catalog
	// Head is the schema behind the release's last migration.
	Head *catalog.Catalog
	// Changes lists what happened to migrations that the base already has,
	// and to the order of the new ones.
	Changes []history.Change
	// Known tells how much of the deployed schema the catalog holds: false
	// when the history does not begin at an empty database.
	Known bool
	// Notes is what rules note of the release.
	Notes Notes
	// Deprecated are columns that the settings call so, by table.column, in the words of
	// a comment; Today is the day, 2026-11-22.
	Deprecated map[string]string
	Today      string
	// Said is where deployed migrations say something of a column, by schema.table.column.
	Said map[string]onward.Place
}

// Written is a way out in the words of the framework that rendered the migration; ""
// where none did, and where the SQL will do.
func (m *Migration) Written(op script.Operation, way advice.Way) string {
	if m.Runner.Renderer == nil || way == nil {
		return ""
	}
	return m.Runner.Renderer.Write(op, way)
}

// Tables are the changes by which the migration creates tables that stay: no
// partitions, which are what their parent is, and no temporary tables.
func (m *Migration) Tables() []Delta {
	var out []Delta
	for _, t := range m.Txs {
		for i := range t.Deltas {
			d := &t.Deltas[i]
			if d.Kind == catalog.RelationCreated && d.By != nil && d.After.Kind.IsTable() && d.After.Parent == 0 && d.After.Persistence != catalog.Temporary && !d.After.Inferred {
				out = append(out, *d)
			}
		}
	}
	return out
}

// Made is something that a migration created, for a rule that judges it as the
// release leaves it.
type Made struct {
	By *Stmt
	// Table is the table created or concerned; ID the constraint or index on
	// it, where it is about one.
	Table, ID catalog.OID
}
