package report

import (
	"fmt"
	"io"

	"github.com/onward-sql/onward/internal/workload/judge"
)

// WriteWorkloadFindings prints what is wrong with the queries of a recording.
func WriteWorkloadFindings(w io.Writer, list []judge.Finding, o Options) error {
	p := newPage(o)
	if len(list) == 0 {
		p.line("Nothing found.")
	}
	for i, f := range list {
		if i > 0 {
			p.blank()
		}
		p.split("warning  "+f.Rule, fmt.Sprintf("seen %d times", f.Count), p.Warning, p.Dim)
		fact := f.Fact
		if f.Sender != "" {
			fact += ", by " + Line(f.Sender)
		}
		p.wrap("  ", "  ", fact+".", p.plain())
		p.line("    ", p.paint(p.Dim, shorten(Line(f.SQL), p.width-4)))
		p.wrap("  ", "  ", f.Harm+".", p.plain())
		p.wrap("  ", "  ", "Instead: "+f.Instead+".", p.plain())
	}
	return p.flush(w)
}
