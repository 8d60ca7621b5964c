package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// createTrigger is CREATE TRIGGER: a row trigger on a partitioned table is
// made on every partition.
func (r *run) createTrigger(s *pgparse.CreateTrigStmt) {
	if s.GetReplace() && !r.v.AtLeast(14) {
		r.refuse(`syntax error at or near "TRIGGER"`)
		return
	}
	rel := r.table(s.GetRelation())
	if rel == nil {
		return
	}
	const insteadOf = 1 << 6 // TRIGGER_TYPE_INSTEAD
	switch {
	case rel.Inferred:
	case rel.Kind.IsTable() && s.GetTiming() == insteadOf:
		r.refuse(`"` + rel.Name.Name + `" is a table`)
		return
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		r.refuse(`relation "` + rel.Name.Name + `" cannot have triggers`)
		return
	}
	if len(s.GetTransitionRels()) > 0 && s.GetRow() && !rel.Inferred {
		switch {
		case rel.Kind == catalog.PartitionedTable:
			r.refuse(`"` + rel.Name.Name + `" is a partitioned table`)
			return
		case rel.Parent != 0:
			r.refuse("ROW triggers with transition tables are not supported on partitions")
			return
		case len(rel.Inherits) > 0:
			r.refuse("ROW triggers with transition tables are not supported on inheritance children")
			return
		}
	}
	r.lock(rel, sre)
	if s.GetRow() && rel.Kind == catalog.PartitionedTable {
		r.below(rel, sre)
	}
	if from := s.GetConstrrel(); from != nil {
		if other := r.table(from); other != nil {
			r.lock(other, as)
		}
	}
}

// createRule is CREATE RULE: what its actions name is locked as it is read;
// the defaults, and the sequences that they take numbers from, come later.
func (r *run) createRule(s *pgparse.RuleStmt) {
	rel := r.table(s.GetRelation())
	if rel == nil {
		return
	}
	r.lock(rel, ael)
	for _, action := range s.GetActions() {
		inner := run{c: r.c, v: r.v, s: r.s}
		inner.query(pgparse.Unwrap(action))
		for i := range inner.Effects {
			e := &inner.Effects[i]
			if other := r.c.Relation(e.OID); other != nil && e.Why == "" && (e.Kind != catalog.Sequence || e.Lock == as) {
				r.lock(other, min(e.Lock, rx))
			}
		}
	}
}

// policy is CREATE POLICY and ALTER POLICY.
func (r *run) policy(table *pgparse.RangeVar, conditions ...*pgparse.Node) {
	rel := r.table(table)
	if rel == nil {
		return
	}
	if !rel.Kind.IsTable() && !rel.Inferred {
		r.refuse(`"` + rel.Name.Name + `" is not a table`)
		return
	}
	r.lock(rel, ael)
	for _, c := range conditions {
		r.node(c, nil)
		for i := range r.Effects {
			r.Effects[i].Scans = false
		}
	}
}

// statistics is CREATE STATISTICS.
func (r *run) statistics(s *pgparse.CreateStatsStmt) {
	for _, e := range s.GetExprs() {
		if e.GetStatsElem().GetExpr() != nil && !r.v.AtLeast(14) {
			r.refuse("only simple column references are allowed in CREATE STATISTICS")
			return
		}
	}
	if len(s.GetDefnames()) == 0 && !r.v.AtLeast(16) {
		r.refuse(`syntax error at or near "ON"`)
		return
	}
	for _, n := range s.GetRelations() {
		if rel := r.table(n.GetRangeVar()); rel != nil {
			if rel.Kind == catalog.View {
				r.refuse(`cannot define statistics for relation "` + rel.Name.Name + `"`)
				return
			}
			r.lock(rel, sue)
		}
	}
}
