package view

import (
	"fmt"
	"slices"
	"strings"

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

// leastSimilar is the least number of findings of one rule and severity that are printed as one.
const leastSimilar = 4

// SimilarFindings are findings of one rule and severity: they are printed once, with all their places and one fix.
type SimilarFindings struct {
	// Findings are in the order of the report; the first is printed in full.
	Findings []*onward.Finding
}

// OtherFindings are the findings after the first.
func (s *SimilarFindings) OtherFindings() []*onward.Finding { return s.Findings[1:] }

// groupSimilar maps findings to the groups that are printed as one. Observations of a rehearsal are never grouped.
func groupSimilar(findings []onward.Finding) map[*onward.Finding]*SimilarFindings {
	type key struct {
		rule     string
		severity onward.Severity
	}
	groups := map[key]*SimilarFindings{}
	for i := range findings {
		f := &findings[i]
		if strings.HasPrefix(f.Rule, "rehearsal-") {
			continue
		}
		k := key{f.Rule, f.Severity}
		if groups[k] == nil {
			groups[k] = &SimilarFindings{}
		}
		groups[k].Findings = append(groups[k].Findings, f)
	}
	out := map[*onward.Finding]*SimilarFindings{}
	for _, g := range groups {
		if len(g.Findings) < leastSimilar {
			continue
		}
		for _, f := range g.Findings {
			out[f] = g
		}
	}
	return out
}

// IsFirst reports whether a finding is printed in full: it is the first of its group, or has none.
func (x *Index) IsFirst(f *onward.Finding) bool {
	g := x.Similar[f]
	return g == nil || g.Findings[0] == f
}

// RepeatedFindings maps a path to the findings that were printed once for many places.
type RepeatedFindings map[string][]RepeatedFinding

// RepeatedFinding is a finding with further places in a migration.
type RepeatedFinding struct {
	Finding   *onward.Finding
	Migration string
	Lines     []int
}

func listRepeated(r *onward.Report) RepeatedFindings {
	a := RepeatedFindings{}
	for i := range r.Findings {
		f := &r.Findings[i]
		for _, place := range f.Also {
			if place.Fact != "" {
				continue // a round of a loop, which is printed with the finding
			}
			list := a[place.Path]
			if n := len(list) - 1; n >= 0 && list[n].Finding == f && list[n].Migration == place.Migration {
				list[n].Lines = append(list[n].Lines, place.Line)
				continue
			}
			a[place.Path] = append(list, RepeatedFinding{f, place.Migration, []int{place.Line}})
		}
	}
	return a
}

// Index maps migrations to their findings. Reports of thousands of files have thousands of findings.
type Index struct {
	report   *onward.Report
	findings map[string][]int // path → findings
	opaque   map[string][]int
	Repeated RepeatedFindings
	// Similar maps each finding to the group of similar ones that is printed as one.
	Similar        map[*onward.Finding]*SimilarFindings
	quietDeletions int // how many deleted migrations are unremarked
	// at maps places to the migrations' statements.
	at map[statementPlace]*onward.Statement
}

// statementPlace is the place at which a statement of a migration begins.
type statementPlace struct {
	path, migration string
	line, column    int
}

// NewIndex returns the index of a report.
func NewIndex(r *onward.Report) *Index {
	x := &Index{report: r, findings: map[string][]int{}, opaque: map[string][]int{}, Repeated: listRepeated(r), Similar: groupSimilar(r.Findings)}
	for i := range r.Findings {
		p := r.Findings[i].Path
		x.findings[p] = append(x.findings[p], i)
	}
	for i := range r.Opaque {
		p := r.Opaque[i].Path
		x.opaque[p] = append(x.opaque[p], i)
	}
	for i := range r.Migrations {
		if x.isQuietDeletion(&r.Migrations[i]) {
			x.quietDeletions++
		}
	}
	return x
}

// IsUnremarked reports whether a migration has neither a finding nor an unjudged part.
func (x *Index) IsUnremarked(m *onward.Migration) bool {
	return len(x.FindingsOn(m))+len(x.Repeated[m.Path])+len(x.OpaqueIn(m)) == 0
}

func (x *Index) isQuietDeletion(m *onward.Migration) bool {
	return m.Status == onward.StatusDeleted && x.IsUnremarked(m)
}

// fewDeletions is how many deleted migrations without a finding are listed like all others.
const fewDeletions = 3

// IsListed reports whether a migration is listed. Many deleted migrations without a finding are one line instead, which
// [Index.DescribeDeletions] returns: they do not run.
func (x *Index) IsListed(m *onward.Migration) bool {
	return x.quietDeletions <= fewDeletions || !x.isQuietDeletion(m)
}

// DescribeDeletions describes the deleted migrations that are not listed; "" for none.
func (x *Index) DescribeDeletions() string {
	var files []string
	for i := range x.report.Migrations {
		if m := &x.report.Migrations[i]; !x.IsListed(m) {
			files = append(files, ShortName(escape.Line(m.Path)))
		}
	}
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("%d deleted migrations have no finding of their own: %s", len(files), prose.FirstAndRest(slices.Compact(files), fewDeletions))
}

// FindingsOn returns the findings on a migration.
func (x *Index) FindingsOn(m *onward.Migration) []*onward.Finding {
	var out []*onward.Finding
	for _, i := range x.findings[m.Path] {
		if f := &x.report.Findings[i]; f.Migration == m.ID || f.Migration == "" {
			out = append(out, f)
		}
	}
	return out
}

// StatementOf returns the statement of a finding's position. If several were rendered from one place,
// it is the first; nil if there is none.
func (x *Index) StatementOf(f *onward.Finding) *onward.Statement {
	if x.at == nil {
		x.at = map[statementPlace]*onward.Statement{}
		for i := range x.report.Migrations {
			m := &x.report.Migrations[i]
			for j := range slices.Backward(m.Statements) {
				s := &m.Statements[j]
				x.at[statementPlace{m.Path, m.ID, s.Line, s.Column}] = s
			}
		}
	}
	return x.at[statementPlace{f.Path, f.Migration, f.Line, f.Column}]
}

// OpaqueIn returns the items of a migration that could not be judged.
func (x *Index) OpaqueIn(m *onward.Migration) []*onward.Opaque {
	var out []*onward.Opaque
	for _, i := range x.opaque[m.Path] {
		if o := &x.report.Opaque[i]; o.Migration == m.ID || o.Migration == "" {
			out = append(out, o)
		}
	}
	return out
}

// ListUnassigned returns the findings and the unjudged items that belong to no migration of the report.
func (x *Index) ListUnassigned() (findings []*onward.Finding, opaque []onward.Opaque) {
	type key struct{ id, path string }
	known := map[key]bool{}
	for i := range x.report.Migrations {
		m := &x.report.Migrations[i]
		known[key{m.ID, m.Path}], known[key{"", m.Path}] = true, true
	}
	for i := range x.report.Findings {
		f := &x.report.Findings[i]
		if !known[key{f.Migration, f.Path}] {
			findings = append(findings, f)
		}
	}
	for _, o := range x.report.Opaque {
		if !known[key{o.Migration, o.Path}] {
			opaque = append(opaque, o)
		}
	}
	return findings, opaque
}
