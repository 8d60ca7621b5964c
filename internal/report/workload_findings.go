package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/onward-sql/onward/onward"
)

// WriteQueryFindings prints what is wrong with the queries of a recording, for the
// terminal or as JSON: {"findings": [...]}, of [onward.QueryFinding].
func WriteQueryFindings(w io.Writer, list []onward.QueryFinding, f Format, o Options) error {
	if f == FormatJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", indent)
		return e.Encode(struct {
			Findings []onward.QueryFinding `json:"findings"`
		}{list})
	}
	p := newPage(o)
	if len(list) == 0 {
		p.line("Nothing found.")
	}
	for i := range list {
		if i > 0 {
			p.blank()
		}
		p.queryFinding(&list[i])
	}
	return p.flush(w)
}

func (p *page) queryFinding(f *onward.QueryFinding) {
	p.split(f.Severity.String()+"  "+f.Rule, "seen "+times(f.Count), p.Severity(f.Severity), p.Dim)
	fact := f.Fact
	if f.Sender != "" {
		fact += ", by " + Line(f.Sender)
	}
	p.wrap("  ", "  ", fact+".", p.plain())
	p.line("    ", p.paint(p.Dim, shorten(Line(f.SQL), p.width-4)))
	p.wrap("  ", "  ", f.Harm+".", p.plain())
	p.wrap("  ", "  ", "Instead: "+f.Instead+".", p.plain())
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
