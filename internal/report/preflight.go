package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// FormatPrometheus is text for Prometheus: onward preflight has it.
const FormatPrometheus Format = "prometheus"

// PreflightFormats are those in which a preflight is printed.
func PreflightFormats() []Format {
	return []Format{FormatTerminal, FormatJSON, FormatMarkdown, FormatGitHub, FormatPrometheus}
}

// WritePreflight prints whether a database is fit to be migrated.
func WritePreflight(w io.Writer, f Format, r *onward.Preflight, o Options) error {
	switch f {
	case FormatJSON:
		return writeJSON(w, r)
	case FormatMarkdown:
		return preflightMarkdown(w, r)
	case FormatGitHub:
		return preflightGitHub(w, r)
	case FormatPrometheus:
		return preflightPrometheus(w, r)
	}
	return preflightTerminal(w, r, o)
}

// about says what was asked, and what for.
func about(r *onward.Preflight) (left, right string) {
	right = "Postgres " + Line(r.Postgres) + " · role " + Line(r.Role)
	if r.Release != "" {
		right = Line(r.Release) + " · " + right
	}
	return "database " + Line(r.Database), right
}

// preflightCounts is the summary in a line: "27 checks: 1 error, 2 warnings, 3 not seen".
func preflightCounts(r *onward.Preflight) string {
	s := &r.Summary
	parts := found(&onward.Summary{Errors: s.Errors, Warnings: s.Warnings, Infos: s.Infos})
	if s.Opaque > 0 {
		parts = append(parts, fmt.Sprintf("%d not seen", s.Opaque))
	}
	if len(parts) == 0 {
		parts = []string{"nothing found"}
	}
	return Count(s.Checks, "check") + ": " + strings.Join(parts, ", ")
}

func preflightTerminal(w io.Writer, r *onward.Preflight, o Options) error {
	p := newPage(o)
	if !o.Quiet {
		left, right := about(r)
		p.split(left, right, p.Bold, p.Dim)
		if len(r.Touched) > 0 {
			p.wrap("  ", "  ", "the release touches "+names(r.Touched), p.Dim)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !o.Quiet {
			p.blank()
		}
		head := "  " + p.paint(p.Severity(f.Severity), pad(f.Severity.String(), 7)) + "  " + p.rule(p.Bold, f.Rule)
		if o.Quiet {
			p.line(head, "  ", Line(f.Fact))
			continue
		}
		p.line(head)
		p.wrap("    ", "    ", Line(f.Fact), p.Bold)
		p.wrap("    ", "    ", Line(f.Harm), p.plain())
		p.instead(f.Instead)
	}
	if !o.Quiet && len(r.Opaque) > 0 {
		p.blank()
		p.line("  ", p.paint(p.Bold, "not seen"))
		for _, x := range r.Opaque {
			p.wrap("    ", "      ", Line(x.Rule)+": "+Line(x.What), p.plain())
			p.wrap("      ", "      ", Line(x.Why), p.Dim)
		}
	}
	if o.Verbose {
		p.preflightChecks(r)
	}
	if !o.Quiet {
		p.blank()
	}
	p.line(preflightCounts(r))
	style := p.OK
	switch {
	case r.Summary.Errors > 0:
		style = p.Error
	case r.Summary.Warnings+r.Summary.Opaque > 0:
		style = p.Warning
	}
	p.wrap("", "", Line(r.Summary.Verdict), style)
	return p.flush(w)
}

// preflightChecks lists all checks, with what they measured.
func (p *page) preflightChecks(r *onward.Preflight) {
	p.blank()
	for _, c := range r.Checks {
		p.line("  ", pad(string(c.State), 7), "  ", pad(Line(c.Rule), 28), "  ", p.paint(p.Dim, string(c.Scope)))
		for _, m := range c.Measured {
			p.line("             ", p.paint(p.Dim, strings.TrimSpace(Line(m.Object)+" "+measured(m.Value)+" "+strings.ReplaceAll(c.Metric, "_", " "))))
		}
	}
}

// measured is a measured value without noughts behind its point.
func measured(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", v), "0"), ".")
}

// mostNames is how many tables a line names.
const mostNames = 8

func names(list []string) string {
	var out []string
	for i, n := range list {
		if i == mostNames {
			return strings.Join(out, ", ") + fmt.Sprintf(" and %d more", len(list)-mostNames)
		}
		out = append(out, relation(n))
	}
	return strings.Join(out, ", ")
}

// preflightGitHub prints findings as workflow commands. They stand at no file.
func preflightGitHub(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "::%s %s::%s\n", level(f.Severity, "notice"), properties("", 0, 0, 0, 0, f.Rule), commandData(f.Fact+"\n"+f.Harm+"\ninstead: "+f.Instead))
	}
	for _, o := range r.Opaque {
		fmt.Fprintf(&b, "::notice %s::%s\n", properties("", 0, 0, 0, 0, o.Rule), commandData("not seen: "+o.What+"\n"+o.Why))
	}
	fmt.Fprintf(&b, "onward: %s\nonward: %s\n", preflightCounts(r), Tame(Line(r.Summary.Verdict)))
	_, err := io.WriteString(w, b.String())
	return err
}
