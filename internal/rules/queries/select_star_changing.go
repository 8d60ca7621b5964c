package queries

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// selectStarChanging finds queries that take all columns of a table that a release changes.
var selectStarChanging = &Rule{Rule: rule.Rule{
	ID:       "select-star-changing",
	Category: onward.Queries,
	Severity: onward.Warning,
	Preset:   onward.Recommended,
	Summary:  "A query takes all columns of a table whose columns the release changes",
	Harm:     "The result of SELECT * has another shape behind the release: code that reads it by position, scans it into fields or has prepared it gets columns that it does not expect. Told with a release only (onward verify), where the verdicts do not already say it of the query.",
	Instead:  "Name the columns that the code needs.",
	Manual:   []string{"https://www.postgresql.org/docs/current/sql-prepare.html"},
}, check: stars}

func stars(p *pass) {
	if p.Deployed == nil || p.Head == nil {
		return
	}
	p.code(func(q *workload.Query) {
		if p.Told[q.ID] {
			return
		}
		for i := range q.Uses {
			u := &q.Uses[i]
			if !u.Star {
				continue
			}
			table := relation(u.Relation)
			before := p.deployed(table)
			if before == nil {
				continue
			}
			after := p.Head.Relation(before.OID)
			if after == nil {
				continue // the table goes: that is another matter
			}
			what := changed(before, after)
			if what == "" {
				continue
			}
			p.report(onward.QueryFinding{
				Count: q.Calls, Most: q.MostRows,
				Fact:    fmt.Sprintf("it takes all columns of %s, and the release %s", table, what),
				Harm:    "its result has another shape behind the release: code that reads it by position, or into fields, gets what it does not expect",
				Instead: "name the columns that the code needs",
			}, q)
			return
		}
	})
}

// changed says what becomes of the columns of a table; "" where they stay as they are.
func changed(before, after *catalog.Relation) string {
	var adds, drops []string
	for _, c := range after.Columns {
		if before.Attr(c.Attnum) == nil {
			adds = append(adds, c.Name)
		}
	}
	var renames []string
	for _, c := range before.Columns {
		switch now := after.Attr(c.Attnum); {
		case now == nil:
			drops = append(drops, c.Name)
		case now.Name != c.Name:
			renames = append(renames, c.Name)
		}
	}
	var parts []string
	for _, p := range []struct {
		verb  string
		names []string
	}{{"adds ", adds}, {"drops ", drops}, {"renames ", renames}} {
		if len(p.names) > 0 {
			slices.Sort(p.names)
			parts = append(parts, p.verb+strings.Join(p.names, ", "))
		}
	}
	return strings.Join(parts, " and ")
}
