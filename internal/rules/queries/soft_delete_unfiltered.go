package queries

import (
	"fmt"
	"maps"
	"slices"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// SoftDeleteUnfiltered is the name of the rule that finds queries that may return rows marked as deleted.
const SoftDeleteUnfiltered = "soft-delete-unfiltered"

// softDeleteUnfiltered finds queries that may return rows marked as deleted.
var softDeleteUnfiltered = &Rule{Rule: rule.Rule{
	ID:       SoftDeleteUnfiltered,
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "A query does not say whether it means rows that are marked as deleted",
	Harm: "Rows with deleted_at are gone for the user, and this query shows, counts or changes them. " +
		"Reported is a SELECT or UPDATE whose conditions do not name the column, if the project filters by it elsewhere: " +
		"in at least two other recorded queries on the table, and in at least half of all; or if `soft_delete` in onward.yaml names it; " +
		"or if its comment says `onward: soft delete`. A query for a row by its key, or for its existence, is a note: it may be meant. " +
		"A query for deleted rows names the column, and is not reported.",
	Instead: "Add deleted_at IS NULL to the condition, or say that deleted rows are meant: deleted_at IS NOT NULL, or both.",
}, check: checkUnfiltered}

// deletedAt is the default name of such a column.
const deletedAt = "deleted_at"

// enoughFilter is how many queries must filter by the column before onward treats it as a soft-delete column.
const enoughFilter = 2

func checkUnfiltered(p *pass) {
	marks := p.findDeletionMarks()
	for _, table := range slices.SortedFunc(maps.Keys(marks), func(a, b catalog.Name) int { return compareNames(a, b) }) {
		mark := marks[table]
		if r := p.deployedTable(table); r != nil && (!r.HasColumn(mark.column) || r.RLS) {
			continue // a policy may filter
		}
		var unfiltered []*workload.Query
		filter := 0
		p.eachCodeQuery(func(q *workload.Query) {
			if q.Kind != workload.Select && q.Kind != workload.Update {
				return
			}
			switch p.classifyFilter(q, table, mark.column) {
			case filtered:
				filter++
			case open:
				unfiltered = append(unfiltered, q)
			}
		})
		if mark.says == "" && (filter < enoughFilter || filter < len(unfiltered)) {
			continue
		}
		for _, q := range unfiltered {
			p.reportUnfiltered(q, table, mark, filter)
		}
	}
}

func (p *pass) reportUnfiltered(q *workload.Query, table catalog.Name, deletedMark mark, filter int) {
	column := deletedMark.column
	t := p.parseQuery(q)
	readsByKey := p.selectsByKey(t, t.findSourcesOf(table)[0], p.deployedTable(table))
	if readsByKey && q.Kind == workload.Update {
		return // of a row that was read before
	}
	severity, reason := onward.Off, deletedMark.says+" says that it is to"
	if readsByKey || isExistenceCheck(t) {
		severity = onward.Info
	}
	if filter > 0 {
		reason = fmt.Sprintf("%d other recorded queries on it do", filter)
		if filter == 1 {
			reason = "1 other recorded query on it does"
		}
	}
	verb := "reads"
	if q.Kind == workload.Update {
		verb = "changes"
	}
	p.addFinding(onward.QueryFinding{
		Severity: severity, Relation: table.Qualified(), Count: q.Calls, Most: q.MostRows,
		Fact:    fmt.Sprintf("it %s %s and does not filter by %s, and %s", verb, table, column, reason),
		Harm:    "rows that are marked as deleted come with the others",
		Instead: "add the condition on " + column + ", or name it where deleted rows are meant",
	}, q)
}

type mark struct {
	column string
	says   string // who says so; "" where only the name does
}

// findDeletionMarks returns the tables with a column that says which rows are deleted.
func (p *pass) findDeletionMarks() map[catalog.Name]mark {
	out := map[catalog.Name]mark{}
	p.eachCodeQuery(func(q *workload.Query) {
		for _, u := range q.Uses {
			if slices.Contains(u.Reads, deletedAt) || slices.Contains(u.Writes, deletedAt) {
				out[parseRelation(u.Relation)] = mark{column: deletedAt}
			}
		}
	})
	for _, c := range []*catalog.Catalog{p.Head, p.Deployed} {
		if c == nil {
			continue
		}
		for name, column := range deprecation.MarkedBy(c) {
			out[parseRelation(name)] = mark{column, "the comment on " + column}
		}
	}
	for name, column := range p.SoftDelete {
		out[parseRelation(name)] = mark{column, "soft_delete in onward.yaml"}
	}
	return out
}

// parseRelation parses "users" or "public.users".
func parseRelation(text string) catalog.Name {
	schema, name := query.SplitName(text)
	if schema == "" {
		schema = "public"
	}
	return catalog.Name{Schema: schema, Name: name}
}

// These constants say whether a query filters by the column.
const (
	elsewhere = iota // it does not name the table, writes the column, or cannot be read
	filtered
	open
)

// classifyFilter reports whether a query that names a table has a condition on its column at each
// place that names it.
func (p *pass) classifyFilter(q *workload.Query, table catalog.Name, column string) (filterState int) {
	if !slices.ContainsFunc(q.Uses, func(u workload.Use) bool { return parseRelation(u.Relation) == table }) && q.Resolved != "" {
		return elsewhere
	}
	t := p.parseQuery(q)
	if t == nil {
		return elsewhere
	}
	sources := t.findSourcesOf(table)
	if len(sources) == 0 || setsColumn(t, column) {
		return elsewhere
	}
	filterState = elsewhere
	for _, s := range sources {
		switch {
		case t.hasConditionOn(s, column):
			filterState = filtered
		case !p.isJoinedByKey(t, s, p.deployedTable(table)): // what refers to a deleted row may show it
			return open
		}
	}
	return filterState
}

// setsColumn reports whether an UPDATE sets a column.
func setsColumn(t *text, column string) bool {
	s, ok := t.stmt.(*pgparse.UpdateStmt)
	return ok && slices.ContainsFunc(s.GetTargetList(), func(n *pgparse.Node) bool { return n.GetResTarget().GetName() == column })
}

// isExistenceCheck reports whether a SELECT returns no column and calls no function. It only asks
// whether a row exists, for example before an INSERT of a unique value.
func isExistenceCheck(t *text) bool {
	s, ok := t.stmt.(*pgparse.SelectStmt)
	return ok && len(s.GetTargetList()) > 0 && !slices.ContainsFunc(s.GetTargetList(), func(n *pgparse.Node) bool {
		v := n.GetResTarget().GetVal()
		return pgparse.HasNode[*pgparse.ColumnRef](v) || pgparse.HasNode[*pgparse.FuncCall](v)
	})
}

func compareNames(a, b catalog.Name) int {
	if a.Qualified() < b.Qualified() {
		return -1
	}
	return 1
}
