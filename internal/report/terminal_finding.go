package report

import (
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/onward"
)

// finding prints a finding: its place and words, the fact, the harm, what it rests on,
// the way out.
func (t *terminal) finding(f *onward.Finding) {
	t.blank()
	where := t.path(place(f.Path, f.Line, f.Column))
	head := "  " + t.paint(t.Severity(f.Severity), pad(f.Severity.String(), 7)) + "  " + t.rule(t.Bold, f.Rule)
	if columns(head)+2+columns(where) <= t.width {
		t.line(head, "  ", where)
	} else {
		t.line(head)
		t.line("    ", where)
	}
	t.frame(f)
	t.wrap("    ", "    ", Line(f.Fact), t.Bold)
	told := t.told(f)
	if f.Harm != "" && (!told || f.Category == onward.Compatibility) {
		t.wrap("    ", "    ", Line(f.Harm), t.plain())
	}
	if len(f.Postgres) > 0 && !told {
		t.wrap("    ", "    ", "on "+Versions(f.Postgres)+" only", t.plain())
	}
	for i := range f.Evidence {
		e := f.Evidence[i]
		e.Path = relative(t.dir, e.Path)
		t.wrap("    because: ", "             ", evidence(&e), t.Dim)
	}
	if !told || f.Category == onward.Data {
		t.instead(f.Instead)
		t.edited(f)
		t.files(f)
	}
}

// told reports whether a finding of the rule was explained already: the way out is the
// same then, and so is why a lock hurts. Who breaks, and what shows it, is told of each.
// An error is always told whole: its way out is SQL of its own. So is the query that finds
// rows.
func (t *terminal) told(f *onward.Finding) bool {
	if t.verbose || f.Severity >= onward.Error {
		return false
	}
	if t.rules[f.Rule] {
		return true
	}
	if t.rules == nil {
		t.rules = map[string]bool{}
	}
	t.rules[f.Rule] = true
	return false
}

// instead prints the way out. Its first line is prose, and so is one that
// names another way ("or …"); what else follows is SQL to paste, which is never
// broken.
func (p *page) instead(text string) {
	prose, sql, _ := strings.Cut(strings.TrimSpace(Visible(text)), "\n")
	if prose == "" {
		return
	}
	p.wrap("    instead: ", "             ", prose, p.plain())
	if sql == "" {
		return
	}
	for _, line := range strings.Split(strings.TrimRight(sql, " \n"), "\n") {
		if strings.HasPrefix(line, "or ") {
			p.wrap("             ", "             ", line, p.plain())
			continue
		}
		p.line("             ", strings.TrimRight(line, " "))
	}
}

// verdictStyle is the colour of the verdict; its words say the same.
func (t *terminal) verdictStyle() lipgloss.Style {
	s := &t.report.Summary
	switch {
	case s.Errors > 0:
		return t.Error
	case s.Withheld != "" && s.Warnings == 0:
		return t.plain()
	case !s.Safe || s.Warnings > 0:
		return t.Warning
	}
	return t.OK
}
