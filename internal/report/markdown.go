package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// MarkdownMarker is the first line of every comment, by which a bot finds the
// comment that it wrote before and updates it in place.
const MarkdownMarker = "<!-- onward -->"

// Bounds of a comment: GitHub takes 65,536 characters.
const (
	maxComment  = 56_000
	maxRows     = 100
	maxCell     = 300
	maxSnippet  = 4_000
	maxUnjudged = 20
)

// Markdown prints the report as a comment on a pull request: the verdict, a
// row for each migration, the findings folded away, worst first, and what was
// not judged. It reads well as plain text too.
func Markdown(w io.Writer, r *onward.Report) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n**onward**: %s\n", MarkdownMarker, prose(verdict(r)))
	x := newIndex(r)
	if len(r.Migrations) > 0 {
		b.WriteString("\n| migration | changes | locks | verdict |\n| --- | --- | --- | --- |\n")
		for i := range r.Migrations {
			if i == maxRows {
				fmt.Fprintf(&b, "| %d more | | | |\n", len(r.Migrations)-i)
				break
			}
			row(&b, x, &r.Migrations[i])
		}
	}
	rehearsedInMarkdown(&b, r)
	verifiedInMarkdown(&b, r)
	findings := worstFirst(r.Findings)
	for i := range findings {
		text := details(&findings[i])
		if b.Len()+len(text) > maxComment {
			fmt.Fprintf(&b, "\n%s not shown: the comment would be too long. Run onward changelog to see them.\n", Count(len(findings)-i, "more finding"))
			break
		}
		b.WriteString("\n")
		b.WriteString(text)
	}
	unjudged(&b, r.Opaque)
	footer := []string{counts(r), judgedFor(r)}
	if by := runBy(r, prose, code); by != "" {
		footer = slices.Insert(footer, 1, by)
	}
	if title := revisions(r); title != "" {
		footer = append(footer, code(title))
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(footer, " · "))
	for _, line := range runnerLines(r, Line) {
		if strings.Contains(line, assumedWord) {
			fmt.Fprintf(&b, "\n%s\n", prose(line))
		}
	}
	_, err := io.WriteString(w, Tame(b.String()))
	return err
}

// row is a migration's row of the table.
func row(b *strings.Builder, x *index, m *onward.Migration) {
	var changes []string
	size := 0
	for i, c := range m.Changes {
		text := prose(Line(c.Text))
		if c.Object != "" {
			text = code(c.Object) + " " + text
		}
		if size += len(text); size > maxCell {
			changes = append(changes, fmt.Sprintf("%d more", len(m.Changes)-i))
			break
		}
		changes = append(changes, text)
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s |\n", cell(code(m.Path)), cell(strings.Join(changes, "; ")), cell(locks(m)), cell(prose(outcome(x, m))))
}

// locks is the strongest lock on each relation that others use, with the
// heaviest work under it.
func locks(m *onward.Migration) string {
	var order []string
	strongest := map[string]onward.Effect{}
	for _, s := range m.Statements {
		for _, e := range existing(s.Effects) {
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
		text := code(relation(name)) + " " + e.Lock.String()
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

// outcome is a migration's verdict in a few words.
func outcome(x *index, m *onward.Migration) string {
	s := onward.Summary{}
	severities := make([]onward.Severity, 0, 8)
	for _, f := range x.of(m) {
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
	words := found(&s)
	if len(words) == 0 {
		words = append(words, "ok")
	}
	if opaque > 0 {
		words = append(words, fmt.Sprintf("%d not judged", opaque))
	}
	return strings.Join(words, ", ")
}

// details is a finding, folded.
func details(f *onward.Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details>\n<summary>%s: %s (%s, %s)</summary>\n\n", f.Severity, inHTML(Line(f.Fact)), inHTML(Line(place(ShortName(f.Path), f.Line, 0))), inHTML(Line(f.Rule)))
	fmt.Fprintf(&b, "At %s: %s\n", code(place(f.Path, f.Line, f.Column)), prose(Line(f.Harm)))
	if len(f.Postgres) > 0 {
		fmt.Fprintf(&b, "On %s only.\n", Versions(f.Postgres))
	}
	for i, e := range f.Evidence {
		if i == maxEffects {
			fmt.Fprintf(&b, "Because of %d more places.\n", len(f.Evidence)-i)
			break
		}
		fmt.Fprintf(&b, "\nBecause: %s\n", code(cut(evidence(&e), maxCell)))
	}
	if len(f.Also) > 0 {
		var places []string
		for i, at := range f.Also {
			if i == maxEffects {
				places = append(places, fmt.Sprintf("%d more", len(f.Also)-i))
				break
			}
			places = append(places, code(place(at.Path, at.Line, 0)))
		}
		fmt.Fprintf(&b, "\nAlso at %s\n", strings.Join(places, ", "))
	}
	words, sql, _ := strings.Cut(strings.TrimSpace(Visible(f.Instead)), "\n")
	if words != "" {
		fmt.Fprintf(&b, "\nInstead: %s\n", prose(Line(words)))
	}
	if sql = strings.Trim(sql, "\n"); sql != "" && len(f.Files) == 0 { // they say it whole
		fmt.Fprintf(&b, "\n%s\n", fenced(cut(sql, maxSnippet)))
	}
	filesDetails(&b, f)
	b.WriteString("\n</details>\n")
	return b.String()
}

// unjudged lists what could not be judged.
func unjudged(b *strings.Builder, opaque []onward.Opaque) {
	if len(opaque) == 0 {
		return
	}
	b.WriteString("\nNot judged:\n\n")
	for i, o := range opaque {
		if i == maxUnjudged {
			fmt.Fprintf(b, "- and %d more\n", len(opaque)-i)
			return
		}
		fmt.Fprintf(b, "- %s: %s\n", code(place(o.Path, o.Line, o.Column)), prose(cut(sentence(&o), maxCell)))
	}
}

// cut shortens text to a number of bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}

// cell makes inline Markdown fit for a table: a pipe ends a cell even within
// a code span, unless a backslash stands before it.
func cell(s string) string {
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

// inert keeps GitHub from acting on text: no mention, no link to an issue or
// a page. A zero-width space is the only thing that works everywhere.
var inert = strings.NewReplacer("@", "@\u200b", "://", ":\u200b//", "www.", "www\u200b.", "GH-", "GH\u200b-", "gh-", "gh\u200b-", "#", "#\u200b")

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// inHTML is text for an HTML element.
func inHTML(s string) string { return entities.Replace(inert.Replace(s)) }

// prose is text for a paragraph or a cell: nothing in it is Markdown.
func prose(s string) string {
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch r {
		case '\\', '`', '*', '[', '<', '|', '~', '$', '&':
			b.WriteByte('\\')
		case '_':
			// Within a word it is no emphasis, and names are full of them.
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

// code is a code span on one line; its fence is longer than any run of
// backticks in it.
func code(s string) string {
	s = Line(s)
	if s == "" {
		return ""
	}
	fence := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return fence + s + fence
}

// fenced is a block of SQL.
func fenced(s string) string {
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
