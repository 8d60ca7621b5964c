package view

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// QueryUser is a program that uses the database, with what a release does to its queries.
type QueryUser struct {
	Name, Words string
	// Severity is Off if none of its queries breaks.
	Severity onward.Severity
}

// ListQueryUsers returns the programs that use the database.
func ListQueryUsers(v *onward.Verification) []QueryUser {
	out := make([]QueryUser, len(v.Consumers))
	for i := range v.Consumers {
		c := &v.Consumers[i]
		out[i] = QueryUser{Name: escape.Line(c.Consumer), Words: consumerWords(c)}
		if c.Code != onward.OldCode {
			out[i].Name += " (" + NameCode(c.Code) + ")"
		}
		switch {
		case c.Broken > 0:
			out[i].Severity = onward.Error
		case c.Warned > 0:
			out[i].Severity = onward.Warning
		}
	}
	return out
}

// consumerWords say what a release does to the queries of one program.
func consumerWords(c *onward.VerifiedConsumer) string {
	var parts []string
	if c.Broken > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s %s", c.Broken, prose.CountNoun(c.Queries, "query"), prose.PickForm(c.Broken, "breaks", "break")))
	}
	if c.Warned > 0 {
		parts = append(parts, prose.CountNoun(c.Warned, "warning"))
	}
	if c.NotJudged > 0 {
		parts = append(parts, fmt.Sprintf("%d not judged", c.NotJudged))
	}
	if c.Broken == 0 {
		parts = append([]string{prose.CountNoun(c.Queries, "query")}, parts...)
	}
	if c.Broken+c.Warned+c.NotJudged == 0 {
		parts = append(parts, "ok")
	}
	return strings.Join(parts, ", ")
}

// ExpiringColumn is a column that will be dropped soon, and who uses it.
type ExpiringColumn struct {
	Name, Words, SQL string
	// Used: a recorded query uses it.
	Used bool
}

// ListExpiringColumns returns the deprecated columns.
func ListExpiringColumns(v *onward.Verification) []ExpiringColumn {
	out := make([]ExpiringColumn, len(v.Deprecated))
	for i := range v.Deprecated {
		d := &v.Deprecated[i]
		out[i] = ExpiringColumn{DeprecatedName(d), DeprecatedWords(d), escape.Line(d.SQL), d.Queries > 0}
	}
	return out
}

// DeprecatedName returns a deprecated column with its table, and its last day.
func DeprecatedName(d *onward.DeprecatedColumn) string {
	name := strings.TrimPrefix(d.Column, "public.")
	switch {
	case d.Past:
		name += ", past its last day " + d.RemoveAfter
	case d.RemoveAfter != "":
		name += ", until " + d.RemoveAfter
	}
	return escape.Line(name)
}

// DeprecatedWords say who uses a deprecated column.
func DeprecatedWords(d *onward.DeprecatedColumn) string {
	switch {
	case d.TableCalls == 0:
		return "the recording has no query on its table, which proves nothing"
	case d.Queries == 0:
		return fmt.Sprintf("nobody used it in %s on its table", CountCalls(d.TableCalls))
	}
	text := fmt.Sprintf("used by %s in %s", prose.CountNoun(d.Queries, "recorded query"), CountCalls(d.Calls))
	if consumers := consumerNames(d); consumers != "" {
		return escape.Line(text + ": " + consumers)
	}
	if d.Sender != "" {
		text += ", most of them from " + d.Sender
	}
	return escape.Line(text)
}

// consumerNames lists the programs that use a deprecated column; "" if the recording names none.
func consumerNames(d *onward.DeprecatedColumn) string {
	var out []string
	hasName := false
	for i := range d.Consumers {
		u := &d.Consumers[i]
		name := u.Consumer
		if hasName = hasName || name != ""; name == "" {
			name = "others"
		}
		text := fmt.Sprintf("%s (%s", name, CountCalls(u.Calls))
		if u.Sender != "" && u.Sender != name {
			text += ", " + u.Sender
		}
		out = append(out, text+")")
	}
	if !hasName {
		return ""
	}
	return strings.Join(out, ", ")
}

// DescribeSunset say in a line which column goes when, and who uses it.
func DescribeSunset(d *onward.DeprecatedColumn) string {
	return DeprecatedName(d) + ": " + DeprecatedWords(d)
}

// AskedQuery is a finding about a recorded query itself.
type AskedQuery struct {
	Severity            onward.Severity
	Words, SQL, Instead string
}

// mostAsks is how many findings about the queries themselves a report of a release shows.
const mostAsks = 3

// ListAskedQueries returns the first findings about recorded queries, and says how many are not shown; "" if all are.
func ListAskedQueries(v *onward.Verification) (list []AskedQuery, rest string) {
	asks, more := prose.TakeFirst(v.Asks, mostAsks)
	for i := range asks {
		f := &asks[i]
		list = append(list, AskedQuery{f.Severity, describeQueryFinding(f), escape.Line(f.SQL), escape.Line(f.Instead)})
	}
	if more > 0 {
		rest = fmt.Sprintf("%d more: onward workload check FILE", more)
	}
	return list, rest
}

// describeQueryFinding returns such a finding in a line: what, who, how often.
func describeQueryFinding(f *onward.QueryFinding) string {
	text := f.Fact + " (" + f.Rule + ", seen " + FormatTimes(f.Count)
	if f.Sender != "" {
		text += ", by " + f.Sender
	}
	if f.Test != "" && f.Test != f.Sender {
		text += ", in test " + f.Test
	}
	return escape.Line(text + ")")
}

// FormatTimes returns how often something was seen.
func FormatTimes(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
