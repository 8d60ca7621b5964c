package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// Rewrites reports whether the relation is rewritten.
func Rewrites(e *effect.Effect) bool { return e.Rewrites }

// RebuildsIndex reports whether an index of the relation is made anew, but not
// the relation itself.
func RebuildsIndex(e *effect.Effect) bool { return e.RebuildsIndex && !e.Rewrites }

// BuildsIndex reports whether the relation gets a new index.
func BuildsIndex(e *effect.Effect) bool { return e.BuildsIndex }

// Scans reports whether the relation is scanned in full and nothing heavier is
// done to it.
func Scans(e *effect.Effect) bool {
	return e.Scans && !e.Rewrites && !e.RebuildsIndex && !e.BuildsIndex
}

// Waiting says who has to wait for the lock of an effect: "every query on t".
func Waiting(e *effect.Effect) string {
	if e.Lock.BlocksReads() {
		return "every query on " + e.Name.String()
	}
	return "every INSERT, UPDATE and DELETE on " + e.Name.String()
}

// Queue says who has to wait for a strong lock that is held for a moment: those
// who come while the statement waits for it.
func Queue(e *effect.Effect) string {
	return "it waits for running queries to finish, and " + Waiting(e) + " that comes later queues behind it"
}

// Unsure is the severity of a finding that rests on an assumption: a warning.
// It is Off, which keeps the rule's own severity, for what is certain.
func Unsure(e *effect.Effect) onward.Severity {
	if e.Unsure {
		return onward.Warning
	}
	return onward.Off
}

// Blocking reports whether a relation is one whose lock users of a table feel.
func Blocking(e *effect.Effect) bool {
	switch e.Kind {
	case catalog.Index, catalog.PartitionedIndex, catalog.Sequence, catalog.CompositeType:
		return false
	}
	return !e.Dropped
}

// Same reports whether two effects are on one relation, which may have been
// renamed in between.
func Same(a, b *effect.Effect) bool {
	if a.OID != 0 && b.OID != 0 {
		return a.OID == b.OID
	}
	return a.Name == b.Name
}
