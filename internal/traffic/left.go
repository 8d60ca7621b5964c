package traffic

import (
	"cmp"
	"slices"

	"github.com/onward-sql/onward/onward"
)

// Recorded is what became of recordings.
type Recorded struct {
	// Queries are the distinct ones of the code in them. Run are those that were part of
	// the load, Touching those of them that work on a relation of the release.
	Queries, Run, Touching int
	// Transactions are the distinct ones that were run as such; Unwrapped says that those
	// that were rolled back were not, because most were: a suite wraps its tests so.
	Transactions int
	Unwrapped    bool
	// Left are the queries that were no part of the load, by why.
	Left []onward.LeftOut
	// MadeUp are relations of the release that no recorded query works on, and that had
	// a load of queries made up.
	MadeUp []string
	// Sent is how often each query was sent once the load had begun, by its ID.
	// TouchingSent is how many of Touching were; Tried counts those too that were sent
	// when it had ended only.
	Sent                map[string]int64
	TouchingSent, Tried int
}

// Bounds of the examples of what was left out.
const (
	fewExamples  = 3
	moreExamples = 20 // of what the deployed schema refuses: the recording is of another
)

// leftOut gathers what is no part of the load.
type leftOut struct{ list []onward.LeftOut }

func (l *leftOut) add(q *recorded, why string, err *onward.ServerError) {
	at := slices.IndexFunc(l.list, func(o onward.LeftOut) bool { return o.Why == why })
	if at < 0 {
		at = len(l.list)
		l.list = append(l.list, onward.LeftOut{Why: why})
	}
	o := &l.list[at]
	o.Queries++
	o.Calls += q.Calls
	most := fewExamples
	if why == leftRefused {
		most = moreExamples
	}
	if len(o.Examples) < most {
		o.Examples = append(o.Examples, onward.LeftQuery{ID: q.ID, Query: q.SQL, Sender: q.origin.Sender, Error: err})
	}
}

// sorted has the largest first.
func (l *leftOut) sorted() []onward.LeftOut {
	slices.SortStableFunc(l.list, func(a, b onward.LeftOut) int { return cmp.Compare(b.Queries, a.Queries) })
	return l.list
}
