package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// maxSeed is how many rows a history may put into a table one by one that is small all
// the same.
const maxSeed = 500

// seeds counts the rows that a history puts into tables by VALUES; -1 where it puts in
// others too.
type seeds map[catalog.OID]int

// take counts those of a migration. Which table had a name that changes hands in it is not
// told.
func (x *seeds) take(after *catalog.Catalog, s *script.Script) {
	renamed := map[string]bool{}
	for _, st := range s.Statements {
		if n := st.Node.GetRenameStmt(); n != nil {
			renamed[n.GetRelation().GetRelname()], renamed[n.GetNewname()] = true, true
		}
	}
	for _, st := range s.Statements {
		var to *pgparse.RangeVar
		rows := -1
		switch n := pgparse.Unwrap(st.Node).(type) {
		case *pgparse.InsertStmt:
			to = n.GetRelation()
			values := n.GetSelectStmt().GetSelectStmt().GetValuesLists()
			if len(values) > 0 && !st.Loop {
				rows = len(values)
			}
		case *pgparse.CopyStmt:
			if n.GetIsFrom() {
				to = n.GetRelation()
			}
		case *pgparse.MergeStmt:
			to = n.GetRelation()
		}
		if to == nil {
			continue
		}
		r := after.Lookup(to.GetSchemaname(), to.GetRelname())
		if r == nil {
			continue
		}
		if *x == nil {
			*x = seeds{}
		}
		if n := (*x)[r.OID]; n < 0 || rows < 0 || renamed[to.GetRelname()] || n+rows > maxSeed {
			(*x)[r.OID] = -1
		} else {
			(*x)[r.OID] = n + rows
		}
	}
}

// few are the tables that have no rows but those: no trigger or other function puts any
// in, as far as their text tells.
func (x seeds) few(deployed *catalog.Catalog) map[catalog.OID]int {
	var writers []string
	deployed.EachFunction(func(f *catalog.Function) bool {
		if body := strings.ToLower(f.Body); strings.Contains(body, "insert") || strings.Contains(body, "execute") || strings.Contains(body, "merge") {
			writers = append(writers, body)
		}
		return true
	})
	out := map[catalog.OID]int{}
	for oid, n := range x {
		r := deployed.Relation(oid)
		if n <= 0 || r == nil || !r.Kind.IsTable() {
			continue
		}
		named := false
		for _, body := range writers {
			named = named || strings.Contains(body, r.Name.Name)
		}
		if !named {
			out[oid] = n
		}
	}
	return out
}
