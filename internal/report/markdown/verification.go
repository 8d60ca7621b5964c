package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/view"
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
			fmt.Fprintf(b, " %s |", emphasize(c))
		}
		b.WriteString("\n")
	}
	writeBlocks(b, view.DescribeVerification(r, commentScope))
}

func emphasize(c view.MatrixCell) string {
	if c.Severity == onward.Error {
		return "**" + c.Words + "**"
	}
	return c.Words
}
