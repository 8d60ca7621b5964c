package view

import (
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/onward"
)

// severityWidth is the width of a severity's word in a list.
const severityWidth = 7

// mostVerdicts bounds the verdicts on queries, and mostAlike the queries that share one.
const (
	mostVerdicts = 30
	mostAlike    = 2
)

// DescribeVerification returns what recorded queries mean for a release, below the matrix of the commit points: which queries break, and
// what to do.
func DescribeVerification(r *onward.Report, s Scope) []block.Block {
	v := r.Verification
	out := listVerdicts(r, s)
	section := func(heading string, width int, items itemList) {
		if len(items) > 0 {
			out = append(out, block.Heading{Text: block.Say(heading)}, block.List{Depth: 1, Width: width, Items: items})
		}
	}
	var users, phases, waits, deprecated, asks itemList
	for _, u := range ListQueryUsers(v) {
		tone := block.Ordinary
		if u.Severity != onward.Off {
			tone = block.SeverityTone(u.Severity)
		}
		users.add(block.Say(u.Name+": "+u.Words), tone)
	}
	section("programs that use the database", 0, users)
	for _, p := range ListPhases(r) {
		item := block.Item{Label: p.Where, Text: block.Text{}.Path(p.Path), Below: []block.Line{{Text: block.Say(p.Advice), Tone: block.Faint}}}
		if p.Wrong {
			item.Mark = block.Error
		}
		phases = append(phases, item)
	}
	section("where each migration belongs", len("before or after"), phases)
	if v.Order != "" {
		order := block.Paragraph{Text: block.Say(v.Order), Attached: len(phases) > 0}
		if !v.Works {
			order.Tone = block.Error
		}
		out = append(out, order)
	}
	for _, w := range ListWaits(r) {
		waits.add(block.Text{}.Path(FormatPlace(w.Path, w.Line, 0)).Gap().Say(w.Words), block.Ordinary)
	}
	section("who waits for its locks", 0, waits)
	for _, d := range ListExpiringColumns(v) {
		item := block.Item{Text: block.Say(d.Name + ": " + d.Words)}
		if d.Used {
			item.Tone = block.Warning
		}
		if d.SQL != "" {
			item.Below = []block.Line{{Text: block.Text{}.Code(d.SQL), Tone: block.Faint, Cut: true}}
		}
		deprecated = append(deprecated, item)
	}
	section("deprecated columns", 0, deprecated)
	list, rest := ListAskedQueries(v)
	for _, q := range list {
		asks = append(asks, block.Item{
			Label: q.Severity.String(), Mark: block.SeverityTone(q.Severity), Text: block.Say(q.Words),
			Below: []block.Line{{Text: block.Text{}.Code(q.SQL), Tone: block.Faint, Cut: true}},
		})
	}
	section("how the recorded code asks", severityWidth, asks)
	if rest != "" {
		out = append(out, block.Paragraph{Text: block.Say(rest), Tone: block.Faint, Attached: true})
	}
	for _, n := range v.Notes {
		out = append(out, block.Paragraph{Text: block.Say("note: " + n), Tone: block.Faint})
	}
	return out
}

// listVerdicts lists the queries that break, by the statement that breaks them.
func listVerdicts(r *onward.Report, s Scope) (out []block.Block) {
	groups, more := prose.TakeFirst(GroupVerdicts(r), s.limit(mostVerdicts))
	list := block.List{Depth: 1, Width: severityWidth}
	for i := range groups {
		d := &groups[i]
		if i == 0 || d.After != groups[i-1].After || d.Code != groups[i-1].Code {
			if i > 0 {
				out = append(out, list)
				list.Items = nil
			}
			place := block.Say("the base")
			if d.After.Path != "" {
				place = block.Text{}.Path(FormatPlace(d.After.Path, d.After.Line, 0))
			}
			out = append(out, block.Heading{Text: place, After: block.Say(NameCode(d.Code))})
		}
		item := block.Item{
			Label: d.Severity.String(), Mark: block.SeverityTone(ScreenSeverity(d.Verdict)), Text: block.Say(string(d.Kind) + ": " + DescribeFailure(d.Verdict)),
			Below: append(ListVerdictQueries(d, s.Whole), block.Line{Text: block.Say(d.DescribeSenders()), Tone: block.Faint}),
		}
		if ScreenSeverity(d.Verdict) != d.Severity { // it only needs a later schema
			item.Label = "later"
		}
		list.Items = append(list.Items, item)
	}
	if more > 0 {
		list.Items = append(list.Items, block.Item{Text: block.Say(prose.CountNoun(more, "more verdict")), Rest: true})
	}
	if len(list.Items) > 0 {
		out = append(out, list)
	}
	return out
}

// ListVerdictQueries returns the queries of a verdict with their values, the most frequent ones first.
func ListVerdictQueries(d *SimilarVerdicts, whole bool) (out []block.Line) {
	all := d.All
	if !whole {
		all, _ = prose.TakeFirst(all, mostAlike)
	}
	for _, verdict := range all {
		out = append(out, block.Line{Text: block.Text{}.Code(verdict.Query), Cut: !whole})
		if len(verdict.Values) > 0 {
			name := "values: "
			if verdict.MadeValues {
				name = "made values: "
			}
			out = append(out, block.Line{Text: block.Say(name).Code(strings.Join(verdict.Values, ", "))})
		}
	}
	return out
}
