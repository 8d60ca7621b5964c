package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
)

// alterDomain is ALTER DOMAIN: a new rule is checked in every table that uses
// the domain.
func (r *run) alterDomain(s *pgparse.AlterDomainStmt) {
	schema, name := pgparse.SchemaAndName(s.GetTypeName())
	switch s.GetSubtype() {
	case "C": // ADD CONSTRAINT
		con := s.GetDef().GetConstraint()
		if con.GetSkipValidation() {
			return
		}
	case "V", "O": // VALIDATE CONSTRAINT, SET NOT NULL
	default:
		return
	}
	d := r.C.LookupType(schema, name)
	if d == nil {
		if r.Refusal != nil {
			return
		}
		r.recordUnknownDomain(name)
		return
	}
	if s.GetSubtype() == "O" && d.NotNull {
		return
	}
	// Before 19 VALIDATE does not ask whether the constraint is valid already.
	if s.GetSubtype() == "V" && d.HasValidCheck(s.GetName()) && r.V.AtLeast(19) {
		return
	}
	r.scanDomainTables(d, 0)
	if d.Inferred {
		r.recordUnknownDomain(name)
	}
}

// recordUnknownDomain records the effect of a new constraint of a domain that no statement created. The
// columns of that domain are unknown, too.
func (r *run) recordUnknownDomain(name string) {
	u := r.recordUnlisted("every table with a column of domain "+name, catalog.Table, sh)
	u.Scans, u.Sure = true, true
}

// scanDomainTables reads the tables with a column of a domain, or of a domain over
// it, and locks them against writes.
func (r *run) scanDomainTables(d *catalog.UserType, depth int) {
	if depth > 8 {
		return
	}
	r.C.EachOfType(d.OID, func(rel *catalog.Relation, col *catalog.Column) {
		if rel.Kind != catalog.Table && rel.Kind != catalog.MaterializedView || col.Type.Array > 0 {
			return
		}
		e := r.lockWithReason(rel, sh, "its column "+col.Name+" has the domain "+d.Name.String())
		e.Scans = true
	})
	r.C.EachType(func(u *catalog.UserType) bool {
		if u.Kind == catalog.Domain && u.Base.OID == d.OID && u.Base.Array == 0 {
			r.scanDomainTables(u, depth+1)
		}
		return true
	})
}
