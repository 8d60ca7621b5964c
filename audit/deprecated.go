package audit

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// Deprecations are the deprecated columns of the deployed schema, by name, and what a
// recording says of each; behind [Release.Audit].
func (r *Release) Deprecations(load *Workload) []onward.DeprecatedColumn {
	deployed := r.queries(load).Deployed
	if deployed == nil {
		return nil
	}
	list, _ := deprecation.Of(deployed, r.a.Settings.Deprecated) // what cannot be read is a finding
	var out []onward.DeprecatedColumn
	for i := range list {
		d := &list[i]
		schema, name, _ := strings.Cut(d.Relation, ".")
		if t := deployed.Lookup(schema, name); t == nil || t.Column(d.Column) == nil {
			continue
		}
		c := onward.DeprecatedColumn{
			Column: d.Relation + "." + d.Column, Since: d.Since, RemoveAfter: d.RemoveAfter, RenamedTo: d.RenamedTo, Past: d.Past(today(r.a.Now)),
		}
		recordedUse(load, d, &c)
		out = append(out, c)
	}
	return out
}

// recordedUse counts the recorded queries on a column and its table.
func recordedUse(load *Workload, d *deprecation.Deprecation, c *onward.DeprecatedColumn) {
	var most int64 = -1
	for i := range load.Queries {
		q := &load.Queries[i]
		if !q.IsCode() {
			continue
		}
		on, used := touches(q, d)
		if on {
			c.TableCalls += q.Calls
		}
		if !used {
			continue
		}
		c.Queries++
		c.Calls += q.Calls
		if q.Calls > most {
			most, c.SQL, c.Sender = q.Calls, q.SQL, workload.Who(q.Senders)
		}
	}
}

// touches reports whether a query is on the table of a column, and whether it uses the
// column: what no server resolved does where it has the name.
func touches(q *workload.Query, d *deprecation.Deprecation) (on, used bool) {
	if q.Resolved == "" {
		names := pgparse.Names(q.SQL)
		table := d.Relation[strings.LastIndexByte(d.Relation, '.')+1:]
		on = slices.Contains(names, table)
		return on, on && slices.Contains(names, d.Column)
	}
	for i := range q.Uses {
		if u := &q.Uses[i]; u.Relation == d.Relation {
			on = true
			used = used || slices.Contains(u.Reads, d.Column) || slices.Contains(u.Writes, d.Column)
		}
	}
	return on, used
}
