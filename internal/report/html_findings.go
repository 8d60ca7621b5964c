package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// htmlFinding is a finding in the page's list.
type htmlFinding struct {
	// N is its number in the list, Statement that of its statement, 0 for none.
	N, Statement                                int
	Severity, Rule, Place, Fact, Harm, Postgres string
	Evidence                                    []string
	Instead, Paste                              string
	// Files are whole, to be pasted; Later is what is in none of them.
	Files []htmlFile
	Later string
	// Brief is the way out as part of a sentence.
	Brief string
	// Like is the finding before it that has the same way out; 0 for none.
	Like int
}

// htmlMention is a finding at its statement: the list has it in full.
type htmlMention struct {
	N              int
	Severity, Fact string
}

// list makes the page's list of findings, worst first. Where one would repeat
// the harm or the way out of one before it, it names that one instead.
func (b *htmlBuilder) list() {
	all := b.report.Findings
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(all[j].Severity, all[i].Severity) })
	b.rank = make(map[*onward.Finding]int, len(all))
	type said struct{ rule, words string }
	first := map[said]int{}
	for n, i := range order {
		f := inPage(&all[i])
		f.N = n + 1
		b.rank[&all[i]] = f.N
		if out := (said{f.Rule, f.Instead + "\n" + f.Paste + filesWords(&all[i])}); out.words != "\n" {
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

// guilty parts the verdict at the place of the finding that it names.
func (b *htmlBuilder) guilty(verdict string) (before, at, after string, f *htmlFinding) {
	for i := range b.report.Findings {
		found := &b.report.Findings[i]
		if found.Severity != onward.Error {
			continue
		}
		place := Line(ShortName(found.Path) + ":" + strconv.Itoa(found.Line))
		if before, after, ok := strings.Cut(verdict, place); ok && (after == "" || after[0] < '0' || after[0] > '9') {
			return before, place, after, &b.findings[b.rank[found]-1]
		}
	}
	return verdict, "", "", nil
}

func inPage(f *onward.Finding) htmlFinding {
	out := htmlFinding{
		Severity: f.Severity.String(), Rule: Line(f.Rule), Place: Line(place(f.Path, f.Line, f.Column)),
		Fact: Line(f.Fact), Harm: Line(f.Harm),
	}
	if len(f.Postgres) > 0 {
		out.Postgres = "on " + Versions(f.Postgres) + " only"
	}
	for i := range f.Evidence {
		out.Evidence = append(out.Evidence, evidence(&f.Evidence[i]))
	}
	if n := len(f.Also); n > 0 {
		out.Evidence = append(out.Evidence, "the same at "+Count(n, "other place"))
	}
	words, sql, _ := strings.Cut(strings.TrimSpace(Visible(f.Instead)), "\n")
	out.Instead, out.Paste = Line(words), strings.Trim(sql, "\n")
	if out.Files, out.Later = inPageFiles(f), Line(f.Later); len(out.Files) > 0 {
		out.Paste = "" // they say it whole
	}
	out.Brief = strings.TrimRight(out.Instead, ":. ")
	return out
}
