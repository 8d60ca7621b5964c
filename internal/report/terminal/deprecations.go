package terminal

import (
	"io"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteDeprecations prints deprecated columns, and by program who still uses them.
func WriteDeprecations(w io.Writer, list []onward.DeprecatedColumn, o Options) error {
	p := newPage(o)
	if len(list) == 0 {
		p.addLine("No column is deprecated.")
	}
	for i := range list {
		if i > 0 {
			p.addBlankLine()
		}
		p.printDeprecation(&list[i])
	}
	return p.writePage(w)
}

// printDeprecation prints one column.
func (p *page) printDeprecation(d *onward.DeprecatedColumn) {
	style, note := p.ordinaryStyle(), ""
	switch {
	case d.Past:
		style = p.Severity(onward.Error)
	case d.Near:
		style, note = p.Severity(onward.Warning), "its last day is near"
	}
	p.addTwoSided(view.DeprecatedName(d), note, style, p.Dim)
	if d.RenamedTo != "" {
		p.addWrapped("  ", "  ", "replaced by "+escape.Line(d.RenamedTo), p.ordinaryStyle())
	}
	if len(d.Consumers) == 0 {
		p.addWrapped("  ", "  ", view.DeprecatedWords(d), p.ordinaryStyle())
		return
	}
	for i := range d.Consumers {
		u := &d.Consumers[i]
		name := u.Consumer
		if name == "" {
			name = "code that no recording names"
		}
		text := name + ": " + prose.CountNoun(u.Queries, "query") + ", " + view.CountCalls(u.Calls)
		if u.Sender != "" && u.Sender != u.Consumer {
			text += ", most from " + u.Sender
		}
		p.addWrapped("  ", "    ", escape.Line(text), p.ordinaryStyle())
		p.addLine("    ", p.paintLine(p.Dim, view.CutToWidth(escape.Line(u.SQL), p.width-4)))
	}
}
