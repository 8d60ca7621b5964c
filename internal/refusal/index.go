package refusal

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

func (q *Checker) checkCreateIndex(s *pgparse.IndexStmt) {
	rel := q.FindTable(s.GetRelation())
	if rel == nil {
		return
	}
	switch {
	case s.GetUnique() && s.GetRelation().GetInh() && rel.Kind == catalog.PartitionedTable && q.hasForeignPartition(rel):
		q.RecordRefusal(pgerror.IndexUniqueForeign, rel.Name.Name)
	case s.GetNullsNotDistinct() && !q.V.AtLeast(15):
		q.RecordRefusal(pgerror.SyntaxAt, "NULLS")
	case s.GetIdxname() != "" && q.C.Lookup(rel.Name.Schema, s.GetIdxname()) != nil:
	case s.GetConcurrent() && rel.Kind == catalog.PartitionedTable:
		q.RecordRefusal(pgerror.IndexConcurrently, rel.Name.Name)
	default:
		q.KeepRefusal(q.checkIndex(rel, s))
	}
}

// hasForeignPartition reports whether a foreign table is among the partitions.
func (q *Checker) hasForeignPartition(rel *catalog.Relation) bool {
	return slices.ContainsFunc(q.C.ListTree(rel, true), func(t *catalog.Relation) bool { return t.Kind == catalog.ForeignTable })
}

// checkIndex returns the refusal of an index on columns or a relation that cannot have it; nil
// if the server accepts it.
func (q *Checker) checkIndex(rel *catalog.Relation, s *pgparse.IndexStmt) *pgerror.Refusal {
	method := s.GetAccessMethod()
	if lacks := q.findUnsupportedFeature(method, s); lacks != "" {
		return pgerror.IndexMethodLacks.NewRefusal(method, lacks)
	}
	for _, n := range s.GetIndexParams() {
		e := n.GetIndexElem()
		if e.GetExpr() != nil {
			if !q.mayIndex(e.GetExpr(), columnTypes(rel)) {
				return pgerror.IndexMutable.NewRefusal()
			}
			continue
		}
		col := rel.Column(e.GetName())
		switch {
		case col == nil || col.Inferred:
		case col.Generated == "virtual":
			return pgerror.IndexVirtual.NewRefusal()
		case len(e.GetOpclass()) == 0 && onlyDefaults[method] != nil && !q.C.Complete:
			// An extension may have come from elsewhere.
		default:
			if no := q.checkOperatorClass(method, pgparse.LastText(e.GetOpclass()), col.Type); no != nil {
				return no
			}
		}
	}
	if w := s.GetWhereClause(); w != nil {
		if !q.mayIndex(w, columnTypes(rel)) {
			return pgerror.IndexMutablePredicate.NewRefusal()
		}
	}
	return nil
}

// findUnsupportedFeature returns the feature of an index that its access method does not support; "" for
// none, and for a method of an extension.
// https://www.postgresql.org/docs/current/indexes-types.html
func (q *Checker) findUnsupportedFeature(method string, s *pgparse.IndexStmt) string {
	included := len(s.GetIndexIncludingParams()) > 0
	switch method {
	case "hash", "gist", "gin", "brin", "spgist":
	default:
		return ""
	}
	switch {
	case s.GetUnique():
		return "unique indexes"
	case included && method != "gist" && (method != "spgist" || !q.V.AtLeast(14)):
		return "included columns"
	case len(s.GetIndexParams()) > 1 && (method == "hash" || method == "spgist"):
		return "multicolumn indexes"
	}
	return ""
}
