package effect

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// Forms that older versions cannot read. They are refused where the whole
// statement is looked at anyway.

// columnForm refuses what a column of CREATE TABLE says in words that the
// version does not have.
func (r *run) columnForm(def *pgparse.ColumnDef) {
	if def.GetCompression() != "" && !r.v.AtLeast(14) {
		r.refuse(refuse.SyntaxAt, "COMPRESSION")
	}
	if def.GetStorageName() != "" && !r.v.AtLeast(16) {
		r.refuse(refuse.SyntaxAt, "STORAGE")
	}
	if systemColumn(def.GetColname()) {
		r.refuse(refuse.ColumnSystemName, def.GetColname())
	}
	r.collates(def)
	for _, n := range def.GetConstraints() {
		r.constraintForm(n.GetConstraint())
	}
}

// constraintForm is columnForm for a constraint.
func (r *run) constraintForm(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_GENERATED:
		if con.GetGeneratedKind() == "v" && !r.v.AtLeast(18) {
			r.refuse(refuse.SyntaxAt, "VIRTUAL")
		}
	case pgparse.ConstrType_CONSTR_PRIMARY:
		if con.GetWithoutOverlaps() && !r.v.AtLeast(18) {
			r.refuse(refuse.SyntaxAt, "WITHOUT")
		}
	case pgparse.ConstrType_CONSTR_UNIQUE:
		if con.GetWithoutOverlaps() && !r.v.AtLeast(18) {
			r.refuse(refuse.SyntaxAt, "WITHOUT")
		}
		if con.GetNullsNotDistinct() && !r.v.AtLeast(15) {
			r.refuse(refuse.SyntaxAt, "NULLS")
		}
	case pgparse.ConstrType_CONSTR_ATTR_NOT_ENFORCED, pgparse.ConstrType_CONSTR_ATTR_ENFORCED:
		if !r.v.AtLeast(18) {
			r.refuse(refuse.SyntaxAt, "ENFORCED")
		}
	case pgparse.ConstrType_CONSTR_CHECK, pgparse.ConstrType_CONSTR_FOREIGN:
		r.newerIn(con.GetRawExpr())
		r.mayCheck(con)
		if !con.GetIsEnforced() && !r.v.AtLeast(18) {
			r.refuse(refuse.SyntaxAt, "ENFORCED")
		}
		if len(con.GetFkDelSetCols()) > 0 && !r.v.AtLeast(15) {
			r.refuse(refuse.SyntaxAt, "(")
		}
	}
}

// functionForm refuses a body in SQL's own words: RETURN x, BEGIN ATOMIC.
func (r *run) functionForm(s *pgparse.CreateFunctionStmt) {
	if body := s.GetSqlBody(); body != nil && !r.v.AtLeast(14) {
		word := "BEGIN"
		if body.GetReturnStmt() != nil {
			word = "RETURN"
		}
		r.refuse(refuse.SyntaxAt, word)
	}
}

// viewForm refuses options that the version's views do not have, unless a view
// of the schema has one: then it was no such version that made it.
func (r *run) viewForm(s *pgparse.ViewStmt) {
	for _, n := range s.GetOptions() {
		name := n.GetDefElem().GetDefname()
		if since := viewOptions[name]; since > 0 && !r.hasOption(name) && !r.v.AtLeast(since) {
			r.refuse(refuse.ParameterUnknown, name)
		}
	}
}

// grantForm refuses a privilege that the version does not have.
func (r *run) grantForm(s *pgparse.GrantStmt) {
	if slices.ContainsFunc(s.GetPrivileges(), func(n *pgparse.Node) bool { return n.GetAccessPriv().GetPrivName() == "maintain" }) && !r.v.AtLeast(17) {
		r.refuse(refuse.PrivilegeUnknown, "maintain")
	}
}

// hasOption reports whether a view of the schema has an option.
func (r *run) hasOption(name string) bool {
	found := false
	r.c.Relations(func(rel *catalog.Relation) bool {
		if rel.Kind == catalog.View {
			_, found = rel.Options[name]
		}
		return !found
	})
	return found
}
