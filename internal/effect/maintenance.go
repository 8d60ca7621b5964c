package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// vacuumTables is VACUUM and ANALYZE.
func (r *run) vacuumTables(s *pgparse.VacuumStmt) {
	full, statsOnly := false, false
	for _, o := range s.GetOptions() {
		switch d := o.GetDefElem(); d.GetDefname() {
		case "full":
			full = pgparse.BoolValue(d)
		case "only_database_stats":
			statsOnly = pgparse.BoolValue(d)
		}
	}
	if s.GetIsVacuumcmd() {
		r.NoTransaction = "VACUUM"
	}
	if statsOnly {
		return
	}
	processTable := func(rel *catalog.Relation) { r.vacuumRelation(rel, full, s.GetIsVacuumcmd()) }
	for _, n := range s.GetRels() {
		rv := n.GetVacuumRelation().GetRelation()
		rel := r.findTable(rv)
		if rel == nil {
			continue
		}
		if r.Refusal != nil {
			return
		}
		processTable(rel)
		for _, k := range r.C.ListTree(rel, rv.GetInh())[1:] {
			switch {
			case rel.Kind == catalog.PartitionedTable || r.V.AtLeast(18):
				processTable(k) // in its own right
			case !s.GetIsVacuumcmd():
				r.lockWithReason(k, as, childReason(k, rel))
			}
		}
	}
	if len(s.GetRels()) == 0 {
		if full {
			r.recordUnlisted("every table of the database", catalog.Table, accessExclusive).Rewrites = true
		}
		r.C.EachRelation(func(rel *catalog.Relation) bool {
			switch rel.Kind {
			case catalog.Table, catalog.MaterializedView, catalog.PartitionedTable:
				processTable(rel)
			}
			return true
		})
		r.sortEffects()
	}
}

// vacuumRelation is VACUUM of one relation, or ANALYZE.
func (r *run) vacuumRelation(rel *catalog.Relation, full, vacuum bool) {
	switch {
	case !rel.Kind.IsTable() && rel.Kind != catalog.MaterializedView && rel.Kind != catalog.ForeignTable: // warns
	case full && hasStorage(rel):
		r.recordRewritten(rel, "")
	case full:
		r.lockRelation(rel, accessExclusive)
	default:
		r.lockRelation(rel, sue)
		if vacuum {
			for _, i := range r.C.IndexesOf(rel) {
				r.lockWithReason(i, rx, "index of "+rel.Name.String())
			}
		}
	}
}

// clusterTable is CLUSTER.
func (r *run) clusterTable(s *pgparse.ClusterStmt) {
	rv := s.GetRelation()
	repack := pgparse.RepackOf(s)
	command, alone := "CLUSTER", rv.GetRelname() == ""
	switch {
	case repack == nil:
	case repack.Concurrently:
		command, alone = "REPACK (CONCURRENTLY)", true
	case repack.Analyze:
		command, alone = "REPACK (ANALYZE)", true
	default:
		command = "REPACK"
	}
	if alone {
		r.NoTransaction = command
	}
	if repack != nil && rv.GetRelname() == "" && !repack.UsingIndex {
		r.recordUnlisted("every table of the database, with the system catalogs", catalog.Table, accessExclusive).Rewrites = true
		r.C.EachRelation(func(rel *catalog.Relation) bool {
			if hasStorage(rel) && (rel.Kind == catalog.Table || rel.Kind == catalog.MaterializedView) {
				r.recordRewritten(rel, "")
			}
			return true
		})
		r.sortEffects()
		return
	}
	if rv.GetRelname() == "" {
		r.recordUnlisted("every table that was clustered before", catalog.Table, accessExclusive).Rewrites = true
		r.C.EachRelation(func(rel *catalog.Relation) bool {
			for _, i := range r.C.IndexesOf(rel) {
				if i.Index != nil && i.Index.Clustered {
					r.recordRewritten(rel, "clustered on "+i.Name.Name)
				}
			}
			return true
		})
		r.sortEffects()
		return
	}
	rel := r.findTable(rv)
	if rel == nil {
		return
	}
	if r.Refusal != nil {
		return
	}
	if repack != nil && repack.Concurrently {
		r.repackConcurrently(rel)
		return
	}
	if rel.Kind != catalog.PartitionedTable {
		r.recordRewritten(rel, "")
		return
	}
	r.NoTransaction = command
	r.lockRelation(rel, accessExclusive)
	for _, p := range r.C.ListTree(rel, true)[1:] {
		if hasStorage(p) {
			r.recordRewritten(p, childReason(p, rel))
		}
	}
}

// repackConcurrently is REPACK (CONCURRENTLY): a copy and its indexes are made beside the table, after every transaction that has
// an xid has ended. The exchange of the files at the end takes ACCESS EXCLUSIVE for a moment.
func (r *run) repackConcurrently(rel *catalog.Relation) {
	const why = "the copy takes its place at the end"
	e := r.lockWithReason(rel, accessExclusive, why)
	e.Waits, e.AtEnd = true, true
	for _, i := range r.C.IndexesOf(rel) {
		r.lockWithReason(i, accessExclusive, why).AtEnd = true
	}
}

// lockTable is LOCK.
func (r *run) lockTable(s *pgparse.LockStmt) {
	mode := onward.Lock(s.GetMode())
	if mode > accessExclusive {
		mode = accessExclusive
	}
	for _, n := range s.GetRelations() {
		rv := n.GetRangeVar()
		if rel := r.findTable(rv); rel != nil && r.Refusal == nil {
			r.lockWithDescendants(rel, mode, rv.GetInh(), "", &[]catalog.OID{})
		}
	}
}

// lockWithDescendants locks a relation, what inherits from it, and what a view reads.
// views are those that were seen.
func (r *run) lockWithDescendants(rel *catalog.Relation, mode onward.Lock, all bool, reason string, views *[]catalog.OID) {
	r.lockWithReason(rel, mode, reason)
	if rel.Kind == catalog.View && rel.View != nil {
		if contains(*views, rel.OID) {
			return
		}
		*views = append(*views, rel.OID)
		for _, base := range r.C.RelationsByOID(rel.View.Reads) {
			if base.Kind.IsTable() || base.Kind == catalog.View { // no other is locked by name
				r.lockWithDescendants(base, mode, true, "read by the view "+rel.Name.String(), views)
			}
		}
		return
	}
	if all {
		r.lockDescendants(rel, mode)
	}
}

// truncateTables is TRUNCATE.
func (r *run) truncateTables(s *pgparse.TruncateStmt) {
	var list []*catalog.Relation
	add := func(rel *catalog.Relation) bool {
		if contains(list, rel) {
			return false
		}
		list = append(list, rel)
		return true
	}
	for _, n := range s.GetRelations() {
		rv := n.GetRangeVar()
		rel := r.findTable(rv)
		if rel == nil {
			continue
		}
		for _, t := range r.C.ListTree(rel, rv.GetInh()) {
			add(t)
		}
	}
	if r.Refusal != nil {
		return
	}
	namedCount := len(list)
	for i := 0; i < len(list); i++ { // CASCADE
		for _, ref := range r.C.ListReferences(list[i], true) {
			if contains(list, ref.From) {
				continue
			}
			for _, t := range r.C.ListTree(ref.From, true) {
				add(t)
			}
		}
	}
	for i, rel := range list {
		reason := ""
		if i >= namedCount {
			reason = "references a truncated table"
		}
		r.recordEmptied(rel, reason)
		if parent := r.C.Relation(rel.Parent); parent != nil && !r.V.AtLeast(14) {
			r.lockWithReason(parent, as, rel.Name.String()+" is its partition")
		}
		if s.GetRestartSeqs() {
			for _, seq := range r.C.SequencesOf(rel) {
				e := r.lockWithReason(seq, accessExclusive, "owned by "+rel.Name.String())
				e.Rewrites, e.Instant = true, true
			}
		}
	}
}
