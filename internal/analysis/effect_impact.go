package analysis

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/onward"
)

// IsRewritten reports whether the relation is rewritten.
func IsRewritten(e *effect.Effect) bool { return e.Rewrites }

// RebuildsIndex reports whether an index of the relation is rebuilt, but not the relation
// itself.
func RebuildsIndex(e *effect.Effect) bool { return e.RebuildsIndex && !e.Rewrites }

// BuildsIndex reports whether the relation gets a new index.
func BuildsIndex(e *effect.Effect) bool { return e.BuildsIndex }

// IsScanned reports whether the relation is scanned in full, without any heavier work.
func IsScanned(e *effect.Effect) bool {
	return e.Scans && !e.Rewrites && !e.RebuildsIndex && !e.BuildsIndex
}

// DescribeWaiting describes who has to wait for the lock of an effect: "every query on t".
func DescribeWaiting(e *effect.Effect) string {
	if e.Lock.BlocksReads() {
		return "every query on " + e.Name.String()
	}
	return "every INSERT, UPDATE and DELETE on " + e.Name.String()
}

// DescribeQueue describes who has to wait for a strong lock that is held only briefly: sessions
// that arrive while the statement waits for it.
func DescribeQueue(e *effect.Effect) string {
	return "it waits for running queries to finish, and " + DescribeWaiting(e) + " that comes later waits for it"
}

// UnsureSeverity returns the severity of a finding that rests on an assumption: a warning. For a
// certain one it returns Off, which keeps the rule's own severity.
func UnsureSeverity(e *effect.Effect) onward.Severity {
	if e.Unsure {
		return onward.Warning
	}
	return onward.Off
}

// IsBlocking reports whether users of a table feel a lock on the relation.
func IsBlocking(e *effect.Effect) bool {
	switch e.Kind {
	case catalog.Index, catalog.PartitionedIndex, catalog.Sequence, catalog.CompositeType:
		return false
	}
	return !e.Dropped
}

// SameRelation reports whether two effects are on one relation, which may have been
// renamed in between.
func SameRelation(a, b *effect.Effect) bool {
	if a.OID != 0 && b.OID != 0 {
		return a.OID == b.OID
	}
	return a.Name == b.Name
}
