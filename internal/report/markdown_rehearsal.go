package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// Bounds of the comment's section on the rehearsal.
const (
	maxStallItems = 5
	maxErrorItems = 5
)

// rehearsedInMarkdown prints the section on the rehearsal: who waited longest, what
// failed, where the model was wrong.
func rehearsedInMarkdown(b *strings.Builder, r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	run := &r.Rehearsals[0]
	var items []string
	failed, more := prose.TakeFirst(listFailedRuns(r, run), maxErrorItems)
	for _, f := range failed {
		items = append(items, fmt.Sprintf("%s failed: %s", codeSpan(f.place), escapeProse(cutText(errorWords(f.err), maxCell))))
	}
	items = appendRest(items, more, "more failure")
	stalls, more := prose.TakeFirst(listStalls(r, run), maxStallItems)
	for i := range stalls {
		text := stalls[i].formatStall(80, codeSpan)
		if i == 0 {
			text = "worst stall " + text
		}
		items = append(items, text)
	}
	items = appendRest(items, more, "shorter stall")
	if calm := describeCalm(run.Traffic); calm != "" {
		items = append(items, calm)
	}
	items = append(items, waitersInMarkdown(r, run)...)
	items = append(items, refusedInMarkdown(r, run)...)
	items = append(items, differencesInMarkdown(r)...)
	for _, line := range listOtherRehearsals(r) {
		items = append(items, escapeProse(line))
	}
	fmt.Fprintf(b, "\nRehearsed on %s (%s):\n\n", escapeProse(nameServer(run)), escapeProse(describeData(run)))
	if len(items) == 0 {
		items = []string{fmt.Sprintf("%s in %s, no failure", prose.CountNoun(len(run.Statements), "statement"), FormatMillis(run.DurationMS))}
	}
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", item)
	}
}

// refusedInMarkdown returns the queries that started failing during the release.
func refusedInMarkdown(r *onward.Report, run *onward.Rehearsal) []string {
	var items []string
	list := groupRefusals(run.Traffic)
	for i := range list {
		f := &list[i]
		if i == maxErrorItems {
			more := 0
			for _, f := range list[i:] {
				more += f.queries
			}
			return append(items, prose.CountNoun(more, "more query")+" started failing")
		}
		text := fmt.Sprintf("%s started failing", codeSpan(cutText(shortenQuery(EscapeLine(f.Query), maxCell), maxCell)))
		if f.queries > 1 {
			text = fmt.Sprintf("%d queries such as %s", f.queries, text)
		}
		if place := shortPlace(r, run, failedStatement(f.TrafficFailure)); place != "" {
			text += " behind " + codeSpan(place)
		}
		if f.Sender != "" {
			text += " (sent by " + escapeProse(cutText(EscapeLine(f.Sender), maxCell)) + ")"
		}
		items = append(items, fmt.Sprintf("%s: %s", text, escapeProse(cutText(errorWords(&f.Error), maxCell))))
	}
	return items
}

// differencesInMarkdown returns where the model was wrong.
func differencesInMarkdown(r *onward.Report) []string {
	var items []string
	list, more := prose.TakeFirst(listDifferences(r), maxErrorItems)
	for i := range list {
		items = append(items, escapeProse(cutText(list[i].formatDifference(r), maxCell)))
	}
	return appendRest(items, more, "more difference")
}

// appendRest says as the last item how many more there are; nothing if there are none.
func appendRest(items []string, more int, noun string) []string {
	if more > 0 {
		items = append(items, prose.CountNoun(more, noun))
	}
	return items
}
