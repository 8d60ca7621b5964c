package traffic

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/onward"
)

// Recorded summarizes the use of recordings.
type Recorded struct {
	// Queries counts the distinct queries of the code in the recordings. Run counts those
	// in the load, Touching those of them that use a relation of the release.
	Queries, Run, Touching int
	// Transactions counts the distinct transactions that were run. Unwrapped:
	// transactions that were rolled back were not run as such, because most were, as in a
	// test suite that wraps its tests so.
	Transactions int
	Unwrapped    bool
	// Left are the queries outside of the load, by reason.
	Left []onward.LeftOut
	// MadeUp are relations of the release without a recorded query, for which queries
	// were made up.
	MadeUp []string
	// Sent is how often each query was sent after the load had begun, by its ID.
	// TouchingSent is how many of Touching were sent. Tried also counts those that were
	// sent only after the load had ended.
	Sent                map[string]int64
	TouchingSent, Tried int
}

// Limits for the examples of queries that were left out.
const (
	fewExamples  = 3
	moreExamples = 20 // for queries that the deployed schema refuses: the recording is from another schema
)

// leftOut collects the queries outside of the load.
type leftOut struct{ list []onward.LeftOut }

func (l *leftOut) addQuery(q *recordedQuery, reason string, err *onward.ServerError) {
	index := slices.IndexFunc(l.list, func(o onward.LeftOut) bool { return o.Why == reason })
	if index < 0 {
		index = len(l.list)
		l.list = append(l.list, onward.LeftOut{Why: reason})
	}
	o := &l.list[index]
	o.Queries++
	o.Calls += q.Calls
	most := fewExamples
	if reason == leftRefused {
		most = moreExamples
	}
	if len(o.Examples) < most {
		o.Examples = append(o.Examples, onward.LeftQuery{ID: q.ID, Query: q.SQL, Sender: q.origin.Sender, Error: err})
	}
}

// sortGroups returns the largest groups first.
func (l *leftOut) sortGroups() []onward.LeftOut {
	slices.SortStableFunc(l.list, func(a, b onward.LeftOut) int { return cmp.Compare(b.Queries, a.Queries) })
	return l.list
}
