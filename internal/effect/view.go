package effect

import (
	"github.com/onward-sql/onward/internal/answer"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// createView is CREATE VIEW: what it reads is locked, not read.
func (r *run) createView(s *pgparse.ViewStmt) {
	name := r.NewName(s.GetView())
	if s.GetReplace() {
		if old := r.C.Lookup(name.Schema, name.Name); old != nil {
			r.lock(old, ael)
			r.reads(s.GetQuery())
			return
		}
	}
	r.create(name, catalog.View)
	r.reads(s.GetQuery())
}

// reads locks what a stored query names: its definition is read, no row is.
func (r *run) reads(query *pgparse.Node) {
	inner := run{Question: answer.Question{C: r.C, V: r.V, Made: r.Made}, s: r.s}
	inner.query(pgparse.Unwrap(query))
	for i := range inner.Effects {
		e := &inner.Effects[i]
		rel := r.C.Relation(e.OID)
		if rel == nil {
			rel = catalog.StandIn(e.Name, e.Kind, true)
		}
		if e.Why == "" { // named, not reached through another view
			r.lock(rel, as)
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
	r.create(name, kind)
	if into.GetSkipData() {
		r.reads(s.GetQuery())
		return
	}
	r.query(pgparse.Unwrap(s.GetQuery()))
}

// refresh is REFRESH MATERIALIZED VIEW.
func (r *run) refresh(s *pgparse.RefreshMatViewStmt) {
	rv := s.GetRelation()
	mv := r.Find(rv.GetSchemaname(), rv.GetRelname(), catalog.MaterializedView, false)
	if mv == nil {
		return
	}
	if r.No != nil && mv.Kind != catalog.MaterializedView {
		return
	}
	if s.GetConcurrent() {
		r.lock(mv, ex).Scans = true
		if r.No != nil {
			return
		}
	} else {
		r.rewrite(mv, "")
		e := r.at(mv)
		// It is filled from the query, and read for its indexes.
		e.Instant, e.Scans = s.GetSkipData(), !s.GetSkipData() && len(mv.Indexes) > 0
	}
	if mv.View == nil || s.GetSkipData() {
		return
	}
	if mv.View.Query != nil {
		r.query(pgparse.Unwrap(mv.View.Query))
		return
	}
	for _, base := range r.C.Rels(mv.View.Reads) {
		for _, t := range r.readRelation(base, as, true, "read by "+mv.Name.String(), &[]catalog.OID{}) {
			if stored(t) {
				r.at(t).Scans = true
			}
		}
	}
}
