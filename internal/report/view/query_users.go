package view

import (
	"fmt"
	"slices"
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

// mostBuilt is how many files with built queries a line names.
const mostBuilt = 3

// describeBuiltFiles says, as the end of a sentence, in which files queries are built by calls, and how to see them.
func describeBuiltFiles(files []onward.BuiltFile) string {
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf(" in %s (%s; record them: onward record)", prose.CountNoun(len(files), "file"), nameBuiltFiles(files))
}

// nameBuiltFiles names the files with the most places, and counts the others.
func nameBuiltFiles(files []onward.BuiltFile) string {
	var names []string
	for _, f := range files {
		names = append(names, escape.Line(f.Path)+" "+GroupDigits(f.Places))
	}
	return prose.FirstNames(names, mostBuilt)
}

// DescribeBuiltQueries says how many places of the deployed code build queries that onward could not read; "" for none. The
// coverage of verified code has the same count.
func DescribeBuiltQueries(r *onward.Report) string {
	b := r.BuiltQueries
	if b == nil || r.Verification != nil {
		return ""
	}
	return fmt.Sprintf("not read: %s of the code at %s that build queries by calls of a mapper%s",
		prose.CountNoun(b.Places, "place"), escape.Line(b.Revision), describeBuiltFiles(b.Files))
}

// SimilarVerdicts groups equal verdicts on several queries with one cause: a column that thirty
// queries name needs one fix.
type SimilarVerdicts struct {
	*onward.Verdict                   // the first, which is sent most
	All             []*onward.Verdict // including the first
	// Others are groups of other versions of the code whose queries break in the same way, at the same statement.
	Others []SimilarVerdicts
}

// GroupVerdicts groups the verdicts of a report, in the order of the first of each group. Outages
// are first. Verdicts that a later step of the release resolves follow.
func GroupVerdicts(r *onward.Report) []SimilarVerdicts {
	type key struct {
		after          onward.VerdictPlace
		code           onward.Code
		kind, text     string
		severity, soft onward.Severity
		until          onward.VerdictPlace
	}
	var out []SimilarVerdicts
	indexByKey := map[key]int{}
	for i := range r.Verdicts {
		d := &r.Verdicts[i]
		k := key{after: d.After, code: d.Code, kind: string(d.Kind), text: DescribeFailure(d), severity: d.Severity, soft: ScreenSeverity(d)}
		if d.Until != nil {
			k.until = *d.Until
		}
		n, exists := indexByKey[k]
		if !exists {
			n = len(out)
			indexByKey[k] = n
			out = append(out, SimilarVerdicts{Verdict: d})
		}
		out[n].All = append(out[n].All, d)
	}
	for i := range out {
		slices.SortStableFunc(out[i].All, func(a, b *onward.Verdict) int { return int(b.Calls - a.Calls) })
		out[i].Verdict = out[i].All[0]
	}
	slices.SortStableFunc(out, func(a, b SimilarVerdicts) int {
		waits := func(l SimilarVerdicts) int {
			if ScreenSeverity(l.Verdict) != l.Severity {
				return 1
			}
			return 0
		}
		return waits(a) - waits(b)
	})
	return out
}

// DescribeSenders says who sends the queries, how often, and for how long they break.
func (l *SimilarVerdicts) DescribeSenders() string {
	if len(l.All) == 1 {
		return DescribeSender(l.Verdict)
	}
	sum := *l.Verdict
	sum.Calls = 0
	for _, d := range l.All {
		sum.Calls += d.Calls
	}
	if sum.Calls == 0 {
		sum.Sender = l.nameSenders()
	}
	return prose.CountNoun(len(l.All), "query") + ", " + DescribeSender(&sum)
}

// nameSenders returns who sends the queries if their frequency is not known.
func (l *SimilarVerdicts) nameSenders() string {
	var out []string
	for _, d := range l.All {
		if !slices.Contains(out, d.Sender) && d.Sender != "" {
			out = append(out, d.Sender)
		}
	}
	return prose.FirstNames(out, mostSenders)
}

// mostSenders bounds the senders that a verdict names.
const mostSenders = 3
