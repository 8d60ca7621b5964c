package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// rebuildIndexes is REINDEX.
func (r *run) rebuildIndexes(s *pgparse.ReindexStmt) {
	concurrent := false
	for _, p := range s.GetParams() {
		if p.GetDefElem().GetDefname() == "concurrently" {
			concurrent = pgparse.BoolValue(p.GetDefElem())
		}
	}
	if concurrent {
		r.NoTransaction = "REINDEX CONCURRENTLY"
	}
	if s.GetRelation() == nil {
		r.reindexMany(s, concurrent)
		return
	}
	kind := catalog.Table
	if s.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_INDEX {
		kind = catalog.Index
	}
	rv := s.GetRelation()
	rel := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), kind, false)
	if rel == nil {
		return
	}
	if r.Refusal != nil {
		return
	}
	if rel.Kind == catalog.PartitionedTable || rel.Kind == catalog.PartitionedIndex {
		if !r.V.AtLeast(14) {
			// 13 warns, and does nothing.
			mode := sh
			if concurrent {
				mode = sue
			}
			r.lockRelation(rel, mode)
			return
		}
		if r.NoTransaction == "" {
			r.NoTransaction = "REINDEX TABLE"
			if rel.Kind == catalog.PartitionedIndex {
				r.NoTransaction = "REINDEX INDEX"
			}
		}
	}
	r.reindexTree(rel, concurrent)
}

// reindexMany is REINDEX of a schema, of the database or of the server's own
// tables.
func (r *run) reindexMany(s *pgparse.ReindexStmt, concurrent bool) {
	scope := "every table of the database"
	switch s.GetKind() {
	case pgparse.ReindexObjectType_REINDEX_OBJECT_SCHEMA:
		r.NoTransaction, scope = "REINDEX SCHEMA", "every table of schema "+s.GetName()
	case pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE:
		r.NoTransaction = "REINDEX DATABASE"
	default:
		r.NoTransaction = "REINDEX SYSTEM"
		return
	}
	if !concurrent {
		u := r.recordUnlisted(scope, catalog.Table, sh)
		u.Schema, u.RebuildsIndex, u.Scans = s.GetName(), true, true
		if s.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE {
			u.Schema = ""
		}
	}
	r.C.EachRelation(func(rel *catalog.Relation) bool {
		if (rel.Kind == catalog.Table || rel.Kind == catalog.MaterializedView) && rel.Persistence != catalog.Temporary &&
			(s.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE || rel.Name.Schema == s.GetName()) {
			r.reindexTable(rel, concurrent)
		}
		return true
	})
	r.sortEffects()
}

// reindexTree is REINDEX of a table or an index, with its partitions.
func (r *run) reindexTree(rel *catalog.Relation, concurrent bool) {
	weak := sh
	strong := accessExclusive // of a named index, partitioned or not
	if concurrent {
		weak, strong = sue, sue
	}
	for _, x := range r.C.ListTree(rel, true) {
		switch x.Kind {
		case catalog.Index:
			r.reindexIndex(x, concurrent, x == rel)
		case catalog.Table, catalog.MaterializedView:
			if x == rel || x.Parent != 0 && rel.Kind == catalog.PartitionedTable {
				if x != rel { // the whole tree is locked once, to list it
					r.lockWithReason(x, sh, childReason(x, rel))
				}
				r.reindexTable(x, concurrent)
			}
		case catalog.PartitionedTable, catalog.PartitionedIndex:
			if x == rel {
				if rel.Kind == catalog.PartitionedTable {
					r.lockRelation(x, weak)
				} else if t := r.C.TableOf(x); t != nil {
					r.lockRelation(x, strong)
					r.lockWithReason(t, weak, "table of the index "+x.Name.Name)
				}
			} else {
				r.lockWithReason(x, sh, "part of "+rel.Name.String())
			}
		}
	}
}

func (r *run) reindexTable(rel *catalog.Relation, concurrent bool) {
	mode := sh
	if concurrent {
		mode = sue
	}
	e := r.lockRelation(rel, mode)
	e.Waits = concurrent
	e.RebuildsIndex, e.Scans = rel.Inferred, rel.Inferred
	for _, i := range r.C.IndexesOf(rel) {
		if concurrent && rel.IsExclusionIndex(i) { // passed over, with a warning
			r.lockWithReason(i, sue, "index of "+rel.Name.String())
			continue
		}
		e := r.effectOn(rel)
		e.RebuildsIndex, e.Scans = true, true
		x := r.lockWithReason(i, accessExclusive, "index of "+rel.Name.String())
		x.RebuildsIndex, x.Waits, x.AtEnd = true, concurrent, concurrent
	}
}

func (r *run) reindexIndex(index *catalog.Relation, concurrent, isTarget bool) {
	mode := sh
	if concurrent {
		mode = sue
	}
	e := r.lockRelation(index, accessExclusive)
	e.RebuildsIndex, e.Waits, e.AtEnd = true, concurrent, concurrent
	if !isTarget {
		e.Why = "index of a partition"
	}
	if t := r.C.TableOf(index); t != nil {
		e := r.lockWithReason(t, mode, "table of the index "+index.Name.Name)
		e.RebuildsIndex, e.Scans, e.Waits = true, true, concurrent
	}
}
