package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// MarkdownMarker is the first line of every comment, by which a bot finds its earlier
// comment and updates it in place.
const MarkdownMarker = "<!-- onward -->"

// Bounds of a comment: GitHub accepts 65,536 characters.
const (
	maxComment  = 56_000
	maxRows     = 100
	maxCell     = 300
	maxSnippet  = 4_000
	maxUnjudged = 20
)

// Markdown prints the report as a comment on a pull request: the verdict, a row for each
// migration, the findings folded away, worst first, and the items that were not judged.
// It is readable as plain text too.
func Markdown(w io.Writer, r *onward.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n**onward**: %s\n", MarkdownMarker, escapeProse(verdictSentence(r)))
	x := newIndex(r)
	if len(r.Migrations) > 0 {
		b.WriteString("\n| migration | changes | locks | verdict |\n| --- | --- | --- | --- |\n")
		list, more := prose.TakeFirst(r.Migrations, maxRows)
		for i := range list {
			writeRow(&b, x, &list[i])
		}
		if more > 0 {
			fmt.Fprintf(&b, "| %d more | | | |\n", more)
		}
	}
	rehearsedInMarkdown(&b, r)
	verifiedInMarkdown(&b, r)
	findings := slices.DeleteFunc(worstFirst(r.Findings), func(f *onward.Finding) bool { return !x.isFirst(f) })
	for i, f := range findings {
		text := foldFinding(f, x.similar[f])
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward changelog to see them.\n", prose.CountNoun(len(findings)-i, "more finding"))
			break
		}
		b.WriteString("\n")
		b.WriteString(text)
	}
	writeUnjudged(&b, r.Opaque)
	footer := []string{summaryLine(r), judgedFor(r)}
	if by := runBy(r, escapeProse, codeSpan); by != "" {
		footer = slices.Insert(footer, 1, by)
	}
	if title := comparedRevisions(r); title != "" {
		footer = append(footer, codeSpan(title))
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(footer, " · "))
	if line := builtQueriesLine(r); line != "" {
		fmt.Fprintf(&b, "\n%s\n", escapeProse(line))
	}
	for _, line := range runnerLines(r, EscapeLine) {
		if strings.Contains(line, assumedWord) {
			fmt.Fprintf(&b, "\n%s\n", escapeProse(line))
		}
	}
	fmt.Fprintf(&b, "\n**onward**: %s\n", escapeProse(verdictSentence(r)))
	_, err := io.WriteString(w, EscapeCommands(b.String()))
	return err
}

// writeRow is a migration's row of the table.
func writeRow(b *strings.Builder, x *index, m *onward.Migration) {
	var changes []string
	size := 0
	for i, c := range m.Changes {
		text := escapeProse(EscapeLine(c.Text))
		if c.Object != "" {
			text = codeSpan(c.Object) + " " + text
		}
		if size += len(text); size > maxCell {
			changes = append(changes, fmt.Sprintf("%d more", len(m.Changes)-i))
			break
		}
		changes = append(changes, text)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", escapeCell(codeSpan(m.Path)), escapeCell(strings.Join(changes, "; ")), escapeCell(lockCell(m)),
		escapeCell(escapeProse(describeOutcome(x, m))))
}

// lockCell returns the strongest locks of a migration, in a cell of the table.
func lockCell(m *onward.Migration) string {
	list, more := prose.TakeFirst(strongestLocks(m), maxEffects)
	var out []string
	for _, e := range list {
		text := codeSpan(shortRelation(e.Relation)) + " " + e.Lock.String()
		if e.Work != onward.NoWork {
			text += ", " + e.Work.String()
		}
		if e.EstimateMS > 0 {
			text += ", " + timeWords(e.EstimateMS)
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
func foldFinding(f *onward.Finding, g *similar) string {
	var b strings.Builder
	others := ""
	if g != nil {
		others = fmt.Sprintf(", and %s like it", prose.CountNoun(len(g.otherFindings()), "finding"))
	}
	fmt.Fprintf(&b, "<details>\n<summary>%s: %s%s (%s, %s)</summary>\n\n", f.Severity, inHTML(EscapeLine(f.Fact)), others,
		inHTML(EscapeLine(formatPlace(ShortName(f.Path), f.Line, 0))), inHTML(EscapeLine(f.Rule)))
	fmt.Fprintf(&b, "At %s: %s\n", codeSpan(formatPlace(f.Path, f.Line, f.Column)), escapeProse(EscapeLine(f.Harm)))
	if len(f.Postgres) > 0 {
		fmt.Fprintf(&b, "On %s only.\n", FormatVersions(f.Postgres))
	}
	evidence, more := prose.TakeFirst(f.Evidence, maxEffects)
	for _, e := range evidence {
		fmt.Fprintf(&b, "\nBecause: %s\n", codeSpan(cutText(formatEvidence(&e), maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "Because of %d more places.\n", more)
	}
	if also, more := prose.TakeFirst(f.Also, maxEffects); len(also) > 0 {
		words, places := "Also at", []string(nil)
		for _, at := range also {
			if at.Fact == "" {
				places = append(places, codeSpan(formatPlace(at.Path, at.Line, 0)))
				continue
			}
			words = "In other rounds of the loop:"
			places = append(places, codeSpan(cutText(at.Fact, maxCell)))
		}
		if more > 0 {
			places = append(places, fmt.Sprintf("%d more", more))
		}
		fmt.Fprintf(&b, "\n%s %s\n", words, strings.Join(places, ", "))
	}
	othersDetails(&b, g)
	words, sql := splitInstead(f.Instead)
	if words != "" {
		fmt.Fprintf(&b, "\nInstead: %s\n", escapeProse(EscapeLine(words)))
	}
	if sql = strings.Trim(sql, "\n"); sql != "" && len(f.Files) == 0 { // the files have all of it
		fmt.Fprintf(&b, "\n%s\n", fenceSQL(cutText(sql, maxSnippet)))
	}
	filesDetails(&b, f)
	b.WriteString("\n</details>\n")
	return b.String()
}

// othersDetails lists the places of findings that are similar to one.
func othersDetails(b *strings.Builder, g *similar) {
	if g == nil {
		return
	}
	b.WriteString("\nThe same fix, each for its own statement:\n\n")
	list, more := prose.TakeFirst(g.otherFindings(), mostSimilar)
	for _, f := range list {
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(formatPlace(f.Path, f.Line, 0)), escapeProse(cutText(EscapeLine(f.Fact), maxCell)))
	}
	if more > 0 {
		fmt.Fprintf(b, "- %d more places\n", more)
	}
}

// writeUnjudged lists what could not be judged.
func writeUnjudged(b *strings.Builder, opaque []onward.Opaque) {
	if len(opaque) == 0 {
		return
	}
	b.WriteString("\nNot judged:\n\n")
	list, more := prose.TakeFirst(opaque, maxUnjudged)
	for _, o := range list {
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(formatPlace(o.Path, o.Line, o.Column)), escapeProse(cutText(formatOpaque(&o), maxCell)))
	}
	writeMore(b, more)
}

// writeMore says as the last item of a list how many more there are.
func writeMore(b *strings.Builder, more int) {
	if more > 0 {
		fmt.Fprintf(b, "- and %d more\n", more)
	}
}

// cutText shortens text to a number of bytes, between characters.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// escapeCell escapes inline Markdown for a table: a pipe ends a cell even within a code span,
// unless a backslash precedes it.
func escapeCell(s string) string {
	var b strings.Builder
	escaped := false
	for _, r := range s {
		if r == '|' && !escaped {
			b.WriteByte('\\')
		}
		escaped = r == '\\' && !escaped
		b.WriteRune(r)
	}
	return b.String()
}

// inert keeps GitHub from turning text into mentions, and into links to issues or pages.
// Only a zero-width space works everywhere.
var inert = strings.NewReplacer("@", "@\u200b", "://", ":\u200b//", "www.", "www\u200b.", "GH-", "GH\u200b-", "gh-", "gh\u200b-", "#", "#\u200b")

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// inHTML is text for an HTML element.
func inHTML(s string) string { return entities.Replace(inert.Replace(s)) }

// escapeProse escapes text for a paragraph or a cell: nothing in it is Markdown.
func escapeProse(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch r {
		case '\\', '`', '*', '[', '<', '|', '~', '$', '&':
			b.WriteByte('\\')
		case '_':
			// Within a word it is no emphasis, and names contain many.
			if i == 0 || i == len(runes)-1 || !wordRune(runes[i-1]) || !wordRune(runes[i+1]) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return inert.Replace(b.String())
}

func wordRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// codeSpan returns a code span on one line; its fence is longer than any run of backticks in
// it.
func codeSpan(s string) string {
	s = EscapeLine(s)
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// fenceSQL is a block of SQL.
func fenceSQL(s string) string {
	fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
	return fence + "sql\n" + strings.TrimRight(s, "\n") + "\n" + fence
}

// longestRun is the length of the longest run of a byte.
func longestRun(s string, c byte) int {
	longest, run := 0, 0
	for i := 0; i < len(s); i++ {
		if s[i] != c {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
