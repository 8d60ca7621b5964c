package queries

import (
	"fmt"

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
	Preset:   onward.Recommended,
	Summary:  "A query gives as many rows as there are: nothing bounds them",
	Harm:     "What is a thousand rows in a test is a million in production: they fill the memory of the process, and the connection for as long as they come. Told is a SELECT without LIMIT, aggregate, list of keys or function in FROM that gave 1,000 rows or more in one call; and, where the sizes of tables are known (--stats or --db), one without any condition on a table of 100,000 rows or more, which is a note: a test that looks at what it has made asks so, too.",
	Instead:  "Page through by a key (WHERE id > $1 ORDER BY id LIMIT 1000), or let the database put the rows together.",
	Manual:   []string{"https://www.postgresql.org/docs/current/queries-limit.html"},
}, check: unbounded}

const (
	unboundedRows = 1000    // of one call
	bigTable      = 100_000 // rows
)

func unbounded(p *pass) {
	p.code(func(q *workload.Query) {
		if !reads(q) || locksRows(q) {
			return
		}
		if q.MostRows < unboundedRows && len(p.Rows) == 0 {
			return
		}
		t := p.text(q)
		if t == nil {
			return
		}
		s, ok := t.stmt.(*pgparse.SelectStmt)
		if !ok || t.bounded() || aggregates(s) {
			return
		}
		f := onward.QueryFinding{
			Count: q.Calls, Most: q.MostRows,
			Harm:    "what is a thousand rows in a test is a million in production: they fill the process's memory",
			Instead: "page through by a key (WHERE id > $1 ORDER BY id LIMIT 1000), or let the database put the rows together",
		}
		switch table, rows := p.whole(t, s); {
		case q.MostRows >= unboundedRows:
			f.Fact = fmt.Sprintf("it gave %d rows in one call, and nothing bounds them", q.MostRows)
		case rows >= bigTable:
			f.Fact = fmt.Sprintf("it reads all of %s, which has %d rows, and nothing bounds them", table, rows)
			f.Harm = "the rows fill the process's memory, and its connection for as long as they come; unless it is the test that asks"
			f.Severity = onward.Info
		default:
			return
		}
		p.report(f, q)
	})
}

// whole is the table that a SELECT without a condition reads, and how many rows it is
// known to have; 0 for any other.
func (p *pass) whole(t *text, s *pgparse.SelectStmt) (table string, rows int64) {
	if s.GetWhereClause() != nil || s.GetHavingClause() != nil || len(t.level.Sources) != 1 {
		return "", 0
	}
	from := t.level.Sources[0]
	if from.Range == nil || from.CTE != nil {
		return "", 0
	}
	schema, name := pgparse.RangeName(from.Range)
	r := relation(name)
	if schema != "" {
		r.Schema = schema
	}
	return r.String(), p.Rows[r.Qualified()]
}

// aggregates reports whether a SELECT gives groups, or one row for all: what has GROUP BY
// or DISTINCT gives as many rows as there are values, which may be few.
func aggregates(s *pgparse.SelectStmt) bool {
	if len(s.GetGroupClause()) > 0 || len(s.GetDistinctClause()) > 0 || s.GetHavingClause() != nil {
		return true
	}
	for _, n := range s.GetTargetList() {
		found := false
		pgparse.Walk(n, func(msg any) bool {
			if f, ok := msg.(*pgparse.FuncCall); ok && f.GetOver() == nil {
				switch pgparse.Last(f.GetFuncname()) {
				case "count", "sum", "min", "max", "avg", "array_agg", "json_agg", "jsonb_agg", "string_agg", "bool_or", "bool_and", "every", "json_object_agg", "jsonb_object_agg":
					found = true
				}
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}
