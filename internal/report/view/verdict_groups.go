package view

import (
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

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
