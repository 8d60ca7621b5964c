package machine

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// WriteSARIF prints the findings as SARIF 2.1.0, which GitHub's code scanning and editors read. It has rules with their
// pages, fingerprints that survive moved lines, evidence as related places, and edits as fixes.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html
func WriteSARIF(w io.Writer, r *onward.Report) error {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}, Invocations: []sarifInvocation{{ExecutionSuccessful: true}}}
	run.Properties.Verdict = view.FormatVerdict(r)
	run.Tool.Driver = sarifDriver{Name: "onward", InformationURI: "https://github.com/onward-sql/onward", Rules: []sarifRule{}}
	indexByRule := map[string]int{}
	for _, a := range listAnnotations(r) {
		id := a.ruleOrKind()
		if _, known := indexByRule[id]; !known {
			indexByRule[id] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, a.sarifRule(id))
		}
		if a.unread {
			run.Invocations[0].ExecutionSuccessful = false
		}
		run.Results = append(run.Results, a.sarifResultOf(id, indexByRule[id]))
	}
	return WriteJSON(w, &sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind  string            `json:"columnKind"`
		Invocations []sarifInvocation `json:"invocations"`
		Results     []sarifResult     `json:"results"`
		Properties  struct {
			Verdict string `json:"verdict"`
		} `json:"properties"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool `json:"executionSuccessful"`
	}
	sarifRule struct {
		ID         string          `json:"id"`
		Short      sarifText       `json:"shortDescription"`
		Help       sarifText       `json:"help"`
		HelpURI    string          `json:"helpUri"`
		Properties *sarifRuleExtra `json:"properties,omitempty"`
	}
	sarifRuleExtra struct {
		Tags []string `json:"tags"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifLocation   `json:"locations,omitempty"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Fixes        []sarifFix        `json:"fixes,omitempty"`
	}
	sarifLocation struct {
		ID       int `json:"id,omitempty"`
		Physical struct {
			Artifact sarifArtifact `json:"artifactLocation"`
			Region   *sarifRegion  `json:"region,omitempty"`
		} `json:"physicalLocation"`
		Message *sarifText `json:"message,omitempty"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
	sarifFix struct {
		Description sarifText     `json:"description"`
		Changes     []sarifChange `json:"artifactChanges"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted struct {
			Offset int `json:"byteOffset"`
			Length int `json:"byteLength"`
		} `json:"deletedRegion"`
		Inserted *sarifText `json:"insertedContent,omitempty"`
	}
)

// sarifRule returns the description of a rule.
func (a *annotation) sarifRule(id string) sarifRule {
	out := sarifRule{ID: id, Short: sarifText{strings.ReplaceAll(id, "-", " ")}, HelpURI: a.helpURL()}
	out.Help.Text = out.HelpURI
	if a.finding != nil {
		out.Help.Text = "onward explain " + id
		if a.finding.Category != "" {
			out.Properties = &sarifRuleExtra{Tags: []string{string(a.finding.Category)}}
		}
	}
	return out
}

func (a *annotation) sarifResultOf(id string, rule int) sarifResult {
	out := sarifResult{
		RuleID:       id,
		RuleIndex:    rule,
		Level:        a.forgeLevel("note"),
		Message:      sarifText{escape.Controls(a.message)},
		Fingerprints: map[string]string{"onward/v1": a.fingerprint},
	}
	if a.path != "" {
		out.Locations = []sarifLocation{sarifPlace(a.path, a.line, a.column, a.endLine, a.endColumn)}
	}
	if a.finding == nil {
		return out
	}
	for _, e := range a.finding.Evidence {
		if e.Path != "" && e.Revision == "" { // a place in another revision is not in the current files
			location := sarifPlace(e.Path, e.Line, 0, 0, 0)
			location.ID, location.Message = len(out.Related)+1, &sarifText{view.FormatEvidence(&e)}
			out.Related = append(out.Related, location)
		}
	}
	for _, p := range a.finding.Also {
		location := sarifPlace(p.Path, p.Line, 0, 0, 0)
		location.ID, location.Message = len(out.Related)+1, &sarifText{cmp.Or(p.Fact, "here, too")}
		out.Related = append(out.Related, location)
	}
	if len(a.finding.Fix) > 0 {
		change := sarifChange{Artifact: sarifFile(a.path)}
		for _, e := range a.finding.Fix {
			var replacement sarifReplacement
			replacement.Deleted.Offset, replacement.Deleted.Length = e.Start, e.End-e.Start
			if e.New != "" {
				replacement.Inserted = &sarifText{e.New}
			}
			change.Replacements = append(change.Replacements, replacement)
		}
		out.Fixes = []sarifFix{{Description: sarifText{escape.Controls(a.finding.Instead)}, Changes: []sarifChange{change}}}
	}
	return out
}

func sarifPlace(path string, line, column, endLine, endColumn int) (out sarifLocation) {
	out.Physical.Artifact = sarifFile(path)
	if line > 0 {
		out.Physical.Region = &sarifRegion{StartLine: line, StartColumn: max(0, column)}
		if column > 0 && (endLine > line || endLine == line && endColumn > column) {
			out.Physical.Region.EndLine, out.Physical.Region.EndColumn = endLine, endColumn
		}
	}
	return out
}

// sarifFile names a file, below the root of the repository.
func sarifFile(path string) sarifArtifact {
	u := url.URL{Path: path}
	return sarifArtifact{URI: strings.TrimPrefix(u.String(), "./"), Base: "%SRCROOT%"}
}

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
