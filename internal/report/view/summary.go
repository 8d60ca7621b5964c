package view

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

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
