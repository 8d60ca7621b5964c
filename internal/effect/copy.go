package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// copyRows is COPY.
func (r *run) copyRows(s *pgparse.CopyStmt) {
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
			r.lockInsteadTriggers(t, "insert")
			return
		}
		for _, t := range r.lockReadTables(t, rx, s.GetRelation().GetInh(), "", &[]catalog.OID{}) {
			r.lockReferencedTables(t, nil)
		}
		if len(s.GetAttlist()) > 0 {
			listedColumns := map[int16]bool{}
			for _, n := range s.GetAttlist() {
				if c := t.Column(n.GetString_().GetSval()); c != nil {
					listedColumns[c.Attnum] = true
				}
			}
			r.lockDefaults(t, listedColumns)
		}
	case r.Refusal == nil:
		for _, t := range r.lockReadRelation(s.GetRelation(), as) {
			if hasStorage(t) {
				r.effectOn(t).Scans = true
			}
		}
	}
}
