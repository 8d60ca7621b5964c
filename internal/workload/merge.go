package workload

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// disputed is the end of the note on queries whose recordings disagree.
const disputed = "one recording than in another: they were made on two versions of the schema; what the newest Postgres said is kept"

// MergeAll merges recordings: the shards of one test run, or several suites. Order and number
// of steps make no difference. Sums are added, times in steps of a microsecond. A query counts
// as code if one recording says so. The error names a query that has two texts under one ID.
func MergeAll(list ...*Workload) (*Workload, error) {
	out := &Workload{Schema: Schema, Sources: []string{}}
	queries, sequences := map[string]*Query{}, map[string]*Sequence{}
	notes := map[string]bool{}
	for i, w := range list {
		if i == 0 {
			out.Revision = w.Revision
		} else if out.Revision != w.Revision {
			out.Revision = ""
		}
		out.Postgres = max(out.Postgres, w.Postgres)
		out.Sources = append(out.Sources, w.Sources...)
		out.Folds = MergeFolds(out.Folds, w.Folds)
		out.Transcripts = append(out.Transcripts, w.Transcripts...)
		for _, n := range w.Notes {
			if !strings.HasSuffix(n, disputed) {
				notes[n] = true
			}
		}
		for j := range w.Queries {
			if err := mergeQuery(queries, &w.Queries[j], w.Postgres); err != nil {
				return nil, err
			}
		}
		for j := range w.Sequences {
			mergeSequence(sequences, &w.Sequences[j])
		}
	}
	slices.Sort(out.Sources)
	out.Sources = slices.Compact(out.Sources)
	slices.SortFunc(out.Transcripts, func(a, b TranscriptFile) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.SHA256, b.SHA256))
	})
	out.Transcripts = slices.Compact(out.Transcripts)
	doubts := 0
	for _, id := range slices.Sorted(maps.Keys(queries)) {
		q := queries[id]
		if q.Postgres == out.Postgres {
			q.Postgres = 0
		}
		if q.Disputed {
			doubts++
		}
		out.Queries = append(out.Queries, *q)
	}
	for _, key := range slices.Sorted(maps.Keys(sequences)) {
		out.Sequences = append(out.Sequences, *sequences[key])
	}
	switch {
	case doubts == 1:
		notes["1 query has another result, or uses other tables, in "+disputed] = true
	case doubts > 1:
		notes[fmt.Sprintf("%d queries have another result, or use other tables, in %s", doubts, disputed)] = true
	}
	out.Notes = slices.Sorted(maps.Keys(notes))
	return out, nil
}

func mergeQuery(all map[string]*Query, q *Query, postgres int) error {
	next := *q
	if next.Postgres == 0 {
		next.Postgres = postgres
	}
	next.MS = roundMicroseconds(q.MS)
	next.Senders = mergeSenders(nil, q.Senders)
	next.Errors = mergeRefusals(nil, q.Errors)
	next.Values = AddValues(nil, q.Values...)
	have := all[q.ID]
	if have == nil {
		all[q.ID] = &next
		return nil
	}
	if have.SQL != next.SQL || have.SearchPath != next.SearchPath || have.Role != next.Role {
		return fmt.Errorf("the query %s has two texts, so one of the recordings was changed by hand, or made by another version of onward: record it again", q.ID)
	}
	have.Kind = min(have.Kind, next.Kind)
	have.Mark = min(have.Mark, next.Mark) // Code is the smallest
	have.Params = mergeParams(have.Params, next.Params)
	have.takeBetterResult(&next)
	have.Named = have.Named || next.Named
	have.Folded = have.Folded || next.Folded
	have.Unread = max(have.Unread, next.Unread)
	have.Names = MergeNames(have.Names, next.Names)
	have.Calls, have.Rows, have.Parents = addCapped(have.Calls, next.Calls), addCapped(have.Rows, next.Rows), addCapped(have.Parents, next.Parents)
	have.MS = roundMicroseconds(have.MS + next.MS)
	have.MostRows = max(have.MostRows, next.MostRows)
	have.Errors = mergeRefusals(have.Errors, q.Errors)
	have.Senders = mergeSenders(have.Senders, q.Senders)
	have.Values = AddValues(have.Values, q.Values...)
	return nil
}

// takeBetterResult takes the result and the uses of a query from the recording that knows more. A server
// is preferred to a text, and a newer server to an older one.
func (q *Query) takeBetterResult(o *Query) {
	current, other := q.gradeResult(), o.gradeResult()
	order := cmp.Or(cmp.Compare(current.grade, other.grade), cmp.Compare(q.Postgres, o.Postgres), cmp.Compare(current.text, other.text))
	doubt := q.Disputed
	switch {
	case current.grade == other.grade:
		doubt = q.Disputed || o.Disputed || current.text != other.text
	case current.grade < other.grade:
		doubt = o.Disputed
	}
	if order < 0 {
		q.Columns, q.Uses, q.Functions, q.Types, q.Resolved, q.Postgres = o.Columns, o.Uses, o.Functions, o.Types, o.Resolved, o.Postgres
	}
	q.Disputed = doubt
}

// knownResult summarizes what a recording knows of a query's result and uses. A higher grade is surer.
type knownResult struct {
	grade int
	text  string
}

// The grades of a result: nothing is known, only parts, what the text says, and what a server said.
const (
	unknownResult = iota
	partlyKnown
	readFromText
	askedServer
)

// gradeResult says how sure the recording is of the query's result.
func (q *Query) gradeResult() knownResult {
	if len(q.Columns)+len(q.Uses)+len(q.Functions)+len(q.Types) == 0 && q.Resolved == "" {
		return knownResult{grade: unknownResult}
	}
	text, err := json.Marshal([]any{q.Columns, q.Uses, q.Functions, q.Types})
	if err != nil {
		text = nil // cannot fail: it holds only texts and numbers
	}
	k := knownResult{partlyKnown, string(text)}
	switch q.Resolved {
	case "server":
		k.grade = askedServer
	case "text":
		k.grade = readFromText
	}
	return k
}

// mergeParams returns for each parameter the more precise type.
func mergeParams(a, b []string) []string {
	out := slices.Clone(a)
	for i, p := range b {
		switch {
		case i >= len(out):
			out = append(out, p)
		case typeCertainty(p) != typeCertainty(out[i]):
			if typeCertainty(p) > typeCertainty(out[i]) {
				out[i] = p
			}
		default:
			out[i] = max(out[i], p)
		}
	}
	return out
}

func typeCertainty(typ string) int {
	switch typ {
	case "":
		return 0
	case "unknown":
		return 1
	}
	return 2
}

func mergeSequence(all map[string]*Sequence, s *Sequence) {
	var b strings.Builder
	for _, step := range s.Steps {
		b.WriteString(step.Query)
		b.WriteByte(' ')
	}
	key := b.String() + s.Transaction
	have := all[key]
	if have == nil {
		next := *s
		next.Steps = slices.Clone(s.Steps)
		next.MS, next.IdleMS, next.MostIdleMS = roundMicroseconds(s.MS), roundMicroseconds(s.IdleMS), roundMicroseconds(s.MostIdleMS)
		next.Senders = mergeSenders(nil, s.Senders)
		all[key] = &next
		return
	}
	for i := range have.Steps {
		step := &have.Steps[i]
		step.Times = max(step.Times, s.Steps[i].Times)
		step.MergeTrips(&s.Steps[i])
	}
	have.Count = addCapped(have.Count, s.Count)
	have.MS, have.IdleMS = roundMicroseconds(have.MS+roundMicroseconds(s.MS)), roundMicroseconds(have.IdleMS+roundMicroseconds(s.IdleMS))
	have.MostIdleMS = max(have.MostIdleMS, roundMicroseconds(s.MostIdleMS))
	have.Senders = mergeSenders(have.Senders, s.Senders)
}

// mergeSenders merges two lists, sorted. It changes neither.
func mergeSenders(a, b []Sender) []Sender {
	calls := map[Sender]int64{}
	for _, s := range slices.Concat(a, b) {
		n := s.Calls
		s.Calls = 0
		calls[s] = addCapped(calls[s], n)
	}
	var out []Sender
	for s, n := range calls {
		s.Calls = n
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Sender) int {
		return cmp.Or(cmp.Compare(a.Consumer, b.Consumer), cmp.Compare(a.Database, b.Database), cmp.Compare(a.Application, b.Application),
			cmp.Compare(a.Place, b.Place), cmp.Compare(a.Test, b.Test))
	})
	return out
}

func mergeRefusals(a, b map[string]int64) map[string]int64 {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := maps.Clone(b)
	if out == nil {
		out = map[string]int64{}
	}
	for state, n := range a {
		out[state] = addCapped(out[state], n)
	}
	return out
}

// addCapped adds two numbers. It returns the largest number on overflow.
func addCapped(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// roundMicroseconds rounds a time to microseconds, so that sums do not depend on their order.
func roundMicroseconds(ms float64) float64 { return math.Round(ms*1000) / 1000 }

// NameConsumer says which program sends the queries. Senders that have a consumer keep it.
func (w *Workload) NameConsumer(name string) {
	for i := range w.Queries {
		q := &w.Queries[i]
		if len(q.Senders) == 0 {
			q.Senders = []Sender{{Consumer: name, Calls: q.Calls}}
			continue
		}
		q.Senders = withConsumer(q.Senders, name)
	}
	for i := range w.Sequences {
		if s := &w.Sequences[i]; len(s.Senders) > 0 {
			s.Senders = withConsumer(s.Senders, name)
		}
	}
}

// withConsumer returns the list with a consumer for each sender. It does not change the list.
func withConsumer(list []Sender, name string) []Sender {
	list = slices.Clone(list)
	for i := range list {
		list[i].Consumer = cmp.Or(list[i].Consumer, name)
	}
	return mergeSenders(list, nil)
}

// Consumers returns the calls of a query by consumer, without senders that have none.
func (q *Query) Consumers() map[string]int64 {
	var out map[string]int64
	for _, s := range q.Senders {
		if s.Consumer == "" {
			continue
		}
		if out == nil {
			out = map[string]int64{}
		}
		out[s.Consumer] = addCapped(out[s.Consumer], s.Calls)
	}
	return out
}

// Consumers returns the names of a recording's consumers, sorted.
func (w *Workload) Consumers() []string {
	found := map[string]bool{}
	for i := range w.Queries {
		for name := range w.Queries[i].Consumers() {
			found[name] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}
