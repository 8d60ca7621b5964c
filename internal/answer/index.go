package answer

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refuse"
)

func (q *Question) createIndex(s *pgparse.IndexStmt) {
	rel := q.Table(s.GetRelation())
	if rel == nil {
		return
	}
	taken := s.GetIdxname() != "" && q.C.Lookup(rel.Name.Schema, s.GetIdxname()) != nil
	switch {
	case s.GetUnique() && s.GetRelation().GetInh() && rel.Kind == catalog.PartitionedTable && q.reachesForeign(rel):
		q.Refuse(refuse.IndexUniqueForeign, rel.Name.Name)
	case s.GetNullsNotDistinct() && !q.V.AtLeast(15):
		q.Refuse(refuse.SyntaxAt, "NULLS")
	case !rel.Kind.IsTable() && rel.Kind != catalog.MaterializedView:
		q.Refuse(refuse.IndexRelation, rel.Name.Name)
	case taken && s.GetIfNotExists():
	case taken:
		q.Refuse(refuse.RelationExists, s.GetIdxname())
	case s.GetConcurrent() && rel.Kind == catalog.PartitionedTable:
		q.Refuse(refuse.IndexConcurrently, rel.Name.Name)
	default:
		if no := q.unindexable(rel, s); no != nil {
			q.Deny(no)
			return
		}
		var parts []string
		for _, n := range s.GetIndexParams() {
			parts = append(parts, n.GetIndexElem().GetName())
		}
		if s.GetUnique() && !coversKey(rel, parts) {
			q.Refuse(refuse.KeyPartition)
		}
	}
}

// reachesForeign reports whether a foreign table is among the partitions.
func (q *Question) reachesForeign(rel *catalog.Relation) bool {
	return slices.ContainsFunc(q.C.Tree(rel, true), func(t *catalog.Relation) bool { return t.Kind == catalog.ForeignTable })
}

// coversKey reports whether columns have all of the partition key among them.
func coversKey(rel *catalog.Relation, columns []string) bool {
	for _, k := range rel.PartitionKey {
		col := rel.Attr(k.Column)
		if col == nil || !contains(columns, col.Name) {
			return false
		}
	}
	return true
}

// unindexable is the refusal of an index on what it cannot be on; nil when it
// can.
func (q *Question) unindexable(rel *catalog.Relation, s *pgparse.IndexStmt) *refuse.Refusal {
	method := s.GetAccessMethod()
	if lacks := q.methodLacks(method, s); lacks != "" {
		return refuse.IndexMethodLacks.Of(method, lacks)
	}
	for _, n := range s.GetIndexParams() {
		e := n.GetIndexElem()
		if e.GetExpr() != nil {
			if !q.mayIndex(e.GetExpr(), columnTypes(rel)) {
				return refuse.IndexMutable.Of()
			}
			continue
		}
		col, known := q.Column(rel, e.GetName())
		switch {
		case col == nil && known:
			return refuse.ColumnMissingAlone.Of(e.GetName())
		case col == nil || col.Inferred:
		case col.Generated == "virtual":
			return refuse.IndexVirtual.Of()
		case len(e.GetOpclass()) == 0 && defaultsOf[method] != nil && !q.C.Complete:
			// An extension may have come from elsewhere.
		default:
			if no := q.unfit(method, pgparse.Last(e.GetOpclass()), col.Type); no != nil {
				return no
			}
		}
	}
	if w := s.GetWhereClause(); w != nil {
		if !q.mayIndex(w, columnTypes(rel)) {
			return refuse.IndexMutablePredicate.Of()
		}
	}
	return nil
}

// methodLacks is what an index asks for that its access method cannot do; "" for
// nothing, and for a method of an extension.
// https://www.postgresql.org/docs/current/indexes-types.html
func (q *Question) methodLacks(method string, s *pgparse.IndexStmt) string {
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
