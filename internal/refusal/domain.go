package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkAlterDomain checks ALTER DOMAIN. The server checks a new constraint in every table that
// uses the domain, and refuses it if a column has the domain inside another type.
func (q *Checker) checkAlterDomain(s *pgparse.AlterDomainStmt) {
	switch s.GetSubtype() {
	case "C": // ADD CONSTRAINT
		con := s.GetDef().GetConstraint()
		if con.GetContype() == pgparse.ConstrType_CONSTR_NOTNULL && !q.V.AtLeast(17) {
			q.RecordRefusal(pgerror.SyntaxAt, "NOT")
			return
		}
		if con.GetSkipValidation() {
			return
		}
	case "V", "O": // VALIDATE CONSTRAINT, SET NOT NULL
	default:
		return
	}
	schema, name := pgparse.SchemaAndName(s.GetTypeName())
	d := q.C.LookupType(schema, name)
	switch {
	case d == nil && q.C.Complete:
		q.RecordRefusal(pgerror.TypeMissing, name)
	case d == nil || s.GetSubtype() == "O" && d.NotNull:
	case s.GetSubtype() == "V" && d.HasValidCheck(s.GetName()) && q.V.AtLeast(19): // it is not checked again
	default:
		q.checkDomainUsers(d, 0)
	}
}

// checkDomainUsers refuses the statement if a stored column has a domain, or a domain over
// it, inside another type, such as an array.
func (q *Checker) checkDomainUsers(d *catalog.UserType, depth int) {
	if depth > 8 {
		return
	}
	q.C.EachOfType(d.OID, func(rel *catalog.Relation, col *catalog.Column) {
		switch {
		case rel.Kind == catalog.CompositeType:
			if u := q.C.CompositeOf(rel); u != nil {
				q.checkNestedDomain(d, u.OID, 0)
			}
		case (rel.Kind == catalog.Table || rel.Kind == catalog.MaterializedView) && col.Type.Array > 0:
			q.RecordRefusal(pgerror.TypeUsed, d.Name.Name, rel.Name.Name, col.Name)
		}
	})
	q.C.EachType(func(u *catalog.UserType) bool {
		if u.Kind == catalog.Domain && u.Base.OID == d.OID && u.Base.Array == 0 {
			q.checkDomainUsers(u, depth+1)
		}
		return true
	})
}

// checkNestedDomain refuses a new rule for a domain when a stored column has it inside
// another type.
func (q *Checker) checkNestedDomain(d *catalog.UserType, composite catalog.OID, depth int) {
	if depth > 8 {
		return
	}
	q.C.EachOfType(composite, func(rel *catalog.Relation, col *catalog.Column) {
		switch rel.Kind {
		case catalog.Table, catalog.MaterializedView:
			q.RecordRefusal(pgerror.TypeUsed, d.Name.Name, rel.Name.Name, col.Name)
		case catalog.CompositeType:
			if u := q.C.CompositeOf(rel); u != nil {
				q.checkNestedDomain(d, u.OID, depth+1)
			}
		}
	})
}

// TablesOf returns the tables of a type (OF).
func (q *Checker) TablesOf(u *catalog.UserType) []*catalog.Relation {
	return slices.DeleteFunc(q.C.TypedBy(u.OID), func(rel *catalog.Relation) bool { return rel.OfType != u.OID })
}
