package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// alterDomain is ALTER DOMAIN: a new rule is checked in every table that uses
// the domain.
func (r *run) alterDomain(s *pgparse.AlterDomainStmt) {
	schema, name := pgparse.SchemaAndName(s.GetTypeName())
	switch s.GetSubtype() {
	case "C": // ADD CONSTRAINT
		con := s.GetDef().GetConstraint()
		if con.GetContype() == pgparse.ConstrType_CONSTR_NOTNULL && !r.v.AtLeast(17) {
			r.refuse(refuse.SyntaxAt, "NOT")
			return
		}
		if con.GetSkipValidation() {
			return
		}
	case "V", "O": // VALIDATE CONSTRAINT, SET NOT NULL
	default:
		return
	}
	d := r.c.LookupType(schema, name)
	if d == nil {
		if r.c.Complete {
			r.refuse(refuse.TypeMissing, name)
			return
		}
		r.Unmodelled = "ALTER DOMAIN of a domain that no statement created: the tables that use it are not known"
		return
	}
	if s.GetSubtype() == "O" && d.NotNull {
		return
	}
	// VALIDATE does not ask whether the constraint is valid already.
	r.domainUsers(d, 0)
	if d.Inferred {
		r.Unmodelled = "ALTER DOMAIN of a domain that no statement created: the tables that use it are not known"
	}
}

// domainUsers reads the tables with a column of a domain, or of one that rests
// on it, and locks them against writes.
func (r *run) domainUsers(d *catalog.UserType, depth int) {
	if depth > 8 {
		return
	}
	r.c.EachOfType(d.OID, func(rel *catalog.Relation, col *catalog.Column) {
		if rel.Kind == catalog.CompositeType {
			if u := r.c.CompositeOf(rel); u != nil {
				r.refuseWithin(d, u.OID, 0)
			}
			return
		}
		if rel.Kind != catalog.Table && rel.Kind != catalog.MaterializedView {
			return
		}
		if col.Type.Array > 0 {
			r.refuse(refuse.TypeUsed, d.Name.Name, rel.Name.Name, col.Name)
			return
		}
		e := r.lockFor(rel, sh, "its column "+col.Name+" has the domain "+d.Name.String())
		e.Scans = true
	})
	r.c.Types(func(u *catalog.UserType) bool {
		if u.Kind == catalog.Domain && u.Base.OID == d.OID && u.Base.Array == 0 {
			r.domainUsers(u, depth+1)
		}
		return true
	})
}

// refuseWithin refuses a new rule for a domain when a stored column has it
// inside of another type: the server does not look there.
func (r *run) refuseWithin(d *catalog.UserType, composite catalog.OID, depth int) {
	if depth > 8 {
		return
	}
	r.c.EachOfType(composite, func(rel *catalog.Relation, col *catalog.Column) {
		switch rel.Kind {
		case catalog.Table, catalog.MaterializedView:
			r.refuse(refuse.TypeUsed, d.Name.Name, rel.Name.Name, col.Name)
		case catalog.CompositeType:
			if u := r.c.CompositeOf(rel); u != nil {
				r.refuseWithin(d, u.OID, depth+1)
			}
		}
	})
}

// typedTablesOf are the tables of a type (OF).
func (r *run) typedTablesOf(u *catalog.UserType) []*catalog.Relation {
	return slices.DeleteFunc(r.c.TypedBy(u.OID), func(rel *catalog.Relation) bool { return rel.OfType != u.OID })
}

// typedTables carries an ALTER TYPE on to the tables of the type. retype is the
// subcommand when it changes an attribute's type.
func (a *alter) typedTables(behavior pgparse.DropBehavior, retype *pgparse.AlterTableCmd) {
	u := a.c.CompositeOf(a.rel)
	if u == nil {
		return
	}
	if retype != nil {
		var used *refuse.Refusal
		a.c.EachOfType(u.OID, func(rel *catalog.Relation, col *catalog.Column) {
			if used == nil {
				used = refuse.TypeUsed.Of(u.Name.Name, rel.Name.Name, col.Name)
			}
		})
		if used != nil {
			a.deny(used)
			return
		}
	}
	tables := a.typedTablesOf(u)
	if len(tables) > 0 && behavior != pgparse.DropBehavior_DROP_CASCADE {
		a.refuse(refuse.TypeOfTable, u.Name.Name)
		return
	}
	for _, t := range tables {
		a.lockFor(t, a.mode, "a table of the type "+u.Name.String())
		if retype == nil {
			continue
		}
		if col := t.Column(retype.GetName()); col != nil {
			def := retype.GetDef().GetColumnDef()
			a.retype(t, col, a.c.TypeOf(def.GetTypeName()), def)
		}
	}
}
