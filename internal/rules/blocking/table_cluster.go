package blocking

import (
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// TableCluster flags CLUSTER. https://www.postgresql.org/docs/current/sql-cluster.html
var TableCluster = &rule.Rule{
	ID:       "table-cluster",
	Category: onward.Locking,
	Severity: onward.Error,
	Summary:  "CLUSTER writes the table anew, in the order of an index, while nobody can read it",
	Harm: "CLUSTER sorts the rows into a new file and rebuilds all indexes under ACCESS EXCLUSIVE. " +
		"Every query on the table waits, and the time grows with the table. New rows are not kept in order.",
	Instead:   "Use pg_repack, which sorts a table while it is in use; or take a window without traffic.",
	Manual:    []string{"https://www.postgresql.org/docs/current/sql-cluster.html"},
	Kinds:     rule.Another,
	Statement: checkCluster,
}

func checkCluster(p *rule.Pass, s *rule.Stmt) {
	if s.Node.GetClusterStmt() == nil {
		return
	}
	if e := findRewritten(p, s); e != nil {
		p.Report(s, describeWork(e, "CLUSTER rewrites "+e.Name.String(), "until all of it is sorted and written",
			"take it out of the migration: pg_repack sorts a table while it is in use"))
	}
}
