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
	Summary:  "A query takes all columns of a table whose columns the release changes",
	Harm: "The result of SELECT * has another shape after the release: code that reads it by position, " +
		"scans it into fields or has prepared it gets columns that it does not expect. It is reported with a release only (onward verify), " +
		"if no verdict reports it already.",
	Instead: "Name the columns that the code needs.",
	Manual:  []string{"https://www.postgresql.org/docs/current/sql-prepare.html"},
}, check: checkStars}

func checkStars(p *pass) {
	if p.Deployed == nil || p.Head == nil {
		return
	}
	p.eachCodeQuery(func(q *workload.Query) {
		if p.Told[q.ID] {
			return
		}
		for i := range q.Uses {
			u := &q.Uses[i]
			if !u.Star {
				continue
			}
			table := parseRelation(u.Relation)
			before := p.deployedTable(table)
			if before == nil {
				continue
			}
			after := p.Head.Relation(before.OID)
			if after == nil {
				continue // the table goes: that is another matter
			}
			change := describeColumnChanges(before, after)
			if change == "" {
				continue
			}
			p.addFinding(onward.QueryFinding{
				Count: q.Calls, Most: q.MostRows,
				Fact:    fmt.Sprintf("it takes all columns of %s, and the release %s", table, change),
				Harm:    "its result has another shape after the release: code that reads it by position, or into fields, gets columns that it does not expect",
				Instead: "name the columns that the code needs",
			}, q)
			return
		}
	})
}

// describeColumnChanges describes how the columns of a table change; "" if they do not.
func describeColumnChanges(before, after *catalog.Relation) string {
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
