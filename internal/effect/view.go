package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
)

// createView is CREATE VIEW: the relations of its query are locked, but no row is read.
func (r *run) createView(s *pgparse.ViewStmt) {
	name := r.NewName(s.GetView())
	if s.GetReplace() {
		if old := r.C.Lookup(name.Schema, name.Name); old != nil {
			r.lockRelation(old, accessExclusive)
			r.lockStoredQuery(s.GetQuery())
			return
		}
	}
	r.recordCreated(name, catalog.View)
	r.lockStoredQuery(s.GetQuery())
}

// lockStoredQuery locks the relations that a stored query names. The server only parses it and reads no row. FOR UPDATE
// takes its own lock here, too.
func (r *run) lockStoredQuery(query *pgparse.Node) {
	inner := run{Checker: refusal.Checker{C: r.C, V: r.V, Made: r.Made}, in: r.in, namedOnly: true}
	inner.lockQuery(pgparse.Unwrap(query))
	for i := range inner.Effects {
		e := &inner.Effects[i]
		rel := r.C.Relation(e.OID)
		if rel == nil {
			rel = catalog.StandIn(e.Name, e.Kind, true)
		}
		if e.Why == "" { // named, not reached through another view
			r.lockRelation(rel, e.Lock)
		}
	}
}

// createTableAs is CREATE TABLE AS and CREATE MATERIALIZED VIEW.
func (r *run) createTableAs(s *pgparse.CreateTableAsStmt) {
	into := s.GetInto()
	name := r.NewName(into.GetRel())
	kind := catalog.Table
	if s.GetObjtype() == pgparse.ObjectType_OBJECT_MATVIEW {
		kind = catalog.MaterializedView
	}
	if s.GetIfNotExists() && r.C.Lookup(name.Schema, name.Name) != nil {
		return
	}
	r.recordCreated(name, kind)
	if into.GetSkipData() {
		r.lockStoredQuery(s.GetQuery())
		return
	}
	r.lockQuery(pgparse.Unwrap(s.GetQuery()))
}

// refreshView is REFRESH MATERIALIZED VIEW.
func (r *run) refreshView(s *pgparse.RefreshMatViewStmt) {
	rv := s.GetRelation()
	mv := r.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.MaterializedView, false)
	if mv == nil {
		return
	}
	if r.Refusal != nil && mv.Kind != catalog.MaterializedView {
		return
	}
	if s.GetConcurrent() {
		r.lockRelation(mv, ex).Scans = true
		if r.Refusal != nil {
			return
		}
	} else {
		r.recordRewritten(mv, "")
		e := r.effectOn(mv)
		// It is filled from the query, and read for its indexes.
		e.Instant, e.Scans = s.GetSkipData(), !s.GetSkipData() && len(mv.Indexes) > 0
	}
	if mv.View == nil || s.GetSkipData() {
		return
	}
	if mv.View.Query != nil {
		r.lockQuery(pgparse.Unwrap(mv.View.Query))
		return
	}
	for _, base := range r.C.RelationsByOID(mv.View.Reads) {
		for _, t := range r.lockReadTables(base, as, true, "read by "+mv.Name.String(), &[]catalog.OID{}) {
			if hasStorage(t) {
				r.effectOn(t).Scans = true
			}
		}
	}
}
