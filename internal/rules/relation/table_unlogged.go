package relation

import (
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableUnlogged flags SET UNLOGGED on an existing table.
// https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED
var TableUnlogged = &rule.Rule{
	ID:       "table-unlogged",
	Category: onward.DataLoss,
	Severity: onward.Warning,
	Summary:  "an unlogged table is empty after a crash, and on every replica",
	Harm: "Changes of an unlogged table are not in the write-ahead log. After a crash or an unclean shutdown the server truncates it; " +
		"a replica cannot read it at all, and a failover or a restore from a base backup loses every row.",
	Instead: "Leave the table logged. For data that may be lost make a table of its own.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-createtable.html#SQL-CREATETABLE-UNLOGGED"},
	Commit:  checkUnlogged,
}

func checkUnlogged(p *rule.Pass, t *rule.Tx) {
	for d := range p.DeployedChanges(t, catalog.RelationChanged) {
		if d.What != "persistence" || d.After.Persistence != catalog.Unlogged || !d.Before.Kind.IsTable() {
			continue
		}
		name := d.Before.Name.String()
		p.Report(d, rule.Report{
			Fact: "table " + name + " becomes unlogged",
			Harm: "a crash or a failover empties it, and queries of the deployed code on replicas fail: " +
				"cannot access temporary or unlogged relations during recovery",
			Instead: "leave " + name + " logged, and keep what may be lost in a table of its own",
		})
	}
}
