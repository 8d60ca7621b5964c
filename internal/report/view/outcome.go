package view

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// DescribeOutcome returns a migration's verdict in a few words.
func DescribeOutcome(x *Index, m *onward.Migration) string {
	s := onward.Summary{}
	severities := make([]onward.Severity, 0, 8)
	for _, f := range x.FindingsOn(m) {
		severities = append(severities, f.Severity)
	}
	for _, r := range x.Repeated[m.Path] {
		if r.Migration == m.ID {
			severities = append(severities, slices.Repeat([]onward.Severity{r.Finding.Severity}, len(r.Lines))...)
		}
	}
	for _, severity := range severities {
		switch severity {
		case onward.Error:
			s.Errors++
		case onward.Warning:
			s.Warnings++
		default:
			s.Infos++
		}
	}
	opaque := len(x.OpaqueIn(m))
	words := countFindings(&s)
	switch {
	case m.Status == onward.StatusReplaced:
		words = append(words, "a plan under way replaces it")
	case opaque > 0: // unjudged code is not ok
		words = append(words, fmt.Sprintf("%d not judged", opaque))
	case len(words) == 0:
		words = append(words, "ok")
	}
	return strings.Join(words, ", ")
}

// MaxEffects bounds the effects of a statement, and the places of a finding, that are shown.
const MaxEffects = 6

// ListStrongestLocks returns the strongest lock on each relation that others use, with the heaviest work under it. Locks that nobody
// notices are left out.
func ListStrongestLocks(m *onward.Migration) []onward.Effect {
	var out []onward.Effect
	indexByRelation := map[string]int{}
	for _, s := range m.Statements {
		for _, e := range ListNoticeable(s.Effects) {
			i, seen := indexByRelation[e.Relation]
			if !seen {
				indexByRelation[e.Relation] = len(out)
				out = append(out, e)
				continue
			}
			o := &out[i]
			o.Lock, o.Work, o.EstimateMS = max(o.Lock, e.Lock), max(o.Work, e.Work), max(o.EstimateMS, e.EstimateMS)
		}
	}
	return slices.DeleteFunc(out, func(e onward.Effect) bool { return e.Lock < onward.ShareUpdateExclusiveLock && e.Work == onward.NoWork })
}

// DescribeChange returns a change in words, and says so if its object is new.
func DescribeChange(c *onward.Change) string {
	text := escape.Line(c.Text)
	if c.New && !strings.HasPrefix(text, "new ") {
		text += " (new)"
	}
	return text
}

// SplitInstead returns the first line of a fix, which is prose, and the lines after it.
func SplitInstead(text string) (words, sql string) {
	words, sql, _ = strings.Cut(strings.TrimSpace(escape.Controls(text)), "\n")
	return words, sql
}

// DocsURL is the URL of the rules' pages.
const DocsURL = "https://github.com/onward-sql/onward/blob/main/docs/"

// RulePage returns the page of a rule. The name is escaped, because a stored report is not trusted.
func RulePage(name string) string { return DocsURL + "rules/" + url.PathEscape(name) + ".md" }

// DescribeVersions returns the versions for which a release was judged, and the file that names the oldest: "Postgres 16 to
// 18 (compose.yaml)".
func DescribeVersions(r *onward.Report) string {
	if r.PostgresFrom == "" {
		return FormatVersions(r.Postgres)
	}
	return FormatVersions(r.Postgres) + " (" + escape.Line(r.PostgresFrom) + ")"
}

// FormatVersions spells major versions: "Postgres 14 to 18", "Postgres 13, 15".
func FormatVersions(majors []int) string {
	switch n := len(majors); {
	case n == 0:
		return "Postgres"
	case n == 1:
		return fmt.Sprintf("Postgres %d", majors[0])
	case majors[n-1]-majors[0] == n-1:
		return fmt.Sprintf("Postgres %d to %d", majors[0], majors[n-1])
	}
	words := make([]string, len(majors))
	for i, m := range majors {
		words[i] = strconv.Itoa(m)
	}
	return "Postgres " + strings.Join(words, ", ")
}

// CountedNoun returns what a report counts: files that the user named have no revisions.
func CountedNoun(r *onward.Report) string {
	if FormatRevisions(r) == "" {
		return "file"
	}
	return "migration"
}

// countFindings returns the counts of findings by severity: "2 errors", "1 note".
func countFindings(s *onward.Summary) []string {
	var out []string
	for _, c := range []struct {
		n    int
		noun string
	}{{s.Errors, "error"}, {s.Warnings, "warning"}, {s.Infos, "note"}} {
		if c.n > 0 {
			out = append(out, prose.CountNoun(c.n, c.noun))
		}
	}
	return out
}

// FormatSummary is the summary in a line: "2 errors in 3 migrations, 1 not judged".
func FormatSummary(r *onward.Report) string {
	return formatSummary(&r.Summary, " in "+prose.CountNoun(r.Summary.Migrations, CountedNoun(r)))
}

// FormatShortSummary is [FormatSummary] for a report whose title counts the migrations.
func FormatShortSummary(r *onward.Report) string { return formatSummary(&r.Summary, "") }

func formatSummary(s *onward.Summary, suffix string) string {
	text := cmp.Or(strings.Join(countFindings(s), ", "), "no findings") + suffix
	if s.Suppressed > 0 {
		text += fmt.Sprintf(", %d suppressed", s.Suppressed)
	}
	if s.Opaque > 0 {
		text += fmt.Sprintf(", %d not judged", s.Opaque)
	}
	return text
}

// FormatVerdict returns the report's sentence, or a default if it has none.
func FormatVerdict(r *onward.Report) string {
	switch {
	case r.Summary.Verdict != "":
		return escape.Line(r.Summary.Verdict)
	case r.Summary.Safe:
		return "safe to deploy"
	case len(r.Summary.Conditions) > 0:
		return "safe to deploy if " + escape.Line(strings.Join(r.Summary.Conditions, ", and "))
	case r.Summary.Withheld != "":
		return "a deploy was not judged"
	case r.Summary.Errors == 0:
		return "not everything could be judged"
	}
	return "not safe to deploy"
}

// FormatRevisions returns what was compared: "main...feature", "main...feature, main is 3 migrations ahead".
func FormatRevisions(r *onward.Report) string {
	base, head := escape.Line(r.Base), escape.Line(r.Head)
	switch {
	case base == "" || head == "":
		return base + head
	case r.Ahead == nil:
		return base + "..." + head
	case r.Ahead.Migrations == 0:
		return base + "..." + head + ", " + base + " is ahead"
	}
	return base + "..." + head + ", " + base + " is " + prose.CountNoun(r.Ahead.Migrations, "migration") + " ahead"
}

// CapitalizeFirst makes the first letter a capital.
func CapitalizeFirst(s string) string {
	if s == "" {
		return "A statement"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
