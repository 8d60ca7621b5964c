package index

import (
	"fmt"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// most is the number of key columns up to which an index is of use to more
// than one query.
const most = 3

// TooManyColumns flags an index over more than three columns.
// https://www.postgresql.org/docs/current/indexes-multicolumn.html
var TooManyColumns = &rule.Rule{
	ID:       "index-too-many-columns",
	Category: onward.Design,
	Severity: onward.Info,
	OnlyIn:   onward.DesignSet,
	Summary:  "an index that is not unique has more than three key columns",
	Harm: "A B-tree helps a query that fixes its first columns. Each further column makes every entry longer and every heap-only update less likely, " +
		"for the few queries that fix them all.",
	Instead:   "Keep the columns that select, and put what is only returned into INCLUDE.",
	Manual:    []string{"https://www.postgresql.org/docs/current/indexes-multicolumn.html"},
	Kinds:     rule.CreateIndex,
	Statement: checkTooManyColumns,
}

func checkTooManyColumns(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil || stmt.GetUnique() || len(stmt.GetIndexParams()) <= most || stmt.GetAccessMethod() != "btree" && stmt.GetAccessMethod() != "" {
		return
	}
	name := "the index"
	if stmt.GetIdxname() != "" {
		name = "index " + stmt.GetIdxname()
	}
	p.Report(s, rule.Report{
		Fact:    fmt.Sprintf("%s of %s has %d key columns", name, stmt.GetRelation().GetRelname(), len(stmt.GetIndexParams())),
		Harm:    "each entry is long, and only queries that fix the first columns are helped",
		Instead: "keep the columns that select, and put what is only returned into INCLUDE (…)",
	})
}
