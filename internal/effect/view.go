package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// createView is CREATE VIEW: what it reads is locked, not read.
func (r *run) createView(s *pgparse.ViewStmt) {
	r.viewForm(s)
	name := r.newName(s.GetView())
	if s.GetWithCheckOption() != pgparse.ViewCheckOption_NO_CHECK_OPTION && s.GetWithCheckOption() != pgparse.ViewCheckOption_VIEW_CHECK_OPTION_UNDEFINED && r.c.Complete {
		if view := (&catalog.Relation{Kind: catalog.View, View: &catalog.ViewInfo{Query: s.GetQuery()}}); r.c.ReadOnly(view) != "" {
			r.refuse(refuse.ViewCheckOption)
			return
		}
	}
	if s.GetReplace() {
		if old := r.c.Lookup(name.Schema, name.Name); old != nil {
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
	inner := run{c: r.c, v: r.v, s: r.s, made: r.made}
	inner.query(pgparse.Unwrap(query))
	for i := range inner.Effects {
		e := &inner.Effects[i]
		rel := r.c.Relation(e.OID)
		if rel == nil {
			rel = catalog.StandIn(e.Name, e.Kind, true)
		}
		if e.Why == "" { // named, not reached through another view
			r.lock(rel, as)
		}
	}
	if inner.Refused != nil {
		r.deny(inner.Refused)
	}
}

// createTableAs is CREATE TABLE AS and CREATE MATERIALIZED VIEW.
func (r *run) createTableAs(s *pgparse.CreateTableAsStmt) {
	into := s.GetInto()
	name := r.newName(into.GetRel())
	kind := catalog.Table
	if s.GetObjtype() == pgparse.ObjectType_OBJECT_MATVIEW {
		kind = catalog.MaterializedView
	}
	if s.GetIfNotExists() && r.c.Lookup(name.Schema, name.Name) != nil {
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
	mv := r.find(rv.GetSchemaname(), rv.GetRelname(), catalog.MaterializedView, false)
	if mv == nil {
		return
	}
	switch {
	case mv.Kind == catalog.MaterializedView:
	case mv.Kind.IsTable():
		r.refuse(refuse.NotMaterialized, mv.Name.Name)
		return
	default:
		r.refuse(refuse.NotTableOrView, mv.Name.Name)
		return
	}
	if s.GetConcurrent() && s.GetSkipData() {
		r.refuse(refuse.RefreshNoData)
		return
	}
	if s.GetConcurrent() {
		r.lock(mv, ex).Scans = true
		if mv.View != nil && !mv.View.Filled && !mv.Inferred && mv.OID != 0 {
			r.refuse(refuse.RefreshUnpopulated)
			return
		}
		if mv.OID != 0 && !mv.Inferred && r.c.RefreshIndex(mv) == nil {
			r.refuse(refuse.RefreshConcurrently, mv.Name.Qualified())
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
	for _, base := range r.c.Rels(mv.View.Reads) {
		for _, t := range r.readRelation(base, as, true, "read by "+mv.Name.String(), &[]catalog.OID{}) {
			if stored(t) {
				r.at(t).Scans = true
			}
		}
	}
}
