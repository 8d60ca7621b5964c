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

// WritePreflight prints whether a database is ready for a migration.
func WritePreflight(w io.Writer, r *onward.Preflight, o Options) error {
	p := newPage(o)
	if !o.Quiet {
		left, right := view.DescribeTarget(r)
		p.addTwoSided(left, right, p.Bold, p.Dim)
		if len(r.Touched) > 0 {
			p.addWrapped("  ", "  ", "the release touches "+nameTouchedTables(r.Touched), p.Dim)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !o.Quiet {
			p.addBlankLine()
		}
		head := "  " + p.paintLine(p.Severity(f.Severity), padRight(f.Severity.String(), 7)) + "  " + p.linkRule(p.Bold, f.Rule)
		if o.Quiet {
			p.addLine(head, "  ", escape.Line(f.Fact))
			continue
		}
		p.addLine(head)
		p.addWrapped("    ", "    ", escape.Line(f.Fact), p.Bold)
		p.addWrapped("    ", "    ", escape.Line(f.Harm), p.ordinaryStyle())
		p.printInstead(f.Instead)
	}
	if !o.Quiet && len(r.Opaque) > 0 {
		p.addBlankLine()
		p.addLine("  ", p.paintLine(p.Bold, "not seen"))
		for _, x := range r.Opaque {
			p.addWrapped("    ", "      ", escape.Line(x.Rule)+": "+escape.Line(x.What), p.ordinaryStyle())
			p.addWrapped("      ", "      ", escape.Line(x.Why), p.Dim)
		}
	}
	if o.Verbose {
		p.printPreflightChecks(r)
	}
	if !o.Quiet {
		p.addBlankLine()
	}
	p.addLine(view.CountChecks(r))
	style := p.OK
	switch {
	case r.Summary.Errors > 0:
		style = p.Error
	case r.Summary.Warnings+r.Summary.Opaque > 0:
		style = p.Warning
	}
	p.addWrapped("", "", escape.Line(r.Summary.Verdict), style)
	return p.writePage(w)
}

// printPreflightChecks lists all checks, with what they measured.
func (p *page) printPreflightChecks(r *onward.Preflight) {
	p.addBlankLine()
	for _, c := range r.Checks {
		p.addLine("  ", padRight(string(c.State), 7), "  ", padRight(escape.Line(c.Rule), 28), "  ", p.paintLine(p.Dim, string(c.Scope)))
		for _, m := range c.Measured {
			p.addLine("             ", p.paintLine(p.Dim, strings.TrimSpace(escape.Line(m.Object)+" "+formatMeasured(m.Value)+" "+
				strings.ReplaceAll(escape.Line(c.Metric), "_", " "))))
		}
	}
}

// formatMeasured returns a measured value without trailing zeros.
func formatMeasured(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

// mostNames is how many tables a line names.
const mostNames = 8

// nameTouchedTables names the tables that a release touches.
func nameTouchedTables(list []string) string {
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = view.ShortenRelation(name)
	}
	return prose.FirstNames(names, mostNames)
}
