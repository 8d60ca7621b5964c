package rule

import (
	"github.com/onward-sql/onward/internal/advice"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/analysis/inline"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/fault"
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
	// Refusals are what the migration tool itself will refuse or misread in the file.
	Refusals []history.Refusal
	// Otherwise are the findings for the other way to send the file, if Runner.Otherwise has one; nil if
	// that was not tried.
	Otherwise []onward.Finding
	// Found are the findings for the assumed way to send it, without those of Release rules, after it was
	// judged; nil if Otherwise is.
	Found []onward.Finding
	// Together identifies the source if the tool sends all new migrations of a source in one transaction;
	// else 0.
	Together int
	// Session identifies the source if one session runs all new migrations of a source; else 0.
	Session int
	// Outside are the migrations before it that ran on another connection and are recorded in its transaction.
	Outside []*Migration
	// RunsProgram: besides its SQL it runs a program, such as RunPython, which may write rows of any table.
	RunsProgram bool
	// Statements and Txs are filled by the engine, in order.
	Statements []*Stmt
	Txs        []*Tx
	// Notes caches what rules compute about it.
	Notes Notes

	index  int              // in the release
	first  int              // the index of its first statement in the file, if it is a window of that
	size   int              // how many statements it had
	goesOn bool             // in the next window, in the same transaction
	after  *catalog.Catalog // after its last statement
	beside *sessionEnd      // the session whose transaction stays open while this migration runs on another connection
}

// Stmt is a statement with all its analysis.
type Stmt struct {
	*script.Statement
	Migration *Migration
	Tx        *Tx
	*stmtAnalysis
	clauses []pgparse.Span // set by CommandText
}

// stmtAnalysis is the analysis of a statement. Rules keep thousands of statements until the end of the release, without
// their analysis: freedAnalysis is its empty place, which all of them share and nobody may change.
type stmtAnalysis struct {
	// Before and After are the catalogs before and after the statement.
	Before, After *catalog.Catalog
	// Deltas are the changes of this statement alone.
	Deltas []catalog.Delta
	// Problems are the server's objections to it.
	Problems []catalog.Problem
	// Result is its effect on other sessions, on the versions of the current call. Results has all groups
	// of versions.
	Result  effect.Result
	Results []VersionResult
	// Held are the locks that earlier statements of the same transaction still hold.
	Held Locks
	// Beside are the transactions that are open on other connections of the same program, which waits for this statement before
	// it ends them.
	Beside []*Tx
	// Settings are the session's settings when the statement runs.
	Settings Settings
	// Fault is a panic of onward that kept the statement from being judged; Node is nil then.
	Fault error
	// Missing is a relation that does not exist, so that an IF skips the statement; Node is nil then. FirstSkipped is set
	// for the first statement of such a branch.
	Missing      string
	FirstSkipped bool

	altered  *catalog.Relation // set by AlteredRelation
	commands []*Command
	// makers index the subcommands for listMakers, afterDrops is set by catalogAfterDrops.
	makers     map[maker][]int
	afterDrops *catalog.Catalog
	writes     []analysis.Write // set by Pass.ListWrites, valid if wrote is set
	wrote      bool
	puts       []analysis.RowPut // set by Engine.fills
	holds      bool              // a lock, or the first place, of a transaction that may go on in the next window
}

var freedAnalysis stmtAnalysis

// Spanning returns a copy of a statement as if it made all changes between two catalogs.
func (s *Stmt) Spanning(before, after *catalog.Catalog) *Stmt {
	out, analysisCopy := *s, *s.stmtAnalysis
	analysisCopy.Before, analysisCopy.After = before, after
	out.stmtAnalysis = &analysisCopy
	return &out
}

// VersionResult is a result with the versions that have it.
type VersionResult struct {
	Versions []int
	Result   effect.Result
}

// Settings are the relevant settings of a session. Timeouts are in milliseconds; 0 is no timeout.
type Settings struct {
	LockTimeout, StatementTimeout int
	// LockTimeoutBy is the statement that set the lock_timeout; nil if the tool or nobody set it.
	LockTimeoutBy, StatementTimeoutBy *Stmt
	// ReplicaRole: session_replication_role is replica, so triggers and foreign keys are off.
	ReplicaRole bool
	TimeZone    string
	// UncheckedBodies: check_function_bodies is off.
	UncheckedBodies bool
	// PathEmptiedBy is the statement that set search_path to an empty text; nil if names without a schema are looked up.
	PathEmptiedBy *Stmt
}

// IsBounded reports whether a statement gives up waiting for a lock: there is a lock_timeout, or a short
// statement_timeout, which includes the wait.
func (s *Settings) IsBounded() bool {
	return s.LockTimeout > 0 || s.StatementTimeout > 0 && s.StatementTimeout <= analysis.LongestWait
}

// Tx is one transaction of a migration: statements that commit together. A statement that commits by
// itself is a Tx of its own.
type Tx struct {
	Migration  *Migration
	Origin     script.Origin
	Statements []*Stmt
	// Before and After are the catalogs before the transaction and after its commit.
	Before, After *catalog.Catalog
	// Deltas are the changes that other sessions see after the commit.
	Deltas []Delta
	// RolledBack: the transaction ends in ROLLBACK; it has no deltas.
	RolledBack bool
	// Index numbers the transactions of the release.
	Index int
	// Earlier is the previous migration's part of the same transaction; nil for none. The changes of each
	// part are compared separately.
	Earlier *Tx
	// First is the first of these parts; the transaction itself if it has one part.
	First *Tx
	// Notes caches what rules compute about it.
	Notes Notes

	// AddsEnumValue: it has an ALTER TYPE … ADD VALUE or a similar statement, which is rare.
	AddsEnumValue bool

	locks *lockLog // at its end
	// continued is set if it goes on after a statement of another connection.
	continued bool
}

// Delta is a change at commit, with the statement that caused it.
type Delta struct {
	*catalog.Delta
	// By is the statement of the transaction that caused the change.
	By *Stmt
}

// Release is the release as a whole.
type Release struct {
	// DeployedUnknown: it is not known which migrations are deployed. A suppression that suppresses
	// nothing may belong to a deployed one.
	DeployedUnknown bool
	// Deployed is the schema that the deployed code runs on.
	Deployed *catalog.Catalog
	// Head is the schema after the release's last migration.
	Head *catalog.Catalog
	// Changes lists changes to migrations that the base already has, and to the order of new ones.
	Changes []history.Change
	// Known says whether the catalog holds the whole deployed schema: false if the history does not begin
	// with an empty database.
	Known bool
	// Notes caches what rules compute about the release.
	Notes Notes
	// Deprecated maps table.column to the deprecation in the settings, written as in a comment. Today is
	// the current day, 2026-11-22.
	Deprecated map[string]string
	Today      string
	// NoticeDays is how many days before the last day of a deprecated column its new uses are reported.
	NoticeDays int
	// Said maps schema.table.column to the place of the deployed migration that comments on the column.
	Said map[string]onward.Place
	// LaterDrops is what the contracts of plans under way on the deployed database will drop.
	LaterDrops []analysis.LaterDrop
	// Fills are the columns that the migrations add and fill.
	Fills *analysis.ColumnFills
}

// After returns the catalog after the migration.
func (m *Migration) After() *catalog.Catalog { return m.Txs[len(m.Txs)-1].After }

// WriteFix returns a fix in the words of the framework that rendered the migration; "" if no framework did,
// or if SQL is fine.
func (m *Migration) WriteFix(op script.Operation, way advice.Way) string {
	if m.Runner.Renderer == nil || way == nil {
		return ""
	}
	return m.Runner.Renderer.Write(op, way)
}

// CreatedTables returns the changes by which the migration creates permanent tables, without partitions, which
// share their parent's nature, and temporary tables.
func (m *Migration) CreatedTables() []Delta {
	var out []Delta
	for _, d := range m.EachChange() {
		if d.Kind == catalog.RelationCreated && d.By != nil && d.After.Kind.IsTable() && d.After.Parent == 0 && d.After.Persistence != catalog.Temporary &&
			!d.After.Inferred {
			out = append(out, *d)
		}
	}
	return out
}

// MadeObject is an object that a migration created, for a rule that judges it at the end of the release.
type MadeObject struct {
	By *Stmt
	// Table is the created or affected table. ID is the constraint or index on it, if the object is one.
	Table, ID catalog.OID
}

// Fault is a panic that kept a rule from judging something.
type Fault struct {
	Rule string
	// Migration is nil if the rule is about the whole release. Statement is nil if the
	// rule is about several statements.
	Migration *Migration
	Statement *script.Statement
	Err       error
}

// TakeFaults returns the faults since the last call.
func (e *Engine) TakeFaults() []Fault {
	list := e.faults
	e.faults = nil
	return list
}

// recordPanic records the panic of a rule. The findings of other rules are kept.
func (e *Engine) recordPanic(m *Migration, st *script.Statement) {
	if r := recover(); r != nil {
		e.faults = append(e.faults, Fault{e.pass.Rule.ID, m, st, fault.FromPanic(r)})
	}
}

// recordPanic records a panic while a statement is analysed. No rule sees the statement, and
// the schema is uncertain from then on.
func (s *Stmt) recordPanic() {
	if r := recover(); r != nil {
		s.Fault = fault.FromPanic(r)
		s.After, s.Deltas, s.Problems = s.Before.MarkUnseen("a statement that could not be judged"), nil, nil
		if _, ok := r.(fault.Bound); ok {
			s.After.SetMade(true) // the next statements do not begin again
		}
		s.Result, s.Results, s.Node = effect.Result{}, nil, nil
	}
}

// ApplyDeployed applies a statement that the base already has. If applying it panics, the
// catalog stays unchanged but is marked as uncertain.
func ApplyDeployed(c *catalog.Catalog, node *pgparse.Node, sql string) (after *catalog.Catalog) {
	defer func() {
		if recover() != nil {
			after = c.MarkUnseen("a statement that could not be folded")
		}
	}()
	after, _ = c.Apply(node, sql)
	if after != c {
		after.SetMade(false)
	}
	return after
}

// deployedHistory follows the transactions of deployed migrations. One may go on in the next window of a file.
type deployedHistory struct {
	start  *catalog.Catalog // before the transaction
	tx     int              // its number in the script
	points analysis.Savepoints[*catalog.Catalog]
}

// foldScript applies a script as its transactions would, leaving out what is rolled back.
func (h *deployedHistory) foldScript(in *inline.Inliner, c *catalog.Catalog, s *script.Script) *catalog.Catalog {
	if s.Window == 0 || h.tx == 0 {
		*h = deployedHistory{start: c}
	}
	for i := 0; i < len(s.Statements); i++ { // a call adds some
		st := s.Statements[i]
		in.InlineCalls(c, s, i)
		if st.Tx != h.tx {
			if s.Rollback[h.tx] {
				c = h.start
			}
			c = c.EndTransaction()
			h.start, h.tx = c, st.Tx
		}
		if st.Node == nil {
			c = markUnparsed(c, st)
			continue
		}
		c = h.points.FollowStatement(st.Node, ApplyDeployed(c, st.Node, st.SQL))
	}
	rolledBack := s.Rollback[h.tx]
	if rolledBack {
		c = h.start
	}
	if s.More && s.End != script.Alone && !rolledBack {
		return c
	}
	h.tx = 0
	return c.EndTransaction()
}
