package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// queryUser is a program that uses the database, with what a release does to its queries.
type queryUser struct {
	name, words string
	// severity is Off if none of its queries breaks.
	severity onward.Severity
}

// listQueryUsers returns the programs that use the database.
func listQueryUsers(v *onward.Verification) []queryUser {
	out := make([]queryUser, len(v.Consumers))
	for i := range v.Consumers {
		c := &v.Consumers[i]
		out[i] = queryUser{name: EscapeLine(c.Consumer), words: consumerWords(c)}
		if c.Code == onward.NewCode {
			out[i].name += " (new code)"
		}
		switch {
		case c.Broken > 0:
			out[i].severity = onward.Error
		case c.Warned > 0:
			out[i].severity = onward.Warning
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

// deprecatedUse is a column that will be dropped soon, and who uses it.
type deprecatedUse struct {
	name, words, sql string
	// used: a recorded query uses it.
	used bool
}

// listDeprecatedUses returns the deprecated columns.
func listDeprecatedUses(v *onward.Verification) []deprecatedUse {
	out := make([]deprecatedUse, len(v.Deprecated))
	for i := range v.Deprecated {
		d := &v.Deprecated[i]
		out[i] = deprecatedUse{deprecatedName(d), deprecatedWords(d), EscapeLine(d.SQL), d.Queries > 0}
	}
	return out
}

// deprecatedName returns a deprecated column with its table, and its last day.
func deprecatedName(d *onward.DeprecatedColumn) string {
	name := strings.TrimPrefix(d.Column, "public.")
	switch {
	case d.Past:
		name += ", past its last day " + d.RemoveAfter
	case d.RemoveAfter != "":
		name += ", until " + d.RemoveAfter
	}
	return EscapeLine(name)
}

// deprecatedWords say who uses a deprecated column.
func deprecatedWords(d *onward.DeprecatedColumn) string {
	switch {
	case d.TableCalls == 0:
		return "the recording has no query on its table, which proves nothing"
	case d.Queries == 0:
		return fmt.Sprintf("nobody used it in %s on its table", countCalls(d.TableCalls))
	}
	text := fmt.Sprintf("used by %s in %s", prose.CountNoun(d.Queries, "recorded query"), countCalls(d.Calls))
	if named := consumerNames(d); named != "" {
		return EscapeLine(text + ": " + named)
	}
	if d.Sender != "" {
		text += ", most of them from " + d.Sender
	}
	return EscapeLine(text)
}

// consumerNames lists the programs that use a deprecated column; "" if the recording names none.
func consumerNames(d *onward.DeprecatedColumn) string {
	var out []string
	named := false
	for i := range d.Consumers {
		u := &d.Consumers[i]
		name := u.Consumer
		if named = named || name != ""; name == "" {
			name = "others"
		}
		text := fmt.Sprintf("%s (%s", name, countCalls(u.Calls))
		if u.Sender != "" && u.Sender != name {
			text += ", " + u.Sender
		}
		out = append(out, text+")")
	}
	if !named {
		return ""
	}
	return strings.Join(out, ", ")
}

// SunsetWords say in a line which column goes when, and who uses it.
func SunsetWords(d *onward.DeprecatedColumn) string {
	return deprecatedName(d) + ": " + deprecatedWords(d)
}

// askedQuery is a finding about a recorded query itself.
type askedQuery struct {
	severity            onward.Severity
	words, sql, instead string
}

// mostAsks is how many findings about the queries themselves a report of a release shows.
const mostAsks = 3

// listAskedQueries returns the first findings about recorded queries, and says how many are not shown; "" if all are.
func listAskedQueries(v *onward.Verification) (list []askedQuery, rest string) {
	asks, more := prose.TakeFirst(v.Asks, mostAsks)
	for i := range asks {
		f := &asks[i]
		list = append(list, askedQuery{f.Severity, askWords(f), EscapeLine(f.SQL), EscapeLine(f.Instead)})
	}
	if more > 0 {
		rest = fmt.Sprintf("%d more: onward workload check FILE", more)
	}
	return list, rest
}

// askWords returns such a finding in a line: what, who, how often.
func askWords(f *onward.QueryFinding) string {
	text := f.Fact + " (" + f.Rule + ", seen " + formatTimes(f.Count)
	if f.Sender != "" {
		text += ", by " + f.Sender
	}
	return EscapeLine(text + ")")
}

// formatTimes returns how often something was seen.
func formatTimes(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
