package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// createTrigger is CREATE TRIGGER: a row trigger on a partitioned table is
// made on every partition.
func (r *run) createTrigger(s *pgparse.CreateTrigStmt) {
	rel := r.findTable(s.GetRelation())
	if rel == nil || r.Refusal != nil {
		return
	}
	r.lockRelation(rel, sre)
	if s.GetRow() && rel.Kind == catalog.PartitionedTable {
		r.lockDescendants(rel, sre)
	}
	if from := s.GetConstrrel(); from != nil {
		if other := r.findTable(from); other != nil {
			r.lockRelation(other, as)
		}
	}
}

// createRule is CREATE RULE: the relations that its actions name are locked when the rule is parsed.
// Defaults and their sequences are locked only when the rule runs.
func (r *run) createRule(s *pgparse.RuleStmt) {
	rel := r.findTable(s.GetRelation())
	if rel == nil || r.Refusal != nil {
		return
	}
	e := r.lockRelation(rel, accessExclusive)
	if s.GetEvent() == pgparse.CmdType_CMD_SELECT && hasStorage(rel) {
		e.Rewrites, e.Instant = true, true // an empty table becomes a view, without a file
	}
	for _, action := range s.GetActions() {
		inner := run{Checker: refusal.Checker{C: r.C, V: r.V}, in: r.in}
		inner.lockQuery(pgparse.Unwrap(action))
		for i := range inner.Effects {
			e := &inner.Effects[i]
			if other := r.C.Relation(e.OID); other != nil && e.Why == "" && (e.Kind != catalog.Sequence || e.Lock == as) {
				r.lockRelation(other, min(e.Lock, rx))
			}
		}
	}
}

// lockPolicy is CREATE POLICY and ALTER POLICY.
func (r *run) lockPolicy(table *pgparse.RangeVar, conditions ...*pgparse.Node) {
	rel := r.findTable(table)
	if rel == nil || r.Refusal != nil {
		return
	}
	r.lockRelation(rel, accessExclusive)
	for _, c := range conditions {
		r.lockExpr(c)
		for i := range r.Effects {
			r.Effects[i].Scans = false
		}
	}
}

// createStatistics is CREATE STATISTICS.
func (r *run) createStatistics(s *pgparse.CreateStatsStmt) {
	for _, n := range s.GetRelations() {
		if rel := r.findTable(n.GetRangeVar()); rel != nil && r.Refusal == nil {
			r.lockRelation(rel, sue)
		}
	}
}
