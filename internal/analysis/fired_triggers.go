package analysis

import "github.com/onward-sql/onward/internal/catalog"

// FiredTrigger is a trigger that a write fires, with its function.
type FiredTrigger struct {
	Table    *catalog.Relation
	Trigger  *catalog.Trigger
	Function *catalog.Function
	// Events are the write's events that fire it.
	Events []string
	// Direct: the trigger belongs to the written table or one of its partitions.
	Direct bool
}

// ListFired lists the triggers that a write fires, as far as their functions are known in PL/pgSQL.
func ListFired(c *catalog.Catalog, table *catalog.Relation, node any) []FiredTrigger {
	var out []FiredTrigger
	for _, w := range ListWritten(c, table, ReadWrite(node)) {
		for _, t := range w.Triggers {
			if events := w.FiringEvents(t); len(events) > 0 {
				if fn := findTriggerFunction(c, t); fn != nil {
					out = append(out, FiredTrigger{w.Relation, t, fn, events, w.Direct})
				}
			}
		}
	}
	return out
}
