package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkPersistence returns the refusal of a foreign key between tables that are permanent, unlogged or
// temporary; nil if the server accepts it.
func checkPersistence(from catalog.Persistence, ref *catalog.Relation) *pgerror.Refusal {
	switch to := ref.Persistence; {
	case ref.Inferred:
	case from == catalog.Permanent && to != catalog.Permanent:
		return pgerror.ForeignKeyPermanent.NewRefusal()
	case from == catalog.Unlogged && to == catalog.Temporary:
		return pgerror.ForeignKeyUnlogged.NewRefusal()
	case from == catalog.Temporary && to != catalog.Temporary:
		return pgerror.ForeignKeyOfTemporary.NewRefusal()
	}
	return nil
}

// areKeysComparable reports whether there is an operator for each pair of columns of
// a foreign key, as far as their types are known.
func (q *Checker) areKeysComparable(ref *catalog.Relation, con *pgparse.Constraint, columns []string, types ColumnType) bool {
	targets := StringNames(con.GetPkAttrs())
	if len(targets) == 0 {
		for _, c := range ref.Constraints {
			if c.Kind == catalog.PrimaryKey {
				targets = append(targets, ref.ColumnNames(c.Columns)...)
			}
		}
	}
	if len(targets) != len(columns) {
		return true
	}
	for i, name := range columns {
		target := ref.Column(targets[i])
		if target == nil || target.Inferred {
			continue
		}
		if from := types(name); from.IsKnown() && target.Type.IsKnown() && !q.canCompare(from, target.Type) {
			return false
		}
	}
	return true
}

// foreignKeyTypeRefusal returns the refusal of a foreign key between types that
// cannot be compared.
func (q *Checker) foreignKeyTypeRefusal(table catalog.Name, con *pgparse.Constraint, columns []string) *pgerror.Refusal {
	name := con.GetConname()
	if name == "" {
		name = catalog.ObjectName(table.Name, strings.Join(columns, "_"), "fkey")
	}
	return pgerror.ForeignKeyTypes.NewRefusal(name)
}
