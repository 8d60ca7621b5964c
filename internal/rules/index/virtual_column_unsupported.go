package index

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// VirtualColumnUnsupported flags an index over a virtual generated column.
// https://www.postgresql.org/docs/current/ddl-generated-columns.html
var VirtualColumnUnsupported = &rule.Rule{
	ID:       "index-virtual-column-unsupported",
	Category: onward.ReleaseOrder,
	Severity: onward.Error,
	Since:    18,
	Summary:  "the server refuses an index on a virtual generated column",
	Harm: "A virtual column, which is what GENERATED ALWAYS AS makes from Postgres 18 on unless STORED is written, is computed when it is read. " +
		"No index, constraint or statistics object can be built on it: the migration fails.",
	Instead:   "Index the expression itself.",
	Manual:    []string{"https://www.postgresql.org/docs/current/ddl-generated-columns.html"},
	Kinds:     rule.CreateIndex,
	Statement: checkVirtualColumnUnsupported,
}

func checkVirtualColumnUnsupported(p *rule.Pass, s *rule.Stmt) {
	stmt := s.Node.GetIndexStmt()
	if stmt == nil {
		return
	}
	t, _ := s.Before.Resolve(stmt.GetRelation())
	if t == nil {
		return
	}
	pgparse.Walk(s.Node, func(msg any) bool {
		name := ""
		switch x := msg.(type) {
		case *pgparse.IndexElem:
			name = x.GetName()
		case *pgparse.ColumnRef:
			if fields := x.GetFields(); len(fields) > 0 {
				name = pgparse.LastText(fields)
			}
		}
		c := t.Column(name)
		if c == nil || c.Generated != "virtual" {
			return true
		}
		p.Report(s, rule.Report{
			Fact:    "the server refuses an index on " + c.Name + " of " + t.Name.String() + ", a virtual generated column",
			Harm:    "the migration fails: indexes on virtual generated columns are not supported",
			Instead: "index the expression that it is generated from:\nCREATE INDEX CONCURRENTLY ON " + analysis.QuoteTable(t.Name) + " ((…));",
		})
		return false
	})
}
