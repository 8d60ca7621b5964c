package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// mostAsks is how many findings about the queries themselves a report of a release shows.
const mostAsks = 3

// askWords returns such a finding in a line: what, who, how often.
func askWords(f *onward.QueryFinding) string {
	text := f.Fact + " (" + f.Rule + ", seen " + formatTimes(f.Count)
	if f.Sender != "" {
		text += ", by " + f.Sender
	}
	return EscapeLine(text + ")")
}

// moreAsks says how many are not shown; "" if all are.
func moreAsks(list []onward.QueryFinding) string {
	if len(list) <= mostAsks {
		return ""
	}
	return fmt.Sprintf("%d more: onward workload check FILE", len(list)-mostAsks)
}

// deprecatedName returns a deprecated column with its table, and its last day.
func deprecatedName(d *onward.DeprecatedColumn) string {
	name := strings.TrimPrefix(d.Column, "public.")
	switch {
	case d.Past:
		name += ", past its last day " + d.RemoveAfter
	case d.RemoveAfter != "":
		name += ", until " + d.RemoveAfter
	}
	return EscapeLine(name)
}

// deprecatedWords say who uses a deprecated column.
func deprecatedWords(d *onward.DeprecatedColumn) string {
	switch {
	case d.TableCalls == 0:
		return "the recording has no query on its table, which proves nothing"
	case d.Queries == 0:
		return fmt.Sprintf("nobody used it in %s on its table", countCalls(d.TableCalls))
	}
	text := fmt.Sprintf("used by %s in %s", CountNoun(d.Queries, "recorded query"), countCalls(d.Calls))
	if named := consumerNames(d); named != "" {
		return EscapeLine(text + ": " + named)
	}
	if d.Sender != "" {
		text += ", most of them from " + d.Sender
	}
	return EscapeLine(text)
}

// printDeprecated lists the columns that will be dropped soon, and who uses them.
func (t *terminal) printDeprecated() {
	list := t.report.Verification.Deprecated
	if len(list) == 0 {
		return
	}
	t.addHeading("deprecated columns")
	for i := range list {
		d := &list[i]
		style := t.ordinaryStyle()
		if d.Queries > 0 {
			style = t.Warning
		}
		t.addWrapped("  ", "    ", deprecatedName(d)+": "+deprecatedWords(d), style)
		if d.SQL != "" {
			t.addLine("    ", t.paintLine(t.Dim, cutToWidth(EscapeLine(d.SQL), t.width-4)))
		}
	}
}

// printQueryFindings prints the findings about the recorded queries themselves.
func (t *terminal) printQueryFindings() {
	list := t.report.Verification.Asks
	if len(list) == 0 {
		return
	}
	t.addHeading("how the recorded code asks")
	for i := range list[:min(len(list), mostAsks)] {
		f := &list[i]
		t.addWrapped("  "+t.paintLine(t.Severity(f.Severity), padRight(f.Severity.String(), 7))+"  ", "           ", askWords(f), t.ordinaryStyle())
		t.addLine("           ", t.paintLine(t.Dim, cutToWidth(EscapeLine(f.SQL), t.width-11)))
	}
	if more := moreAsks(list); more != "" {
		t.addLine(t.paintLine(t.Dim, "  "+more))
	}
}

// asksInMarkdown prints both, as items.
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
		fmt.Fprintf(b, "- %s: %s\n", escapeProse(deprecatedName(d)), escapeProse(cutText(deprecatedWords(d), maxCell)))
	}
	for i := range v.Asks[:min(len(v.Asks), mostAsks)] {
		if i == 0 {
			b.WriteString("\nHow the recorded code asks:\n\n")
		}
		f := &v.Asks[i]
		fmt.Fprintf(b, "- %s: %s %s\n", f.Severity, escapeProse(cutText(askWords(f), 2*maxCell)), codeSpan(cutText(EscapeLine(f.SQL), maxCell)))
	}
	if more := moreAsks(v.Asks); more != "" {
		fmt.Fprintf(b, "- %s\n", more)
	}
}

// htmlAsk is a finding about a recorded query itself.
type htmlAsk struct{ Tone, Words, Query, Instead string }

// addQueryFindings adds both to the page.
func (v *htmlVerified) addQueryFindings(from *onward.Verification) {
	for i := range from.Deprecated {
		d := &from.Deprecated[i]
		v.Deprecated = append(v.Deprecated, htmlFact{deprecatedName(d), deprecatedWords(d)})
	}
	for i := range from.Asks[:min(len(from.Asks), mostAsks)] {
		f := &from.Asks[i]
		v.Asks = append(v.Asks, htmlAsk{f.Severity.String(), askWords(f), EscapeLine(f.SQL), EscapeLine(f.Instead)})
	}
	v.MoreAsks = moreAsks(from.Asks)
}

// consumerNames lists the programs that use a deprecated column; "" if the recording names none.
func consumerNames(d *onward.DeprecatedColumn) string {
	var out []string
	named := false
	for i := range d.Consumers {
		u := &d.Consumers[i]
		name := u.Consumer
		if named = named || name != ""; name == "" {
			name = "others"
		}
		text := fmt.Sprintf("%s (%s", name, countCalls(u.Calls))
		if u.Sender != "" && u.Sender != name {
			text += ", " + u.Sender
		}
		out = append(out, text+")")
	}
	if !named {
		return ""
	}
	return strings.Join(out, ", ")
}
