package relation

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
)

// takes is what a statement has that takes from a sequence.
var takes = lazyregexp.New(`(?i)\bnextval\s*\(`)

// isNumberingRepaired reports whether the migration empties the table, or renumbers its rows or sets the sequence after the
// statement.
func isNumberingRepaired(s *rule.Stmt, t, seq *catalog.Relation) bool {
	all := rule.BuildOnce(&s.Migration.Notes, func() rowMending { return findRepairs(s.Migration) })
	return all.unknown || max(all.renumbers[0], all.renumbers[seq.OID]) > s.Index || all.emptied[t.OID]
}

// rowMending is what a migration does to rows and their numbers.
type rowMending struct {
	unknown bool // a statement may do anything; CASCADE of a TRUNCATE may reach any table
	// renumbers has the last statement that takes from a sequence, or sets it; 0 is any sequence.
	renumbers map[catalog.OID]int
	emptied   map[catalog.OID]bool
}

func findRepairs(m *rule.Migration) rowMending {
	out := rowMending{renumbers: map[catalog.OID]int{}, emptied: map[catalog.OID]bool{}}
	for i, x := range m.Statements {
		if x.Node == nil || x.Opaque != "" {
			out.unknown = true
			continue
		}
		set := analysis.ListSetSequences(x.Before, x.After, x.Node, x.SQL)
		if takes.MatchString(x.SQL) {
			set = append(set, 0)
		}
		for _, oid := range set {
			out.renumbers[oid] = i
		}
		for _, n := range x.Node.GetTruncateStmt().GetRelations() {
			if r, _ := x.Before.Resolve(n.GetRangeVar()); r != nil {
				out.unknown = true
			}
		}
		if d := x.Node.GetDeleteStmt(); d != nil && d.GetWhereClause() == nil {
			if r, _ := x.Before.Resolve(d.GetRelation()); r != nil {
				out.emptied[r.OID] = true
			}
		}
	}
	return out
}
