package terminal

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/workload"
)

// mostQueries is how many queries are listed without --verbose.
const mostQueries = 50

// WriteWorkload prints a recording: its queries, the most frequent ones first.
func WriteWorkload(w io.Writer, load *workload.Workload, o Options) error {
	p := newPage(o)
	p.printWorkloadHead(load)
	queries := slices.Clone(load.Queries)
	if !o.Verbose {
		queries = slices.DeleteFunc(queries, func(q workload.Query) bool { return !q.IsCode() })
	}
	slices.SortFunc(queries, func(a, b workload.Query) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.SQL, b.SQL))
	})
	total := int64(0)
	for i := range queries {
		total += queries[i].Calls
	}
	left := 0
	if !o.Verbose {
		queries, left = prose.TakeFirst(queries, mostQueries)
	}
	if len(queries) > 0 {
		p.addBlankLine()
		p.addLine(p.paintLine(p.Dim, fmt.Sprintf("%9s %5s  %-8s %s", "calls", "", "kind", "tables, sender, query")))
	}
	for i := range queries {
		p.printWorkloadQuery(&queries[i], total, o.Verbose)
	}
	if left > 0 {
		p.addLine(p.paintLine(p.Dim, fmt.Sprintf("%d more; --verbose lists all", left)))
	}
	return p.writePage(w)
}

// printWorkloadHead prints what was recorded, where, and how much of it is code.
func (p *page) printWorkloadHead(load *workload.Workload) {
	code, calls := 0, int64(0)
	for i := range load.Queries {
		if load.Queries[i].IsCode() {
			code++
			calls += load.Queries[i].Calls
		}
	}
	text := fmt.Sprintf("%d queries of code, sent %d times", code, calls)
	if other := len(load.Queries) - code; other > 0 {
		text += fmt.Sprintf("; %d more statements of migrations, fixtures and sessions", other)
	}
	p.addWrapped("", "  ", text+".", p.Bold)
	from := "From " + strings.Join(load.Sources, ", ")
	if len(load.Sources) == 0 {
		from = "From nowhere"
	}
	if load.Postgres > 0 {
		from += fmt.Sprintf(", on Postgres %d", load.Postgres)
	}
	if load.Revision != "" {
		from += ", at " + load.Revision
	}
	p.addWrapped("", "  ", escape.Line(from)+".", p.ordinaryStyle())
	for _, n := range load.Notes {
		p.addWrapped("", "  ", escape.Line(n)+".", p.Warning)
	}
}

// printWorkloadQuery prints two lines: the relations of a query and its sender, and its text.
func (p *page) printWorkloadQuery(q *workload.Query, total int64, whole bool) {
	share := ""
	if total > 0 {
		share = fmt.Sprintf("%.0f %%", 100*float64(q.Calls)/float64(total))
	}
	var tables []string
	for _, u := range q.Uses {
		tables = append(tables, view.ShortenRelation(u.Relation))
	}
	about := strings.Join(tables, ", ")
	if senders := workload.DescribeSenders(q.Senders); senders != "" {
		about = strings.TrimPrefix(about+" · "+escape.Line(senders), " · ")
	}
	kind := string(q.Kind)
	if q.Mark != workload.Code {
		kind = string(q.Mark)
	}
	head := fmt.Sprintf("%9d %5s  %-8s ", q.Calls, share, kind)
	p.addLine(head, view.CutToWidth(about, p.width-view.MeasureText(head)))
	const indent = "                 "
	if whole {
		p.addWrapped(indent, indent, escape.Line(q.SQL), p.Dim)
		return
	}
	p.addLine(indent, p.paintLine(p.Dim, view.CutToWidth(escape.Line(q.SQL), p.width-len(indent))))
}
