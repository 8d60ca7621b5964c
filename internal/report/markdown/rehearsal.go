package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// commentScope cuts SQL in the lists of a comment to what a line of a page has room for.
var commentScope = view.Scope{Width: 160}

// writeRehearsal prints the section on the rehearsal.
func writeRehearsal(b *strings.Builder, r *onward.Report) {
	if len(r.Rehearsals) == 0 {
		return
	}
	run := &r.Rehearsals[0]
	list := view.ListObserved(r, run, commentScope)
	if len(list.Items) == 0 {
		text := fmt.Sprintf("%s in %s, no failure", prose.CountNoun(len(run.Statements), "statement"), view.FormatMillis(run.DurationMS))
		list.Items = []block.Item{{Text: block.Say(text)}}
	}
	writeBlocks(b, []block.Block{block.Heading{Text: block.Say("rehearsed on " + view.NameServer(run) + " (" + view.DescribeData(run) + ")")}, list})
}
