package view

import (
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// DescribeFiles returns a line with the files that a finding offers, and what they leave out; "" if
// it offers none.
func DescribeFiles(f *onward.Finding) string {
	if len(f.Files) == 0 {
		return ""
	}
	paths := make([]string, len(f.Files))
	for i := range f.Files {
		paths[i] = f.Files[i].Path
	}
	words := prose.FirstNames(paths, 1)
	if f.Later != "" {
		words += "; " + f.Later
	}
	return escape.Line(words)
}

// SortWorstFirst sorts findings by severity; equal ones keep the order of the
// release.
func SortWorstFirst(findings []onward.Finding) []*onward.Finding {
	out := make([]*onward.Finding, len(findings))
	for i := range findings {
		out[i] = &findings[i]
	}
	slices.SortStableFunc(out, func(a, b *onward.Finding) int { return int(b.Severity) - int(a.Severity) })
	return out
}

// FormatEvidence returns a finding's evidence in a line: the place, then the text.
func FormatEvidence(e *onward.Evidence) string {
	text := escape.Line(e.Text)
	if e.Path == "" {
		return text
	}
	place := FormatPlace(escape.Line(e.Path), e.Line, 0)
	if e.Revision != "" {
		place += " at " + escape.Line(e.Revision)
	}
	if text == "" {
		return place
	}
	return place + ": " + text
}

// FormatOpaque returns an opaque item in a line.
func FormatOpaque(o *onward.Opaque) string {
	text := escape.Line(o.What)
	if o.Why != "" {
		text += ": " + escape.Line(o.Why)
	}
	return text
}

// UnjudgedItem returns an opaque item with its place, after a label.
func UnjudgedItem(label string, o *onward.Opaque) *block.Item {
	item := &block.Item{Text: block.Say(label).Path(FormatPlace(o.Path, o.Line, o.Column)).Say(": " + FormatOpaque(o)), Tone: block.Faint}
	if o.Failed {
		item.Tone = block.Warning
	}
	return item
}

// DescribeUnjudged lists what could not be judged; it is empty if everything was.
func DescribeUnjudged(opaque []onward.Opaque) []block.Block {
	if len(opaque) == 0 {
		return nil
	}
	list := block.List{Depth: 1}
	for i := range opaque {
		list.Items = append(list.Items, *UnjudgedItem("", &opaque[i]))
	}
	return []block.Block{block.Heading{Text: block.Say("not judged")}, list}
}

// MaxSimilar is how many places of similar findings are printed.
const MaxSimilar = 100

// ListRoundFacts returns the facts of a finding in the other rounds of its loop; none for most findings.
func ListRoundFacts(f *onward.Finding) (out []string) {
	for _, place := range f.Also {
		if place.Fact != "" {
			out = append(out, escape.Line(place.Fact))
		}
	}
	return out
}

// ManyMigrations is the least number of migrations for which a table precedes the details.
const ManyMigrations = 11
