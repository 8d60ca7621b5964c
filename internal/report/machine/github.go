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

// WriteGitLab prints the findings as a report of GitLab's Code Quality, which it shows at their lines in a merge request.
// It takes one place and one line of text each.
// https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
func WriteGitLab(w io.Writer, r *onward.Report) error {
	type lines struct {
		Begin int `json:"begin"`
	}
	type location struct {
		Path  string `json:"path"`
		Lines lines  `json:"lines"`
	}
	type issue struct {
		Description string   `json:"description"`
		CheckName   string   `json:"check_name"`
		Fingerprint string   `json:"fingerprint"`
		Severity    string   `json:"severity"`
		Location    location `json:"location"`
	}
	severity := map[string]string{"error": "critical", "warning": "minor", "info": "info"}
	out := []issue{}
	for _, a := range listAnnotations(r) {
		out = append(out, issue{
			Description: escape.Line(a.message), CheckName: a.ruleOrKind(), Fingerprint: a.fingerprint, Severity: severity[a.forgeLevel("info")],
			Location: location{escape.Line(a.path), lines{max(1, a.line)}},
		})
	}
	return WriteJSON(w, out)
}

// WriteGCC prints a line for each finding, as compilers do: "path:3:1: error: … [index-create-blocking]". Editors and
// reviewdog jump to it. The evidence and the fix are lines of the kind "note".
// https://gcc.gnu.org/onlinedocs/gcc/Diagnostic-Message-Formatting-Options.html
func WriteGCC(w io.Writer, r *onward.Report) error {
	b := bufio.NewWriter(w)
	for _, a := range listAnnotations(r) {
		place := view.FormatPlace(escape.Line(a.path), max(1, a.line), max(1, a.column))
		text := escape.Line(a.message)
		if a.finding != nil {
			text = escape.Line(a.head) + "; " + escape.Line(a.finding.Harm)
		}
		say := func(location, level, text string) { fmt.Fprintln(b, escape.Commands(location+": "+level+": "+text)) }
		say(place, a.forgeLevel("note"), text+" ["+a.ruleOrKind()+"]")
		if a.finding == nil {
			continue
		}
		for _, e := range a.finding.Evidence {
			if e.Path == "" || e.Revision != "" { // a place in another revision is not in the current files
				say(place, "note", view.FormatEvidence(&e))
				continue
			}
			say(view.FormatPlace(escape.Line(e.Path), max(1, e.Line), 1), "note", escape.Line(e.Text))
		}
		if a.finding.Instead != "" {
			say(place, "note", "instead: "+escape.Line(a.finding.Instead))
		}
	}
	return b.Flush()
}
