package markdown

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

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
