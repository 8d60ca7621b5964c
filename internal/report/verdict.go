package report

import (
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// similarVerdicts groups equal verdicts on several queries with one cause: a column that thirty
// queries name needs one fix.
type similarVerdicts struct {
	*onward.Verdict                   // the first, which is sent most
	all             []*onward.Verdict // including the first
}

// groupVerdicts groups the verdicts of a report, in the order of the first of each group. Outages
// are first. Verdicts that a later step of the release resolves follow.
func groupVerdicts(r *onward.Report) []similarVerdicts {
	type key struct {
		after          onward.VerdictPlace
		code           onward.Code
		kind, text     string
		severity, soft onward.Severity
		until          onward.VerdictPlace
	}
	var out []similarVerdicts
	at := map[key]int{}
	for i := range r.Verdicts {
		d := &r.Verdicts[i]
		k := key{after: d.After, code: d.Code, kind: string(d.Kind), text: verdictHead(d), severity: d.Severity, soft: screenSeverity(d)}
		if d.Until != nil {
			k.until = *d.Until
		}
		n, there := at[k]
		if !there {
			n = len(out)
			at[k] = n
			out = append(out, similarVerdicts{Verdict: d})
		}
		out[n].all = append(out[n].all, d)
	}
	for i := range out {
		slices.SortStableFunc(out[i].all, func(a, b *onward.Verdict) int { return int(b.Calls - a.Calls) })
		out[i].Verdict = out[i].all[0]
	}
	slices.SortStableFunc(out, func(a, b similarVerdicts) int {
		waits := func(l similarVerdicts) int {
			if screenSeverity(l.Verdict) != l.Severity {
				return 1
			}
			return 0
		}
		return waits(a) - waits(b)
	})
	return out
}

// describeSenders says who sends the queries, how often, and for how long they break.
func (l *similarVerdicts) describeSenders() string {
	if len(l.all) == 1 {
		return verdictWho(l.Verdict)
	}
	sum := *l.Verdict
	sum.Calls = 0
	for _, d := range l.all {
		sum.Calls += d.Calls
	}
	if sum.Calls == 0 {
		sum.Sender = l.nameSenders()
	}
	return prose.CountNoun(len(l.all), "query") + ", " + verdictWho(&sum)
}

// nameSenders returns who sends the queries if their frequency is not known.
func (l *similarVerdicts) nameSenders() string {
	var out []string
	for _, d := range l.all {
		if !slices.Contains(out, d.Sender) && d.Sender != "" {
			out = append(out, d.Sender)
		}
	}
	return prose.FirstNames(out, mostSenders)
}

// mostSenders bounds the senders that a verdict names.
const mostSenders = 3
