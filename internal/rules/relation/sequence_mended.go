package relation

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rule"
)

var sets = lazyregexp.New(`(?i)\bsetval\s*\(`)

// renumbers is what a statement has that takes from a sequence, or sets it.
var renumbers = lazyregexp.New(`(?i)\b(setval|nextval)\s*\(|\brestart\b`)

// isNumberingRepaired reports whether the migration empties the table, or renumbers its rows after the
// statement.
func isNumberingRepaired(s *rule.Stmt, t *catalog.Relation) bool {
	all := rule.BuildOnce(&s.Migration.Notes, func() rowMending { return findRepairs(s.Migration) })
	return all.unknown || all.renumbers > s.Index || all.emptied[t.OID]
}

// rowMending is what a migration does to rows and their numbers.
type rowMending struct {
	unknown   bool // a statement may do anything; CASCADE of a TRUNCATE may reach any table
	renumbers int  // the last statement that takes from a sequence, or sets it
	emptied   map[catalog.OID]bool
}

func findRepairs(m *rule.Migration) rowMending {
	out := rowMending{renumbers: -1, emptied: map[catalog.OID]bool{}}
	for i, x := range m.Statements {
		if x.Node == nil || x.Opaque != "" {
			out.unknown = true
			continue
		}
		if renumbers.MatchString(x.SQL) {
			out.renumbers = i
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
