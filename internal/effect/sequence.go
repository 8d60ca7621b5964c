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

func hasOption(options []*pgparse.Node, name string) bool {
	for _, o := range options {
		if o.GetDefElem().GetDefname() == name {
			return true
		}
	}
	return false
}

func (r *run) alterSequence(s *pgparse.AlterSeqStmt) {
	rv := s.GetSequence()
	seq := r.find(rv.GetSchemaname(), rv.GetRelname(), catalog.Sequence, s.GetMissingOk())
	if seq == nil {
		return
	}
	e := r.lock(seq, sre)
	if seq.Seq != nil && seq.Seq.OwnerTable != 0 {
		if t := r.c.Relation(seq.Seq.OwnerTable); t != nil {
			if col := t.Attr(seq.Seq.OwnerColumn); col != nil && col.Identity != "" && hasOption(s.GetOptions(), "owned_by") {
				r.refuse("cannot change ownership of identity sequence")
				return
			}
		}
	}
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() != "owned_by" {
			e.Rewrites, e.Instant = true, true
		}
	}
	r.ownedByColumn(s.GetOptions())
}
