package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// annotation is something that is shown at its place in a file, as forges and editors do: a finding, a
// recorded query that breaks, or what could not be judged. Its texts are a stranger's still.
type annotation struct {
	severity onward.Severity
	// rule names the finding's rule. title is that, or what it is instead.
	rule, title string
	path        string
	line        int
	column      int
	endLine     int
	endColumn   int
	// head is one line, and message all of it, which begins with that.
	head, message string
	// fingerprint is the same while the content is, and another one than those of the
	// report's others.
	fingerprint string
	finding     *onward.Finding // nil where it is none
	unread      bool            // it should have been readable
}

// notJudged is the title of what could not be judged.
const notJudged = "not judged"

// annotations are those of a report, the worst findings first.
func annotations(r *onward.Report) []annotation {
	var out []annotation
	for _, f := range worstFirst(r.Findings) {
		at := onward.Extent{Line: f.Line, Column: f.Column, EndLine: f.EndLine, EndColumn: f.EndColumn}
		if len(f.Words) > 0 { // the line of a long ALTER TABLE that is meant
			at = f.Words[0]
		}
		out = append(out, annotation{
			severity: f.Severity, rule: f.Rule, title: f.Rule, path: f.Path, line: at.Line, column: at.Column, endLine: at.EndLine, endColumn: at.EndColumn,
			head: f.Fact, message: findingText(&f), fingerprint: f.Fingerprint, finding: &f,
		})
	}
	for _, d := range alike(r) {
		if later(d.Verdict) != d.Severity {
			continue // it comes with the rest of the release
		}
		out = append(out, annotation{
			severity: d.Severity, title: codeWords(d.Code) + " " + string(d.Kind), path: d.After.Path, line: d.After.Line,
			head: verdictHead(d.Verdict), message: verdictHead(d.Verdict) + "\n" + d.Query + "\n" + d.who(),
		})
	}
	for _, o := range r.Opaque {
		a := annotation{severity: onward.Info, title: notJudged, path: o.Path, line: o.Line, column: o.Column, head: notJudged + ": " + o.What, unread: o.Failed}
		if a.message = a.head; o.Why != "" {
			a.message += "\n" + o.Why
		}
		if o.Failed {
			a.severity = onward.Error
		}
		out = append(out, a)
	}
	apart(out)
	return out
}

// findingText is a finding in lines.
func findingText(f *onward.Finding) string {
	text := f.Fact + "\n" + f.Harm
	if len(f.Postgres) > 0 {
		text += "\non " + Versions(f.Postgres) + " only"
	}
	for _, e := range f.Evidence {
		text += "\n" + evidence(&e)
	}
	if f.Instead != "" {
		text += "\ninstead: " + f.Instead
	}
	if words := filesWords(f); words != "" {
		text += "\nas files: " + words
	}
	return text
}

// apart gives each a fingerprint of its own: readers take those with one for one.
func apart(list []annotation) {
	seen := map[string]int{}
	for i := range list {
		a := &list[i]
		if a.fingerprint == "" {
			sum := sha256.Sum256([]byte(a.title + "\x00" + a.path + "\x00" + a.head + "\x00" + a.message))
			a.fingerprint = hex.EncodeToString(sum[:16])
		}
		seen[a.fingerprint]++
		if n := seen[a.fingerprint]; n > 1 {
			a.fingerprint += fmt.Sprintf("-%d", n)
		}
	}
}

// id is a rule's name, or one that stands for it: "not-judged".
func (a *annotation) id() string {
	if a.rule != "" {
		return Line(a.rule)
	}
	return strings.ReplaceAll(Line(a.title), " ", "-")
}

// level is the severity in the words that forges have: "error", "warning", or the third.
func (a *annotation) level(third string) string { return level(a.severity, third) }

func level(s onward.Severity, third string) string {
	switch s {
	case onward.Error:
		return "error"
	case onward.Warning:
		return "warning"
	}
	return third
}

// pages is where the pages of the rules are.
const pages = "https://github.com/onward-sql/onward/blob/main/docs/"

// rulePage is the page of a rule. Its name may be a stranger's, from a stored report.
func rulePage(name string) string { return pages + "rules/" + url.PathEscape(name) + ".md" }

// help is the page that says more.
func (a *annotation) help() string {
	switch {
	case a.rule != "":
		return rulePage(a.rule)
	case a.title == notJudged:
		return pages + "report.md"
	}
	return pages + "verify.md"
}
