// Package effect answers one question, and is the only place that does: what does this
// statement do to other sessions, on this version of Postgres, given this schema? Which
// relations does it lock, in which mode, and what does it do to them under the lock?
//
// The proof in this package's tests compares the answers with real servers. Any
// difference between this package and a server is a bug here.
package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// Version is a major version of Postgres. It records whether an answer depended on it.
type Version = refusal.Version

// NewVersion returns the given major version, not yet consulted.
func NewVersion(major int) *Version { return refusal.NewVersion(major) }

// Inputs holds what an answer depends on in addition to the schema and the version.
type Inputs struct {
	// TimeZone is the session's time zone; "" is unknown. Changing timestamp to
	// timestamptz avoids a rewrite only in UTC.
	TimeZone string
	// Problems are the catalog's objections to the statement (catalog.Judge). A certain one
	// is a refusal.
	Problems []catalog.Problem
	// UncheckedBodies: check_function_bodies is off, so a body that is a string is not read when the function is made.
	UncheckedBodies bool
	// Commands has the commands of an ALTER TABLE on the same catalog, for callers who ask about several versions; nil is always right.
	Commands *catalog.Commands
}

// Effect is the effect of a statement on one relation.
type Effect struct {
	// OID is the relation in the catalog before the statement; 0 for a relation that the
	// statement itself creates, and for one that is not in the catalog.
	OID  catalog.OID
	Name catalog.Name
	Kind catalog.Kind
	Lock onward.Lock
	// Rewrites: the relation's file is rewritten (of a table: with all its
	// indexes). RebuildsIndex: on a table, an existing index of it is rebuilt;
	// on an index, it is rebuilt. BuildsIndex: on a table, a new index of it
	// is built. Scans: the relation is scanned in full.
	Rewrites, RebuildsIndex, BuildsIndex, Scans bool
	// Created and Dropped mark relations that the statement itself creates or drops.
	Created, Dropped bool
	// Waits: the statement waits, while it holds this lock, for transactions
	// that may run long (CONCURRENTLY, DETACH … CONCURRENTLY).
	Waits bool
	// AtEnd: the statement takes this lock at its end only, for a moment, after its work and its waits. Until then it holds
	// one that blocks no query (REPACK (CONCURRENTLY), DETACH PARTITION … CONCURRENTLY).
	AtEnd bool
	// Rows marks row-level work that grows with the number of touched rows, not with the
	// size of the table: UPDATE and DELETE with a condition.
	Rows bool
	// RowLocks: existing rows are written, and each stays locked against other writers
	// until the transaction ends: UPDATE, DELETE, MERGE.
	RowLocks bool
	// Instant marks new storage that is empty or of fixed size, so that the time does not
	// grow with the relation: TRUNCATE, a sequence's new state.
	Instant bool
	// Unsure marks work that is assumed because something is not known: the old type of a
	// column, a function, the columns of a table that no statement created. Why then
	// explains it.
	Unsure bool
	// Why says briefly why a relation that the statement does not name is locked or
	// worked on: "referenced by orders_user_id_fkey".
	Why string
}

// HeaviestWork returns the heaviest work of the effect.
func (e *Effect) HeaviestWork() onward.Work {
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

// Result is the effect of a statement.
type Result struct {
	// Effects has one entry per relation. Relations named by the statement come first.
	Effects []Effect
	// NoTransaction is set if the server refuses the statement inside a transaction
	// block. It is the server's name for the command: "CREATE INDEX CONCURRENTLY".
	NoTransaction string
	// Refused is the server's refusal of the statement on this version and schema; nil if
	// there is none. Effects then hold the locks taken before the refusal, if these are
	// known.
	Refused *pgerror.Refusal
	// Unlisted is the effect on relations that the statement does not name and that the
	// catalog may not hold; nil for none.
	Unlisted *UnlistedEffect
	// Unmodelled names a statement form that is not modelled. Its effects are unknown,
	// which does not mean none.
	Unmodelled string
}

// UnlistedEffect is an effect on all relations of a kind. Its name is a phrase for people:
// "every table of schema app".
type UnlistedEffect struct {
	Effect
	// Schema is the only schema that it applies to; "" for all.
	Schema string
	// Sure says that no statement created the relations in question, so the catalog holds
	// none of them, even if it is otherwise complete.
	Sure bool
}

// UnmodelledReason returns Unmodelled as a clause for people: the reason if there is one,
// otherwise that the form is not modelled.
func UnmodelledReason(unmodelled string) string {
	if strings.Contains(unmodelled, ": ") {
		return unmodelled
	}
	return "what " + unmodelled + " locks is not modelled"
}

// PublicEffects returns the result in the public types: one entry per relation, in the same
// order.
func (r Result) PublicEffects() []onward.Effect {
	out := make([]onward.Effect, len(r.Effects))
	for i := range r.Effects {
		e := &r.Effects[i]
		out[i] = onward.Effect{
			Relation: e.Name.Qualified(), Lock: e.Lock, Work: e.HeaviestWork(), Blocks: e.Lock.Blocks(), New: e.Created,
			RowLocks: e.RowLocks, Emptied: e.Instant && e.Kind != catalog.Sequence, AtEnd: e.AtEnd,
		}
	}
	return out
}
