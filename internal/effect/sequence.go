package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (r *run) createSequence(s *pgparse.CreateSeqStmt) {
	name := r.newName(s.GetSequence())
	if s.GetIfNotExists() && r.c.Lookup(name.Schema, name.Name) != nil {
		return
	}
	r.create(name, catalog.Sequence)
	r.ownedByColumn(s.GetOptions())
}

// ownedByColumn locks the table of OWNED BY.
func (r *run) ownedByColumn(options []*pgparse.Node) {
	for _, o := range options {
		if o.GetDefElem().GetDefname() != "owned_by" {
			continue
		}
		parts := o.GetDefElem().GetArg().GetList().GetItems()
		if len(parts) < 2 {
			continue // OWNED BY NONE
		}
		schema, name := nameOf(parts[:len(parts)-1])
		if rel := r.find(schema, name, catalog.Table, false); rel != nil {
			r.lock(rel, as)
		}
	}
}

func (r *run) alterSequence(s *pgparse.AlterSeqStmt) {
	rv := s.GetSequence()
	seq := r.find(rv.GetSchemaname(), rv.GetRelname(), catalog.Sequence, s.GetMissingOk())
	if seq == nil {
		return
	}
	e := r.lock(seq, sre)
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() != "owned_by" {
			e.Rewrites, e.Instant = true, true
		}
	}
	r.ownedByColumn(s.GetOptions())
}
