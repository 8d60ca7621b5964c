// Package markdown prints reports and other documents as comments on a pull request, and texts for editors.
package markdown

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// Marker is the first line of every comment, by which a bot finds its earlier
// comment and updates it in place.
const Marker = "<!-- onward -->"

// Bounds of a comment: GitHub accepts 65,536 characters.
const (
	maxComment  = 56_000
	maxRows     = 100
	maxCell     = 300
	maxSnippet  = 4_000
	maxUnjudged = 20
)

// WriteReport prints the report as a comment on a pull request: the verdict, a row for each
// migration, the findings folded away, worst first, and the items that were not judged.
// It is readable as plain text too.
func WriteReport(w io.Writer, r *onward.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n**onward**: %s\n", Marker, escapeProse(view.FormatVerdict(r)))
	x := view.NewIndex(r)
	if len(r.Migrations) > 0 {
		b.WriteString("\n| migration | changes | locks | verdict |\n| --- | --- | --- | --- |\n")
		var listed []*onward.Migration
		for i := range r.Migrations {
			if m := &r.Migrations[i]; x.IsListed(m) {
				listed = append(listed, m)
			}
		}
		list, more := prose.TakeFirst(listed, maxRows)
		for _, m := range list {
			writeMigrationRow(&b, x, m)
		}
		if more > 0 {
			fmt.Fprintf(&b, "| %d more | | | |\n", more)
		}
		if line := x.DescribeDeletions(); line != "" {
			fmt.Fprintf(&b, "\n%s\n", escapeProse(line))
		}
	}
	writeRehearsal(&b, r)
	writeVerification(&b, r)
	findings := slices.DeleteFunc(view.SortWorstFirst(r.Findings), func(f *onward.Finding) bool { return !x.IsFirst(f) })
	for i, f := range findings {
		text := foldFinding(f, x.Similar[f])
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward changelog to see them.\n", prose.CountNoun(len(findings)-i, "more finding"))
			break
		}
		b.WriteString("\n")
		b.WriteString(text)
	}
	writeBlocks(&b, view.DescribeUnjudged(r.Opaque))
	footer := []string{view.FormatSummary(r), view.DescribeVersions(r)}
	if runners := view.NameRunners(r, escapeProse, codeSpan); runners != "" {
		footer = slices.Insert(footer, 1, runners)
	}
	if title := view.FormatRevisions(r); title != "" {
		footer = append(footer, codeSpan(title))
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(footer, " · "))
	if line := view.DescribeBuiltQueries(r); line != "" {
		fmt.Fprintf(&b, "\n%s\n", escapeProse(line))
	}
	for _, line := range view.DescribeRunners(r, escape.Line) {
		if strings.Contains(line, view.AssumedWord) {
			fmt.Fprintf(&b, "\n%s\n", escapeProse(line))
		}
	}
	fmt.Fprintf(&b, "\n**onward**: %s\n", escapeProse(view.FormatVerdict(r)))
	_, err := io.WriteString(w, escape.Commands(b.String()))
	return err
}

// writeMigrationRow writes a migration's row of the table.
func writeMigrationRow(b *strings.Builder, x *view.Index, m *onward.Migration) {
	var changes []string
	size := 0
	for i, c := range m.Changes {
		text := escapeProse(escape.Line(c.Text))
		if c.Object != "" {
			text = codeSpan(c.Object) + " " + text
		}
		if size += len(text); size > maxCell {
			changes = append(changes, fmt.Sprintf("%d more", len(m.Changes)-i))
			break
		}
		changes = append(changes, text)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", escapeCell(codeSpan(m.Path+view.ChangesetName(m))), escapeCell(strings.Join(changes, "; ")), escapeCell(lockCell(m)),
		escapeCell(escapeProse(view.DescribeOutcome(x, m))))
}

// lockCell returns the strongest locks of a migration, in a cell of the table.
func lockCell(m *onward.Migration) string {
	list, more := prose.TakeFirst(view.ListStrongestLocks(m), view.MaxEffects)
	var out []string
	for _, e := range list {
		text := codeSpan(view.ShortenRelation(e.Relation)) + " " + e.Lock.String()
		if e.Work != onward.NoWork {
			text += ", " + e.Work.String()
		}
		if e.EstimateMS > 0 {
			text += ", " + view.FormatEstimate(e.EstimateMS)
		}
		out = append(out, text)
	}
	if more > 0 {
		out = append(out, "…")
	}
	if len(out) == 0 {
		return "none that others feel"
	}
	return strings.Join(out, "; ")
}

// foldFinding returns a finding, folded, with the similar ones; g is nil for none.
func foldFinding(f *onward.Finding, g *view.SimilarFindings) string {
	var b strings.Builder
	similarText := ""
	if g != nil {
		similarText = fmt.Sprintf(", and %s like it", prose.CountNoun(len(g.OtherFindings()), "finding"))
	}
	fmt.Fprintf(&b, "<details>\n<summary>%s: %s%s (%s, %s)</summary>\n\n", f.Severity, escapeHTML(escape.Line(f.Fact)), similarText,
		escapeHTML(escape.Line(view.FormatPlace(view.ShortName(f.Path), f.Line, 0))), escapeHTML(escape.Line(f.Rule)))
	fmt.Fprintf(&b, "At %s: %s\n", codeSpan(view.FormatPlace(f.Path, f.Line, f.Column)), escapeProse(escape.Line(f.Harm)))
	if len(f.Postgres) > 0 {
		fmt.Fprintf(&b, "On %s only.\n", view.FormatVersions(f.Postgres))
	}
	evidence, more := prose.TakeFirst(f.Evidence, view.MaxEffects)
	for _, e := range evidence {
		fmt.Fprintf(&b, "\nBecause: %s\n", codeSpan(view.CutText(view.FormatEvidence(&e), maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "Because of %d more places.\n", more)
	}
	if otherPlaces, more := prose.TakeFirst(f.Also, view.MaxEffects); len(otherPlaces) > 0 {
		words, places := "Also at", []string(nil)
		for _, place := range otherPlaces {
			if place.Fact == "" {
				places = append(places, codeSpan(view.FormatPlace(place.Path, place.Line, 0)))
				continue
			}
			words = "In other rounds of the loop:"
			places = append(places, codeSpan(view.CutText(place.Fact, maxCell)))
		}
		if more > 0 {
			places = append(places, fmt.Sprintf("%d more", more))
		}
		fmt.Fprintf(&b, "\n%s %s\n", words, strings.Join(places, ", "))
	}
	writeSimilar(&b, g)
	words, sql := view.SplitInstead(f.Instead)
	if words != "" {
		fmt.Fprintf(&b, "\nInstead: %s\n", escapeProse(escape.Line(words)))
	}
	if sql = strings.Trim(sql, "\n"); sql != "" && len(f.Files) == 0 { // the files have all of it
		fmt.Fprintf(&b, "\n%s\n", fenceSQL(view.CutText(sql, maxSnippet)))
	}
	writeFiles(&b, f)
	b.WriteString("\n</details>\n")
	return b.String()
}

// writeSimilar lists the places of findings that are similar to one.
func writeSimilar(b *strings.Builder, g *view.SimilarFindings) {
	if g == nil {
		return
	}
	b.WriteString("\nThe same fix, each for its own statement:\n\n")
	list, more := prose.TakeFirst(g.OtherFindings(), view.MaxSimilar)
	for _, f := range list {
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(view.FormatPlace(f.Path, f.Line, 0)), escapeProse(view.CutText(escape.Line(f.Fact), maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(b, "- %d more places\n", more)
	}
}

// mostFiles bounds the files whose text is shown at a finding in a comment.
const mostFiles = 6

// writeFiles prints the files of a finding in a comment, in full, to be pasted.
func writeFiles(b *strings.Builder, f *onward.Finding) {
	list, more := prose.TakeFirst(f.Files, mostFiles)
	for _, file := range list {
		fmt.Fprintf(b, "\n%s\n\n%s\n", codeSpan(file.Path), fenceSQL(view.CutText(escape.Controls(file.Text), maxSnippet)))
	}
	if more > 0 {
		fmt.Fprintf(b, "\nand %d more files\n", more)
	}
	if f.Later != "" {
		fmt.Fprintf(b, "\n%s\n", escapeProse(escape.Line(f.Later)))
	}
}

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
