package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// pointName is a commit point as reports name it: "base", "00043_rename.sql:4".
func pointName(p *onward.VerdictPlace) string {
	if p.Path == "" {
		return "base"
	}
	return Line(fmt.Sprintf("%s:%d", ShortName(p.Path), p.Line))
}

// rowName is the name of a row of the matrix.
func rowName(r *onward.Report, i int) string { return pointName(&r.Verification.Points[i].After) }

// cellWords say what stands against one code at a point, and its severity; Off: nothing.
func cellWords(r *onward.Report, code onward.Code, i int) (string, onward.Severity) {
	v := r.Verification
	c, of := &v.Points[i].Old, v.Old
	if code == onward.NewCode {
		c, of = &v.Points[i].New, v.New
	}
	switch {
	case of == nil && v.Old != nil && v.Old.Parsed != nil:
		return "no query found", onward.Off
	case of == nil:
		return "not recorded", onward.Off
	case c.Errors > 0 && code == onward.NewCode && allEnd(r, c):
		return fmt.Sprintf("%d %s a later schema", c.Errors, verb(c.Errors, "needs", "need")), onward.Warning
	case c.Errors > 0 && c.Warnings > 0:
		return fmt.Sprintf("%d %s, %s", c.Errors, verb(c.Errors, "breaks", "break"), Count(c.Warnings, "warning")), onward.Error
	case c.Errors > 0:
		return fmt.Sprintf("%d %s", c.Errors, verb(c.Errors, "breaks", "break")), onward.Error
	case c.Warnings > 0:
		return Count(c.Warnings, "warning"), onward.Warning
	}
	return "ok", onward.Off
}

// allEnd reports whether all that stands against a code at a point ends later.
func allEnd(r *onward.Report, c *onward.Cell) bool {
	return !slices.ContainsFunc(c.Verdicts, func(i int) bool {
		return i < len(r.Verdicts) && r.Verdicts[i].Severity == onward.Error && r.Verdicts[i].Until == nil
	})
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// codeWords name a code.
func codeWords(c onward.Code) string {
	if c == onward.NewCode {
		return "new code"
	}
	return "old code"
}

// verdictHead is a verdict in a line: its kind and the server's words.
func verdictHead(d *onward.Verdict) string {
	text := Line(d.Message)
	if d.SQLState != "" {
		text += " (" + Line(d.SQLState) + ")"
	}
	return text
}

// verdictWho says who sends a query, how often, where that is known, and for how long it
// breaks.
func verdictWho(d *onward.Verdict) string {
	var parts []string
	if d.Calls > 0 {
		parts = append(parts, calls(d.Calls))
	}
	if d.Sender != "" {
		parts = append(parts, Line(d.Sender))
	}
	switch {
	case d.Until != nil && d.Code == onward.NewCode:
		parts = append(parts, "works from "+pointName(d.Until)+" on")
	case d.Until != nil:
		parts = append(parts, "until "+pointName(d.Until))
	}
	return strings.Join(parts, " · ")
}

func calls(n int64) string { return grouped(int(n)) + " " + plural(n, "recorded call") }

// belongsWords say where a migration belongs.
func belongsWords(b onward.Belongs) string {
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

// waitingWords say whom a statement's locks make wait: "blocks 14 recorded queries on
// users, 83% of recorded calls".
func waitingWords(w *onward.Waiting) string {
	names := make([]string, len(w.Relations))
	for i, name := range w.Relations {
		names[i] = Line(name)
	}
	text, from := fmt.Sprintf("blocks %s on %s", Count(w.Queries, "recorded query"), strings.Join(names, ", ")), "most of them from"
	if w.Calls > 0 {
		text += fmt.Sprintf(", %s of recorded calls", share(w.Share))
	} else { // nobody knows how often they are sent
		text, from = fmt.Sprintf("blocks %s on %s", Count(w.Queries, "query"), strings.Join(names, ", ")), "such as"
	}
	if len(w.Examples) > 0 && w.Examples[0].Sender != "" {
		text += ", " + from + " " + Line(w.Examples[0].Sender)
	}
	return text
}

// share is a part of a whole in percent.
func share(part float64) string {
	switch percent := part * 100; {
	case percent > 0 && percent < 1:
		return "less than 1 %"
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}

// verifiedCounts say how many queries were looked at, and how.
func verifiedCounts(r *onward.Report) []string {
	v := r.Verification
	var out []string
	for _, c := range []struct {
		name string
		of   *onward.Verified
	}{{"deployed code", v.Old}, {"new code", v.New}} {
		if c.of == nil || c.of.Queries == 0 {
			continue
		}
		if c.of.Parsed != nil {
			out = append(out, c.name+" "+Coverage(c.of))
			continue
		}
		text := fmt.Sprintf("%s: %s, %d checked, %d proven untouched", c.name, Count(c.of.Queries, "query"), c.of.Checked, c.of.Untouched)
		if c.of.Unfit > 0 {
			text += fmt.Sprintf(", %d that %s not fit the base", c.of.Unfit, verb(c.of.Unfit, "does", "do"))
		}
		out = append(out, text)
	}
	return append(out, fmt.Sprintf("%s on Postgres %s, %s", Count(len(v.Points), "commit point"), Line(v.Version), Millis(v.DurationMS)))
}

// Coverage says how much of a code was looked at whose queries were read from it.
func Coverage(v *onward.Verified) string {
	p := v.Parsed
	var from, not []string
	if p.Texts > 0 {
		from = append(from, grouped(p.Texts)+" in SQL")
	}
	if p.Implied > 0 {
		from = append(from, fmt.Sprintf("%s that %s imply", grouped(p.Implied), Count(p.Models, "model")))
	}
	text := fmt.Sprintf("at %s: %s read from %s", Line(p.Revision), Count(v.Queries, "query"), Count(p.Files, "file"))
	if len(from) > 0 {
		text += " (" + strings.Join(from, ", ") + ")"
	}
	if v.Checked+v.Untouched > 0 {
		text += fmt.Sprintf(", %s checked, %s proven untouched", grouped(v.Checked), grouped(v.Untouched))
	}
	for _, left := range []struct {
		n    int
		what string
	}{
		{p.Open, "put together as the program runs"}, {p.Built, "built by calls of a mapper"}, {p.Bare, "of models that do not say their columns"}, {v.Unfit, "that fit another schema"},
	} {
		if left.n > 0 {
			not = append(not, grouped(left.n)+" "+left.what)
		}
	}
	if len(not) > 0 {
		text += "; not looked at: " + strings.Join(not, ", ")
	}
	return text
}

// QueryNoun is what reports call one of a code's queries.
func QueryNoun(v *onward.Verified) string {
	if v != nil && v.Parsed != nil {
		return "query"
	}
	return "recorded query"
}

// told are the points of the matrix that say something: those at which anything begins
// or ends, the base and the last.
func told(r *onward.Report) []bool {
	points := r.Verification.Points
	out := make([]bool, len(points))
	for i := range points {
		out[i] = i == 0 || i == len(points)-1 || !slices.Equal(points[i].Old.Verdicts, points[i-1].Old.Verdicts) || !slices.Equal(points[i].New.Verdicts, points[i-1].New.Verdicts)
	}
	return out
}

// later is a verdict's severity on a screen: what new code needs and comes later in the
// release is no outage, if the code does.
func later(d *onward.Verdict) onward.Severity {
	if d.Code == onward.NewCode && d.Until != nil {
		return onward.Warning
	}
	return d.Severity
}
