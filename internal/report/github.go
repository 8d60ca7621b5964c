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
	for _, f := range worstFirst(r.Findings) {
		message := f.Fact + "\n" + f.Harm
		if len(f.Postgres) > 0 {
			message += "\non " + Versions(f.Postgres) + " only"
		}
		for _, e := range f.Evidence {
			message += "\n" + evidence(&e)
		}
		if f.Instead != "" {
			message += "\ninstead: " + f.Instead
		}
		if words := filesWords(&f); words != "" {
			message += "\nas files: " + words
		}
		fmt.Fprintf(b, "::%s %s::%s\n", level(f.Severity),
			properties(f.Path, f.Line, f.Column, f.EndLine, f.EndColumn, f.Rule), commandData(message))
	}
	for _, d := range alike(r) {
		if later(d.Verdict) != d.Severity {
			continue // it comes with the rest of the release
		}
		fmt.Fprintf(b, "::%s %s::%s\n", level(d.Severity), properties(d.After.Path, d.After.Line, 0, 0, 0, codeWords(d.Code)+" "+string(d.Kind)),
			commandData(verdictHead(d.Verdict)+"\n"+d.Query+"\n"+d.who()))
	}
	for _, o := range r.Opaque {
		as := "notice"
		if o.Failed {
			as = "error"
		}
		message := "not judged: " + o.What
		if o.Why != "" {
			message += "\n" + o.Why
		}
		fmt.Fprintf(b, "::%s %s::%s\n", as, properties(o.Path, o.Line, o.Column, 0, 0, "not judged"), commandData(message))
	}
	// The sentences begin with no colon: a line of ours is never a command.
	fmt.Fprintf(b, "onward: %s\nonward: %s\n", counts(r), Tame(verdict(r)))
	return b.Flush()
}

// level is that of a workflow command.
func level(s onward.Severity) string {
	switch s {
	case onward.Error:
		return "error"
	case onward.Warning:
		return "warning"
	default:
		return "notice"
	}
}

// properties is the place and the title of a workflow command. Columns are
// given for a place within one line only: GitHub ignores others.
func properties(path string, line, column, endLine, endColumn int, title string) string {
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
func commandData(s string) string { return dataEscapes.Replace(Tame(Visible(s))) }

var propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")

// commandProperty escapes a property of a workflow command.
func commandProperty(s string) string { return propertyEscapes.Replace(Tame(Visible(s))) }
