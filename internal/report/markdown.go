package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
		for i := range r.Migrations {
			if i == maxRows {
				fmt.Fprintf(&b, "| %d more | | | |\n", len(r.Migrations)-i)
				break
			}
			writeRow(&b, x, &r.Migrations[i])
		}
	}
	rehearsedInMarkdown(&b, r)
	verifiedInMarkdown(&b, r)
	findings := slices.DeleteFunc(worstFirst(r.Findings), func(f *onward.Finding) bool { return !x.isFirst(f) })
	for i, f := range findings {
		text := foldFinding(f, x.similar[f])
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward changelog to see them.\n", CountNoun(len(findings)-i, "more finding"))
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
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", escapeCell(codeSpan(m.Path)), escapeCell(strings.Join(changes, "; ")), escapeCell(strongestLocks(m)),
		escapeCell(escapeProse(describeOutcome(x, m))))
}

// strongestLocks returns the strongest lock on each relation that others use, with the heaviest
// work under it.
func strongestLocks(m *onward.Migration) string {
	var order []string
	strongest := map[string]onward.Effect{}
	for _, s := range m.Statements {
		for _, e := range noticeableEffects(s.Effects) {
			old, seen := strongest[e.Relation]
			if !seen {
				order = append(order, e.Relation)
			}
			e.Lock, e.Work, e.EstimateMS = max(e.Lock, old.Lock), max(e.Work, old.Work), max(e.EstimateMS, old.EstimateMS)
			strongest[e.Relation] = e
		}
	}
	var out []string
	for _, name := range order {
		e := strongest[name]
		if e.Lock < onward.ShareUpdateExclusiveLock && e.Work == onward.NoWork {
			continue
		}
		if len(out) == maxEffects {
			out = append(out, "…")
			break
		}
		text := codeSpan(shortRelation(name)) + " " + e.Lock.String()
		if e.Work != onward.NoWork {
			text += ", " + e.Work.String()
		}
		if e.EstimateMS > 0 {
			text += ", " + timeWords(e.EstimateMS)
		}
		out = append(out, text)
	}
	if len(out) == 0 {
		return "none that others feel"
	}
	return strings.Join(out, "; ")
}

// describeOutcome returns a migration's verdict in a few words.
func describeOutcome(x *index, m *onward.Migration) string {
	s := onward.Summary{}
	severities := make([]onward.Severity, 0, 8)
	for _, f := range x.findingsOn(m) {
		severities = append(severities, f.Severity)
	}
	for _, r := range x.also[m.Path] {
		if r.migration == m.ID {
			severities = append(severities, slices.Repeat([]onward.Severity{r.finding.Severity}, len(r.lines))...)
		}
	}
	for _, severity := range severities {
		switch severity {
		case onward.Error:
			s.Errors++
		case onward.Warning:
			s.Warnings++
		default:
			s.Infos++
		}
	}
	opaque := len(x.opaqueIn(m))
	words := countFindings(&s)
	switch {
	case opaque > 0: // unjudged code is not ok
		words = append(words, fmt.Sprintf("%d not judged", opaque))
	case len(words) == 0:
		words = append(words, "ok")
	}
	return strings.Join(words, ", ")
}

// foldFinding returns a finding, folded, with the similar ones; g is nil for none.
func foldFinding(f *onward.Finding, g *similar) string {
	var b strings.Builder
	more := ""
	if g != nil {
		more = fmt.Sprintf(", and %s like it", CountNoun(len(g.otherFindings()), "finding"))
	}
	fmt.Fprintf(&b, "<details>\n<summary>%s: %s%s (%s, %s)</summary>\n\n", f.Severity, inHTML(EscapeLine(f.Fact)), more,
		inHTML(EscapeLine(formatPlace(ShortName(f.Path), f.Line, 0))), inHTML(EscapeLine(f.Rule)))
	fmt.Fprintf(&b, "At %s: %s\n", codeSpan(formatPlace(f.Path, f.Line, f.Column)), escapeProse(EscapeLine(f.Harm)))
	if len(f.Postgres) > 0 {
		fmt.Fprintf(&b, "On %s only.\n", FormatVersions(f.Postgres))
	}
	for i, e := range f.Evidence {
		if i == maxEffects {
			fmt.Fprintf(&b, "Because of %d more places.\n", len(f.Evidence)-i)
			break
		}
		fmt.Fprintf(&b, "\nBecause: %s\n", codeSpan(cutText(formatEvidence(&e), maxCell)))
	}
	if len(f.Also) > 0 {
		words, places := "Also at", []string(nil)
		for i, at := range f.Also {
			if i == maxEffects {
				places = append(places, fmt.Sprintf("%d more", len(f.Also)-i))
				break
			}
			if at.Fact == "" {
				places = append(places, codeSpan(formatPlace(at.Path, at.Line, 0)))
				continue
			}
			words = "In other rounds of the loop:"
			places = append(places, codeSpan(cutText(at.Fact, maxCell)))
		}
		fmt.Fprintf(&b, "\n%s %s\n", words, strings.Join(places, ", "))
	}
	othersDetails(&b, g)
	words, sql, _ := strings.Cut(strings.TrimSpace(EscapeControls(f.Instead)), "\n")
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
	list := g.otherFindings()
	for i, f := range list {
		if i == mostSimilar {
			fmt.Fprintf(b, "- %d more places\n", len(list)-i)
			return
		}
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(formatPlace(f.Path, f.Line, 0)), escapeProse(cutText(EscapeLine(f.Fact), maxCell)))
	}
}

// writeUnjudged lists what could not be judged.
func writeUnjudged(b *strings.Builder, opaque []onward.Opaque) {
	if len(opaque) == 0 {
		return
	}
	b.WriteString("\nNot judged:\n\n")
	for i, o := range opaque {
		if i == maxUnjudged {
			fmt.Fprintf(b, "- and %d more\n", len(opaque)-i)
			return
		}
		fmt.Fprintf(b, "- %s: %s\n", codeSpan(formatPlace(o.Path, o.Line, o.Column)), escapeProse(cutText(formatOpaque(&o), maxCell)))
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
