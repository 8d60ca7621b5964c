package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// NamePoint returns a commit point's name: "base", "00043_rename.sql:4".
func NamePoint(p *onward.VerdictPlace) string {
	if p.Path == "" {
		return "base"
	}
	return NameLine(p.Path, p.Line)
}

// cellWords returns the state of one code at a point, and its severity; Off: no failure.
func cellWords(r *onward.Report, code onward.Code, i int) (string, onward.Severity) {
	v := r.Verification
	c := CellAt(v, i, code)
	switch {
	case code == onward.NewCode && v.New == nil && v.Old != nil && v.Old.Parsed != nil:
		return "no query found", onward.Off
	case code == onward.NewCode && v.New == nil:
		return "not recorded", onward.Off
	case c.Errors > 0 && allNeedLater(r, c):
		return fmt.Sprintf("%d %s a later schema", c.Errors, prose.PickForm(c.Errors, "needs", "need")), onward.Warning
	case c.Errors > 0 && c.Warnings > 0:
		return fmt.Sprintf("%d %s, %s", c.Errors, prose.PickForm(c.Errors, "breaks", "break"), prose.CountNoun(c.Warnings, "warning")), onward.Error
	case c.Errors > 0:
		return fmt.Sprintf("%d %s", c.Errors, prose.PickForm(c.Errors, "breaks", "break")), onward.Error
	case c.Warnings > 0:
		return prose.CountNoun(c.Warnings, "warning"), onward.Warning
	}
	return "ok", onward.Off
}

// allNeedLater reports whether all queries that fail at a point only need a later schema.
func allNeedLater(r *onward.Report, c *onward.Cell) bool {
	return !slices.ContainsFunc(c.Verdicts, func(i int) bool {
		return i < len(r.Verdicts) && r.Verdicts[i].Severity == onward.Error && !NeedsLater(&r.Verdicts[i])
	})
}

// DescribeFailure is a verdict in a line: its kind and the server's words.
func DescribeFailure(d *onward.Verdict) string {
	text := escape.Line(d.Message)
	if d.SQLState != "" {
		text += " (" + escape.Line(d.SQLState) + ")"
	}
	if d.MadeValues {
		text += ", executed with made values"
	}
	return text
}

// DescribeSender says who sends a query, how often, if that is known, and for how long it
// breaks.
func DescribeSender(d *onward.Verdict) string {
	var parts []string
	if d.Sender != "" && d.Sender != d.Test {
		parts = append(parts, escape.Line(d.Sender))
	}
	if d.Calls > 0 {
		parts = append(parts, CountCalls(d.Calls))
	}
	if len(d.Consumers) > 0 {
		parts = append(parts, escape.Line(strings.Join(d.Consumers, ", ")))
	}
	if d.Test != "" {
		parts = append(parts, "test: "+escape.Line(d.Test))
	}
	switch {
	case NeedsLater(d):
		parts = append(parts, "works from "+NamePoint(d.Until)+" on")
	case d.Until != nil:
		parts = append(parts, "until "+NamePoint(d.Until))
	}
	return strings.Join(parts, " · ")
}

// CountCalls counts the calls of a query in a recording: "5,021 recorded calls".
func CountCalls(n int64) string {
	return GroupDigits(int(n)) + " " + prose.Pluralize(n, "recorded call")
}

// describePhase returns the phase of a migration.
func describePhase(b onward.Belongs) string {
	switch b {
	case onward.BelongsBefore:
		return "before the code"
	case onward.BelongsAfter:
		return "after the code"
	case onward.BelongsNowhere:
		return "no order works"
	}
	return "before or after"
}

// waitingWords says whom a statement's locks block: "blocks 14 recorded queries on users,
// 83% of recorded calls".
func waitingWords(w *onward.Waiting) string {
	names := make([]string, len(w.Relations))
	for i, name := range w.Relations {
		names[i] = escape.Line(name)
	}
	text, from := fmt.Sprintf("blocks %s on %s", prose.CountNoun(w.Queries, "recorded query"), strings.Join(names, ", ")), "most of them from"
	if w.Calls > 0 {
		text += fmt.Sprintf(", %s of recorded calls", formatShare(w.Share))
	} else { // their frequency is not known
		text, from = fmt.Sprintf("blocks %s on %s", prose.CountNoun(w.Queries, "query"), strings.Join(names, ", ")), "such as"
	}
	if len(w.Examples) > 0 && w.Examples[0].Sender != "" {
		text += ", " + from + " " + escape.Line(w.Examples[0].Sender)
	}
	return text
}

// formatShare is a part of a whole in percent.
func formatShare(part float64) string {
	switch percent := part * 100; {
	case percent > 0 && percent < 1:
		return "less than 1 %"
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}

// CountVerified says how many queries were checked, and how.
func CountVerified(r *onward.Report) []string {
	v := r.Verification
	var out []string
	for _, version := range ListVersions(v) {
		n := version.Queries
		if n == nil || n.Queries == 0 {
			continue
		}
		name := strings.TrimPrefix(NameCodeInSentence(version.Code), "the ")
		if n.Parsed != nil {
			if strings.HasPrefix(string(version.Code), onward.FurtherPrefix) {
				name = "code" // the coverage has the revision
			}
			out = append(out, name+" "+DescribeCoverage(n))
			continue
		}
		text := fmt.Sprintf("%s: %s, %d checked, %d proven untouched", name, prose.CountNoun(n.Queries, "query"), n.Checked, n.Untouched)
		if n.Unjudged > 0 {
			text += fmt.Sprintf(", %d not judged", n.Unjudged)
		}
		if n.Unfit > 0 {
			text += fmt.Sprintf(", %d that %s not fit the base", n.Unfit, prose.PickForm(n.Unfit, "does", "do"))
		}
		out = append(out, text)
	}
	if n := v.Replay; n != nil {
		text := fmt.Sprintf("executed with values: %s of %s on the deployed schema, and at %s", prose.CountNoun(n.Statements, "statement"),
			prose.CountNoun(n.Sessions, "session"), prose.CountNoun(n.Points, "commit point"))
		if n.Unlike > 0 {
			text += fmt.Sprintf("; %d did not end there as recorded", n.Unlike)
		}
		if n.Fixtures > 0 {
			text += "; the release ran on the rows of " + prose.CountNoun(n.Fixtures, "test")
		}
		out = append(out, text)
	}
	if n := v.MadeValues; n != nil {
		text := fmt.Sprintf("executed with made values: %s, with %s, at %s", prose.CountNoun(n.Queries, "query"),
			prose.CountNoun(n.Executions, "value list"), prose.CountNoun(n.Points, "commit point"))
		if n.Rowless > 0 {
			text += fmt.Sprintf("; %d found no row", n.Rowless)
		}
		for _, l := range n.Left {
			text += fmt.Sprintf("; %d not, as they %s", l.Queries, escape.Line(l.Why))
		}
		out = append(out, text)
	}
	if asked := describeAskingRoles(v); asked != "" {
		out = append(out, asked)
	}
	return append(out, fmt.Sprintf("%s on Postgres %s, %s", prose.CountNoun(len(v.Points), "commit point"), escape.Line(v.Version), FormatMillis(v.DurationMS)))
}

// describeAskingRoles says as which roles queries were asked; "" if all were asked as the owner.
func describeAskingRoles(v *onward.Verification) string {
	var parts []string
	for _, r := range v.Roles {
		name := escape.Line(r.Role)
		if name == "" {
			name = "the owner"
		}
		parts = append(parts, fmt.Sprintf("%s: %d", name, r.Queries))
	}
	if len(parts) == 0 || len(parts) == 1 && v.Roles[0].Role == "" {
		return ""
	}
	return "asked as " + strings.Join(parts, ", ")
}

// DescribeCoverage says how much of a code's queries was checked, if they were read from the
// code.
func DescribeCoverage(v *onward.Verified) string {
	p := v.Parsed
	var from, not []string
	if p.Texts > 0 {
		from = append(from, GroupDigits(p.Texts)+" in SQL")
	}
	if p.Implied > 0 {
		from = append(from, fmt.Sprintf("%s that %s imply", GroupDigits(p.Implied), prose.CountNoun(p.Models, "model")))
	}
	text := fmt.Sprintf("at %s: %s read from %s", escape.Line(p.Revision), prose.CountNoun(v.Queries, "query"), prose.CountNoun(p.Files, "file"))
	if len(from) > 0 {
		text += " (" + strings.Join(from, ", ") + ")"
	}
	if v.Checked+v.Untouched > 0 {
		text += fmt.Sprintf(", %s checked, %s proven untouched", GroupDigits(v.Checked), GroupDigits(v.Untouched))
	}
	for _, left := range []struct {
		n    int
		what string
	}{
		{
			v.Unjudged, "not judged",
		}, {
			p.Open, "put together as the program runs",
		}, {p.Built, "built by calls of a mapper" + describeBuiltFiles(p.BuiltIn)}, {p.Bare, "of models that do not say their columns"},
		{v.Unfit, "that fit another schema"},
	} {
		if left.n > 0 {
			not = append(not, GroupDigits(left.n)+" "+left.what)
		}
	}
	if len(not) > 0 {
		text += "; not looked at: " + strings.Join(not, ", ")
	}
	return text
}

// QueryNoun returns the reports' word for a query of a code.
func QueryNoun(v *onward.Verified) string {
	if v != nil && v.Parsed != nil {
		return "query"
	}
	return "recorded query"
}

// ScreenSeverity returns a verdict's severity on a screen. A query that only needs a later schema is no outage.
func ScreenSeverity(d *onward.Verdict) onward.Severity {
	if NeedsLater(d) {
		return onward.Warning
	}
	return d.Severity
}
