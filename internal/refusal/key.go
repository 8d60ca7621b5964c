package refusal

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// KeyColumns returns the columns of a PRIMARY KEY, UNIQUE or EXCLUDE constraint. For an
// expression it has the part of a generated name, as [ElementName] returns it.
func KeyColumns(con *pgparse.Constraint) []string {
	columns := StringNames(con.GetKeys())
	for _, x := range con.GetExclusions() {
		if items := x.GetList().GetItems(); len(items) > 0 {
			columns = append(columns, ElementName(items[0].GetIndexElem()))
		}
	}
	return columns
}

// ElementName returns the part of a generated name for an index element.
func ElementName(e *pgparse.IndexElem) string {
	if e.GetName() != "" {
		return e.GetName()
	}
	if f := e.GetExpr().GetFuncCall().GetFuncname(); len(f) > 0 {
		return pgparse.StringText(f[len(f)-1])
	}
	return "expr"
}

// checkAddKey refuses a key that the server refuses whatever the rows are.
func (a *Alteration) checkAddKey(con *pgparse.Constraint, columns []string) bool {
	switch {
	case a.Rel.Kind == catalog.ForeignTable:
		a.RecordRefusal(pgerror.KeyForeignTable, keyWord(con))
	case con.GetNullsNotDistinct() && !a.V.AtLeast(15):
		a.RecordRefusal(pgerror.SyntaxAt, "NULLS")
	case con.GetWithoutOverlaps() && !a.V.AtLeast(18):
		a.RecordRefusal(pgerror.SyntaxAt, "WITHOUT")
	case con.GetWithoutOverlaps() && len(columns) < 2:
		a.RecordRefusal(pgerror.KeyOverlaps)
	case con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION && a.Rel.Kind == catalog.PartitionedTable && !a.V.AtLeast(17):
		a.RecordRefusal(pgerror.ExclusionNotHere)
	default:
		return a.checkKeyColumns(con, columns)
	}
	return false
}

// checkKeyColumns refuses a key on a column that is not there, or that has no order.
func (a *Alteration) checkKeyColumns(con *pgparse.Constraint, columns []string) bool {
	if con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION {
		return true
	}
	for _, name := range columns {
		col := a.Rel.Column(name)
		switch {
		case col == nil || col.Inferred:
			continue
		case col.Generated == "virtual":
			a.RecordRefusal(pgerror.VirtualConstraint, keyWord(con))
			return false
		case con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY && col.NotNullInvalid:
			a.RecordRefusal(pgerror.KeyNullable, name)
			return false
		}
		if no := a.checkKeyType(con, col.Type); no != nil {
			a.KeepRefusal(no)
			return false
		}
	}
	return true
}

// checkKeyType returns the refusal of a key on a column of a type that the index of the key
// does not take; nil if it takes it, or if that is not known.
func (q *Checker) checkKeyType(con *pgparse.Constraint, t catalog.Type) *pgerror.Refusal {
	if !con.GetWithoutOverlaps() {
		return q.checkOperatorClass("btree", "", t)
	}
	if !q.C.Complete {
		return nil // an extension may have come from elsewhere
	}
	return q.checkOperatorClass("gist", "", t)
}

func keyWord(con *pgparse.Constraint) string {
	if con.GetContype() == pgparse.ConstrType_CONSTR_PRIMARY {
		return "primary key"
	}
	if con.GetContype() == pgparse.ConstrType_CONSTR_EXCLUSION {
		return "exclusion"
	}
	return "unique"
}
