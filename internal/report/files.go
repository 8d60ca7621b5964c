package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// mostFiles bounds the files whose text stands at a finding in a comment.
const mostFiles = 6

// filesWords says in a line which files a finding brings, and what is in none of them; ""
// where it brings none.
func filesWords(f *onward.Finding) string {
	if len(f.Files) == 0 {
		return ""
	}
	words := f.Files[0].Path
	if n := len(f.Files) - 1; n > 0 {
		words += fmt.Sprintf(" and %d more", n)
	}
	if f.Later != "" {
		words += "; " + f.Later
	}
	return words
}

// files prints what a finding brings to run instead: in a line, and whole where all is asked for.
func (t *terminal) files(f *onward.Finding) {
	if words := filesWords(f); words != "" {
		t.wrap("    as files: ", "              ", Line(words), t.plain())
	}
	if !t.verbose {
		return
	}
	for _, file := range f.Files {
		t.line("      ", t.paint(t.Bold, Line(file.Path)))
		for text := range strings.Lines(Visible(file.Text)) {
			t.line("      ", t.paint(t.Dim, strings.TrimRight(text, " \n")))
		}
	}
}

// filesDetails are the files of a finding in a comment, each whole, to be pasted.
func filesDetails(b *strings.Builder, f *onward.Finding) {
	for i, file := range f.Files {
		if i == mostFiles {
			fmt.Fprintf(b, "\nand %d more files\n", len(f.Files)-i)
			break
		}
		fmt.Fprintf(b, "\n%s\n\n%s\n", code(file.Path), fenced(cut(Visible(file.Text), maxSnippet)))
	}
	if f.Later != "" {
		fmt.Fprintf(b, "\n%s\n", prose(Line(f.Later)))
	}
}

// htmlFile is a file in a page.
type htmlFile struct{ Path, Text string }

func inPageFiles(f *onward.Finding) []htmlFile {
	var out []htmlFile
	for _, file := range f.Files {
		out = append(out, htmlFile{Line(file.Path), strings.TrimRight(Visible(file.Text), "\n")})
	}
	return out
}
