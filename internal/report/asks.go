package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// mostAsks is how many findings on the way in which code asks a report of a release shows.
const mostAsks = 3

// askWords is such a finding in a line: what, who, how often.
func askWords(f *onward.QueryFinding) string {
	text := f.Fact + " (" + f.Rule + ", seen " + times(f.Count)
	if f.Sender != "" {
		text += ", by " + f.Sender
	}
	return Line(text + ")")
}

// moreAsks says how many are not shown; "" where all are.
func moreAsks(list []onward.QueryFinding) string {
	if len(list) <= mostAsks {
		return ""
	}
	return fmt.Sprintf("%d more: onward workload check FILE", len(list)-mostAsks)
}

// deprecatedName is a deprecated column as people write it, and its last day.
func deprecatedName(d *onward.DeprecatedColumn) string {
	name := strings.TrimPrefix(d.Column, "public.")
	switch {
	case d.Past:
		name += ", past its last day " + d.RemoveAfter
	case d.RemoveAfter != "":
		name += ", until " + d.RemoveAfter
	}
	return Line(name)
}

// deprecatedWords say who uses a deprecated column.
func deprecatedWords(d *onward.DeprecatedColumn) string {
	switch {
	case d.TableCalls == 0:
		return "the recording has no query on its table, which proves nothing"
	case d.Queries == 0:
		return fmt.Sprintf("nobody used it in %s on its table", calls(d.TableCalls))
	}
	text := fmt.Sprintf("used by %s in %s", Count(d.Queries, "recorded query"), calls(d.Calls))
	if d.Sender != "" {
		text += ", most of them from " + d.Sender
	}
	return Line(text)
}

// deprecated lists the columns that are about to go, and who uses them.
func (t *terminal) deprecated() {
	list := t.report.Verification.Deprecated
	if len(list) == 0 {
		return
	}
	t.blank()
	t.line(t.paint(t.Bold, "deprecated columns"))
	for i := range list {
		d := &list[i]
		style := t.plain()
		if d.Queries > 0 {
			style = t.Warning
		}
		t.wrap("  ", "    ", deprecatedName(d)+": "+deprecatedWords(d), style)
		if d.SQL != "" {
			t.line("    ", t.paint(t.Dim, shorten(Line(d.SQL), t.width-4)))
		}
	}
}

// asks shows what is wrong with the way in which the code asks.
func (t *terminal) asks() {
	list := t.report.Verification.Asks
	if len(list) == 0 {
		return
	}
	t.blank()
	t.line(t.paint(t.Bold, "how the recorded code asks"))
	for i := range list[:min(len(list), mostAsks)] {
		f := &list[i]
		t.wrap("  "+t.paint(t.Severity(f.Severity), pad(f.Severity.String(), 7))+"  ", "           ", askWords(f), t.plain())
		t.line("           ", t.paint(t.Dim, shorten(Line(f.SQL), t.width-11)))
	}
	if more := moreAsks(list); more != "" {
		t.line(t.paint(t.Dim, "  "+more))
	}
}

// asksInMarkdown are both, as items.
func asksInMarkdown(b *strings.Builder, v *onward.Verification) {
	for i := range v.Deprecated {
		if i == 0 {
			b.WriteString("\nDeprecated columns:\n\n")
		}
		if i == maxVerdictItems {
			fmt.Fprintf(b, "- %d more\n", len(v.Deprecated)-i)
			break
		}
		d := &v.Deprecated[i]
		fmt.Fprintf(b, "- %s: %s\n", prose(deprecatedName(d)), prose(cut(deprecatedWords(d), maxCell)))
	}
	for i := range v.Asks[:min(len(v.Asks), mostAsks)] {
		if i == 0 {
			b.WriteString("\nHow the recorded code asks:\n\n")
		}
		f := &v.Asks[i]
		fmt.Fprintf(b, "- %s: %s %s\n", f.Severity, prose(cut(askWords(f), 2*maxCell)), code(cut(Line(f.SQL), maxCell)))
	}
	if more := moreAsks(v.Asks); more != "" {
		fmt.Fprintf(b, "- %s\n", more)
	}
}

// htmlAsk is a finding on the way in which code asks.
type htmlAsk struct{ Tone, Words, Query, Instead string }

// asks are both, for the page.
func (v *htmlVerified) asks(from *onward.Verification) {
	for i := range from.Deprecated {
		d := &from.Deprecated[i]
		v.Deprecated = append(v.Deprecated, htmlFact{deprecatedName(d), deprecatedWords(d)})
	}
	for i := range from.Asks[:min(len(from.Asks), mostAsks)] {
		f := &from.Asks[i]
		v.Asks = append(v.Asks, htmlAsk{f.Severity.String(), askWords(f), Line(f.SQL), Line(f.Instead)})
	}
	v.MoreAsks = moreAsks(from.Asks)
}
