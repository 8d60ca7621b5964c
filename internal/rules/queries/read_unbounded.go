package queries

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// readUnbounded finds reads that give as many rows as there are.
var readUnbounded = &Rule{Rule: rule.Rule{
	ID:       "read-unbounded",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "A query gives as many rows as there are: nothing bounds them",
	Harm: "A query that reads a thousand rows in a test reads a million in production: " +
		"they fill the memory of the process, and the connection for as long as they come. " +
		"Reported is a SELECT without LIMIT, aggregate, list of keys or function in FROM that returned 1,000 rows or more in one call. " +
		"If the sizes of tables are known (--stats or --db), a SELECT without any condition on a table of 100,000 rows or more is a note: " +
		"a test that reads its own rows asks so, too.",
	Instead: "Page through by a key (WHERE id > $1 ORDER BY id LIMIT 1000), or let the database put the rows together.",
	Manual:  []string{"https://www.postgresql.org/docs/current/queries-limit.html"},
}, check: checkUnbounded}

const (
	unboundedRows = 1000    // of one call
	bigTable      = 100_000 // rows
)

func checkUnbounded(p *pass) {
	p.eachCodeQuery(func(q *workload.Query) {
		if !isOnlyReading(q) || locksRows(q) {
			return
		}
		if q.MostRows < unboundedRows && len(p.Rows) == 0 {
			return
		}
		t := p.parseQuery(q)
		if t == nil {
			return
		}
		s, ok := t.stmt.(*pgparse.SelectStmt)
		if !ok || t.isBounded() || isAggregate(s) {
			return
		}
		f := onward.QueryFinding{
			Count: q.Calls, Most: q.MostRows,
			Harm:    "what is a thousand rows in a test is a million in production: they fill the process's memory",
			Instead: "page through by a key (WHERE id > $1 ORDER BY id LIMIT 1000), or let the database put the rows together",
		}
		switch table, rows := p.findUnboundedTable(t, s); {
		case q.MostRows >= unboundedRows:
			f.Fact = fmt.Sprintf("it gave %d rows in one call, and nothing bounds them", q.MostRows)
		case rows >= bigTable:
			f.Fact = fmt.Sprintf("it reads all of %s, which has %d rows, and nothing bounds them", table, rows)
			f.Harm = "the rows fill the process's memory, and its connection for as long as they come; unless it is the test that asks"
			f.Severity = onward.Info
		default:
			return
		}
		p.addFinding(f, q)
	})
}

// findUnboundedTable returns the table that a SELECT without a condition reads, and how many rows it is
// known to have; 0 for any other.
func (p *pass) findUnboundedTable(t *text, s *pgparse.SelectStmt) (table string, rows int64) {
	if s.GetWhereClause() != nil || s.GetHavingClause() != nil || len(t.level.Sources) != 1 {
		return "", 0
	}
	from := t.level.Sources[0]
	if from.Range == nil || from.CTE != nil {
		return "", 0
	}
	schema, name := pgparse.RangeName(from.Range)
	r := parseRelation(name)
	if schema != "" {
		r.Schema = schema
	}
	return r.String(), p.Rows[r.Qualified()]
}

// aggregates are common functions that make one value of many rows.
var aggregates = []string{
	"count", "sum", "min", "max", "avg", "array_agg", "json_agg", "jsonb_agg", "string_agg", "bool_or", "bool_and", "every", "json_object_agg", "jsonb_object_agg",
}

// isAggregate reports whether a SELECT gives groups, or one row for all: what has GROUP BY
// or DISTINCT gives as many rows as there are values, which may be few.
func isAggregate(s *pgparse.SelectStmt) bool {
	if len(s.GetGroupClause()) > 0 || len(s.GetDistinctClause()) > 0 || s.GetHavingClause() != nil {
		return true
	}
	return slices.ContainsFunc(s.GetTargetList(), func(n *pgparse.Node) bool {
		return pgparse.Contains(n, func(f *pgparse.FuncCall) bool {
			return f.GetOver() == nil && slices.Contains(aggregates, pgparse.LastText(f.GetFuncname()))
		})
	})
}
