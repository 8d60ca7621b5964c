package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// describeTarget returns the checked database, and the purpose of the check.
func describeTarget(r *onward.Preflight) (left, right string) {
	right = "Postgres " + EscapeLine(r.Postgres) + " · role " + EscapeLine(r.Role)
	if r.Release != "" {
		right = EscapeLine(r.Release) + " · " + right
	}
	return "database " + EscapeLine(r.Database), right
}

// preflightCounts is the summary in a line: "27 checks: 1 error, 2 warnings, 3 not seen".
func preflightCounts(r *onward.Preflight) string {
	s := &r.Summary
	parts := countFindings(&onward.Summary{Errors: s.Errors, Warnings: s.Warnings, Infos: s.Infos})
	if s.Opaque > 0 {
		parts = append(parts, fmt.Sprintf("%d not seen", s.Opaque))
	}
	if len(parts) == 0 {
		parts = []string{"nothing found"}
	}
	return prose.CountNoun(s.Checks, "check") + ": " + strings.Join(parts, ", ")
}

// terminalPreflight prints whether a database is ready for a migration.
func terminalPreflight(w io.Writer, r *onward.Preflight, o Options) error {
	p := newPage(o)
	if !o.Quiet {
		left, right := describeTarget(r)
		p.addTwoSided(left, right, p.Bold, p.Dim)
		if len(r.Touched) > 0 {
			p.addWrapped("  ", "  ", "the release touches "+nameTouched(r.Touched), p.Dim)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !o.Quiet {
			p.addBlankLine()
		}
		head := "  " + p.paintLine(p.Severity(f.Severity), padRight(f.Severity.String(), 7)) + "  " + p.linkRule(p.Bold, f.Rule)
		if o.Quiet {
			p.addLine(head, "  ", EscapeLine(f.Fact))
			continue
		}
		p.addLine(head)
		p.addWrapped("    ", "    ", EscapeLine(f.Fact), p.Bold)
		p.addWrapped("    ", "    ", EscapeLine(f.Harm), p.ordinaryStyle())
		p.printInstead(f.Instead)
	}
	if !o.Quiet && len(r.Opaque) > 0 {
		p.addBlankLine()
		p.addLine("  ", p.paintLine(p.Bold, "not seen"))
		for _, x := range r.Opaque {
			p.addWrapped("    ", "      ", EscapeLine(x.Rule)+": "+EscapeLine(x.What), p.ordinaryStyle())
			p.addWrapped("      ", "      ", EscapeLine(x.Why), p.Dim)
		}
	}
	if o.Verbose {
		p.preflightChecks(r)
	}
	if !o.Quiet {
		p.addBlankLine()
	}
	p.addLine(preflightCounts(r))
	style := p.OK
	switch {
	case r.Summary.Errors > 0:
		style = p.Error
	case r.Summary.Warnings+r.Summary.Opaque > 0:
		style = p.Warning
	}
	p.addWrapped("", "", EscapeLine(r.Summary.Verdict), style)
	return p.writePage(w)
}

// preflightChecks lists all checks, with what they measured.
func (p *page) preflightChecks(r *onward.Preflight) {
	p.addBlankLine()
	for _, c := range r.Checks {
		p.addLine("  ", padRight(string(c.State), 7), "  ", padRight(EscapeLine(c.Rule), 28), "  ", p.paintLine(p.Dim, string(c.Scope)))
		for _, m := range c.Measured {
			p.addLine("             ", p.paintLine(p.Dim, strings.TrimSpace(EscapeLine(m.Object)+" "+formatMeasured(m.Value)+" "+
				strings.ReplaceAll(c.Metric, "_", " "))))
		}
	}
}

// formatMeasured returns a measured value without trailing zeros.
func formatMeasured(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

// mostNames is how many tables a line names.
const mostNames = 8

// nameTouched names the tables that a release touches.
func nameTouched(list []string) string {
	names := make([]string, len(list))
	for i, name := range list {
		names[i] = shortRelation(name)
	}
	return prose.FirstNames(names, mostNames)
}

// preflightGitHub prints findings as workflow commands. They have no position in a file.
func preflightGitHub(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "::%s %s::%s\n", severityLevel(f.Severity, "notice"), commandProperties("", 0, 0, 0, 0, f.Rule),
			commandData(f.Fact+"\n"+f.Harm+"\ninstead: "+f.Instead))
	}
	for _, o := range r.Opaque {
		fmt.Fprintf(&b, "::notice %s::%s\n", commandProperties("", 0, 0, 0, 0, o.Rule), commandData("not seen: "+o.What+"\n"+o.Why))
	}
	fmt.Fprintf(&b, "onward: %s\nonward: %s\n", preflightCounts(r), EscapeCommands(EscapeLine(r.Summary.Verdict)))
	_, err := io.WriteString(w, b.String())
	return err
}
