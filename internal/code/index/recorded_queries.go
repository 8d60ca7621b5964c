package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/code/queries"
	"github.com/onward-sql/onward/internal/workload"
)

// Recorded returns the facts of recorded queries, as if of a file that has one per line,
// in the order of the workload, from line [RecordedLine] on. A query that no code of the
// release sends, such as one of a migration, gives no facts.
func Recorded(path string, w *workload.Workload) File {
	f := File{Path: path, Facts: &facts.Facts{}, Observed: true}
	for i := range w.Queries {
		q := &w.Queries[i]
		if !q.IsCode() {
			continue
		}
		line := i + RecordedLine
		lineAt := func(int) int { return line }
		for _, st := range queries.SplitStatements([]byte(q.SQL)) {
			if st.Node == nil {
				continue
			}
			d, sets := queries.DigestStatement(st.Node, false, lineAt)
			f.Facts.Settings = append(f.Facts.Settings, sets...)
			if d == nil {
				continue
			}
			d.Line = line
			addServerRelations(d, q.Uses, line)
			f.Facts.Queries = append(f.Facts.Queries, *d)
		}
	}
	return f
}

// RecordedLine is the line of the first query in a stored workload.
const RecordedLine = 3

// addServerRelations adds the schemas that the server found, and the relations that the text does
// not show, such as tables of a view.
func addServerRelations(q *facts.Query, uses []workload.Use, line int) {
	for _, u := range uses {
		schema, name, _ := strings.Cut(u.Relation, ".")
		found := false
		for i := range q.Relations {
			r := &q.Relations[i]
			if r.Name == name && (r.Schema == "" || r.Schema == schema) {
				found = true
				if r.Schema == "" && !slices.ContainsFunc(uses, func(o workload.Use) bool { return o.Relation != u.Relation && strings.HasSuffix(o.Relation, "."+name) }) {
					r.Schema = schema
				}
			}
		}
		if found {
			continue
		}
		q.Relations = append(q.Relations, facts.Relation{Schema: schema, Name: name, Line: line, How: facts.Reads})
		for _, c := range u.Reads {
			q.Columns = append(q.Columns, facts.Column{Name: c, Line: line, How: facts.Reads, Of: []int{len(q.Relations) - 1}})
		}
	}
}
