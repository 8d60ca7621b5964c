// Package queries finds, in a recording of queries, what makes an application slow or wrong
// by the way it queries. Each rule is a file, with a fixture of recordings in testdata for
// its test and its page. The rules are documented, and set in onward.yaml, like the rules
// on migrations.
//
// Recordings come from tests with small tables. The findings therefore rest on counts of
// messages and rows of one call, never on the duration of a query. Migrations, fixtures and
// queries on the catalogs are not judged. No finding here makes a release unsafe.
package queries

import (
	"cmp"
	"embed"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// Rule is one check of a recording. Of rule.Rule it has the name and the texts.
type Rule struct {
	rule.Rule
	check func(*pass)
}

var all = []*Rule{
	foreignKeyUnindexedUsed, joinMultiplies, queryChain, queryForEachRow, readUnbounded, selectStarChanging,
	softDeleteUnfiltered, transactionIdle, transactionReadsOnly,
}

// All are the rules, by name.
func All() []*rule.Rule {
	out := make([]*rule.Rule, len(all))
	for i, r := range all {
		out[i] = &r.Rule
	}
	return out
}

//go:embed testdata/*.txt
var fixtures embed.FS

// Fixture is the text of a rule's fixture; ok is false when there is none.
func Fixture(id string) (text []byte, ok bool) {
	text, err := fixtures.ReadFile("testdata/" + strings.ReplaceAll(id, "-", "_") + ".txt")
	return text, err == nil
}

// Input is what is judged.
type Input struct {
	// Workload is the recording.
	Workload *workload.Workload
	// Deployed is the schema that the recorded code runs on, Head the schema after a
	// release; nil if unknown. Rules that need one report nothing without it.
	Deployed, Head *catalog.Catalog
	// Told are the queries, by ID, of which something else says that a release changes
	// their result.
	Told map[string]bool
	// SoftDelete names columns that say which rows of a table are deleted, by table
	// ("users", "shop.orders"), beside those called deleted_at.
	SoftDelete map[string]string
	// Rows are how many rows tables have, by schema.name; a table that is not here has
	// nobody counted.
	Rows map[string]int64
	// Accept has texts or IDs of queries by rule: findings about them are accepted.
	Accept map[string][]string
	// Severity overrides rules by name; Off switches one off.
	Severity map[string]onward.Severity
}

// JudgeRecording lists what is wrong with the queries of a recording: the worst first, each with
// how often it was seen, and who does it.
func JudgeRecording(in *Input) []onward.QueryFinding {
	p := &pass{Input: in, queries: make(map[string]*workload.Query, len(in.Workload.Queries)), bound: map[string]*text{}, out: []onward.QueryFinding{}}
	for i := range in.Workload.Queries {
		p.queries[in.Workload.Queries[i].ID] = &in.Workload.Queries[i]
	}
	for _, r := range all {
		s, set := in.Severity[r.ID]
		if set && s == onward.Off {
			continue
		}
		from := len(p.out)
		r.check(p)
		for i := from; i < len(p.out); i++ {
			f := &p.out[i]
			if f.Rule = r.ID; set {
				f.Severity = s
			} else if f.Severity == onward.Off {
				f.Severity = r.Severity
			}
			f.Accepted = isAccepted(f, in.Accept[r.ID])
		}
	}
	slices.SortStableFunc(p.out, func(a, b onward.QueryFinding) int {
		return cmp.Or(compareAccepted(&a, &b), cmp.Compare(b.Severity, a.Severity), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(b.Most, a.Most), cmp.Compare(b.Count, a.Count), slices.Compare(a.Queries, b.Queries))
	})
	return p.out
}

// compareAccepted sorts findings that are accepted last.
func compareAccepted(a, b *onward.QueryFinding) int {
	switch {
	case a.Accepted == b.Accepted:
		return 0
	case b.Accepted:
		return -1
	}
	return 1
}

// isAccepted reports whether a finding is about a query of a list.
func isAccepted(f *onward.QueryFinding, list []string) bool {
	return slices.ContainsFunc(list, func(query string) bool { return slices.Contains(f.Queries, query) || strings.Contains(f.SQL, query) })
}

// pass is a recording on its way through the rules.
type pass struct {
	*Input
	queries map[string]*workload.Query
	bound   map[string]*text // by query
	out     []onward.QueryFinding
}

// addFinding notes a finding about queries: the first one is shown, and says who sends it
// where the finding does not.
func (p *pass) addFinding(f onward.QueryFinding, queries ...*workload.Query) {
	for _, q := range queries {
		f.Queries = append(f.Queries, q.ID)
	}
	f.SQL = queries[0].SQL
	if f.Sender == "" {
		f.Sender = workload.DescribeSenders(queries[0].Senders)
	}
	p.out = append(p.out, f)
}

// findTest returns a test that sends a sequence, the most frequent one; "" if none is known.
func findTest(s *workload.Sequence) string {
	for _, sender := range s.Senders {
		if sender.Test != "" {
			return sender.Test
		}
	}
	return ""
}

// eachCodeQuery calls f for each query of the code.
func (p *pass) eachCodeQuery(f func(*workload.Query)) {
	for i := range p.Workload.Queries {
		if q := &p.Workload.Queries[i]; q.IsCode() {
			f(q)
		}
	}
}

// isOnlyReading reports whether a SELECT reads tables, and does no more: a call of a function, and
// a WITH that changes rows, are there for what they do.
func isOnlyReading(q *workload.Query) bool {
	return q.Kind == workload.Select && (len(q.Uses) > 0 || q.Resolved == "") &&
		!slices.ContainsFunc(q.Uses, func(u workload.Use) bool { return len(u.Writes) > 0 || u.Lock == "RowExclusiveLock" })
}
