package markdown

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// maxMatrixRows bounds the matrix of a comment.
const maxMatrixRows = 40

// writeVerification prints the section on recorded queries: the matrix, what breaks, and
// the phase of each migration.
func writeVerification(b *strings.Builder, r *onward.Report) {
	v := r.Verification
	if v == nil {
		return
	}
	fmt.Fprintf(b, "\nQueries at each commit point (%s):\n\n| commit point |", escapeProse(strings.Join(view.CountVerified(r), "; ")))
	versions := view.ListVersions(v)
	for _, version := range versions {
		fmt.Fprintf(b, " %s |", escapeCell(escapeProse(view.NameCode(version.Code))))
	}
	fmt.Fprintf(b, "\n|%s\n", strings.Repeat(" --- |", len(versions)+1))
	for _, row := range view.BuildMatrix(r, false, maxMatrixRows) {
		if row.Hidden > 0 {
			fmt.Fprintf(b, "| %s more |%s\n", prose.CountNoun(row.Hidden, "commit point"), strings.Repeat(" |", len(versions)))
			continue
		}
		name := codeSpan(row.Name)
		if row.Window {
			name += " (deploy window)"
		}
		fmt.Fprintf(b, "| %s |", escapeCell(name))
		for _, c := range row.Cells {
			fmt.Fprintf(b, " %s |", emphasizeErrors(c))
		}
		b.WriteString("\n")
	}
	writeBlocks(b, view.DescribeVerification(r, commentScope))
}

func emphasizeErrors(c view.MatrixCell) string {
	if c.Severity == onward.Error {
		return "**" + c.Words + "**"
	}
	return c.Words
}

// DescribeStatement says what a statement of a migration locks, who waits, and for how long,
// in the report's words, for an editor. index is the statement's index.
func DescribeStatement(m *onward.Migration, index int) string {
	s := &m.Statements[index]
	var b strings.Builder
	if s.Note != "" {
		b.WriteString(escapeProse(escape.Line(s.Note)) + ".\n")
		return b.String()
	}
	sentences := append([]string{view.DescribeEffects(s.Effects, s.Duration)}, view.ListWorkSizes(s.Effects)...)
	b.WriteString(escapeProse(strings.Join(sentences, " ")) + "\n")
	effects, more := prose.TakeFirst(view.ListShown(s.Effects, false), maxRows)
	if len(effects) == 0 {
		return b.String()
	}
	b.WriteString("\n| relation | lock | for how long | blocks |\n| --- | --- | --- | --- |\n")
	for i := range effects {
		e := &effects[i]
		name := view.NameRelation(e)
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", escapeProse(name), e.Lock, escapeProse(view.DescribeDuration(m, index, e)), escapeProse(view.NameWaiters(e)))
	}
	if more > 0 {
		fmt.Fprintf(&b, "| %d more | | | |\n", more)
	}
	return b.String()
}

// SummarizeLocks names the strongest lock of a statement, and who waits for it, in one line without Markdown. It returns ""
// for a statement that was not judged.
func SummarizeLocks(s *onward.Statement) string {
	if s.Note != "" {
		return ""
	}
	effects := view.ListShown(s.Effects, false)
	if len(effects) == 0 {
		return "nothing that others use"
	}
	strongest := slices.MaxFunc(effects, func(a, b onward.Effect) int { return cmp.Compare(a.Lock, b.Lock) })
	out := fmt.Sprintf("%s, %s, blocks %s", view.NameRelation(&strongest), strongest.Lock, view.NameWaiters(&strongest))
	if more := len(effects) - 1; more > 0 {
		out += fmt.Sprintf(", and %d more", more)
	}
	return out
}

// DescribeSchema describes a relation for an editor: its name, its kind, its parts one per
// line, and its size if sized is set; rows may be -1.
func DescribeSchema(name, kind string, parts []string, rows, bytes int64, sized bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**, %s", escapeProse(view.ShortenRelation(name)), escapeProse(escape.Line(kind)))
	if sized {
		if rows >= 0 {
			fmt.Fprintf(&b, ", %s rows", size.FormatCount(rows))
		}
		fmt.Fprintf(&b, ", %s", size.FormatBytes(bytes))
	}
	items := make([]block.Item, len(parts))
	for i, p := range parts {
		items[i].Text = block.Say(p)
	}
	b.WriteByte('\n')
	writeList(&b, items)
	return b.String()
}
