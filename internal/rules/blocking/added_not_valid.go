package blocking

import (
	"github.com/onward-sql/onward/internal/rule"
)

// findNotValidAdd returns the statement of the same transaction that added a constraint
// NOT VALID; nil when there is none.
func findNotValidAdd(s *rule.Stmt, table, name string) *rule.Stmt {
	var addingStmt *rule.Stmt
	for t := s.Tx; t != nil; t = t.Earlier {
		if first := listNotValidAdds(t)[addedTo{table, name}]; first != nil && (t != s.Tx || first.Index <= s.Index) {
			addingStmt = first
		}
	}
	return addingStmt
}

// addedTo is a constraint of a table.
type addedTo struct{ table, name string }

// listNotValidAdds returns the first statements of a transaction that add constraints NOT
// VALID.
func listNotValidAdds(t *rule.Tx) map[addedTo]*rule.Stmt {
	return rule.BuildOnce(&t.Notes, func() map[addedTo]*rule.Stmt {
		out := map[addedTo]*rule.Stmt{}
		for _, s := range t.Statements {
			for _, n := range s.Node.GetAlterTableStmt().GetCmds() {
				con := n.GetAlterTableCmd().GetDef().GetConstraint()
				if !con.GetSkipValidation() {
					continue
				}
				key := addedTo{s.AlteredRelation().Name.Qualified(), nameOfConstraint(s, s.AlteredRelation(), con, 0)}
				if out[key] == nil {
					out[key] = s
				}
			}
		}
		return out
	})
}
