package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
	"github.com/onward-sql/onward/onward"
)

// vacuum is VACUUM and ANALYZE.
func (r *run) vacuum(s *pgparse.VacuumStmt) {
	full, statsOnly := false, false
	for _, o := range s.GetOptions() {
		switch d := o.GetDefElem(); d.GetDefname() {
		case "full":
			full = pgparse.Truth(d)
		case "only_database_stats":
			statsOnly = pgparse.Truth(d)
		}
	}
	if !r.vacuumForm(s) {
		return
	}
	if s.GetIsVacuumcmd() {
		r.NoTransaction = "VACUUM"
	}
	if statsOnly {
		return
	}
	one := func(rel *catalog.Relation) {
		switch {
		case !rel.Kind.IsTable() && rel.Kind != catalog.MaterializedView && rel.Kind != catalog.ForeignTable: // warns
		case full && stored(rel):
			r.rewrite(rel, "")
		case full:
			r.lock(rel, ael)
		default:
			r.lock(rel, sue)
			if s.GetIsVacuumcmd() {
				for _, i := range r.c.IndexesOf(rel) {
					r.lockFor(i, rx, "index of "+rel.Name.String())
				}
			}
		}
	}
	for _, n := range s.GetRels() {
		rv := n.GetVacuumRelation().GetRelation()
		rel := r.table(rv)
		if rel == nil {
			continue
		}
		if !rv.GetInh() && !r.v.AtLeast(18) {
			r.refuse(refuse.SyntaxAt, "ONLY")
			return
		}
		if !r.analyzed(rel, n.GetVacuumRelation().GetVaCols()) {
			return
		}
		one(rel)
		for _, k := range r.c.Tree(rel, rv.GetInh())[1:] {
			switch {
			case rel.Kind == catalog.PartitionedTable || r.v.AtLeast(18):
				one(k) // in its own right
			case !s.GetIsVacuumcmd():
				r.lockFor(k, as, childOf(k, rel))
			}
		}
	}
	if len(s.GetRels()) == 0 {
		r.c.Relations(func(rel *catalog.Relation) bool {
			switch rel.Kind {
			case catalog.Table, catalog.MaterializedView, catalog.PartitionedTable:
				one(rel)
			}
			return true
		})
		r.sortEffects()
	}
}

// cluster is CLUSTER.
func (r *run) cluster(s *pgparse.ClusterStmt) {
	rv := s.GetRelation()
	if rv.GetRelname() == "" {
		r.NoTransaction = "CLUSTER"
		r.c.Relations(func(rel *catalog.Relation) bool {
			for _, i := range r.c.IndexesOf(rel) {
				if i.Index != nil && i.Index.Clustered {
					r.rewrite(rel, "clustered on "+i.Name.Name)
				}
			}
			return true
		})
		r.sortEffects()
		return
	}
	rel := r.table(rv)
	if rel == nil {
		return
	}
	index := r.clusterIndex(rel, s.GetIndexname())
	if s.GetIndexname() != "" && !rel.Inferred && index == nil {
		r.refuse(refuse.IndexMissingFor, s.GetIndexname(), rel.Name.Name)
		return
	}
	if index != nil && !r.mayCluster(index) {
		return
	}
	if index == nil && s.GetIndexname() == "" && r.whole(rel) && rel.Kind != catalog.PartitionedTable {
		r.refuse(refuse.NeverClustered, rel.Name.Name)
		return
	}
	if inBrackets(s) && !r.v.AtLeast(14) {
		r.refuse(refuse.SyntaxAt, "(")
		return
	}
	if rel.Kind != catalog.PartitionedTable {
		r.rewrite(rel, "")
		return
	}
	if !r.v.AtLeast(15) {
		r.refuse(refuse.ClusterPartitioned)
		return
	}
	r.NoTransaction = "CLUSTER"
	r.lock(rel, ael)
	for _, p := range r.c.Tree(rel, true)[1:] {
		if stored(p) {
			r.rewrite(p, childOf(p, rel))
		}
	}
}

// inBrackets reports whether a CLUSTER has its options in parentheses, as far
// as the parse tree tells: CLUSTER VERBOSE t has one too, a word before the
// name.
func inBrackets(s *pgparse.ClusterStmt) bool {
	list := s.GetParams()
	if len(list) != 1 {
		return len(list) > 0
	}
	o := list[0].GetDefElem()
	return o.GetArg() != nil || s.GetRelation().GetLocation()-o.GetLocation() != int32(len("VERBOSE "))
}

// mayCluster refuses an index that has no order for all rows.
func (r *run) mayCluster(index *catalog.Relation) bool {
	switch i := index.Index; {
	case i == nil:
	case i.Predicate != nil:
		r.refuse(refuse.ClusterPartial, index.Name.Name)
		return false
	case contains([]string{"gin", "hash", "brin", "spgist"}, i.Method):
		r.refuse(refuse.ClusterUnordered, index.Name.Name)
		return false
	}
	return true
}

// clusterIndex is the index of a CLUSTER: the named one, or the one that was
// used before.
func (r *run) clusterIndex(rel *catalog.Relation, name string) *catalog.Relation {
	if name != "" {
		return r.c.IndexNamed(rel, name)
	}
	for _, i := range r.c.IndexesOf(rel) {
		if i.Index != nil && i.Index.Clustered {
			return i
		}
	}
	return nil
}

// lockTable is LOCK.
func (r *run) lockTable(s *pgparse.LockStmt) {
	mode := onward.Lock(s.GetMode())
	if mode > ael {
		mode = ael
	}
	for _, n := range s.GetRelations() {
		rv := n.GetRangeVar()
		if rel := r.table(rv); rel != nil {
			if !rel.Kind.IsTable() && rel.Kind != catalog.View {
				r.refuse(refuse.NotLockable, rel.Name.Name)
				return
			}
			r.lockDown(rel, mode, rv.GetInh(), "", &[]catalog.OID{})
		}
	}
}

// lockDown locks a relation, what inherits from it, and what a view reads.
// views are those that were seen.
func (r *run) lockDown(rel *catalog.Relation, mode onward.Lock, all bool, why string, views *[]catalog.OID) {
	r.lockFor(rel, mode, why)
	if rel.Kind == catalog.View && rel.View != nil {
		if contains(*views, rel.OID) {
			return
		}
		*views = append(*views, rel.OID)
		for _, base := range r.c.Rels(rel.View.Reads) {
			if base.Kind.IsTable() || base.Kind == catalog.View { // no other is locked by name
				r.lockDown(base, mode, true, "read by the view "+rel.Name.String(), views)
			}
		}
		return
	}
	if all {
		r.below(rel, mode)
	}
}

// truncate is TRUNCATE.
func (r *run) truncate(s *pgparse.TruncateStmt) {
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
		rel := r.table(rv)
		if rel == nil {
			continue
		}
		if !rel.Kind.IsTable() && rel.Kind != catalog.ForeignTable {
			r.refuse(refuse.NotTable, rel.Name.Name)
			return
		}
		if rel.Kind == catalog.PartitionedTable && !rv.GetInh() {
			r.refuse(refuse.TruncateOnly)
			return
		}
		for _, t := range r.c.Tree(rel, rv.GetInh()) {
			if t.Kind == catalog.ForeignTable && !r.v.AtLeast(14) {
				r.refuse(refuse.NotTable, t.Name.Name)
				return
			}
			add(t)
		}
	}
	named := len(list)
	cascade := s.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE
	for i := 0; i < len(list); i++ {
		for _, ref := range r.c.References(list[i], true) {
			if contains(list, ref.From) {
				continue
			}
			if !cascade {
				r.refuse(refuse.TruncateReferenced)
				return
			}
			for _, t := range r.c.Tree(ref.From, true) {
				add(t)
			}
		}
	}
	for i, rel := range list {
		why := ""
		if i >= named {
			why = "references a truncated table"
		}
		r.empty(rel, why)
		if parent := r.c.Relation(rel.Parent); parent != nil && !r.v.AtLeast(14) {
			r.lockFor(parent, as, rel.Name.String()+" is its partition")
		}
		if s.GetRestartSeqs() {
			for _, seq := range r.c.SequencesOf(rel) {
				e := r.lockFor(seq, ael, "owned by "+rel.Name.String())
				e.Rewrites, e.Instant = true, true
			}
		}
	}
}
