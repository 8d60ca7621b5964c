package audit

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// Deprecations returns the deprecated columns of the deployed schema, by name, with their
// use in a recording. Call it after [Release.Audit].
func (r *Release) Deprecations(load *Workload) []onward.DeprecatedColumn {
	deployed := r.queryInput(load).Deployed
	if deployed == nil {
		return nil
	}
	list, _ := deprecation.ListDeprecations(deployed, r.a.Settings.Deprecated) // unreadable entries are findings
	var out []onward.DeprecatedColumn
	for i := range list {
		d := &list[i]
		schema, name, _ := strings.Cut(d.Relation, ".")
		if t := deployed.Lookup(schema, name); t == nil || t.Column(d.Column) == nil {
			continue
		}
		c := onward.DeprecatedColumn{
			Column: d.Relation + "." + d.Column, Since: d.Since, RemoveAfter: d.RemoveAfter, RenamedTo: d.RenamedTo, Past: d.IsOver(formatDay(r.a.Now)),
		}
		_, c.Near = d.Near(formatDay(r.a.Now), r.a.Settings.NoticeDays())
		countRecordedUse(load, d, &c)
		out = append(out, c)
	}
	return out
}

// countRecordedUse counts the recorded queries on a column and its table.
func countRecordedUse(load *Workload, d *deprecation.Deprecation, c *onward.DeprecatedColumn) {
	var most int64 = -1
	var users []*workload.Query
	for i := range load.Queries {
		q := &load.Queries[i]
		if !q.IsCode() {
			continue
		}
		onTable, used := queryTouches(q, d)
		if onTable {
			c.TableCalls += q.Calls
		}
		if !used {
			continue
		}
		users = append(users, q)
		c.Queries++
		c.Calls += q.Calls
		if q.Calls > most {
			most, c.SQL, c.Sender = q.Calls, q.SQL, workload.DescribeSenders(q.Senders)
		}
	}
	c.Consumers = usesByConsumer(users)
}

// queryTouches reports whether a query is on the table of a column, and whether it uses the
// column. If no server resolved the query, it uses the column if it has its name.
func queryTouches(q *workload.Query, d *deprecation.Deprecation) (onTable, used bool) {
	if q.Resolved == "" {
		names := pgparse.ListNames(q.SQL)
		table := d.Relation[strings.LastIndexByte(d.Relation, '.')+1:]
		onTable = slices.Contains(names, table)
		return onTable, onTable && slices.Contains(names, d.Column)
	}
	for i := range q.Uses {
		if u := &q.Uses[i]; u.Relation == d.Relation {
			onTable = true
			used = used || slices.Contains(u.Reads, d.Column) || slices.Contains(u.Writes, d.Column)
		}
	}
	return onTable, used
}
