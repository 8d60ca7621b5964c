package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (q *Checker) checkCreateSequence(s *pgparse.CreateSeqStmt) {
	name := q.NewName(s.GetSequence())
	if s.GetIfNotExists() && q.C.Lookup(name.Schema, name.Name) != nil {
		return
	}
	q.checkOwnedBy(s.GetOptions())
}

// checkOwnedBy looks up the table of OWNED BY.
func (q *Checker) checkOwnedBy(options []*pgparse.Node) {
	for _, o := range options {
		if o.GetDefElem().GetDefname() != "owned_by" {
			continue
		}
		if parts := o.GetDefElem().GetArg().GetList().GetItems(); len(parts) > 1 { // not NONE
			schema, name := pgparse.SchemaAndName(parts[:len(parts)-1])
			q.FindRelation(schema, name, catalog.Table, false)
		}
	}
}

func (q *Checker) checkAlterSequence(s *pgparse.AlterSeqStmt) {
	rv := s.GetSequence()
	seq := q.FindRelation(rv.GetSchemaname(), rv.GetRelname(), catalog.Sequence, s.GetMissingOk())
	if seq == nil {
		return
	}
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() == "owned_by" && seq.Seq != nil && seq.Seq.Identity {
			q.RecordRefusal(pgerror.IdentitySequence)
			return
		}
	}
	q.checkOwnedBy(s.GetOptions())
}

// checkAlterExtension checks ALTER EXTENSION … ADD and DROP of a relation.
func (q *Checker) checkAlterExtension(s *pgparse.AlterExtensionContentsStmt) {
	switch kind := s.GetObjtype(); kind {
	case pgparse.ObjectType_OBJECT_TABLE, pgparse.ObjectType_OBJECT_VIEW, pgparse.ObjectType_OBJECT_MATVIEW, pgparse.ObjectType_OBJECT_SEQUENCE,
		pgparse.ObjectType_OBJECT_FOREIGN_TABLE:
		schema, name := pgparse.SchemaAndName(s.GetObject().GetList().GetItems())
		q.FindRelation(schema, name, catalog.KindOfObject(kind), false)
	}
}
