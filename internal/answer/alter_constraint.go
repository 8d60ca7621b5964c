package answer

import (
	"strconv"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

// addConstraint is ADD CONSTRAINT in all of its forms.
func (a *Alteration) addConstraint(con *pgparse.Constraint) {
	switch con.GetContype() {
	case pgparse.ConstrType_CONSTR_CHECK:
		a.addCheck(con)
	case pgparse.ConstrType_CONSTR_NOTNULL:
		a.addNotNull(con)
	case pgparse.ConstrType_CONSTR_FOREIGN:
		a.addForeignKey(con, Names(con.GetFkAttrs()))
	case pgparse.ConstrType_CONSTR_PRIMARY, pgparse.ConstrType_CONSTR_UNIQUE, pgparse.ConstrType_CONSTR_EXCLUSION:
		if con.GetIndexname() != "" {
			a.useIndex(con)
			return
		}
		if columns := KeyColumns(con); a.mayHaveKey(con, columns) && con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range columns {
				a.setNotNull(k)
			}
		}
	}
}

func (a *Alteration) addCheck(con *pgparse.Constraint) {
	switch {
	case !con.GetIsEnforced() && !a.V.AtLeast(18):
		a.Refuse(refuse.SyntaxAt, "ENFORCED")
	case !a.mayCheck(con):
	case con.GetIsNoInherit() && a.Rel.Kind == catalog.PartitionedTable:
		a.Refuse(refuse.ConstraintNoInherit, a.Rel.Name.Name)
	case !a.Recurse && a.Rel.HasKids() && !con.GetIsNoInherit():
		a.Refuse(refuse.ConstraintOnlyHere)
	}
}

// useIndex is ADD CONSTRAINT … USING INDEX.
func (a *Alteration) useIndex(con *pgparse.Constraint) {
	if a.Rel.Kind == catalog.PartitionedTable {
		a.Refuse(refuse.UsingPartitioned)
		return
	}
	index := a.C.IndexNamed(a.Rel, con.GetIndexname())
	switch {
	case index == nil:
		if a.Whole(a.Rel) && a.C.Complete {
			a.Refuse(refuse.IndexMissing, con.GetIndexname())
		}
	case index.Index == nil || index.Inferred:
	default:
		if a.Deny(unsuitable(index)); a.No == nil && con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
			for _, k := range index.Index.Keys {
				if col := a.Rel.Attr(k.Column); col != nil {
					a.setNotNull(col.Name)
				}
			}
		}
	}
}

// unsuitable is what the server has against an index that is to stand behind a
// constraint (transformIndexConstraint); nil when it takes it.
func unsuitable(index *catalog.Relation) *refuse.Refusal {
	info, name := index.Index, index.Name.Name
	switch {
	case info.Constraint != "":
		return refuse.UsingTaken.Of(name)
	case !info.Valid:
		return refuse.UsingInvalid.Of(name)
	case !info.Unique:
		return refuse.UsingNotUnique.Of(name)
	}
	for _, k := range info.Keys {
		if k.Column == 0 {
			return refuse.UsingExpressions.Of(name)
		}
	}
	if info.Predicate != nil {
		return refuse.UsingPartial.Of(name)
	}
	for i, k := range info.Keys {
		if k.Desc {
			return refuse.UsingSorted.Of(name, strconv.Itoa(i+1))
		}
	}
	return nil
}

// validate is VALIDATE CONSTRAINT.
func (a *Alteration) validate(name string) {
	if a.NotValid(name) != nil { // added by the same statement
		return
	}
	con := a.Rel.Constraint(name)
	if con == nil {
		if a.Whole(a.Rel) {
			a.Refuse(refuse.ConstraintMissing, name, a.Rel.Name.Name)
		}
		return
	}
	switch con.Kind {
	case catalog.Unique, catalog.PrimaryKey, catalog.Exclude:
		a.Refuse(refuse.NotForeignKeyOrCheck, name, a.Rel.Name.Name)
		return
	case catalog.Check, catalog.NotNullConstraint:
		if !con.Valid && !a.Recurse && a.Rel.HasKids() && !con.NoInherit {
			a.Refuse(refuse.ConstraintValidatedHere)
			return
		}
	}
	if !con.Enforced {
		a.Refuse(refuse.ConstraintNotEnforced)
	}
}

// dropConstraint is DROP CONSTRAINT.
func (a *Alteration) dropConstraint(cmd *pgparse.AlterTableCmd) {
	con := a.Rel.Constraint(cmd.GetName())
	if con == nil && a.V.AtLeast(18) {
		if name, ok := ImpliedNotNull(a.Rel, cmd.GetName()); ok {
			a.dropNotNull(name)
			return
		}
	}
	switch {
	case con == nil:
		if a.Whole(a.Rel) && !cmd.GetMissingOk() {
			a.Refuse(refuse.ConstraintMissing, cmd.GetName(), a.Rel.Name.Name)
		}
	case con.Parent:
		a.Refuse(refuse.ConstraintInherited, con.Name, a.Rel.Name.Name)
	case con.Kind == catalog.Check && !a.Recurse && len(a.Rel.Partitions) > 0 && !a.V.AtLeast(18):
		a.Refuse(refuse.ConstraintDropOnlyHere)
	case a.C.Relation(con.Index) == nil || con.Kind == catalog.ForeignKey || cmd.GetBehavior() == pgparse.DropBehavior_DROP_CASCADE:
	default:
		for _, ref := range a.C.References(a.Rel, false) {
			if RestsOn(ref.Con, con) {
				a.Refuse(refuse.ConstraintHasDependents, con.Name, a.Rel.Name.Name)
			}
		}
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

// alterConstraint is ALTER CONSTRAINT.
func (a *Alteration) alterConstraint(def *pgparse.ATAlterConstraint) {
	if (def.GetAlterEnforceability() || def.GetAlterInheritability()) && !a.V.AtLeast(18) {
		word := "ENFORCED"
		if def.GetAlterInheritability() {
			word = "INHERIT"
		}
		a.Refuse(refuse.SyntaxAt, word)
		return
	}
	switch con := a.Rel.Constraint(def.GetConname()); {
	case con == nil:
		if a.Whole(a.Rel) {
			a.Refuse(refuse.ConstraintMissing, def.GetConname(), a.Rel.Name.Name)
		}
	case def.GetAlterInheritability():
		if con.Kind != catalog.NotNullConstraint {
			a.Refuse(refuse.NotNotNull, con.Name, a.Rel.Name.Name)
		}
	case con.Kind != catalog.ForeignKey:
		a.Refuse(refuse.NotForeignKey, con.Name, a.Rel.Name.Name)
	}
}
