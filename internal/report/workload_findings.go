package report

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/onward-sql/onward/onward"
)

// WriteQueryFindings prints the findings about the queries of a recording, for the
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
		p.addLine("Nothing found.")
	}
	for i := range list {
		if i > 0 {
			p.addBlankLine()
		}
		p.queryFinding(&list[i])
	}
	return p.writePage(w)
}

func (p *page) queryFinding(f *onward.QueryFinding) {
	p.addTwoSided(f.Severity.String()+"  "+f.Rule, "seen "+formatTimes(f.Count), p.Severity(f.Severity), p.Dim)
	fact := f.Fact
	if f.Sender != "" {
		fact += ", by " + EscapeLine(f.Sender)
	}
	p.addWrapped("  ", "  ", fact+".", p.ordinaryStyle())
	p.addLine("    ", p.paintLine(p.Dim, cutToWidth(EscapeLine(f.SQL), p.width-4)))
	p.addWrapped("  ", "  ", f.Harm+".", p.ordinaryStyle())
	p.addWrapped("  ", "  ", "Instead: "+f.Instead+".", p.ordinaryStyle())
}

func formatTimes(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
