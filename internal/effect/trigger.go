package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// createTrigger is CREATE TRIGGER: a row trigger on a partitioned table is
// made on every partition.
func (r *run) createTrigger(s *pgparse.CreateTrigStmt) {
	if s.GetReplace() && !r.v.AtLeast(14) {
		r.refuse(refuse.SyntaxAt, "TRIGGER")
		return
	}
	rel := r.table(s.GetRelation())
	if rel == nil {
		return
	}
	const truncates, insteadOf = 1 << 5, 1 << 6 // TRIGGER_TYPE_TRUNCATE, TRIGGER_TYPE_INSTEAD
	switch {
	case rel.Inferred:
	case rel.Kind.IsTable() && s.GetTiming() == insteadOf:
		r.refuse(refuse.IsTable, rel.Name.Name)
		return
	case rel.Kind == catalog.View && s.GetEvents()&truncates != 0:
		r.refuse(refuse.IsView, rel.Name.Name)
		return
	case rel.Kind == catalog.MaterializedView || rel.Kind == catalog.Sequence:
		r.refuse(refuse.NoTriggersHere, rel.Name.Name)
		return
	}
	if s.GetWhenClause() != nil && pgparse.Holds[*pgparse.SubLink](s.GetWhenClause()) {
		r.refuse(refuse.TriggerWhenSubquery)
		return
	}
	if len(s.GetTransitionRels()) > 0 && s.GetRow() && !rel.Inferred {
		switch {
		case rel.Kind == catalog.PartitionedTable:
			r.refuse(refuse.IsPartitioned, rel.Name.Name)
			return
		case rel.Parent != 0:
			r.refuse(refuse.TransitionPartition)
			return
		case len(rel.Inherits) > 0:
			r.refuse(refuse.TransitionInheritance)
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
	if s.GetEvent() == pgparse.CmdType_CMD_SELECT && rel.Kind.IsTable() && !rel.Inferred && r.v.AtLeast(16) {
		r.refuse(refuse.NoSelectRuleHere, rel.Name.Name)
		return
	}
	e := r.lock(rel, ael)
	if s.GetEvent() == pgparse.CmdType_CMD_SELECT && stored(rel) {
		e.Rewrites, e.Instant = true, true // an empty table becomes a view, without a file
	}
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
		r.refuse(refuse.NotTable, rel.Name.Name)
		return
	}
	r.lock(rel, ael)
	for _, c := range conditions {
		r.expr(c)
		for i := range r.Effects {
			r.Effects[i].Scans = false
		}
	}
}

// statistics is CREATE STATISTICS.
func (r *run) statistics(s *pgparse.CreateStatsStmt) {
	for _, e := range s.GetExprs() {
		if e.GetStatsElem().GetExpr() != nil && !r.v.AtLeast(14) {
			r.refuse(refuse.StatisticsSimple)
			return
		}
	}
	if len(s.GetDefnames()) == 0 && !r.v.AtLeast(16) {
		r.refuse(refuse.SyntaxAt, "ON")
		return
	}
	for _, n := range s.GetRelations() {
		if rel := r.table(n.GetRangeVar()); rel != nil {
			if rel.Kind == catalog.View {
				r.refuse(refuse.StatisticsHere, rel.Name.Name)
				return
			}
			if !r.mayCorrelate(rel, s) {
				return
			}
			r.lock(rel, sue)
		}
	}
}

// mayCorrelate refuses columns that statistics cannot be made of.
func (r *run) mayCorrelate(rel *catalog.Relation, s *pgparse.CreateStatsStmt) bool {
	for _, n := range s.GetExprs() {
		name := n.GetStatsElem().GetName()
		col := rel.Column(name)
		switch {
		case name == "":
		case col == nil && r.whole(rel):
			r.refuse(refuse.ColumnMissingAlone, name)
			return false
		case col != nil && col.Generated == "virtual":
			r.refuse(refuse.StatisticsVirtual)
			return false
		case col != nil && !col.Inferred && r.unfit("btree", "", col.Type) != nil:
			r.refuse(refuse.StatisticsUnordered, name, col.Type.Formal())
			return false
		}
	}
	if list := s.GetExprs(); len(list) == 1 && list[0].GetStatsElem().GetName() != "" {
		r.refuse(refuse.StatisticsTwo)
		return false
	}
	return true
}
