package terminal

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteQueryFindings prints the findings about the queries of a recording.
func WriteQueryFindings(w io.Writer, list []onward.QueryFinding, o Options) error {
	p := newPage(o)
	shown := 0
	for i := range list {
		if list[i].Accepted {
			continue
		}
		if shown > 0 {
			p.addBlankLine()
		}
		p.printQueryFinding(&list[i])
		shown++
	}
	accepted := ""
	if n := len(list) - shown; n > 0 {
		accepted = fmt.Sprintf(" (%s accepted in onward.yaml)", prose.CountNoun(n, "finding"))
	}
	switch {
	case shown == 0:
		p.addLine("Nothing found" + accepted + ".")
	case accepted != "":
		p.addBlankLine()
		p.addLine(p.paintLine(p.Dim, strings.Trim(accepted, " ()")))
	}
	return p.writePage(w)
}

func (p *page) printQueryFinding(f *onward.QueryFinding) {
	p.addTwoSided(f.Severity.String()+"  "+escape.Line(f.Rule), "seen "+view.FormatTimes(f.Count), p.Severity(f.Severity), p.Dim)
	fact := escape.Line(f.Fact)
	if f.Sender != "" {
		fact += ", by " + escape.Line(f.Sender)
	}
	if f.Test != "" && f.Test != f.Sender {
		fact += ", in test " + escape.Line(f.Test)
	}
	p.addWrapped("  ", "  ", fact+".", p.ordinaryStyle())
	p.addLine("    ", p.paintLine(p.Dim, view.CutToWidth(escape.Line(f.SQL), p.width-4)))
	p.addWrapped("  ", "  ", escape.Line(f.Harm)+".", p.ordinaryStyle())
	p.addWrapped("  ", "  ", "Instead: "+escape.Line(f.Instead)+".", p.ordinaryStyle())
}
