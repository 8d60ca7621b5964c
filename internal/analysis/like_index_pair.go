package analysis

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// FindLikePair pairs two statements that a framework makes of one operation on a text column:
// the column's index or unique constraint, and a second index for LIKE. indexed
// is the statement to which s adds the second index; second is the statement of the second
// index for s. nil for none.
func FindLikePair(all *script.Script, s *script.Statement) (indexed, second *script.Statement) {
	column, like := indexedColumn(s)
	if column == "" || !s.Operation.IsRendered() {
		return nil, nil
	}
	for _, x := range all.Statements {
		if x == s || x.Operation != s.Operation || x.Line != s.Line || x.Column != s.Column {
			continue
		}
		other, pattern := indexedColumn(x)
		switch {
		case other != column || pattern == like:
		case like:
			return x, nil
		default:
			return nil, x
		}
	}
	return nil, nil
}

// indexedColumn returns the table and the single column that a statement indexes, and whether
// the index is only for LIKE; "" if it does something else.
func indexedColumn(s *script.Statement) (column string, like bool) {
	if x := s.Node.GetIndexStmt(); x != nil {
		if len(x.IndexParams) != 1 || x.Concurrent {
			return "", false
		}
		elem := x.IndexParams[0].GetIndexElem()
		if elem.GetName() == "" {
			return "", false
		}
		return x.GetRelation().GetRelname() + "." + elem.Name, strings.HasSuffix(pgparse.LastText(elem.Opclass), "_pattern_ops")
	}
	x := s.Node.GetAlterTableStmt()
	if len(x.GetCmds()) != 1 {
		return "", false
	}
	con := x.Cmds[0].GetAlterTableCmd().GetDef().GetConstraint()
	if con.GetContype() != pgparse.ConstrType_CONSTR_UNIQUE || len(con.GetKeys()) != 1 {
		return "", false
	}
	return x.GetRelation().GetRelname() + "." + con.Keys[0].GetString_().GetSval(), false
}

// HasLeadingIndex reports whether a table has an index without a condition that begins with the given
// columns, in any order. The server needs one to find the rows of a foreign key.
func HasLeadingIndex(c *catalog.Catalog, t *catalog.Relation, columns []int16) bool {
	return slices.ContainsFunc(t.Indexes, func(oid catalog.OID) bool {
		index := c.Relation(oid)
		return index != nil && index.Index != nil && IsLeadingIndex(index.Index, columns)
	})
}

// IsLeadingIndex reports whether an index without a condition begins with the given columns, in any order.
func IsLeadingIndex(index *catalog.IndexInfo, columns []int16) bool {
	return index.Predicate == nil && len(index.Keys) >= len(columns) &&
		!slices.ContainsFunc(index.Keys[:len(columns)], func(k catalog.IndexKey) bool {
			return k.Column == 0 || !slices.Contains(columns, k.Column)
		})
}
