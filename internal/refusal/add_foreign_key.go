package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkAddForeignKey checks ADD FOREIGN KEY, as a constraint or in a new column.
func (a *Alteration) checkAddForeignKey(con *pgparse.Constraint, columns []string) {
	switch {
	case !con.GetIsEnforced() && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.SyntaxAt, "ENFORCED")
		return
	case len(con.GetFkDelSetCols()) > 0 && !a.V.AtLeast(15):
		a.RecordRefusal(pgerror.SyntaxAt, "(")
		return
	case a.Rel.Kind == catalog.ForeignTable:
		a.RecordRefusal(pgerror.ForeignKeyForeign)
		return
	}
	for _, name := range columns {
		if col, _ := a.FindColumn(a.Rel, name); col != nil && col.Generated == "virtual" {
			a.RecordRefusal(pgerror.VirtualConstraint, "foreign key")
			return
		}
	}
	ref := a.FindTable(con.GetPktable())
	if ref != nil && !a.checkForeignKeyTarget(ref, con, columns) || a.Rel.Kind != catalog.PartitionedTable {
		return
	}
	switch {
	case con.GetSkipValidation() && con.GetIsEnforced() && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.ForeignKeyNotValid, a.Rel.Name.Name, referencingClause(ref))
	case !a.Recurse:
		a.RecordRefusal(pgerror.ForeignKeyOnly, a.Rel.Name.Name, referencingClause(ref))
	}
}

func referencingClause(ref *catalog.Relation) string {
	if ref == nil {
		return ""
	}
	return ` referencing relation "` + ref.Name.Name + `"`
}

// checkForeignKeyTarget refuses a foreign key that the server refuses whatever the rows
// are.
func (a *Alteration) checkForeignKeyTarget(ref *catalog.Relation, con *pgparse.Constraint, columns []string) bool {
	persistenceRefusal := checkPersistence(a.Rel.Persistence, ref)
	switch {
	case ref.Inferred || !ref.Kind.IsTable():
		return true
	case persistenceRefusal != nil && !a.Rel.Inferred:
		a.KeepRefusal(persistenceRefusal)
	case a.hasOnlyDeferrableKey(ref, con):
		a.RecordRefusal(pgerror.ForeignKeyDeferrable, ref.Name.Name)
	case !a.areKeysComparable(ref, con, columns, a.typeOfColumn):
		a.KeepRefusal(a.foreignKeyTypeRefusal(a.Rel.Name, con, columns))
	default:
		return true
	}
	return false
}

// hasOnlyDeferrableKey reports whether the only key that a foreign key can point to is
// checked at commit.
func (q *Checker) hasOnlyDeferrableKey(ref *catalog.Relation, con *pgparse.Constraint) bool {
	found := false
	targets := StringNames(con.GetPkAttrs())
	for _, key := range ref.Constraints {
		if key.Kind != catalog.PrimaryKey && (key.Kind != catalog.Unique || len(targets) == 0) ||
			len(targets) > 0 && !sameSet(ref.ColumnNames(key.Columns), targets) {
			continue
		}
		if !key.Deferrable {
			return false
		}
		found = true
	}
	for _, i := range q.C.IndexesOf(ref) {
		if found && i.Index != nil && i.Index.Unique && i.Index.Constraint == "" && len(i.Index.Keys) == len(targets) {
			return false // it may do
		}
	}
	return found
}

func sameSet(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		if !contains(b, x) {
			return false
		}
	}
	return true
}
