// Package database has the rules about the surroundings of tables: databases, schemas, extensions
// and publications, and the names of objects.
package database

import (
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DatabaseDrop flags DROP DATABASE.
// https://www.postgresql.org/docs/current/sql-dropdatabase.html
var DatabaseDrop = &rule.Rule{
	ID:       "database-drop",
	Category: onward.DataLoss,
	Severity: onward.Error,
	Summary:  "DROP DATABASE removes everything that is in a database",
	Harm: "All tables and rows are gone at once, and there is no transaction to roll back. " +
		"It fails while anybody is connected, unless it says FORCE: that ends their sessions first.",
	Instead:   "Leave it to a person with a backup at hand: no release needs it.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-dropdatabase.html"},
	Kinds:     rule.Another,
	Statement: checkDatabaseDrop,
}

// madeDatabases are the first statements of a migration that create a database, by its name.
type madeDatabases map[string]*rule.Stmt

func checkDatabaseDrop(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetDropdbStmt()
	if stmt == nil || s.RefusedRule() != "" {
		return
	}
	creator := rule.BuildOnce(&s.Migration.Notes, func() madeDatabases {
		out := madeDatabases{}
		for _, x := range rule.StatementsOf[*pgparse.Node_CreatedbStmt](s.Migration) {
			if name := x.Node.GetCreatedbStmt().GetDbname(); out[name] == nil {
				out[name] = x
			}
		}
		return out
	})[stmt.GetDbname()]
	if creator != nil && creator.Index < s.Index {
		return
	}
	harm := "all of its tables and rows are gone, and nothing can be rolled back"
	for _, o := range stmt.GetOptions() {
		if o.GetDefElem().GetDefname() == "force" {
			harm = "the sessions of the deployed code are ended; " + harm
		}
	}
	p.Report(s, rule.Report{
		Fact:    "DROP DATABASE removes " + stmt.GetDbname() + " with everything in it",
		Harm:    harm,
		Instead: "take it out of the migration; when the code of no server uses the database, drop it by hand, after a backup",
	})
}
