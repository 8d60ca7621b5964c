package effect

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
	"github.com/onward-sql/onward/internal/refuse"
)

func (a *alter) addNotNull(con *pgparse.Constraint) {
	if !a.V.AtLeast(18) {
		a.Refuse(refuse.SyntaxAt, "NOT")
		return
	}
	if !a.recurse && a.rel.HasKids() && !con.GetIsNoInherit() {
		a.Refuse(refuse.ConstraintOnlyHere)
		return
	}
	tables := a.descend(a.recurse)
	if con.GetSkipValidation() || len(con.GetKeys()) == 0 {
		a.notValid = append(a.notValid, con)
		return
	}
	name := pgparse.Text(con.GetKeys()[0])
	if col := a.rel.Column(name); col != nil && col.NotNull && con.GetConname() != "" && a.notNullName(col) != con.GetConname() {
		a.Refuse(refuse.NotNullAgain, con.GetConname(), name, a.rel.Name.Name)
		return
	}
	for _, rel := range tables {
		if rel == a.rel || !con.GetIsNoInherit() {
			a.checkNotNull(rel, name)
		}
	}
}

// notNullName is what the NOT NULL of a column is called (18).
func (a *alter) notNullName(col *catalog.Column) string {
	for _, c := range a.rel.Constraints {
		if c.Kind == catalog.NotNullConstraint && contains(c.Columns, col.Attnum) {
			return c.Name
		}
	}
	return catalog.ObjectName(a.rel.Name.Name, col.Name, "not_null")
}

func (a *alter) setNotNull(name string) {
	a.madeNotNull = append(a.madeNotNull, name)
	if !a.recurse {
		for _, k := range a.C.Rels(a.rel.Partitions) {
			if col := k.Column(name); col != nil && !col.NotNull {
				a.Refuse(refuse.ConstraintOnlyHere)
				return
			}
		}
	}
	if a.isNew(name) {
		for _, rel := range a.descend(a.recurse) {
			a.tabOf(rel).wantScan("rows are checked for NULL in " + name)
		}
		return
	}
	if col, known := a.Column(a.rel, name); col == nil && known {
		a.Refuse(refuse.ColumnMissing, name, a.rel.Name.Name)
		return
	} else if col != nil && col.NotNull && !col.NotNullInvalid && len(a.rel.Children) == 0 {
		// The partitions have it too. Children that inherit may not, before 18.
		return
	} else if col != nil && col.NotNull && !col.NotNullInvalid && a.V.AtLeast(18) {
		return
	}
	for _, rel := range a.descend(a.recurse) {
		a.checkNotNull(rel, name)
	}
}

func (a *alter) checkNotNull(rel *catalog.Relation, name string) {
	col, known := a.Column(rel, name)
	if col != nil && col.NotNull && !col.NotNullInvalid {
		return
	}
	t := a.tabOf(rel)
	if col == nil || !col.NotNullInvalid {
		for _, c := range rel.Constraints {
			if c.Kind == catalog.Check && c.Valid && !contains(a.droppedConstraints, c) && predicate.ProvesNotNull(c.Expr, name) {
				return
			}
		}
	}
	t.wantScan("rows are checked for NULL in " + name)
	if !known {
		t.unsure, t.why = true, "whether a constraint proves that "+name+" has no NULL is not known"
	}
}

func (a *alter) dropNotNull(name string) {
	col, known := a.Column(a.rel, name)
	if col != nil && known && a.isIdentity(col) {
		a.Refuse(refuse.IdentityIs, name, a.rel.Name.Name)
		return
	}
	if col != nil && known && !col.NotNull {
		if a.recurse && a.rel.HasKids() && !a.V.AtLeast(18) {
			a.descend(true)
		}
		return
	}
	if parent := a.C.Relation(a.rel.Parent); parent != nil {
		if above := parent.Column(name); above != nil && above.NotNull {
			a.Refuse(refuse.NullableParent, name)
			return
		}
	}
	for _, parent := range a.C.Rels(a.rel.Inherits) {
		if above := parent.Column(name); above != nil && above.NotNull && !a.forItself(parent, above) && a.V.AtLeast(18) {
			a.Refuse(refuse.ConstraintInherited, parent.Name.Name+"_"+name+"_not_null", a.rel.Name.Name)
			return
		}
	}
	if col != nil && known {
		switch {
		case inPrimaryKey(a.rel, col) && !a.keyDropped():
			a.Refuse(refuse.NullableKey, name)
		case a.identifies(col):
			a.Refuse(refuse.NullableReplica, name)
		}
	}
	a.descend(a.recurse)
}

// identifies reports whether a column is part of the table's replica identity.
func (a *alter) identifies(col *catalog.Column) bool {
	name, ok := strings.CutPrefix(a.rel.ReplicaIdentity, "index ")
	if !ok {
		return false
	}
	i := a.C.IndexNamed(a.rel, name)
	return i != nil && usesColumn(i.Index, col)
}

func (a *alter) keyDropped() bool {
	for _, c := range a.droppedConstraints {
		if c.Kind == catalog.PrimaryKey {
			return true
		}
	}
	return false
}

func inPrimaryKey(rel *catalog.Relation, col *catalog.Column) bool {
	for _, c := range rel.Constraints {
		if c.Kind == catalog.PrimaryKey && contains(c.Columns, col.Attnum) {
			return true
		}
	}
	return false
}

func (a *alter) isNew(name string) bool {
	for _, d := range a.newColumns {
		if d.GetColname() == name {
			return true
		}
	}
	return false
}

func (a *alter) newColumn(name string) newColumn {
	for _, d := range a.newColumns {
		if d.GetColname() == name {
			return a.readColumn(d)
		}
	}
	return newColumn{}
}
