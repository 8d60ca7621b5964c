package effect

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/predicate"
)

// addNotNull is ADD CONSTRAINT name NOT NULL column, since 18.
func (a *alterState) addNotNull(con *pgparse.Constraint) {
	tables := a.lockTree(a.recurse)
	if con.GetSkipValidation() || len(con.GetKeys()) == 0 {
		return
	}
	for _, rel := range tables {
		if rel == a.rel || !con.GetIsNoInherit() {
			a.checkNotNull(rel, pgparse.StringText(con.GetKeys()[0]))
		}
	}
}

// setNotNull is ALTER COLUMN … SET NOT NULL.
func (a *alterState) setNotNull(name string) {
	if a.now.IsNewColumn(name) {
		for _, rel := range a.lockTree(a.recurse) {
			a.tableWorkOf(rel).wantScan("rows are checked for NULL in " + name)
		}
		return
	}
	if col, _ := a.FindColumn(a.rel, name); col != nil && col.NotNull && !col.NotNullInvalid && (len(a.rel.Children) == 0 || a.V.AtLeast(18)) {
		// The partitions have it too. Children that inherit may not, before 18.
		return
	}
	for _, rel := range a.lockTree(a.recurse) {
		a.checkNotNull(rel, name)
	}
}

// checkNotNull scans a table for NULLs, unless the column is NOT NULL already or a valid CHECK proves it.
func (a *alterState) checkNotNull(rel *catalog.Relation, name string) {
	col, known := a.FindColumn(rel, name)
	if col != nil && col.NotNull && !col.NotNullInvalid {
		return
	}
	t := a.tableWorkOf(rel)
	if col == nil || !col.NotNullInvalid {
		for _, c := range rel.Constraints {
			if c.Kind == catalog.Check && c.Valid && predicate.ProvesNotNull(c.Expr, name) {
				return
			}
		}
	}
	t.wantScan("rows are checked for NULL in " + name)
	if !known {
		t.unsure, t.why = true, "whether a constraint proves that "+name+" has no NULL is not known"
	}
}

func (a *alterState) dropNotNull(name string) {
	if col, known := a.FindColumn(a.rel, name); col != nil && known && !col.NotNull && (!a.rel.HasKids() || a.V.AtLeast(18)) {
		return
	}
	a.lockTree(a.recurse)
}
