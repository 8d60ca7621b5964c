package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// GitHub prints the findings as workflow commands, which GitHub Actions shows
// at their lines in the pull request, worst first: it shows ten of a kind for
// each step. The verdict is the last line.
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
func GitHub(w io.Writer, r *onward.Report) error {
	b := bufio.NewWriter(w)
	for _, a := range listAnnotations(r) {
		fmt.Fprintf(b, "::%s %s::%s\n", a.forgeLevel("notice"), commandProperties(a.path, a.line, a.column, a.endLine, a.endColumn, a.title), commandData(a.message))
	}
	// These lines do not begin with a colon, so they are never commands.
	fmt.Fprintf(b, "onward: %s\nonward: %s\n", summaryLine(r), EscapeCommands(verdictSentence(r)))
	return b.Flush()
}

// commandProperties returns the place and the title of a workflow command. It gives columns only
// for a place within one line: GitHub ignores others.
func commandProperties(path string, line, column, endLine, endColumn int, title string) string {
	var p []string
	add := func(name, value string) { p = append(p, name+"="+commandProperty(value)) }
	if path != "" {
		add("file", path)
	}
	if line > 0 {
		add("line", fmt.Sprint(line))
		if column > 0 {
			add("col", fmt.Sprint(column))
		}
		if endLine >= line {
			add("endLine", fmt.Sprint(endLine))
			if endLine == line && endColumn > column {
				add("endColumn", fmt.Sprint(endColumn))
			}
		}
	}
	add("title", title)
	return strings.Join(p, ",")
}

var dataEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

// commandData escapes the message of a workflow command.
func commandData(s string) string { return dataEscapes.Replace(EscapeCommands(EscapeControls(s))) }

var propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")

// commandProperty escapes a property of a workflow command.
func commandProperty(s string) string {
	return propertyEscapes.Replace(EscapeCommands(EscapeControls(s)))
}
