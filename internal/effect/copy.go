package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// copyStmt is COPY.
func (r *run) copyStmt(s *pgparse.CopyStmt) {
	freeze := pgparse.Option(s.GetOptions(), "freeze", false)
	if !r.copyForm(s) {
		return
	}
	switch {
	case freeze && !s.GetIsFrom() && r.v.AtLeast(17):
		r.refuse(refuse.CopyFreezeTo)
	case s.GetQuery() != nil:
		r.query(pgparse.Unwrap(s.GetQuery()))
	case !s.GetIsFrom() && !r.copies(s):
	case s.GetIsFrom():
		t := r.table(s.GetRelation())
		if t == nil {
			return
		}
		r.lock(t, rx)
		if t.Kind == catalog.MaterializedView || t.Kind == catalog.Sequence {
			r.refuse(refuse.CopyTo, t.Kind.String(), t.Name.Name)
			return
		}
		switch {
		case !freeze || t.Inferred:
		case t.Kind == catalog.ForeignTable && !r.v.AtLeast(18):
			r.refuse(refuse.CopyFreezeNew)
			return
		case t.Kind == catalog.ForeignTable, t.Kind == catalog.PartitionedTable:
			r.refuse(refuse.CopyFreeze, t.Kind.String())
			return
		}
		if t.Kind == catalog.View && t.View != nil {
			if !contains(t.InsteadOf(), "insert") {
				r.refuse(refuse.CopyTo, "view", t.Name.Name)
				return
			}
			r.insteadOf(t, "insert")
			return
		}
		for _, t := range r.readRelation(t, rx, s.GetRelation().GetInh(), "", &[]catalog.OID{}) {
			r.checksReferenced(t, nil)
		}
		if len(s.GetAttlist()) > 0 {
			has := map[int16]bool{}
			for _, n := range s.GetAttlist() {
				if c := t.Column(n.GetString_().GetSval()); c != nil {
					has[c.Attnum] = true
				}
			}
			r.defaults(t, has)
		}
	default:
		for _, t := range r.read(s.GetRelation(), as) {
			if stored(t) {
				r.at(t).Scans = true
			}
		}
	}
}

// copies refuses COPY … TO of what has no rows of its own.
func (r *run) copies(s *pgparse.CopyStmt) bool {
	rel := r.c.Lookup(s.GetRelation().GetSchemaname(), s.GetRelation().GetRelname())
	if rel == nil || rel.Inferred {
		return true
	}
	switch rel.Kind {
	case catalog.View, catalog.PartitionedTable, catalog.Sequence, catalog.ForeignTable:
	case catalog.MaterializedView:
		if r.v.AtLeast(18) {
			return true
		}
	default:
		return true
	}
	r.refuse(refuse.CopyFrom, rel.Kind.String(), rel.Name.Name)
	return false
}
