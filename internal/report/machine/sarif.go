package machine

import (
	"cmp"
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
