package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// mostFiles bounds the files whose text is shown at a finding in a comment.
const mostFiles = 6

// filesWords returns a line with the files that a finding offers, and what they leave out; "" if
// it offers none.
func filesWords(f *onward.Finding) string {
	if len(f.Files) == 0 {
		return ""
	}
	paths := make([]string, len(f.Files))
	for i := range f.Files {
		paths[i] = f.Files[i].Path
	}
	words := prose.FirstNames(paths, 1)
	if f.Later != "" {
		words += "; " + f.Later
	}
	return words
}

// printFiles prints the files that a finding offers to run instead: in a line, or in full if verbose.
func (t *terminal) printFiles(f *onward.Finding) {
	if words := filesWords(f); words != "" {
		t.addWrapped("    as files: ", "              ", EscapeLine(words), t.ordinaryStyle())
	}
	if !t.verbose {
		return
	}
	for _, file := range f.Files {
		t.addLine("      ", t.paintLine(t.Bold, EscapeLine(file.Path)))
		for text := range strings.Lines(EscapeControls(file.Text)) {
			t.addLine("      ", t.paintLine(t.Dim, strings.TrimRight(text, " \n")))
		}
	}
}

// filesDetails prints the files of a finding in a comment, in full, to be pasted.
func filesDetails(b *strings.Builder, f *onward.Finding) {
	list, more := prose.TakeFirst(f.Files, mostFiles)
	for _, file := range list {
		fmt.Fprintf(b, "\n%s\n\n%s\n", codeSpan(file.Path), fenceSQL(cutText(EscapeControls(file.Text), maxSnippet)))
	}
	if more > 0 {
		fmt.Fprintf(b, "\nand %d more files\n", more)
	}
	if f.Later != "" {
		fmt.Fprintf(b, "\n%s\n", escapeProse(EscapeLine(f.Later)))
	}
}

// pageFile is a file in a page.
type pageFile struct{ Path, Text string }

func inPageFiles(f *onward.Finding) []pageFile {
	var out []pageFile
	for _, file := range f.Files {
		out = append(out, pageFile{EscapeLine(file.Path), strings.TrimRight(EscapeControls(file.Text), "\n")})
	}
	return out
}
