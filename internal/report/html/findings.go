package html

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// pageFinding is a finding in the page's list.
type pageFinding struct {
	// N is its number in the list. Statement is the number of its statement, 0 for none.
	N, Statement                                int
	Severity, Rule, Place, Fact, Harm, Postgres string
	Evidence                                    []string
	Instead, Paste                              string
	// Files are complete, to be pasted. Later is the work that no file has.
	Files []pageFile
	Later string
	// Brief is the fix as part of a sentence.
	Brief string
	// Others are similar findings, which have no entry of their own.
	Others []pageOther
	// Like is the number of an earlier finding with the same fix; 0 for none.
	Like int
}

// pageOther is a finding that is listed with a similar one.
type pageOther struct{ Place, Fact string }

// pageMention is a short form of a finding, next to its statement: the list has the full
// one.
type pageMention struct {
	N              int
	Severity, Fact string
}

// buildFindings builds the page's list of findings, worst first. If one would repeat the harm or
// the fix of an earlier one, it refers to that one instead.
func (b *pageBuilder) buildFindings() {
	all := b.report.Findings
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(all[j].Severity, all[i].Severity) })
	b.rank = make(map[*onward.Finding]int, len(all))
	type said struct{ rule, words string }
	first := map[said]int{}
	for _, i := range order {
		f := newPageFinding(&all[i])
		f.N = len(b.findings) + 1
		if !b.index.IsFirst(&all[i]) {
			continue
		}
		b.rank[&all[i]] = f.N
		if g := b.index.Similar[&all[i]]; g != nil {
			for _, other := range g.OtherFindings() {
				b.rank[other] = f.N
				f.Others = append(f.Others, pageOther{escape.Line(view.FormatPlace(other.Path, other.Line, other.Column)), escape.Line(other.Fact)})
			}
		}
		if out := (said{f.Rule, f.Instead + "\n" + f.Paste + view.DescribeFiles(&all[i])}); out.words != "\n" {
			if f.Like = first[out]; f.Like > 0 {
				f.Instead, f.Paste, f.Files, f.Later = "", "", nil, ""
			} else {
				first[out] = f.N
			}
		}
		if harm := (said{f.Rule, "harm " + f.Harm}); first[harm] > 0 && f.Like > 0 {
			f.Harm = ""
		} else {
			first[harm] = f.N
		}
		b.findings = append(b.findings, f)
	}
}

// splitVerdict splits the verdict at the place of the finding that it names.
func (b *pageBuilder) splitVerdict(verdict string) (before, location, after string, f *pageFinding) {
	for i := range b.report.Findings {
		found := &b.report.Findings[i]
		if found.Severity != onward.Error {
			continue
		}
		place := view.NameLine(found.Path, found.Line)
		if before, after, ok := strings.Cut(verdict, place); ok && (after == "" || after[0] < '0' || after[0] > '9') {
			return before, place, after, &b.findings[b.rank[found]-1]
		}
	}
	return verdict, "", "", nil
}

func newPageFinding(f *onward.Finding) pageFinding {
	out := pageFinding{
		Severity: f.Severity.String(), Rule: escape.Line(f.Rule), Place: escape.Line(view.FormatPlace(f.Path, f.Line, f.Column)),
		Fact: escape.Line(f.Fact), Harm: escape.Line(f.Harm),
	}
	if len(f.Postgres) > 0 {
		out.Postgres = "on " + view.FormatVersions(f.Postgres) + " only"
	}
	for i := range f.Evidence {
		out.Evidence = append(out.Evidence, view.FormatEvidence(&f.Evidence[i]))
	}
	rounds := view.ListRoundFacts(f)
	shown, _ := prose.TakeFirst(rounds, view.MaxSimilar)
	for _, fact := range shown {
		out.Evidence = append(out.Evidence, "in another round: "+fact)
	}
	if n := len(f.Also) - len(rounds); n > 0 {
		out.Evidence = append(out.Evidence, "the same at "+prose.CountNoun(n, "other place"))
	}
	words, sql := view.SplitInstead(f.Instead)
	out.Instead, out.Paste = escape.Line(words), strings.Trim(sql, "\n")
	if out.Files, out.Later = newPageFiles(f), escape.Line(f.Later); len(out.Files) > 0 {
		out.Paste = "" // the files have all of it
	}
	out.Brief = strings.TrimRight(out.Instead, ":. ")
	return out
}

// pageFile is a file in a page.
type pageFile struct{ Path, Text string }

func newPageFiles(f *onward.Finding) []pageFile {
	var out []pageFile
	for _, file := range f.Files {
		out = append(out, pageFile{escape.Line(file.Path), strings.TrimRight(escape.Controls(file.Text), "\n")})
	}
	return out
}
