package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// Twins pairs what a framework makes of one operation on a text column: the index of the
// column, or its unique constraint, and an index for LIKE beside it. of is the statement
// that s is the twin of, by the one that makes the twin of s; nil for none.
func Twins(all *script.Script, s *script.Statement) (of, by *script.Statement) {
	column, like := indexed(s)
	if column == "" || !s.Operation.Rendered() {
		return nil, nil
	}
	for _, x := range all.Statements {
		if x == s || x.Operation != s.Operation || x.Line != s.Line || x.Column != s.Column {
			continue
		}
		other, pattern := indexed(x)
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

// indexed is the table and the one column that a statement indexes, and whether it is
// for LIKE alone; "" where it does something else.
func indexed(s *script.Statement) (column string, like bool) {
	if x := s.Node.GetIndexStmt(); x != nil {
		if len(x.IndexParams) != 1 || x.Concurrent {
			return "", false
		}
		elem := x.IndexParams[0].GetIndexElem()
		if elem.GetName() == "" {
			return "", false
		}
		return x.GetRelation().GetRelname() + "." + elem.Name, strings.HasSuffix(pgparse.Last(elem.Opclass), "_pattern_ops")
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
