package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// like are verdicts that say the same of several queries, with one cause: a column that
// thirty queries name is one thing to mend.
type like struct {
	*onward.Verdict                   // the first, which is sent most
	all             []*onward.Verdict // it among them
}

// alike puts the verdicts of a report together, in the order of the first of each; what
// comes later in the release, and is no outage, behind all that is one.
func alike(r *onward.Report) []like {
	type key struct {
		after          onward.VerdictPlace
		code           onward.Code
		kind, text     string
		severity, soft onward.Severity
		until          onward.VerdictPlace
	}
	var out []like
	at := map[key]int{}
	for i := range r.Verdicts {
		d := &r.Verdicts[i]
		k := key{after: d.After, code: d.Code, kind: string(d.Kind), text: verdictHead(d), severity: d.Severity, soft: later(d)}
		if d.Until != nil {
			k.until = *d.Until
		}
		n, there := at[k]
		if !there {
			n = len(out)
			at[k] = n
			out = append(out, like{Verdict: d})
		}
		out[n].all = append(out[n].all, d)
	}
	for i := range out {
		slices.SortStableFunc(out[i].all, func(a, b *onward.Verdict) int { return int(b.Calls - a.Calls) })
		out[i].Verdict = out[i].all[0]
	}
	slices.SortStableFunc(out, func(a, b like) int {
		waits := func(l like) int {
			if later(l.Verdict) != l.Severity {
				return 1
			}
			return 0
		}
		return waits(a) - waits(b)
	})
	return out
}

// who says who sends the queries, how often, and for how long they break.
func (l *like) who() string {
	if len(l.all) == 1 {
		return verdictWho(l.Verdict)
	}
	sum := *l.Verdict
	sum.Calls = 0
	for _, d := range l.all {
		sum.Calls += d.Calls
	}
	if sum.Calls == 0 {
		sum.Sender = l.senders()
	}
	return Count(len(l.all), "query") + ", " + verdictWho(&sum)
}

// senders are those of queries of which nobody knows how often they are sent.
func (l *like) senders() string {
	var out []string
	for _, d := range l.all {
		if !slices.Contains(out, d.Sender) && d.Sender != "" {
			out = append(out, d.Sender)
		}
	}
	if more := len(out) - mostSenders; more > 0 {
		return strings.Join(out[:mostSenders], ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(out, ", ")
}

// mostSenders bounds the places that a verdict names.
const mostSenders = 3
