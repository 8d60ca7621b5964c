package terminal

import (
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// printFiles prints the files that a finding offers in place of the migration: their names in a line, and their SQL too if verbose.
func (t *reportWriter) printFiles(f *onward.Finding) {
	if words := view.DescribeFiles(f); words != "" {
		t.addWrapped("    as files: ", "              ", words, t.ordinaryStyle())
	}
	if !t.verbose {
		return
	}
	for _, file := range f.Files {
		t.addLine("      ", t.paintLine(t.Bold, escape.Line(file.Path)))
		for text := range strings.Lines(escape.Controls(file.Text)) {
			t.addLine("      ", t.paintLine(t.Dim, strings.TrimRight(text, " \n")))
		}
	}
}
