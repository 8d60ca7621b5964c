package machine

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteGitHub prints the findings as workflow commands, which GitHub Actions shows
// at their lines in the pull request, worst first: it shows ten of a kind for
// each step. The verdict is the last line.
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
func WriteGitHub(w io.Writer, r *onward.Report) error {
	b := bufio.NewWriter(w)
	for _, a := range listAnnotations(r) {
		fmt.Fprintf(b, "::%s %s::%s\n", a.forgeLevel("notice"), commandProperties(a.path, a.line, a.column, a.endLine, a.endColumn, a.title),
			escapeCommandData(a.message))
	}
	// These lines do not begin with a colon, so they are never commands.
	fmt.Fprintf(b, "onward: %s\nonward: %s\n", view.FormatSummary(r), escape.Commands(view.FormatVerdict(r)))
	return b.Flush()
}

// commandProperties returns the place and the title of a workflow command. It gives columns only
// for a place within one line: GitHub ignores others.
func commandProperties(path string, line, column, endLine, endColumn int, title string) string {
	var p []string
	add := func(name, value string) { p = append(p, name+"="+escapeCommandProperty(value)) }
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

// escapeCommandData escapes the message of a workflow command.
func escapeCommandData(s string) string {
	return dataEscapes.Replace(escape.Commands(escape.Controls(s)))
}

var propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")

// escapeCommandProperty escapes a property of a workflow command.
func escapeCommandProperty(s string) string {
	return propertyEscapes.Replace(escape.Commands(escape.Controls(s)))
}

// WritePreflightCommands prints findings as workflow commands. They have no position in a file.
func WritePreflightCommands(w io.Writer, r *onward.Preflight) error {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "::%s %s::%s\n", severityLevel(f.Severity, "notice"), commandProperties("", 0, 0, 0, 0, f.Rule),
			escapeCommandData(f.Fact+"\n"+f.Harm+"\ninstead: "+f.Instead))
	}
	for _, o := range r.Opaque {
		fmt.Fprintf(&b, "::notice %s::%s\n", commandProperties("", 0, 0, 0, 0, o.Rule), escapeCommandData("not seen: "+o.What+"\n"+o.Why))
	}
	fmt.Fprintf(&b, "onward: %s\nonward: %s\n", view.CountChecks(r), escape.Commands(escape.Line(r.Summary.Verdict)))
	_, err := io.WriteString(w, b.String())
	return err
}
