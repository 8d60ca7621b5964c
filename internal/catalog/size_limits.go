package catalog

import (
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
)

// The server's limits. The catalog refuses anything beyond them, so that no file can make
// it grow further.
// https://www.postgresql.org/docs/current/limits.html
const (
	maxColumns = 1600 // of a relation, counting those that were dropped
	maxKeys    = 32   // of an index, with those that it includes
)

// refuseTooManyColumns refuses a relation of more columns than a table may have.
func (f *fold) refuseTooManyColumns(columns int) bool {
	if columns <= maxColumns {
		return false
	}
	f.addProblem(true, pgerror.TooManyColumns, itoa(maxColumns))
	return true
}

// refuseTooManyTargets refuses a query that gives more columns than one may.
func (f *fold) refuseTooManyTargets(n *pgparse.Node) bool {
	if len(n.GetSelectStmt().GetTargetList()) <= query.MaxOutputs {
		return false
	}
	f.addProblem(true, pgerror.TooManyEntries, itoa(query.MaxOutputs))
	return true
}

// refuseTooManyKeys refuses an index of more columns than one may have.
func (f *fold) refuseTooManyKeys(columns int) bool {
	if columns <= maxKeys {
		return false
	}
	f.addProblem(true, pgerror.TooManyKeys, itoa(maxKeys))
	return true
}

// countColumnDefs counts the columns that a list of a table's elements defines.
func countColumnDefs(elements []*pgparse.Node) int {
	n := 0
	for _, e := range elements {
		if e.GetColumnDef() != nil {
			n++
		}
	}
	return n
}
