// Package effect answers one question, and is the only place that does: what
// does this statement do to other sessions, on this version of Postgres, given
// this schema? Which relations does it lock, in which mode, and what does it do
// to them under the lock?
//
// The answers are proven against real servers: see the proof in this package's
// tests. A difference between this package and a server is a bug here.
package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// Version is a major version of Postgres, as whoever answers is asked for it.
type Version = answer.Version

// NewVersion is the given major version, not yet consulted.
func NewVersion(major int) *Version { return answer.NewVersion(major) }

// Session is what an answer depends on beside the schema and the version.
type Session struct {
	// TimeZone of the session; "" is unknown. timestamp to timestamptz keeps
	// the table's file only in UTC.
	TimeZone string
	// CheckFunctionBodies, default access method and the like have no effect.
}

// Effect is what a statement does at one relation.
type Effect struct {
	// OID is the relation in the catalog before the statement; 0 for one that
	// the statement itself creates and for one that is not in the catalog.
	OID  catalog.OID
	Name catalog.Name
	Kind catalog.Kind
	Lock onward.Lock
	// Rewrites: the relation's file is rewritten (of a table: with all its
	// indexes). RebuildsIndex: on a table, an existing index of it is rebuilt;
	// on an index, it is rebuilt. BuildsIndex: on a table, a new index of it
	// is built. Scans: the relation is scanned in full.
	Rewrites, RebuildsIndex, BuildsIndex, Scans bool
	// Created and Dropped mark what the statement creates or drops itself.
	Created, Dropped bool
	// Waits: the statement waits, while it holds this lock, for transactions
	// that may run long (CONCURRENTLY, DETACH … CONCURRENTLY).
	Waits bool
	// Rows marks row-level work that grows with the rows touched, not with
	// the table as such: UPDATE and DELETE with a condition.
	Rows bool
	// RowLocks: rows are written that were there before, and each stays locked against
	// who else writes it until the transaction ends: UPDATE, DELETE, MERGE.
	RowLocks bool
	// Instant marks new storage that is empty or of fixed size, so that the
	// time does not grow with the relation: TRUNCATE, a sequence's new state.
	Instant bool
	// Unsure marks work that is assumed because something is not known: the
	// old type of a column, a function, the columns of a table that no
	// statement created. Why then says what.
	Unsure bool
	// Why says in a few words why the relation is locked or worked on, where
	// the statement does not name it: "referenced by orders_user_id_fkey".
	Why string
}

// Work is the heaviest work of the effect.
func (e *Effect) Work() onward.Work {
	switch {
	case e.Rewrites:
		return onward.Rewrite
	case e.RebuildsIndex, e.BuildsIndex:
		return onward.IndexWork
	case e.Scans:
		return onward.Scan
	}
	return onward.NoWork
}

// Result is what a statement does.
type Result struct {
	// Effects has one entry per relation, those named by the statement first.
	Effects []Effect
	// NoTransaction is set when the server refuses the statement inside a
	// transaction block; it is the server's name for the command: "CREATE
	// INDEX CONCURRENTLY".
	NoTransaction string
	// Refused is the server's no to the statement on this version and schema;
	// nil when it has none. Effects then tell what was locked up to the refusal,
	// if that is known.
	Refused *refuse.Refusal
	// Unlisted is what the statement does to relations that it does not name and that
	// the catalog may not hold; nil for none.
	Unlisted *Unlisted
	// Unmodelled names a statement form that nobody modelled: its effects are
	// unknown, not none.
	Unmodelled string
}

// Unlisted is an effect on all relations of a kind: its name is a phrase for people,
// "every table of schema app".
type Unlisted struct {
	Effect
	// Schema is the only one that it is about; "" for all.
	Schema string
	// Sure says that no statement created what it is about, so that the catalog
	// holds none of it, however much else it holds.
	Sure bool
}

// Unknown is Unmodelled as a clause for people: a reason where there is one,
// else that the form is not modelled.
func Unknown(unmodelled string) string {
	if strings.Contains(unmodelled, ": ") {
		return unmodelled
	}
	return "what " + unmodelled + " locks is not modelled"
}

// Onward is the result in the public vocabulary: one entry per relation, in
// the same order.
func (r Result) Onward() []onward.Effect {
	out := make([]onward.Effect, len(r.Effects))
	for i := range r.Effects {
		e := &r.Effects[i]
		out[i] = onward.Effect{
			Relation: e.Name.Qualified(), Lock: e.Lock, Work: e.Work(), Blocks: e.Lock.Blocks(), New: e.Created,
			RowLocks: e.RowLocks, Emptied: e.Instant && e.Kind != catalog.Sequence,
		}
	}
	return out
}
