package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/workload"
)

// Recorded are the facts of recorded queries: those of a file that has one a line, in
// the order of the workload, from line [RecordedLine] on. A query that no code of the
// release sends, such as one of a migration, says nothing.
func Recorded(path string, w *workload.Workload) File {
	f := File{Path: path, Facts: &Facts{}, Observed: true}
	for i := range w.Queries {
		q := &w.Queries[i]
		if !q.IsCode() {
			continue
		}
		line := i + RecordedLine
		at := func(int) int { return line }
		for _, st := range split([]byte(q.SQL)) {
			if st.Node == nil {
				continue
			}
			d, sets := digestOf(st.Node, false, at)
			f.Facts.Settings = append(f.Facts.Settings, sets...)
			if d == nil {
				continue
			}
			d.Line = line
			d.resolved(q.Uses, line)
			f.Facts.Queries = append(f.Facts.Queries, *d)
		}
	}
	return f
}

// RecordedLine is the line of a stored workload that has its first query.
const RecordedLine = 3

// resolved puts the schemas in that the server found, and the relations that the text
// does not show: those below a view.
func (q *Query) resolved(uses []workload.Use, line int) {
	for _, u := range uses {
		schema, name, _ := strings.Cut(u.Relation, ".")
		named := false
		for i := range q.Relations {
			r := &q.Relations[i]
			if r.Name == name && (r.Schema == "" || r.Schema == schema) {
				named = true
				if r.Schema == "" && !slices.ContainsFunc(uses, func(o workload.Use) bool { return o.Relation != u.Relation && strings.HasSuffix(o.Relation, "."+name) }) {
					r.Schema = schema
				}
			}
		}
		if named {
			continue
		}
		q.Relations = append(q.Relations, Relation{Schema: schema, Name: name, Line: line, How: Reads})
		for _, c := range u.Reads {
			q.Columns = append(q.Columns, Column{Name: c, Line: line, How: Reads, Of: []int{len(q.Relations) - 1}})
		}
	}
}
