package queries

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/query"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// foreignKeyUnindexedUsed finds queries that make the server look for the rows of a foreign
// key that has no index.
var foreignKeyUnindexedUsed = &Rule{Rule: rule.Rule{
	ID:       "foreign-key-unindexed-used",
	Category: onward.Queries,
	Severity: onward.Warning,
	Summary:  "The code follows a foreign key to the rows that refer, and no index leads there",
	Harm: "Postgres indexes the referenced side only. Each DELETE of a referenced row, each change of its key, " +
		"and each query that asks for the rows that refer to one reads the whole referencing table; " +
		"a DELETE holds its locks for that long. Told where the schema is known, and a recorded query does it.",
	Instead: "Build an index that begins with the columns of the foreign key, CONCURRENTLY.",
	Manual:  []string{"https://www.postgresql.org/docs/current/ddl-constraints.html#DDL-CONSTRAINTS-FK"},
}, check: checkUnindexed}

// smallTable is how many rows a table may be known to have, and no index is missed.
const smallTable = 10_000

// foreignKey is one whose columns no index begins with.
type foreignKey struct {
	table, parent       *catalog.Relation
	columns, refColumns []string
}

func checkUnindexed(p *pass) {
	if p.Deployed == nil {
		return
	}
	p.Deployed.EachRelation(func(t *catalog.Relation) bool {
		if !t.Kind.IsTable() || t.Inferred || t.Partial {
			return true
		}
		if rows, known := p.Rows[t.Name.Qualified()]; known && rows < smallTable {
			return true
		}
		for _, c := range t.Constraints {
			if c.Kind != catalog.ForeignKey || c.Parent || analysis.HasLeadingIndex(p.Deployed, t, c.Columns) {
				continue
			}
			if parent := p.Deployed.Relation(c.Ref); parent != nil {
				p.reportUnindexed(&foreignKey{t, parent, t.ColumnNames(c.Columns), parent.ColumnNames(c.RefColumns)})
			}
		}
		return true
	})
}

// reportUnindexed tells of a foreign key once: with the queries that follow it, the one that is
// sent most first.
func (p *pass) reportUnindexed(k *foreignKey) {
	var list []*workload.Query
	descriptions := map[*workload.Query]string{}
	p.eachCodeQuery(func(q *workload.Query) {
		if description := p.describeReferringLookup(q, k); description != "" {
			list, descriptions[q] = append(list, q), description
		}
	})
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b *workload.Query) int { return int(min(max(b.Calls-a.Calls, -1), 1)) })
	var calls int64
	for _, q := range list {
		calls += q.Calls
	}
	names := strings.Join(k.columns, ", ")
	build := recipe.ColumnIndex{
		Table:      k.table.Name,
		Columns:    k.columns,
		Blocking:   k.table.Kind == catalog.PartitionedTable,
		Hypertable: k.table.Manager.IsHypertable(),
	}
	p.addFinding(onward.QueryFinding{
		Count: calls, Most: int64(len(list)),
		Fact:    fmt.Sprintf("it %s, and no index of %s begins with %s", descriptions[list[0]], k.table.Name, names),
		Harm:    "each time the server reads all of " + k.table.Name.String(),
		Instead: build.CreateStatement(),
	}, list...)
}

// describeReferringLookup says what a query does that makes the server look for the referring rows; "" for
// one that does not.
func (p *pass) describeReferringLookup(q *workload.Query, k *foreignKey) string {
	parent := k.parent.Name.Qualified()
	for i := range q.Uses {
		u := &q.Uses[i]
		switch {
		case u.Relation != parent:
		case q.Kind == workload.Delete && u.Lock == "RowExclusiveLock" && len(u.Writes) == 0 && p.writesTo(q, k.parent):
			return "deletes rows of " + k.parent.Name.String()
		case q.Kind == workload.Update && p.writesTo(q, k.parent) && slices.ContainsFunc(k.refColumns, func(c string) bool { return slices.Contains(u.Writes, c) }):
			return "changes the key of " + k.parent.Name.String()
		}
	}
	if t := p.parseQuery(q); t != nil && len(k.columns) == 1 && q.Kind == workload.Select && p.findsRowsByKey(t, k) {
		return "asks for the rows of " + k.table.Name.String() + " by " + k.columns[0]
	}
	return ""
}

// writesTo reports whether a query writes to a table by its name.
func (p *pass) writesTo(q *workload.Query, r *catalog.Relation) bool {
	t := p.parseQuery(q)
	return t != nil && t.level.Target != nil && t.level.Target.Table == query.Table(r)
}

// findsRowsByKey reports whether a SELECT finds rows of the table by its foreign key and in no
// other way: all that an index of the table begins with is open.
func (p *pass) findsRowsByKey(t *text, k *foreignKey) bool {
	list, _ := t.listEqualities(t.whereClause())
	hasKeyCondition, found := false, func(column string) bool {
		return slices.ContainsFunc(k.table.Indexes, func(oid catalog.OID) bool {
			index := p.Deployed.Relation(oid)
			if index == nil || index.Index == nil || len(index.Index.Keys) == 0 {
				return true
			}
			col := k.table.Attr(index.Index.Keys[0].Column)
			return col == nil || col.Name == column
		})
	}
	for _, e := range list {
		switch {
		case e.source == nil || e.source.Table != query.Table(k.table):
		case e.column == k.columns[0] && e.other == nil:
			hasKeyCondition = true
		case found(e.column):
			return false
		}
	}
	return hasKeyCondition
}
