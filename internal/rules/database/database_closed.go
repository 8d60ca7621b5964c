package database

import (
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// DatabaseClosed flags a database that takes no new connections, or fewer, or has another name.
// https://www.postgresql.org/docs/current/sql-alterdatabase.html
var DatabaseClosed = &rule.Rule{
	ID:       "database-closed",
	Category: onward.Compatibility,
	Severity: onward.Warning,
	Summary:  "deployed code can no longer connect to a database that is renamed, closed or limited",
	Harm: "Connections that are open keep working. The pool of the deployed code opens new ones, and each of them fails: " +
		"database does not exist, database is not currently accepting connections, too many connections for database.",
	Instead:   "Do it when no code uses the database any more.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-alterdatabase.html"},
	Kinds:     rule.Another,
	Statement: checkDatabaseClosed,
}

func checkDatabaseClosed(p *rule.Pass, s *rule.Stmt) {
	if s.Tx.RolledBack {
		return
	}
	report := func(name, fact, harm string) {
		if s.Before.Object("database", catalog.Name{Name: name}) != nil && p.Release.Deployed.Object("database", catalog.Name{Name: name}) == nil {
			return // the release made it
		}
		p.Report(s, rule.Report{
			Fact:    "database " + name + " " + fact,
			Harm:    "new connections of deployed code to " + name + " fail: " + harm,
			Instead: "see that no running code connects to it any more, and do this a release later",
		})
	}
	switch stmt := pgparse.Unwrap(s.Node).(type) {
	case *pgparse.RenameStmt:
		if stmt.GetRenameType() == pgparse.ObjectType_OBJECT_DATABASE {
			report(stmt.GetSubname(), "is renamed to "+stmt.GetNewname(), "database does not exist")
		}
	case *pgparse.AlterDatabaseStmt:
		for _, n := range stmt.GetOptions() {
			option, value := n.GetDefElem().GetDefname(), catalog.OptionText(n.GetDefElem())
			before, after := s.Before.Object("database", catalog.Name{Name: stmt.GetDbname()}), s.Tx.After.Object("database", catalog.Name{Name: stmt.GetDbname()})
			if after != nil && after.Options[option] != "" {
				value = after.Options[option] // another statement of the transaction may set it again
			}
			if before != nil && before.Options[option] == value {
				continue
			}
			switch {
			case option == "connection_limit" && before != nil && catalog.KeepsConnections(before.Options[option], value):
			case option == "connection_limit" && value != "-1":
				report(stmt.GetDbname(), "takes only "+value+" connections", "above that number, too many connections for database")
			case option == "allow_connections" && slices.Contains([]string{"false", "off", "no", "0"}, value):
				report(stmt.GetDbname(), "takes no connections", "database is not currently accepting connections")
			}
		}
	}
}
