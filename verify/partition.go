package verify

import (
	"fmt"
	"slices"
)

// partition is one of a partitioned table.
type partition struct {
	OID         uint32
	Name, Bound string
}

const defaultBound = "DEFAULT"

// lostPartitions finds partitions that are gone, and new bounds, for a table that a query writes rows of.
func lostPartitions(base, m *moment, before *relation, w *tableWrites) []string {
	after := m.relations[before.OID]
	if after == nil || !w.inserts && !w.updates {
		return nil
	}
	var out []string
	if after.Bound != "" && after.Bound != before.Bound && after.Bound != defaultBound {
		out = append(out, fmt.Sprintf("new row for relation %q violates partition constraint", after.Name))
	}
	if slices.ContainsFunc(after.Partitions, func(p partition) bool { return p.Bound == defaultBound }) {
		return out
	}
	for _, p := range before.Partitions {
		if !slices.ContainsFunc(after.Partitions, func(o partition) bool { return o.Bound == p.Bound }) {
			out = append(out, fmt.Sprintf("no partition of relation %q found for row: partition %q is gone", after.Name, p.Name))
			continue
		}
		if child := base.relations[p.OID]; child != nil && len(child.Partitions) > 0 {
			out = append(out, lostPartitions(base, m, child, w)...)
		}
	}
	return out
}
