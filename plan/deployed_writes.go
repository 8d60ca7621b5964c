package plan

import (
	"slices"
	"sync"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/verify"
)

// findWriter returns a function that finds a query of the deployed code which writes a column of a table, or adds or removes rows of it; "" if none is
// known. The recordings have the queries, or else the code, which is read at the first call.
func findWriter(release *audit.Release, recorded []*verify.Workload) func(table *catalog.Relation, column string) string {
	load := sync.OnceValue(func() *workload.Workload {
		w, err := workload.MergeAll(recorded...)
		if len(recorded) == 0 {
			w, _, err = release.Parsed(onward.OldCode)
		}
		if err != nil {
			return &workload.Workload{} // the proof reads the code again, and reports it
		}
		return w
	})
	return func(table *catalog.Relation, column string) string {
		for i := range load().Queries {
			if q := &load().Queries[i]; q.IsCode() && writesValue(q.SQL, table.Name, column) {
				return q.SQL
			}
		}
		return ""
	}
}

// writesValue reports whether a query writes a column of a table, or adds or removes rows of it.
func writesValue(sql string, table catalog.Name, column string) (writes bool) {
	if !slices.Contains(pgparse.ListNames(sql), table.Name) {
		return false
	}
	pgparse.Walk(pgparse.ParseStatement(sql), func(m any) bool {
		var rv *pgparse.RangeVar
		var columns []*pgparse.Node
		switch stmt := m.(type) {
		case *pgparse.InsertStmt:
			rv = stmt.Relation
		case *pgparse.DeleteStmt:
			rv = stmt.Relation
		case *pgparse.UpdateStmt:
			rv, columns = stmt.Relation, stmt.TargetList
		}
		writes = writes || rv != nil && rv.Relname == table.Name && (rv.Schemaname == "" || rv.Schemaname == table.Schema) &&
			(len(columns) == 0 || slices.ContainsFunc(columns, func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == column }))
		return !writes
	})
	return writes
}
