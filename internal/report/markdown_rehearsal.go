package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Bounds of the comment's section on the rehearsal.
const (
	maxStallItems = 5
	maxErrorItems = 5
)

// rehearsedInMarkdown is the section on the rehearsal: who waited longest, what
// failed, where onward was wrong.
func rehearsedInMarkdown(b *strings.Builder, r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	run := &r.Rehearsals[0]
	var items []string
	failed := 0
	for i := range run.Statements {
		f := run.Statements[i].Failed
		if f == nil {
			continue
		}
		if failed++; failed <= maxErrorItems {
			items = append(items, fmt.Sprintf("%s failed: %s", code(shortPlace(r, run, i)), prose(cut(errorWords(f), maxCell))))
		}
	}
	if failed > maxErrorItems {
		items = append(items, Count(failed-maxErrorItems, "more failure"))
	}
	stalls := worstStalls(run.Traffic)
	for i := range stalls {
		s := &stalls[i]
		if i == maxStallItems {
			items = append(items, Count(len(stalls)-i, "shorter stall"))
			break
		}
		text := fmt.Sprintf("%s: %s on %s waited", Millis(s.UntilMS-s.FromMS), kinds(s), code(relation(s.Relation)))
		if i == 0 {
			text = "worst stall " + text
		}
		if _, st := rehearsed(r, run, s.Statement); st != nil {
			text += fmt.Sprintf(" for %s (%s)", code(shorten(Line(st.SQL), 80)), code(shortPlace(r, run, s.Statement)))
		}
		items = append(items, text)
	}
	if run.Traffic != nil && len(stalls) == 0 {
		items = append(items, fmt.Sprintf("no query stood still: %s, the slowest %s", queries(run.Traffic.Queries), Millis(run.Traffic.WorstMS)))
	}
	items = append(items, waitersInMarkdown(r, run)...)
	items = append(items, refusedInMarkdown(r, run)...)
	items = append(items, differencesInMarkdown(r)...)
	for i := 1; i < len(r.Rehearsals); i++ {
		items = append(items, prose("also on "+server(&r.Rehearsals[i])+": "+outcomeOf(&r.Rehearsals[i])))
	}
	fmt.Fprintf(b, "\nRehearsed on %s (%s):\n\n", prose(server(run)), prose(data(run)))
	if len(items) == 0 {
		items = []string{fmt.Sprintf("%s in %s, no failure", Count(len(run.Statements), "statement"), Millis(run.DurationMS))}
	}
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", item)
	}
}

// refusedInMarkdown are the queries that started failing beside the release.
func refusedInMarkdown(r *onward.Report, run *onward.Rehearsal) []string {
	var items []string
	list := refusals(run.Traffic)
	for i := range list {
		f := &list[i]
		if i == maxErrorItems {
			more := 0
			for _, f := range list[i:] {
				more += f.queries
			}
			return append(items, Count(more, "more query")+" started failing")
		}
		text := fmt.Sprintf("%s started failing", code(cut(gist(Line(f.Query), maxCell), maxCell)))
		if f.queries > 1 {
			text = fmt.Sprintf("%d queries such as %s", f.queries, text)
		}
		if place := shortPlace(r, run, behind(f.TrafficFailure)); place != "" {
			text += " behind " + code(place)
		}
		if f.Sender != "" {
			text += " (sent by " + prose(cut(Line(f.Sender), maxCell)) + ")"
		}
		items = append(items, fmt.Sprintf("%s: %s", text, prose(cut(errorWords(&f.Error), maxCell))))
	}
	return items
}

// differencesInMarkdown are the places where the model was wrong.
func differencesInMarkdown(r *onward.Report) []string {
	var items []string
	wrong := 0
	for i := range r.Rehearsals {
		for j := range r.Rehearsals[i].Differences {
			if wrong++; wrong <= maxErrorItems {
				items = append(items, prose(cut(differenceWords(r, &r.Rehearsals[i], &r.Rehearsals[i].Differences[j]), maxCell)))
			}
		}
	}
	if wrong > maxErrorItems {
		items = append(items, Count(wrong-maxErrorItems, "more difference"))
	}
	return items
}
