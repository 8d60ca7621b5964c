package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkAddNotNull checks ADD CONSTRAINT … NOT NULL (18).
func (a *Alteration) checkAddNotNull(con *pgparse.Constraint) {
	if !a.V.AtLeast(18) {
		a.RecordRefusal(pgerror.SyntaxAt, "NOT")
		return
	}
	if !a.Recurse && a.Rel.HasKids() && !con.GetIsNoInherit() {
		a.RecordRefusal(pgerror.ConstraintOnlyHere)
		return
	}
	if con.GetSkipValidation() || len(con.GetKeys()) == 0 {
		return
	}
	name := pgparse.StringText(con.GetKeys()[0])
	if col := a.Rel.Column(name); col != nil && col.NotNull && con.GetConname() != "" && notNullName(a.Rel, col) != con.GetConname() {
		a.RecordRefusal(pgerror.NotNullAgain, con.GetConname(), name, a.Rel.Name.Name)
	}
}

// notNullName returns the name of a column's NOT NULL constraint (18).
func notNullName(rel *catalog.Relation, col *catalog.Column) string {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.NotNullConstraint && contains(c.Columns, col.Attnum) {
			return c.Name
		}
	}
	return catalog.ObjectName(rel.Name.Name, col.Name, "not_null")
}

func (a *Alteration) checkSetNotNull(name string) {
	if !a.Recurse {
		for _, k := range a.C.RelationsByOID(a.Rel.Partitions) {
			if col := k.Column(name); col != nil && !col.NotNull {
				a.RecordRefusal(pgerror.ConstraintOnlyHere)
				return
			}
		}
	}
	// The catalog refuses the whole statement. A command alone (rule.Pass.EffectsAlone) is asked only here.
	if col, known := a.FindColumn(a.Rel, name); col == nil && known {
		a.RecordRefusal(pgerror.ColumnMissing, name, a.Rel.Name.Name)
	}
}

func (a *Alteration) checkDropNotNull(name string) {
	col, known := a.FindColumn(a.Rel, name)
	if col != nil && known && !col.NotNull {
		return
	}
	if parent := a.C.Relation(a.Rel.Parent); parent != nil {
		if parentColumn := parent.Column(name); parentColumn != nil && parentColumn.NotNull {
			a.RecordRefusal(pgerror.NullableParent, name)
			return
		}
	}
	for _, parent := range a.C.RelationsByOID(a.Rel.Inherits) {
		if parentColumn := parent.Column(name); parentColumn != nil && parentColumn.NotNull && !isOwnNotNull(parent, parentColumn) && a.V.AtLeast(18) {
			a.RecordRefusal(pgerror.ConstraintInherited, parent.Name.Name+"_"+name+"_not_null", a.Rel.Name.Name)
			return
		}
	}
	switch {
	case col == nil || !known:
	case a.isReplicaIdentityColumn(col):
		a.RecordRefusal(pgerror.NullableReplica, name)
	}
}

// isOwnNotNull reports whether a NOT NULL is not passed on (18).
func isOwnNotNull(rel *catalog.Relation, col *catalog.Column) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.NotNullConstraint && c.NoInherit && contains(c.Columns, col.Attnum) {
			return true
		}
	}
	return false
}

// InPrimaryKey reports whether a column is part of a table's primary key.
func InPrimaryKey(rel *catalog.Relation, col *catalog.Column) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.PrimaryKey && contains(c.Columns, col.Attnum) {
			return true
		}
	}
	return false
}

// isReplicaIdentityColumn reports whether a column is part of the table's replica identity.
func (a *Alteration) isReplicaIdentityColumn(col *catalog.Column) bool {
	name, ok := strings.CutPrefix(a.Rel.ReplicaIdentity, "index ")
	if !ok {
		return false
	}
	i := a.C.IndexNamed(a.Rel, name)
	return i != nil && i.Index.UsesColumn(col.Attnum)
}
