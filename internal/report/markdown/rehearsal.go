package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// Bounds of the comment's section on the rehearsal.
const (
	maxStallItems = 5
	maxErrorItems = 5
)

// writeRehearsal prints the section on the rehearsal: who waited longest, what
// failed, where the model was wrong.
func writeRehearsal(b *strings.Builder, r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	run := &r.Rehearsals[0]
	var items []string
	failed, more := prose.TakeFirst(view.ListFailedRuns(r, run), maxErrorItems)
	for _, f := range failed {
		items = append(items, fmt.Sprintf("%s failed: %s", codeSpan(f.Place), escapeProse(view.CutText(view.DescribeError(f.Err), maxCell))))
	}
	items = appendRest(items, more, "more failure")
	stalls, more := prose.TakeFirst(view.ListStalls(r, run), maxStallItems)
	for i := range stalls {
		text := stalls[i].FormatStall(80, codeSpan)
		if i == 0 {
			text = "worst stall " + text
		}
		items = append(items, text)
	}
	items = appendRest(items, more, "shorter stall")
	if calm := view.DescribeCalm(run.Traffic); calm != "" {
		items = append(items, calm)
	}
	items = append(items, listWaiters(r, run)...)
	items = append(items, listRefusals(r, run)...)
	items = append(items, listDifferences(r)...)
	for _, line := range view.ListOtherRehearsals(r) {
		items = append(items, escapeProse(line))
	}
	fmt.Fprintf(b, "\nRehearsed on %s (%s):\n\n", escapeProse(view.NameServer(run)), escapeProse(view.DescribeData(run)))
	if len(items) == 0 {
		items = []string{fmt.Sprintf("%s in %s, no failure", prose.CountNoun(len(run.Statements), "statement"), view.FormatMillis(run.DurationMS))}
	}
	for _, item := range items {
		fmt.Fprintf(b, "- %s\n", item)
	}
}

// listRefusals returns the queries that started failing during the release.
func listRefusals(r *onward.Report, run *onward.Rehearsal) []string {
	var items []string
	list := view.GroupRefusals(run.Traffic)
	for i := range list {
		f := &list[i]
		if i == maxErrorItems {
			more := 0
			for _, f := range list[i:] {
				more += f.Queries
			}
			return append(items, prose.CountNoun(more, "more query")+" started failing")
		}
		text := fmt.Sprintf("%s started failing", codeSpan(view.CutText(view.ShortenQuery(escape.Line(f.Query), maxCell), maxCell)))
		if f.Queries > 1 {
			text = fmt.Sprintf("%d queries such as %s", f.Queries, text)
		}
		if place := view.NamePlace(r, run, view.PrecedingStatement(f.TrafficFailure)); place != "" {
			text += " behind " + codeSpan(place)
		}
		if f.Sender != "" {
			text += " (sent by " + escapeProse(view.CutText(escape.Line(f.Sender), maxCell)) + ")"
		}
		items = append(items, fmt.Sprintf("%s: %s", text, escapeProse(view.CutText(view.DescribeError(&f.Error), maxCell))))
	}
	return items
}

// listDifferences returns where the model was wrong.
func listDifferences(r *onward.Report) []string {
	var items []string
	list, more := prose.TakeFirst(view.ListDifferences(r), maxErrorItems)
	for i := range list {
		items = append(items, escapeProse(view.CutText(list[i].FormatDifference(r), maxCell)))
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

// listWaiters returns the same as items.
func listWaiters(r *onward.Report, run *onward.Rehearsal) (items []string) {
	if run.Traffic == nil {
		return nil
	}
	list, more := prose.TakeFirst(run.Traffic.Waiters, maxStallItems)
	for i := range list {
		items = append(items, view.DescribeWaiter(r, run, &list[i], 80, func(s string) string { return escapeProse(view.CutText(s, maxCell)) }, codeSpan))
	}
	if more > 0 {
		items = append(items, fmt.Sprintf("%d more waited", more))
	}
	for _, text := range view.DescribeRecording(run.Traffic, 80) {
		items = append(items, escapeProse(view.CutText(text, 2*maxCell)))
	}
	return items
}
