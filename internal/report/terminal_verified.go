package report

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/lipgloss"

	"github.com/onward-sql/onward/onward"
)

// maxVerdicts bounds the queries that are listed without Verbose.
const maxVerdicts = 30

// verified is the report of recorded queries: the matrix, what breaks, what to do; what was
// found without a server comes behind it in a line each.
func (t *terminal) verified() {
	r := t.report
	t.split(t.title(), t.subtitle(), t.Bold, t.Dim)
	t.runners()
	t.rehearsal()
	t.verification()
	if len(r.Findings) > 0 {
		t.blank()
		t.wrap("", "", "found without a server (onward changelog tells why, and the way out)", t.Dim)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		mark := t.paint(t.Severity(f.Severity), pad(f.Severity.String(), 7))
		t.wrap("  "+mark+"  ", "           ", t.path(place(f.Path, f.Line, f.Column))+"  "+Line(f.Fact)+" ("+Line(f.Rule)+")", t.plain())
	}
	t.unjudged(r.Opaque)
	t.blank()
	for _, line := range verifiedCounts(r) {
		t.wrap("", "  ", line, t.Dim)
	}
	t.ending()
}

// verification is what recorded queries did at the commit points.
func (t *terminal) verification() {
	if t.report.Verification == nil {
		return
	}
	t.blank()
	t.matrix()
	t.verdicts()
	t.phases()
	t.waits()
	t.deprecated()
	t.asks()
	for _, n := range t.report.Verification.Notes {
		t.blank()
		t.wrap("", "  ", "note: "+Line(n), t.Dim)
	}
}

// matrix has a row for each commit point, and a column for each code.
func (t *terminal) matrix() {
	r := t.report
	points := r.Verification.Points
	left, each := 26, 22
	if t.width < 80 {
		left, each = 18, 18
	}
	t.line(t.paint(t.Bold, pad("commit point", left)+" "+pad("old code", each)+" new code"))
	shown, hidden := told(r), 0
	for i := range points {
		if !shown[i] && !t.verbose {
			hidden++
			continue
		}
		if hidden > 0 {
			t.line(t.paint(t.Dim, "  "+Count(hidden, "point")+" more, the same as above"))
			hidden = 0
		}
		old, how := cellWords(r, onward.OldCode, i)
		fresh, newHow := cellWords(r, onward.NewCode, i)
		name := rowName(r, i)
		if columns(name) > left {
			t.wrap("", "", name, t.plain())
			name = ""
		}
		if columns(old) > each || left+each+2+columns(fresh) > t.width {
			t.wrap("  ", "  ", name, t.plain())
			t.wrap("    ", "    ", "old code: "+old, t.cellStyle(how))
			t.wrap("    ", "    ", "new code: "+fresh, t.cellStyle(newHow))
		} else {
			t.line(pad(name, left), " ", t.paint(t.cellStyle(how), pad(old, each)), " ", t.paint(t.cellStyle(newHow), fresh))
		}
		if points[i].Window {
			t.line(t.paint(t.Dim, "  from here on both codes run, when the migrations run first"))
		}
	}
}

func (t *terminal) cellStyle(s onward.Severity) lipgloss.Style {
	if s == onward.Off {
		return t.OK
	}
	return t.Severity(s)
}

// verdicts lists the queries that break, by the statement that breaks them.
func (t *terminal) verdicts() {
	last := ""
	groups := alike(t.report)
	for i := range groups {
		d := &groups[i]
		if i == maxVerdicts && !t.verbose {
			t.blank()
			t.line(t.paint(t.Dim, fmt.Sprintf("and %s (-v shows them)", Count(len(groups)-i, "more verdict"))))
			return
		}
		at := "the base"
		if d.After.Path != "" {
			at = t.path(place(d.After.Path, d.After.Line, 0))
		}
		if head := at + "  " + codeWords(d.Code); head != last {
			t.blank()
			t.line(t.paint(t.Bold, at), "  ", codeWords(d.Code))
			last = head
		}
		t.wrap("  "+t.paint(t.Severity(later(d.Verdict)), pad(mark(d.Verdict), 7))+"  ", "           ", Line(string(d.Kind))+": "+verdictHead(d.Verdict), t.plain())
		t.queries(d)
		t.wrap("           ", "           ", d.who(), t.Dim)
	}
}

// mostAlike is how many queries are shown of those that fail alike, without Verbose.
const mostAlike = 2

// queries shows the queries of a verdict, those that are sent most.
func (t *terminal) queries(d *like) {
	for i, one := range d.all {
		switch {
		case t.verbose:
			t.wrap("           ", "           ", Line(one.Query), t.plain())
		case i < mostAlike:
			t.line("           ", shorten(Line(one.Query), t.width-11))
		}
	}
}

// mark is a verdict's severity, in a word.
func mark(d *onward.Verdict) string {
	if later(d) != d.Severity {
		return "later"
	}
	return d.Severity.String()
}

// phases says where each migration belongs.
func (t *terminal) phases() {
	r := t.report
	v := r.Verification
	if len(v.Phases) == 0 {
		return
	}
	t.blank()
	t.line(t.paint(t.Bold, "where each migration belongs"))
	for _, p := range v.Phases {
		if p.Migration >= len(r.Migrations) {
			continue
		}
		how := t.plain()
		if p.Belongs == onward.BelongsNowhere {
			how = t.Error
		}
		t.line("  ", t.paint(how, pad(belongsWords(p.Belongs), 16)), " ", t.path(r.Migrations[p.Migration].Path))
		t.wrap(strings.Repeat(" ", 19), strings.Repeat(" ", 19), Line(p.Advice), t.Dim)
	}
	how := t.plain()
	if !v.Works {
		how = t.Error
	}
	t.wrap("  ", "  ", Line(v.Order), how)
}

// waits says which recorded queries the locks make wait.
func (t *terminal) waits() {
	first := true
	for i := range t.report.Migrations {
		m := &t.report.Migrations[i]
		for j := range m.Statements {
			w := m.Statements[j].Waiting
			if w == nil {
				continue
			}
			if first {
				t.blank()
				t.line(t.paint(t.Bold, "who waits for its locks"))
				first = false
			}
			t.wrap("  ", "    ", t.path(place(m.Path, m.Statements[j].Line, 0))+"  "+waitingWords(w), t.plain())
		}
	}
}
