package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// annotation is something that forges and editors show at its place in a file: a finding, a recorded
// query that breaks, or code that could not be judged. Its texts are not escaped yet.
type annotation struct {
	severity onward.Severity
	// rule names the finding's rule. title is the rule, or the kind of annotation if it is no finding.
	rule, title string
	path        string
	line        int
	column      int
	endLine     int
	endColumn   int
	// head is one line. message is the whole text, which begins with head.
	head, message string
	// fingerprint identifies the annotation as long as its content is the same. It is unique in the
	// report.
	fingerprint string
	finding     *onward.Finding // nil if it is no finding
	unread      bool            // for code that could not be judged: it should have been readable
}

// notJudged is the title for code that could not be judged.
const notJudged = "not judged"

// weakened is the title for settings, files and comments of the branch that may take findings out.
const weakened = "check weakened"

// listAnnotations returns a report's annotations, the worst findings first.
func listAnnotations(r *onward.Report) []annotation {
	var out []annotation
	for _, f := range view.SortWorstFirst(r.Findings) {
		extent := onward.Extent{Line: f.Line, Column: f.Column, EndLine: f.EndLine, EndColumn: f.EndColumn}
		if len(f.Words) > 0 { // the relevant line of a long ALTER TABLE
			extent = f.Words[0]
		}
		out = append(out, annotation{
			severity: f.Severity, rule: f.Rule, title: f.Rule, path: f.Path, line: extent.Line, column: extent.Column, endLine: extent.EndLine,
			endColumn: extent.EndColumn,
			head:      f.Fact, message: findingText(f), fingerprint: f.Fingerprint, finding: f,
		})
	}
	for _, d := range view.GroupVerdicts(r) {
		if view.ScreenSeverity(d.Verdict) != d.Severity {
			continue // it is reported with the rest of the release
		}
		out = append(out, annotation{
			severity: d.Severity, title: view.NameCode(d.Code) + " " + string(d.Kind), path: d.After.Path, line: d.After.Line,
			head: view.DescribeFailure(d.Verdict), message: view.DescribeFailure(d.Verdict) + "\n" + d.Query + "\n" + d.DescribeSenders(),
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
	for _, w := range r.Weakened {
		text := weakened + ": " + w.String()
		out = append(out, annotation{severity: onward.Warning, title: weakened, path: w.Path, line: w.Line, head: text, message: text})
	}
	makeFingerprintsUnique(out)
	return out
}

// findingText returns a finding in lines.
func findingText(f *onward.Finding) string {
	text := f.Fact + "\n" + f.Harm
	if len(f.Postgres) > 0 {
		text += "\non " + view.FormatVersions(f.Postgres) + " only"
	}
	for _, e := range f.Evidence {
		text += "\n" + view.FormatEvidence(&e)
	}
	if f.Instead != "" {
		text += "\ninstead: " + f.Instead
	}
	if words := view.DescribeFiles(f); words != "" {
		text += "\nas files: " + words
	}
	return text
}

// makeFingerprintsUnique makes the fingerprints unique: readers treat annotations with the same one as duplicates.
func makeFingerprintsUnique(list []annotation) {
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

// ruleOrKind returns a rule's name, or a substitute such as "not-judged".
func (a *annotation) ruleOrKind() string {
	if a.rule != "" {
		return escape.Line(a.rule)
	}
	return strings.ReplaceAll(escape.Line(a.title), " ", "-")
}

// forgeLevel returns the severity in the words of forges: "error", "warning", or the given third word.
func (a *annotation) forgeLevel(third string) string { return severityLevel(a.severity, third) }

func severityLevel(s onward.Severity, third string) string {
	switch s {
	case onward.Error:
		return "error"
	case onward.Warning:
		return "warning"
	}
	return third
}

// helpURL returns the page with more about the annotation.
func (a *annotation) helpURL() string {
	switch {
	case a.rule != "":
		return view.RulePage(a.rule)
	case a.title == notJudged:
		return view.DocsURL + "report.md"
	case a.title == weakened:
		return view.DocsURL + "configuration.md"
	}
	return view.DocsURL + "verify.md"
}
