package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// copyStmt is COPY.
func (r *run) copyStmt(s *pgparse.CopyStmt) {
	switch {
	case s.GetQuery() != nil:
		r.lockQuery(pgparse.Unwrap(s.GetQuery()))
	case s.GetIsFrom():
		t := r.findTable(s.GetRelation())
		if t == nil {
			return
		}
		r.lockRelation(t, rx)
		if r.Refusal != nil {
			return
		}
		if t.Kind == catalog.View && t.View != nil {
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
			r.lockDefaults(t, has)
		}
	case r.Refusal == nil:
		for _, t := range r.lockReadRelation(s.GetRelation(), as) {
			if hasStorage(t) {
				r.effectOn(t).Scans = true
			}
		}
	}
}
