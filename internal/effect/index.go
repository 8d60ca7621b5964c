package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// buildIndexTree builds an index on a table, and on each partition of a partitioned
// one. match finds an existing index of a partition that it attaches instead; it may be nil.
func (r *run) buildIndexTree(rel *catalog.Relation, name catalog.Name, partitions onward.Lock,
	childName func(*catalog.Relation) string, match func(*catalog.Relation) *catalog.Relation,
) {
	if rel.Kind != catalog.PartitionedTable {
		rebuildsIndex := r.recordCreated(name, catalog.Index).RebuildsIndex
		e := r.effectOn(rel)
		e.BuildsIndex, e.Scans = true, true
		e.RebuildsIndex = e.RebuildsIndex || rebuildsIndex
		return
	}
	r.recordCreated(name, catalog.PartitionedIndex)
	for _, p := range r.C.RelationsByOID(rel.Partitions) {
		if p.Kind == catalog.ForeignTable {
			continue
		}
		r.lockWithReason(p, partitions, childReason(p, rel))
		if match != nil {
			if i := match(p); i != nil {
				r.lockWithReason(i, partitions, "becomes part of "+name.String())
				continue
			}
		}
		r.buildIndexTree(p, catalog.Name{Schema: p.Name.Schema, Name: childName(p)}, partitions, childName, match)
	}
}

// createIndex is CREATE INDEX.
func (r *run) createIndex(s *pgparse.IndexStmt) {
	mode := sh
	if s.GetConcurrent() {
		mode = sue
		r.NoTransaction = "CREATE INDEX CONCURRENTLY"
	}
	rel := r.findTable(s.GetRelation())
	if rel == nil {
		return
	}
	r.lockRelation(rel, mode)
	if rel.Kind == catalog.PartitionedTable && s.GetRelation().GetInh() {
		r.lockDescendants(rel, mode) // before anything is looked at
	}
	columns := catalog.IndexColumns(s.GetIndexParams(), s.GetIndexIncludingParams())
	e := r.effectOn(rel)
	name := s.GetIdxname()
	if name == "" {
		name = r.freeName(rel.Name, columns, "idx")
	} else if r.C.Lookup(rel.Name.Schema, name) != nil {
		if s.GetIfNotExists() {
			e.Why = "it exists already, but the statement takes the lock"
		}
		return
	}
	if r.Refusal != nil {
		return
	}
	e.Waits = s.GetConcurrent()
	full := catalog.Name{Schema: rel.Name.Schema, Name: name}
	// ONLY says something of a partitioned table alone, so that a table nobody has seen is one.
	if (rel.Kind == catalog.PartitionedTable || rel.Inferred) && !s.GetRelation().GetInh() && !s.GetConcurrent() {
		r.recordCreated(full, catalog.PartitionedIndex)
		return
	}
	r.buildIndexTree(rel, full, sh, func(p *catalog.Relation) string {
		return r.freeName(p.Name, columns, "idx")
	}, func(p *catalog.Relation) *catalog.Relation { return r.findEqualIndex(p, rel, s) })
}

// findEqualIndex finds an index of a partition that a new index of its parent
// adopts instead of building another.
func (r *run) findEqualIndex(p, parent *catalog.Relation, s *pgparse.IndexStmt) *catalog.Relation {
	method := s.GetAccessMethod()
	if method == "" {
		method = "btree"
	}
	for _, i := range r.C.IndexesOf(p) {
		x := i.Index
		if x == nil || x.Parent != 0 || x.Unique != s.GetUnique() || x.Method != "" && x.Method != method || x.Constraint != "" && s.GetUnique() ||
			!catalog.SameExpr(x.Predicate, s.GetWhereClause()) || len(x.Keys) != len(s.GetIndexParams()) || len(x.Include) != len(s.GetIndexIncludingParams()) || !x.Valid {
			continue
		}
		equal := true
		for n, k := range x.Keys {
			e := s.GetIndexParams()[n].GetIndexElem()
			// In which direction it is sorted does not matter (CompareIndexInfo).
			col := p.Attr(k.Column)
			if col == nil && (k.Expr == nil || !catalog.SameExpr(k.Expr, e.GetExpr())) || col != nil && col.Name != e.GetName() ||
				k.Opclass != pgparse.LastText(e.GetOpclass()) || k.Collation != pgparse.LastText(e.GetCollation()) {
				equal = false
			}
		}
		if equal {
			return i
		}
	}
	return nil
}

// dropIndex is DROP INDEX of one index.
func (r *run) dropIndex(index *catalog.Relation, concurrent bool) {
	table := r.C.TableOf(index)
	if r.Refusal != nil {
		return
	}
	if index.Index != nil && !concurrent {
		for _, u := range r.C.IndexUsers(index) { // CASCADE
			if from := r.C.Relation(u.From); from != nil {
				r.lockWithReason(from, accessExclusive, "its foreign key "+u.Constraint.Name+" is dropped")
				r.lockDescendants(from, accessExclusive)
			}
		}
	}
	if concurrent {
		if table != nil {
			r.lockRelation(table, sue)
		}
		// Shared at first; in the end nobody uses it, and it is locked for good.
		e := r.lockRelation(index, accessExclusive)
		e.Dropped, e.Waits, e.AtEnd = true, true, true
		return
	}
	r.lockRelation(index, accessExclusive).Dropped = true
	if table != nil {
		r.lockWithReason(table, accessExclusive, "its index "+index.Name.Name+" is dropped")
		if index.Kind == catalog.PartitionedIndex { // all partitions, those without such an index too
			r.lockDescendants(table, accessExclusive)
		}
	}
	for _, i := range r.C.ListTree(index, true)[1:] {
		r.recordDropped(i, "part of "+index.Name.String())
		if t := r.C.TableOf(i); t != nil {
			r.lockWithReason(t, accessExclusive, "its index "+i.Name.Name+" is dropped")
		}
	}
}
