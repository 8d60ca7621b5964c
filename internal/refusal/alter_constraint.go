package refusal

import (
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkAddConstraint checks ADD CONSTRAINT in all of its forms.
func (a *Alteration) checkAddConstraint(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_CHECK:
		a.checkAddCheck(con)
	case pgparse.ConstrType_CONSTR_NOTNULL:
		a.checkAddNotNull(con)
	case pgparse.ConstrType_CONSTR_FOREIGN:
		a.checkAddForeignKey(con, StringNames(con.GetFkAttrs()))
	case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		if con.GetIndexname() != "" {
			a.checkAddUsingIndex(con)
			return
		}
		if columns := KeyColumns(con); a.checkAddKey(con, columns) && con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range columns {
				a.checkSetNotNull(k)
			}
		}
	}
}

func (a *Alteration) checkAddCheck(con *pgparse.Constraint) {
	switch {
	case !con.GetIsEnforced() && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.SyntaxAt, "ENFORCED")
	case !a.checkExprSyntax(con.GetRawExpr()):
	case !a.requireNoSubquery(con):
	case con.GetIsNoInherit() && a.Rel.Kind == catalog.PartitionedTable:
		a.RecordRefusal(pgerror.ConstraintNoInherit, a.Rel.Name.Name)
	case !a.Recurse && a.Rel.HasKids() && !con.GetIsNoInherit():
		a.RecordRefusal(pgerror.ConstraintOnlyHere)
	}
}

// checkAddUsingIndex checks ADD CONSTRAINT … USING INDEX.
func (a *Alteration) checkAddUsingIndex(con *pgparse.Constraint) {
	index := a.C.IndexNamed(a.Rel, con.GetIndexname())
	known := index != nil && index.Index != nil && !index.Inferred
	if known {
		a.KeepRefusal(checkUsingIndex(index))
	}
	switch {
	case a.Refusal != nil:
	case a.Rel.Kind == catalog.PartitionedTable:
		a.RecordRefusal(pgerror.UsingPartitioned)
	case known:
		if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range index.Index.Keys {
				if col := a.Rel.Attr(k.Column); col != nil {
					a.checkSetNotNull(col.Name)
				}
			}
		}
	}
}

// checkUsingIndex returns the server's objection to an index that a constraint is about to use
// (transformIndexConstraint); nil if the server accepts it.
func checkUsingIndex(index *catalog.Relation) *pgerror.Refusal {
	info, name := index.Index, index.Name.Name
	switch {
	case !info.Valid:
		return pgerror.UsingInvalid.NewRefusal(name)
	case !info.Unique:
		return pgerror.UsingNotUnique.NewRefusal(name)
	}
	for _, k := range info.Keys {
		if k.Column == 0 {
			return pgerror.UsingExpressions.NewRefusal(name)
		}
	}
	if info.Predicate != nil {
		return pgerror.UsingPartial.NewRefusal(name)
	}
	for i, k := range info.Keys {
		if k.Desc || k.NullsFirst {
			return pgerror.UsingSorted.NewRefusal(name, strconv.Itoa(i+1))
		}
	}
	return nil
}

// refuseImpliedNotNull refuses the name that a NOT NULL gets from 18 on, if the version is older: it has no such constraint. The catalog finds any other
// missing one.
func (a *Alteration) refuseImpliedNotNull(name string) {
	if _, implied := ImpliedNotNull(a.Rel, name); implied && !a.V.AtLeast(18) && a.IsFullyKnown(a.Rel) {
		a.RecordRefusal(pgerror.ConstraintMissing, name, a.Rel.Name.Name)
	}
}

// checkValidateConstraint checks VALIDATE CONSTRAINT.
func (a *Alteration) checkValidateConstraint(name string) {
	con := a.Rel.Constraint(name)
	if con == nil {
		a.refuseImpliedNotNull(name)
		return
	}
	switch con.Kind {
	case catalog.Unique, catalog.PrimaryKey, catalog.Exclude:
		a.RecordRefusal(pgerror.NotForeignKeyOrCheck, name, a.Rel.Name.Name)
		return
	case catalog.Check, catalog.NotNullConstraint:
		if !con.Valid && !a.Recurse && a.Rel.HasKids() && !con.NoInherit {
			a.RecordRefusal(pgerror.ConstraintValidatedHere)
			return
		}
	}
	if !con.Enforced {
		a.RecordRefusal(pgerror.ConstraintNotEnforced)
	}
}

// checkDropConstraint checks DROP CONSTRAINT.
func (a *Alteration) checkDropConstraint(cmd *pgparse.AlterTableCmd) {
	con := a.Rel.Constraint(cmd.GetName())
	if con == nil && a.V.AtLeast(18) {
		if name, ok := ImpliedNotNull(a.Rel, cmd.GetName()); ok {
			a.checkDropNotNull(name)
			return
		}
	}
	switch {
	case con == nil:
		if a.IsFullyKnown(a.Rel) && !cmd.GetMissingOk() {
			a.RecordRefusal(pgerror.ConstraintMissing, cmd.GetName(), a.Rel.Name.Name)
		}
	case con.Kind == catalog.Check && !a.Recurse && len(a.Rel.Partitions) > 0 && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.ConstraintDropOnlyHere)
	}
}

// RestsOn reports whether a foreign key rests on a unique or primary key.
func RestsOn(fk, key *catalog.Constraint) bool {
	if len(fk.RefColumns) == 0 {
		return key.Kind == catalog.PrimaryKey
	}
	if len(fk.RefColumns) != len(key.Columns) {
		return false
	}
	for _, c := range fk.RefColumns {
		if !contains(key.Columns, c) {
			return false
		}
	}
	return true
}

// checkAlterConstraint checks ALTER CONSTRAINT.
func (a *Alteration) checkAlterConstraint(def *pgparse.ATAlterConstraint) {
	if (def.GetAlterEnforceability() || def.GetAlterInheritability()) && !a.V.AtLeast(18) {
		word := "ENFORCED"
		if def.GetAlterInheritability() {
			word = "INHERIT"
		}
		a.RecordRefusal(pgerror.SyntaxAt, word)
		return
	}
	switch con := a.Rel.Constraint(def.GetConname()); {
	case con == nil:
		a.refuseImpliedNotNull(def.GetConname())
		if _, implied := ImpliedNotNull(a.Rel, def.GetConname()); implied && def.GetAlterDeferrability() {
			a.RecordRefusal(pgerror.NotForeignKey, def.GetConname(), a.Rel.Name.Name)
		}
	case def.GetAlterInheritability():
		if con.Kind != catalog.NotNullConstraint {
			a.RecordRefusal(pgerror.NotNotNull, con.Name, a.Rel.Name.Name)
		}
	case con.Kind == catalog.Check && def.GetAlterEnforceability() && !def.GetAlterDeferrability() && a.V.AtLeast(19):
		if !a.Recurse && a.Rel.HasKids() {
			a.RecordRefusal(pgerror.ConstraintAlteredHere)
		}
	case con.Kind != catalog.ForeignKey && def.GetAlterEnforceability() && !def.GetAlterDeferrability():
		a.RecordRefusal(pgerror.EnforceabilityFixed, con.Name, a.Rel.Name.Name)
	case con.Kind != catalog.ForeignKey:
		a.RecordRefusal(pgerror.NotForeignKey, con.Name, a.Rel.Name.Name)
	}
}
